-- Inputs seen: hashes of all rows that a target's gold rows and labels can depend on. While the hashes are equal,
-- so are the gold rows.
-- Grain: event_partition_key, session, horizon.
-- Inputs: wanted (event_partition_key, session, horizon, cutoff_utc), $as_of, events, entries, results,
--         starting_grid, pit_stops, laps, weather_observed, weather_forecast, wet_races.
-- Cut-off: available_utc <= cutoff_utc, as in every file that computes features; calendar rows are those of the
--          event itself and of events whose race is visible. Labels: the session's results visible at $as_of, and
--          whether it is known to have been wet.
-- Rows are summed up as hashes, so neither their order nor the other targets matter.
WITH seen AS (
    SELECT available_utc, hash('results', r) AS digest FROM results r
    UNION ALL
    SELECT available_utc, hash('entries', n) FROM entries n
    UNION ALL
    SELECT available_utc, hash('starting_grid', g) FROM starting_grid g
    UNION ALL
    SELECT available_utc, hash('pit_stops', p) FROM pit_stops p
    UNION ALL
    SELECT available_utc, hash('laps', l) FROM laps l
    UNION ALL
    SELECT available_utc, hash('weather_observed', w) FROM weather_observed w
    UNION ALL
    SELECT available_utc, hash('weather_forecast', w) FROM weather_forecast w
    UNION ALL
    SELECT r.available_utc, hash('events', e)
    FROM events e
    JOIN (SELECT DISTINCT event_partition_key, available_utc FROM results WHERE session = 'R') r
        ON r.event_partition_key = e.event_partition_key
),
moment AS (
    SELECT available_utc, sum(digest) AS digest FROM seen GROUP BY ALL
),
history AS (
    SELECT available_utc, sum(digest) OVER (ORDER BY available_utc) AS digest FROM moment
),
outcome AS (
    SELECT event_partition_key, session, sum(hash(r)) AS digest
    FROM results r
    WHERE available_utc <= $as_of
    GROUP BY ALL
)
SELECT
    w.event_partition_key, w.session, w.horizon,
    hash(w.cutoff_utc, e, h.digest, o.digest, r.is_wet)::VARCHAR AS digest
FROM wanted w
JOIN events e ON e.event_partition_key = w.event_partition_key
ASOF LEFT JOIN history h ON w.cutoff_utc >= h.available_utc
LEFT JOIN outcome o ON o.event_partition_key = w.event_partition_key AND o.session = w.session
LEFT JOIN wet_races r ON r.event_partition_key = w.event_partition_key AND r.session = w.session
ORDER BY w.event_partition_key, w.session, w.horizon
