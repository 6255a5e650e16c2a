-- Experience: races started, with this team, and since the regulations changed.
-- Grain: entry_id.
-- Inputs: target, field, race_history.
-- Cut-off: available_utc <= history_utc, the newest race visible at cutoff_utc. Known history begins in 2010.
WITH state AS (
    SELECT DISTINCT history_utc, driver_id FROM field
),
started AS (
    SELECT
        s.history_utc, h.driver_id, h.team_lineage, h.major_era_year, count(*) AS races,
        count(*) FILTER (WHERE h.is_classified AND h.finish = 1) AS wins,
        count(*) FILTER (WHERE h.is_classified AND h.finish <= 3) AS podiums
    FROM state s
    JOIN race_history h ON h.driver_id = s.driver_id AND h.available_utc <= s.history_utc
    GROUP BY ALL
)
SELECT
    f.entry_id,
    coalesce(sum(s.races), 0) AS races_started,
    coalesce(sum(s.races) FILTER (WHERE s.team_lineage = f.team_lineage), 0) AS races_with_team,
    coalesce(sum(s.races) FILTER (WHERE s.major_era_year = f.major_era_year), 0) AS races_started_in_era,
    sum(s.wins) / nullif(sum(s.races), 0) AS career_win_rate,
    sum(s.podiums) / nullif(sum(s.races), 0) AS career_podium_rate,
    t.races_in_era AS races_since_regulation_change,
    t.races_in_major_era AS races_since_major_regulation_change
FROM field f
JOIN target t ON t.target_id = f.target_id
LEFT JOIN started s ON s.history_utc = f.history_utc AND s.driver_id = f.driver_id
GROUP BY f.entry_id, t.races_in_era, t.races_in_major_era
