-- The sessions of each weekend with the moments from which their data may be used.
-- Grain: event_partition_key, session.
-- Inputs: bronze_sessions.
-- Cut-off: none; available_utc and grid_available_utc are what later tables cut by.
SELECT *
FROM bronze_sessions
ORDER BY event_year, event_number, session_start_utc, session
