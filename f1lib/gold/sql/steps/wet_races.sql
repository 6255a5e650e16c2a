-- Wet races: whether a race or sprint was run in the wet, an outcome to learn from.
-- Grain: event_partition_key, session; without those of which nothing is known.
-- Inputs: $as_of, events, laps, weather_observed, known_wet_races (f1lib/domain/data/wet_races.csv).
-- Cut-off: available_utc <= $as_of.
-- Rules, the first that knows:
--   1 wet from 2 % of the laps on intermediates or wets, where tyres are known;
--   2 of the seasons of known_wet_races those listed are wet and all others dry, never for simulated events;
--   3 rain samples at the track (weather_observed: from 2 % of them);
--   4 Open-Meteo's archive over the race's hours: wet from 1 mm, dry below 0.1 mm, between them unknown.
WITH driven AS (
    SELECT event_partition_key, session, avg((compound IN ('INTERMEDIATE', 'WET'))::INT) >= 0.02 AS is_wet
    FROM laps
    WHERE session IN ('R', 'S') AND compound NOT IN ('UNKNOWN', '') AND available_utc <= $as_of
    GROUP BY ALL
),
listed AS (
    SELECT e.event_partition_key, 'R' AS session, k.season IS NOT NULL AS is_wet
    FROM events e
    LEFT JOIN known_wet_races k
        ON k.season::INT = e.event_year AND k.circuit_id = e.circuit_id
        AND abs(date_diff('day', e.race_start_utc, k.race_date::TIMESTAMPTZ)) <= 7
    WHERE e.source <> 'simulated' AND e.race_start_utc <= $as_of AND e.event_year BETWEEN
        (SELECT min(season::INT) FROM known_wet_races) AND (SELECT max(season::INT) FROM known_wet_races)
),
seen AS (
    SELECT
        event_partition_key, session,
        arg_max(condition <> 'dry', provenance) FILTER (WHERE provenance <> 'archive') AS sampled,
        bool_or(condition = 'wet') FILTER (WHERE provenance = 'archive' AND condition <> 'mixed') AS archived
    FROM weather_observed
    WHERE session IN ('R', 'S') AND condition IS NOT NULL AND available_utc <= $as_of
    GROUP BY ALL
)
SELECT event_partition_key, session, coalesce(d.is_wet, k.is_wet, s.sampled, s.archived)::INT AS is_wet
FROM driven d
FULL JOIN listed k USING (event_partition_key, session)
FULL JOIN seen s USING (event_partition_key, session)
WHERE coalesce(d.is_wet, k.is_wet, s.sampled, s.archived) IS NOT NULL
ORDER BY ALL
