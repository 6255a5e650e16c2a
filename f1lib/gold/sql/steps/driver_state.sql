-- Driver state: the newest race of each predicted driver that is visible, for every state of history predicted from.
-- Grain: history_utc, event_year, driver_id (drivers with an earlier race only).
-- Inputs: field, race_history.
-- Cut-off: available_utc <= history_utc, the newest race visible at cutoff_utc.
SELECT f.history_utc, f.event_year, f.major_era_year, f.driver_id, max(h.driver_race) AS last_race
FROM (SELECT DISTINCT history_utc, event_year, major_era_year, driver_id FROM field) f
JOIN race_history h ON h.driver_id = f.driver_id AND h.available_utc <= f.history_utc
GROUP BY ALL
