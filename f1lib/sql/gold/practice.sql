-- Practice: the best lap of each practice session against that session's best.
-- Grain: entry_id.
-- Inputs: target, field, results (P1 P2 P3).
-- Cut-off: available_utc <= cutoff_utc.
WITH lap AS (
    SELECT
        t.target_id, p.session AS practice, p.driver_id, p.laps,
        100 * (p.best_lap_seconds / min(p.best_lap_seconds) OVER (PARTITION BY t.target_id, p.session) - 1) AS gap_pct
    FROM target t
    JOIN results p
        ON p.event_partition_key = t.event_partition_key AND p.session IN ('P1', 'P2', 'P3')
        AND p.available_utc <= t.cutoff_utc
),
weekend AS (
    SELECT
        f.entry_id, f.target_id, f.driver_id, f.team_lineage,
        min(l.gap_pct) AS best_gap, avg(l.gap_pct ORDER BY l.practice) AS mean_gap,
        arg_max(l.gap_pct, l.practice) AS last_gap, sum(l.laps) AS laps
    FROM field f
    JOIN lap l ON l.target_id = f.target_id AND l.driver_id = f.driver_id
    GROUP BY ALL
),
ranked AS (
    SELECT *, rank() OVER (PARTITION BY target_id ORDER BY best_gap NULLS LAST) AS place FROM weekend
),
mate AS (
    SELECT w.entry_id, min(m.best_gap) AS best_gap
    FROM weekend w
    JOIN weekend m ON m.target_id = w.target_id AND m.team_lineage = w.team_lineage AND m.driver_id <> w.driver_id
    GROUP BY ALL
)
SELECT
    w.entry_id,
    w.best_gap AS practice_best_gap_pct,
    w.mean_gap AS practice_mean_gap_pct,
    w.last_gap AS practice_last_gap_pct,
    CASE WHEN w.best_gap IS NOT NULL THEN w.place END AS practice_rank,
    w.laps AS practice_laps,
    w.best_gap - m.best_gap AS practice_teammate_gap_pct
FROM ranked w
LEFT JOIN mate m ON m.entry_id = w.entry_id
