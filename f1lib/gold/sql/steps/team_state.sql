-- Team state: the newest race of each predicted team that is visible, for every state of history predicted from.
-- Grain: history_utc, event_year, team_lineage (teams with an earlier race only).
-- Inputs: field, race_history.
-- Cut-off: available_utc <= history_utc, the newest race visible at cutoff_utc.
SELECT f.history_utc, f.event_year, f.team_lineage, max(h.team_race) AS last_race
FROM (SELECT DISTINCT history_utc, event_year, team_lineage FROM field) f
JOIN race_history h ON h.team_lineage = f.team_lineage AND h.available_utc <= f.history_utc
GROUP BY ALL
