-- Weather forecasts of each session, one row per forecast issued.
-- Grain: event_partition_key, session, issued_utc, provenance.
-- Inputs: bronze_hours (Open-Meteo's hourly values, flattened), sessions.
-- Cut-off: available_utc = issued_utc; forecasts issued after the session's start are left out.
-- Rules:
--   Only sessions that the document covers whole. State values (temperature, humidity, wind) are those at the
--   start of the session's hours; precipitation and its probability are of the hour before (Open-Meteo),
--   and unknown when they are for one of the hours.
--   condition: wet from 1 mm over the session or a probability of 70 %, dry below 0.1 mm and 30 %, mixed
--   between; null when neither is forecast.
WITH placed AS (
    SELECT
        h.*,
        s.event_year,
        s.event_number,
        s.event_name,
        s.session,
        s.session_start_utc,
        date_diff('hour', date_trunc('hour', s.session_start_utc), s.session_end_utc - INTERVAL 1 SECOND) + 1 AS hours_held,
        h.hour_utc >= date_trunc('hour', s.session_start_utc) AND h.hour_utc < s.session_end_utc AS is_state,
        h.hour_utc > s.session_start_utc AND h.hour_utc < s.session_end_utc + INTERVAL 1 HOUR AS is_sum
    FROM bronze_hours h
    JOIN sessions s USING (event_partition_key)
    WHERE h.kind <> 'archive' AND h.issued_utc <= s.session_start_utc
),
summed AS (
    SELECT
        event_partition_key,
        event_year,
        event_number,
        event_name,
        session,
        session_start_utc,
        issued_utc,
        provenance,
        source,
        avg(temperature_c) FILTER (WHERE is_state) AS air_temp_c,
        avg(humidity_pct) FILTER (WHERE is_state) AS humidity_pct,
        CASE WHEN count(precipitation_mm) FILTER (WHERE is_sum) >= max(hours_held)
            AND count(precipitation_mm) FILTER (WHERE is_sum) = count(*) FILTER (WHERE is_sum)
            THEN sum(precipitation_mm) FILTER (WHERE is_sum)
        END AS precipitation_mm,
        CASE WHEN count(precipitation_probability_pct) FILTER (WHERE is_sum) >= max(hours_held)
            AND count(precipitation_probability_pct) FILTER (WHERE is_sum) = count(*) FILTER (WHERE is_sum)
            THEN max(precipitation_probability_pct) FILTER (WHERE is_sum)
        END AS precipitation_probability_pct,
        avg(wind_speed_kmh) FILTER (WHERE is_state) AS wind_speed_kmh,
        avg(sin(radians(wind_direction_deg))) FILTER (WHERE is_state) AS wind_east,
        avg(cos(radians(wind_direction_deg))) FILTER (WHERE is_state) AS wind_north
    FROM placed
    GROUP BY ALL
    HAVING count(*) FILTER (WHERE is_state) >= max(hours_held)
)
SELECT
    event_partition_key,
    event_year,
    event_number,
    event_name,
    session,
    issued_utc,
    provenance,
    date_diff('second', issued_utc, session_start_utc) / 3600.0 AS lead_hours,
    air_temp_c,
    humidity_pct,
    precipitation_mm,
    precipitation_probability_pct,
    wind_speed_kmh,
    (degrees(atan2(wind_east, wind_north)) + 360) % 360 AS wind_direction_deg,
    CASE
        WHEN precipitation_mm >= 1 OR precipitation_probability_pct >= 70 THEN 'wet'
        WHEN precipitation_mm >= 0.1 OR precipitation_probability_pct >= 30 THEN 'mixed'
        WHEN precipitation_mm IS NOT NULL OR precipitation_probability_pct IS NOT NULL THEN 'dry'
    END AS condition,
    issued_utc AS available_utc,
    source
FROM summed
ORDER BY event_year, event_number, session_start_utc, issued_utc, provenance
