-- Stops in races and sprints, those under a red flag included.
-- Grain: event_partition_key, session, driver_id, stop.
-- Inputs: bronze_pit_stops, sessions.
-- Cut-off: available_utc of the session.
SELECT
    s.event_partition_key,
    s.event_year,
    s.event_number,
    s.event_name,
    s.session,
    p.driver_id,
    p.stop,
    p.lap,
    p.duration_seconds,
    s.available_utc,
    p.source
FROM bronze_pit_stops p
JOIN sessions s USING (event_partition_key, session)
QUALIFY row_number() OVER (
    PARTITION BY s.event_partition_key, s.session, p.driver_id, p.stop ORDER BY p.lap NULLS LAST, p.duration_seconds
) = 1
ORDER BY s.event_year, s.event_number, s.session_start_utc, p.driver_id, p.stop
