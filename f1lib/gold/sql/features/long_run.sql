-- Practice laps of this weekend: long runs, tyre degradation, sectors and top speed, where laps are known.
-- Grain: entry_id.
-- Inputs: target, field, laps (P1 P2 P3), results (S).
-- Cut-off: available_utc <= cutoff_utc; laps are compared within their session only.
-- A long run is a stint of at least six timed laps that neither begin nor end in the pits and are within 7 % of the
-- stint's best. Its pace is the median lap, compared with the median long run of the session, and with that of
-- those on the same compound. Degradation is the slope of lap time over tyre age, in percent of the lap.
-- The shrunk gaps are what models read: against the field's median on the same compound, at most 2.5 % either way, and
-- six laps at that median are added, for a short run says little (chosen on 2021-2022, docs/models.md). Once the sprint
-- has been run there are none: a race over a third of the distance has said it.
WITH lap AS (
    SELECT
        event_partition_key, session, available_utc, driver_id, stint, compound, tyre_life, lap_number,
        lap_time_seconds AS seconds, sector1_seconds, sector2_seconds, sector3_seconds, speed_st_kmh,
        NOT is_pit_in AND NOT is_pit_out AND lap_time_seconds <= 1.07 * min(lap_time_seconds) OVER (
            PARTITION BY event_partition_key, session, available_utc, driver_id, stint
        ) AS is_steady
    FROM laps
    WHERE session IN ('P1', 'P2', 'P3') AND lap_time_seconds > 0
),
run AS (
    SELECT
        event_partition_key, session, available_utc, driver_id, stint, arg_min(compound, lap_number) AS compound,
        count(*) AS laps, median(seconds) AS seconds,
        100 * regr_slope(seconds, coalesce(tyre_life, lap_number)) / median(seconds) AS degradation
    FROM lap
    WHERE is_steady AND stint IS NOT NULL
    GROUP BY ALL
    HAVING count(*) >= 6
),
compared AS (
    SELECT
        *,
        100 * (seconds / median(seconds) OVER same_session - 1) AS gap_pct,
        100 * (seconds / median(seconds) OVER same_tyre - 1) AS same_tyre_gap_pct,
        degradation - median(degradation) OVER same_session AS degradation_over_median
    FROM run
    WINDOW
        same_session AS (PARTITION BY event_partition_key, session, available_utc),
        same_tyre AS (PARTITION BY event_partition_key, session, available_utc, compound)
),
long_run AS (
    SELECT
        t.target_id, c.driver_id, sum(c.laps) AS laps,
        weighted_avg(c.gap_pct, c.laps) AS gap_pct, weighted_avg(c.same_tyre_gap_pct, c.laps) AS same_tyre_gap_pct,
        weighted_avg(c.degradation_over_median, c.laps) AS degradation
    FROM target t
    JOIN compared c ON c.event_partition_key = t.event_partition_key AND c.available_utc <= t.cutoff_utc
    GROUP BY ALL
),
shown AS (
    SELECT
        f.entry_id, f.target_id, f.team_lineage, l.laps,
        greatest(-2.5, least(2.5, l.same_tyre_gap_pct - median(l.same_tyre_gap_pct) OVER (PARTITION BY f.target_id)))
            * l.laps AS gap_laps
    FROM field f
    JOIN long_run l ON l.target_id = f.target_id AND l.driver_id = f.driver_id
    WHERE f.target_id NOT IN (
        SELECT t.target_id
        FROM target t
        JOIN results s ON s.event_partition_key = t.event_partition_key AND s.session = 'S'
            AND s.available_utc <= t.cutoff_utc
    )
),
team AS (
    SELECT target_id, team_lineage, sum(gap_laps ORDER BY entry_id) / (sum(laps) + 6) AS gap_pct
    FROM shown
    GROUP BY ALL
),
best AS (
    SELECT
        event_partition_key, session, available_utc, driver_id,
        min(sector1_seconds) AS s1, min(sector2_seconds) AS s2, min(sector3_seconds) AS s3, max(speed_st_kmh) AS speed
    FROM lap
    GROUP BY ALL
),
best_compared AS (
    SELECT
        event_partition_key, available_utc, driver_id,
        100 * (s1 / min(s1) OVER same_session - 1) AS s1_gap, 100 * (s2 / min(s2) OVER same_session - 1) AS s2_gap,
        100 * (s3 / min(s3) OVER same_session - 1) AS s3_gap, speed - median(speed) OVER same_session AS speed_over
    FROM best
    WINDOW same_session AS (PARTITION BY event_partition_key, session, available_utc)
),
strength AS (
    SELECT
        t.target_id, b.driver_id, min(b.s1_gap) AS s1_gap, min(b.s2_gap) AS s2_gap, min(b.s3_gap) AS s3_gap,
        max(b.speed_over) AS speed_over
    FROM target t
    JOIN best_compared b ON b.event_partition_key = t.event_partition_key AND b.available_utc <= t.cutoff_utc
    GROUP BY ALL
)
SELECT
    f.entry_id,
    l.gap_pct AS practice_long_run_gap_pct,
    l.same_tyre_gap_pct AS practice_long_run_same_tyre_gap_pct,
    l.degradation AS practice_degradation_pct_per_lap,
    l.laps AS practice_long_run_laps,
    s.s1_gap AS practice_sector1_gap_pct,
    s.s2_gap AS practice_sector2_gap_pct,
    s.s3_gap AS practice_sector3_gap_pct,
    s.speed_over AS practice_top_speed_over_median_kmh,
    o.gap_laps / (o.laps + 6) AS practice_long_run_shrunk_gap_pct,
    b.gap_pct AS team_practice_long_run_shrunk_gap_pct
FROM field f
LEFT JOIN long_run l ON l.target_id = f.target_id AND l.driver_id = f.driver_id
LEFT JOIN strength s ON s.target_id = f.target_id AND s.driver_id = f.driver_id
LEFT JOIN shown o ON o.entry_id = f.entry_id
LEFT JOIN team b ON b.target_id = f.target_id AND b.team_lineage = f.team_lineage
