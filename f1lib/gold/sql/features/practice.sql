-- Practice: the best lap of each practice session against that session's best.
-- Grain: entry_id.
-- Inputs: target, field, results (P1 P2 P3, and for the race SQ SS).
-- Cut-off: available_utc <= cutoff_utc.
-- A sprint weekend has one practice session; its sprint qualifying also shows single-lap pace, and counts as practice.
-- A driver eliminated after a segment is compared within that segment, since the track becomes faster. The second
-- practice of the first sprint weekends (2021, 2022) came after qualifying, in race trim, and is left out.
WITH lap AS (
    SELECT
        t.target_id, p.available_utc AS ended_utc, p.driver_id, p.laps,
        100 * (coalesce(
            p.q3_seconds / min(p.q3_seconds) OVER whole,
            p.q2_seconds / min(p.q2_seconds) OVER whole,
            p.q1_seconds / min(p.q1_seconds) OVER whole,
            p.best_lap_seconds / min(p.best_lap_seconds) OVER whole
        ) - 1) AS gap_pct
    FROM target t
    JOIN results p
        ON p.event_partition_key = t.event_partition_key AND p.session IN ('P1', 'P2', 'P3', 'SQ', 'SS')
        AND p.session <> t.gridding_session AND p.available_utc <= t.cutoff_utc
        AND NOT (p.session = 'P2' AND t.event_format = 'sprint')
    WINDOW whole AS (PARTITION BY t.target_id, p.session)
),
weekend AS (
    SELECT
        f.entry_id, f.target_id, f.driver_id, f.team_lineage,
        min(l.gap_pct) AS best_gap, avg(l.gap_pct ORDER BY l.ended_utc) AS mean_gap,
        arg_max(l.gap_pct, l.ended_utc) AS last_gap, sum(l.laps) AS laps
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
