-- Rating history: qualifying gap and result of each entrant of each past race and sprint, the input of the ratings.
-- Grain: event_partition_key, session (R, S), driver_id.
-- Inputs: race_history, results, regulation_eras.
-- Cut-off: as in race_history, a row and all that is in it was visible at its available_utc.
-- A sprint counts as a race, and its own qualifying (SQ, SS) as one more qualifying; where the grid of the sprint
-- came from Q (2021, 2022), that is in the race's row.
WITH qualifying AS (
    SELECT
        event_partition_key, driver_id, available_utc,
        100 * (best_lap_seconds / min(best_lap_seconds) OVER (
            PARTITION BY event_partition_key ORDER BY available_utc
        ) - 1) AS gap_pct
    FROM results
    WHERE session IN ('SQ', 'SS') AND best_lap_seconds > 0
)
SELECT
    event_partition_key, 'R' AS session, available_utc, event_year, event_number, major_era_year, driver_id,
    team_lineage, finish, is_classified, quali_gap_pct
FROM race_history
UNION ALL
SELECT
    s.event_partition_key, s.session, s.available_utc, s.event_year, s.event_number,
    (SELECT max(g.first_season) FROM regulation_eras g WHERE g.is_major AND g.first_season <= s.event_year),
    s.driver_id, s.team_lineage, s.finishing_position::DOUBLE, s.is_classified, q.gap_pct
FROM results s
LEFT JOIN qualifying q
    ON q.event_partition_key = s.event_partition_key AND q.driver_id = s.driver_id
    AND q.available_utc <= s.available_utc
WHERE s.session = 'S' AND s.is_entrant AND s.finishing_position IS NOT NULL
ORDER BY available_utc, event_year, event_number, driver_id
