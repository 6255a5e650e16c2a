-- Entry list of each season's first race.
-- Grain: event_year, driver_id.
-- Inputs: bronze_entries, sessions, team_lineages.
-- Cut-off: a week before the season's first session, when the teams have named their drivers. Since 2010 one change
--          came later: at Bahrain 2022 Huelkenberg stood in for Vettel, which was made known on the Thursday.
SELECT
    e.event_year,
    e.driver_id,
    e.abbreviation,
    e.full_name,
    e.team_id,
    e.team_name,
    coalesce(l.team_lineage, e.team_id) AS team_lineage,
    s.first_utc - INTERVAL 7 DAY AS available_utc,
    e.source
FROM bronze_entries e
JOIN (SELECT event_year, min(session_start_utc) AS first_utc FROM sessions GROUP BY ALL) s
    ON s.event_year = e.event_year
LEFT JOIN team_lineages l ON l.team_id = e.team_id
ORDER BY e.event_year, e.driver_id
