-- Sprint: its qualifying and its result, where the weekend has one and it is over by the cut-off.
-- Grain: entry_id.
-- Inputs: target, field, results (S, SQ, SS).
-- Cut-off: available_utc <= cutoff_utc; the session predicted is never read.
WITH qualifying AS (
    SELECT
        t.target_id, q.driver_id, q.finishing_position AS place,
        100 * (q.best_lap_seconds / min(q.best_lap_seconds) OVER (PARTITION BY t.target_id) - 1) AS gap_pct
    FROM target t
    JOIN results q
        ON q.event_partition_key = t.event_partition_key AND q.session IN ('SQ', 'SS')
        AND q.available_utc <= t.cutoff_utc
),
sprint AS (
    SELECT
        t.target_id, s.driver_id, s.finishing_position AS place, s.points, s.grid_position - s.finishing_position AS gained
    FROM target t
    JOIN results s
        ON s.event_partition_key = t.event_partition_key AND s.session = 'S' AND t.session <> 'S' AND s.is_entrant
        AND s.available_utc <= t.cutoff_utc
)
SELECT
    f.entry_id,
    q.place AS sprint_qualifying_position,
    q.gap_pct AS sprint_qualifying_gap_pct,
    s.place AS sprint_position,
    s.points AS sprint_points,
    s.gained AS sprint_positions_gained
FROM field f
LEFT JOIN qualifying q ON q.target_id = f.target_id AND q.driver_id = f.driver_id
LEFT JOIN sprint s ON s.target_id = f.target_id AND s.driver_id = f.driver_id
