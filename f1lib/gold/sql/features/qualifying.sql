-- Qualifying: place, gaps in percent, segment reached, against the teammate.
-- Grain: entry_id.
-- Inputs: target, field, results (the session that sets the grid: Q, or SQ/SS/Q for a sprint).
-- Cut-off: available_utc <= cutoff_utc.
WITH lap AS (
    SELECT
        t.target_id, q.driver_id, q.team_lineage, q.finishing_position AS place,
        q.best_lap_seconds AS best, q.q1_seconds AS q1, q.q2_seconds AS q2, q.q3_seconds AS q3,
        CASE
            WHEN q.q3_seconds IS NOT NULL THEN 3
            WHEN q.q2_seconds IS NOT NULL THEN 2
            WHEN q.q1_seconds IS NOT NULL THEN 1
        END AS segment
    FROM target t
    JOIN results q
        ON q.event_partition_key = t.event_partition_key AND q.session = t.gridding_session
        AND q.available_utc <= t.cutoff_utc
),
reference AS (
    SELECT
        target_id, min(best) AS best, median(best) AS middle, min(q1) AS q1, min(q2) AS q2, min(q3) AS q3
    FROM lap
    GROUP BY ALL
),
mate AS (
    SELECT
        a.target_id, a.driver_id,
        min(CASE least(a.segment, b.segment)
            WHEN 3 THEN a.q3 / b.q3 WHEN 2 THEN a.q2 / b.q2 WHEN 1 THEN a.q1 / b.q1 ELSE a.best / b.best
        END) AS ratio,
        min(b.place) AS place
    FROM lap a
    JOIN lap b ON b.target_id = a.target_id AND b.team_lineage = a.team_lineage AND b.driver_id <> a.driver_id
    GROUP BY ALL
)
SELECT
    f.entry_id,
    q.place AS qualifying_position,
    100 * (q.best / r.best - 1) AS qualifying_gap_to_pole_pct,
    100 * (q.best / r.middle - 1) AS qualifying_gap_to_median_pct,
    100 * (CASE q.segment WHEN 3 THEN q.q3 / r.q3 WHEN 2 THEN q.q2 / r.q2 WHEN 1 THEN q.q1 / r.q1 END - 1)
        AS qualifying_segment_gap_pct,
    100 * (q.q1 / r.q1 - 1) AS qualifying_q1_gap_pct,
    q.segment AS qualifying_segment_reached,
    100 * (m.ratio - 1) AS qualifying_teammate_gap_pct,
    m.place - q.place AS qualifying_places_ahead_of_teammate
FROM field f
JOIN lap q ON q.target_id = f.target_id AND q.driver_id = f.driver_id
JOIN reference r ON r.target_id = f.target_id
LEFT JOIN mate m ON m.target_id = f.target_id AND m.driver_id = f.driver_id
