-- Lap history: race pace and tyre use of each driver in each past race, where laps are known.
-- Grain: event_partition_key, driver_id, available_utc (session R).
-- Inputs: laps.
-- Cut-off: laps are only ever compared with laps of the same available_utc, so a row holds nothing later than it.
-- A clean lap is a timed lap on a clear track that neither begins nor ends in the pits, the first lap left out.
-- Fuel and track change from lap to lap and are the same for all: each clean lap is compared with the field's
-- median of the same lap, and the driver's median of these gaps is his pace.
WITH clean AS (
    SELECT event_partition_key, available_utc, driver_id, lap_number, lap_time_seconds
    FROM laps
    WHERE session = 'R' AND lap_number > 1 AND lap_time_seconds > 0 AND NOT is_pit_in AND NOT is_pit_out
        AND coalesce(track_status, '1') = '1' AND NOT coalesce(is_deleted, false)
),
reference AS (
    SELECT event_partition_key, available_utc, lap_number, median(lap_time_seconds) AS seconds
    FROM clean
    GROUP BY ALL
    HAVING count(*) >= 5
),
pace AS (
    SELECT
        c.event_partition_key, c.available_utc, c.driver_id, count(*) AS clean_laps,
        100 * (median(c.lap_time_seconds / r.seconds) - 1) AS pace_gap_pct
    FROM clean c
    JOIN reference r
        ON r.event_partition_key = c.event_partition_key AND r.available_utc = c.available_utc
        AND r.lap_number = c.lap_number
    GROUP BY ALL
    HAVING count(*) >= 10
),
tyres AS (
    SELECT
        event_partition_key, available_utc, driver_id,
        count(*) / nullif(count(DISTINCT stint), 0) AS stint_laps,
        avg((compound = 'SOFT')::INT) AS soft_share,
        avg((compound = 'MEDIUM')::INT) AS medium_share,
        avg((compound = 'HARD')::INT) AS hard_share,
        avg((compound IN ('INTERMEDIATE', 'WET'))::INT) AS wet_share
    FROM laps
    WHERE session = 'R'
    GROUP BY ALL
)
SELECT
    t.event_partition_key, t.driver_id, t.available_utc, p.clean_laps, p.pace_gap_pct, t.stint_laps, t.soft_share,
    t.medium_share, t.hard_share, t.wet_share
FROM tyres t
LEFT JOIN pace p
    ON p.event_partition_key = t.event_partition_key AND p.available_utc = t.available_utc AND p.driver_id = t.driver_id
