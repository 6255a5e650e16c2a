-- Weather: the newest forecast for the predicted session, and the driver's results in earlier wet races.
-- Grain: entry_id.
-- Inputs: target, field, weather_forecast, race_history.
-- Cut-off: forecasts with issued_utc and available_utc <= cutoff_utc; earlier races by available_utc <= history_utc.
-- Unknown weather is null, never dry.
WITH newest AS (
    SELECT t.target_id, w.*
    FROM target t
    JOIN weather_forecast w
        ON w.event_partition_key = t.event_partition_key AND w.session = t.session
        AND w.available_utc <= t.cutoff_utc AND w.issued_utc <= t.cutoff_utc
    QUALIFY row_number() OVER (
        PARTITION BY t.target_id
        ORDER BY w.issued_utc DESC, w.available_utc DESC, w.provenance
    ) = 1
),
state AS (
    SELECT DISTINCT history_utc, driver_id FROM field
),
wet AS (
    SELECT
        s.history_utc, h.driver_id, count(*) AS races,
        fsum(h.grid_norm - h.finish_norm) / (count(h.grid_norm) + 3) AS skill
    FROM state s
    JOIN race_history h ON h.driver_id = s.driver_id AND h.is_wet AND h.available_utc <= s.history_utc
    GROUP BY ALL
)
SELECT
    f.entry_id,
    w.air_temp_c AS weather_air_temp_c,
    w.humidity_pct AS weather_humidity_pct,
    w.precipitation_mm AS weather_precipitation_mm,
    w.precipitation_probability_pct AS weather_precipitation_probability_pct,
    w.wind_speed_kmh AS weather_wind_speed_kmh,
    w.wind_direction_deg AS weather_wind_direction_deg,
    (w.condition = 'wet')::INT AS weather_is_wet,
    (w.condition = 'mixed')::INT AS weather_is_mixed,
    v.races AS wet_races,
    v.skill AS wet_skill
FROM field f
LEFT JOIN newest w ON w.target_id = f.target_id
LEFT JOIN wet v ON v.history_utc = f.history_utc AND v.driver_id = f.driver_id
