-- Timed laps.
-- Grain: event_partition_key, session, driver_id, lap_number. Of repeated laps the one with a time is kept.
-- Inputs: bronze_laps, sessions.
-- Cut-off: available_utc of the session: laps become available with the session's result.
SELECT
    s.event_partition_key,
    s.event_year,
    s.event_number,
    s.event_name,
    s.session,
    l.driver_id,
    l.lap_number,
    l.driver_number,
    l.team_id,
    l.lap_time_seconds,
    l.sector1_seconds,
    l.sector2_seconds,
    l.sector3_seconds,
    l.speed_i1_kmh,
    l.speed_i2_kmh,
    l.speed_fl_kmh,
    l.speed_st_kmh,
    l.compound,
    l.tyre_life,
    l.fresh_tyre,
    l.stint,
    l.position,
    l.track_status,
    l.is_accurate,
    l.is_deleted,
    coalesce(l.is_pit_in, false) AS is_pit_in,
    coalesce(l.is_pit_out, false) AS is_pit_out,
    l.session_time_seconds,
    s.available_utc,
    l.source
FROM bronze_laps l
JOIN sessions s USING (event_partition_key, session)
QUALIFY row_number() OVER (
    PARTITION BY s.event_partition_key, s.session, l.driver_id, l.lap_number
    ORDER BY l.lap_time_seconds NULLS LAST, l.session_time_seconds NULLS LAST
) = 1
ORDER BY s.event_year, s.event_number, s.session_start_utc, l.driver_id, l.lap_number
