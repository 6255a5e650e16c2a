-- Race weekends as the calendar has them, cancelled and future ones included.
-- Grain: event_partition_key.
-- Inputs: bronze_events.
-- Cut-off: none; a calendar is public before its season, and nothing here is a result.
SELECT *
FROM bronze_events
ORDER BY event_year, event_number, event_partition_key
