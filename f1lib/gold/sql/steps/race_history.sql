-- Race history: one row per past race and entrant; all form features are computed from it.
-- Grain: event_partition_key, driver_id (entrants of session R).
-- Inputs: results, events, starting_grid, weather_observed, regulation_eras.
-- Cut-off: a row carries the race result's available_utc, and every value in it comes from rows with an
--          available_utc no later than that (windows run up to the current row's peers; joins use <=). So filtering
--          this table by available_utc <= cutoff_utc leaves nothing from after the cut-off in what remains.
-- driver_race and team_race count the driver's and the team's races up to this one: "the last ten" is a difference.
WITH race AS (
    SELECT
        r.event_partition_key, r.event_year, r.event_number, r.driver_id, r.team_lineage, r.available_utc,
        r.finishing_position AS finish, r.is_classified, coalesce(r.points, 0) AS points, r.pit_stop_count,
        coalesce(g.grid_position, r.grid_position) AS grid, r.best_lap_seconds,
        count(*) OVER seen AS n,
        min(r.best_lap_seconds) OVER seen AS best_of_race
    FROM results r
    LEFT JOIN starting_grid g
        ON g.event_partition_key = r.event_partition_key AND g.session = 'R' AND g.driver_id = r.driver_id
        AND g.available_utc <= r.available_utc
    WHERE r.session = 'R' AND r.is_entrant AND r.finishing_position IS NOT NULL
    WINDOW seen AS (PARTITION BY r.event_partition_key ORDER BY r.available_utc)
),
qualifying AS (
    SELECT
        event_partition_key, driver_id, available_utc, finishing_position AS quali, best_lap_seconds,
        min(best_lap_seconds) OVER (PARTITION BY event_partition_key ORDER BY available_utc) AS pole_seconds
    FROM results
    WHERE session = 'Q'
),
rain AS (
    SELECT
        event_partition_key, min(available_utc) AS available_utc,
        arg_min(condition IN ('wet', 'mixed'), (available_utc, provenance)) AS is_wet
    FROM weather_observed
    WHERE session = 'R' AND condition IS NOT NULL
    GROUP BY ALL
)
SELECT
    r.event_partition_key, r.event_year, r.event_number, e.circuit_id, r.driver_id, r.team_lineage,
    r.available_utc, r.n,
    row_number() OVER (
        PARTITION BY r.driver_id ORDER BY r.available_utc, r.event_year, r.event_number
    ) AS driver_race,
    dense_rank() OVER (
        PARTITION BY r.team_lineage ORDER BY r.available_utc, r.event_year, r.event_number
    ) AS team_race,
    r.finish::DOUBLE AS finish,
    (r.finish - 1) / greatest(r.n - 1, 1) AS finish_norm,
    r.is_classified,
    (NOT r.is_classified)::INT AS dnf,
    CASE WHEN r.is_classified THEN (r.finish - 1) / greatest(r.n - 1, 1) END AS classified_norm,
    r.points, r.pit_stop_count,
    r.grid::DOUBLE AS grid,
    (least(r.grid, r.n) - 1) / greatest(r.n - 1, 1) AS grid_norm,
    (r.grid - r.finish)::DOUBLE AS gained,
    CASE WHEN r.is_classified THEN (r.grid - r.finish)::DOUBLE END AS gained_classified,
    CASE WHEN r.best_lap_seconds > 0 THEN 100 * (r.best_lap_seconds / r.best_of_race - 1) END AS lap_gap_pct,
    q.quali::DOUBLE AS quali,
    CASE WHEN q.best_lap_seconds > 0 THEN 100 * (q.best_lap_seconds / q.pole_seconds - 1) END AS quali_gap_pct,
    w.is_wet,
    (SELECT max(g.first_season) FROM regulation_eras g WHERE g.is_major AND g.first_season <= r.event_year)
        AS major_era_year
FROM race r
JOIN events e ON e.event_partition_key = r.event_partition_key
LEFT JOIN qualifying q
    ON q.event_partition_key = r.event_partition_key AND q.driver_id = r.driver_id
    AND q.available_utc <= r.available_utc
LEFT JOIN rain w ON w.event_partition_key = r.event_partition_key AND w.available_utc <= r.available_utc
ORDER BY r.available_utc, r.event_year, r.event_number, r.driver_id
