-- Observed weather of each session.
-- Grain: event_partition_key, session, provenance (track, archive or simulated).
-- Inputs: bronze_weather (samples a minute), bronze_hours (Open-Meteo archive, hourly), laps, sessions.
-- Cut-off: available_utc of the session; of an archive the moment it was fetched when that is later.
-- Rules:
--   Samples count from two minutes before the first car ends its first lap to the end of the last lap; all of
--   them where no laps are known. The rain sensor misses damp tracks and sees drizzle that needs no wet tyres, so
--   wetness = the share of laps on intermediates and wets, the share of rain samples where tyres are not known;
--   wet from 0.5, dry below 0.02, mixed between; unknown when neither is known.
--   Archive: wetness from the hourly sums, wet from 1 mm over the session, dry below 0.1 mm.
--   An hour's values are taken at its start, but precipitation is the sum of the hour before (Open-Meteo); the
--   session's is unknown when one hour's is.
WITH driven AS (
    SELECT
        event_partition_key,
        session,
        min(session_time_seconds) - 120 AS from_seconds,
        max(session_time_seconds) AS to_seconds,
        avg((compound IN ('INTERMEDIATE', 'WET'))::INTEGER) FILTER (WHERE compound NOT IN ('UNKNOWN', '')) AS wet_tyre_share
    FROM laps
    GROUP BY ALL
),
track AS (
    SELECT
        w.event_partition_key,
        w.session,
        CASE WHEN w.source = 'simulated' THEN 'simulated' ELSE 'track' END AS provenance,
        avg(w.air_temp_c) AS air_temp_c,
        avg(w.track_temp_c) AS track_temp_c,
        avg(w.humidity_pct) AS humidity_pct,
        avg(w.pressure_mbar) AS pressure_mbar,
        avg(w.wind_speed_kmh) AS wind_speed_kmh,
        avg(sin(radians(w.wind_direction_deg))) AS wind_east,
        avg(cos(radians(w.wind_direction_deg))) AS wind_north,
        CAST(NULL AS DOUBLE) AS precipitation_mm,
        avg(CAST(w.rainfall AS INTEGER)) AS rain_share,
        coalesce(any_value(d.wet_tyre_share), avg(CAST(w.rainfall AS INTEGER))) AS wetness,
        CAST(NULL AS TIMESTAMPTZ) AS fetched_utc,
        w.source
    FROM bronze_weather w
    LEFT JOIN driven d USING (event_partition_key, session)
    WHERE d.from_seconds IS NULL OR w.time_seconds BETWEEN d.from_seconds AND d.to_seconds
    GROUP BY w.event_partition_key, w.session, w.source
),
hours AS (
    SELECT
        h.*,
        s.session,
        date_diff('hour', date_trunc('hour', s.session_start_utc), s.session_end_utc - INTERVAL 1 SECOND) + 1 AS hours_held,
        h.hour_utc >= date_trunc('hour', s.session_start_utc) AND h.hour_utc < s.session_end_utc AS is_state,
        h.hour_utc > s.session_start_utc AND h.hour_utc < s.session_end_utc + INTERVAL 1 HOUR AS is_sum
    FROM bronze_hours h
    JOIN sessions s USING (event_partition_key)
    WHERE h.kind = 'archive'
    QUALIFY h.issued_utc = max(h.issued_utc) OVER (PARTITION BY h.event_partition_key)
),
archived AS (
    SELECT
        event_partition_key,
        session,
        provenance,
        avg(temperature_c) FILTER (WHERE is_state) AS air_temp_c,
        CAST(NULL AS DOUBLE) AS track_temp_c,
        avg(humidity_pct) FILTER (WHERE is_state) AS humidity_pct,
        CAST(NULL AS DOUBLE) AS pressure_mbar,
        avg(wind_speed_kmh) FILTER (WHERE is_state) AS wind_speed_kmh,
        avg(sin(radians(wind_direction_deg))) FILTER (WHERE is_state) AS wind_east,
        avg(cos(radians(wind_direction_deg))) FILTER (WHERE is_state) AS wind_north,
        CASE WHEN count(precipitation_mm) FILTER (WHERE is_sum) >= max(hours_held)
            AND count(precipitation_mm) FILTER (WHERE is_sum) = count(*) FILTER (WHERE is_sum)
            THEN sum(precipitation_mm) FILTER (WHERE is_sum)
        END AS precipitation_mm,
        CAST(NULL AS DOUBLE) AS rain_share,
        max(issued_utc) AS fetched_utc,
        source
    FROM hours
    WHERE is_state OR is_sum
    GROUP BY event_partition_key, session, provenance, source
),
archive AS (
    SELECT
        * EXCLUDE (fetched_utc, source),
        CASE WHEN precipitation_mm >= 1 THEN 1 WHEN precipitation_mm >= 0.1 THEN 0.25 WHEN precipitation_mm >= 0 THEN 0
        END AS wetness,
        fetched_utc,
        source
    FROM archived
),
observed AS (
    SELECT * FROM track
    UNION ALL
    SELECT * FROM archive
)
SELECT
    s.event_partition_key,
    s.event_year,
    s.event_number,
    s.event_name,
    s.session,
    o.provenance,
    o.air_temp_c,
    o.track_temp_c,
    o.humidity_pct,
    o.pressure_mbar,
    o.wind_speed_kmh,
    (degrees(atan2(o.wind_east, o.wind_north)) + 360) % 360 AS wind_direction_deg,
    o.precipitation_mm,
    o.rain_share,
    CASE WHEN o.wetness >= 0.5 THEN 'wet' WHEN o.wetness >= 0.02 THEN 'mixed' WHEN o.wetness >= 0 THEN 'dry' END AS condition,
    greatest(s.available_utc, coalesce(o.fetched_utc, s.available_utc)) AS available_utc,
    o.source
FROM observed o
JOIN sessions s USING (event_partition_key, session)
ORDER BY s.event_year, s.event_number, s.session_start_utc, o.provenance
