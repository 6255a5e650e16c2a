-- Pit stops: how often and how fast the team stopped in its last ten races, where stops are known.
-- Grain: entry_id.
-- Inputs: field, team_state, race_history, pit_stops.
-- Cut-off: races up to last_race, the newest visible at cutoff_utc; a stop no later than its race's result.
-- A stop of more than 60 s is a repair or a red flag, not a stop. Times in the pit lane differ by circuit, so a
-- stop is compared with the median stop of the same race.
WITH recent AS (
    SELECT DISTINCT
        h.event_partition_key, h.team_lineage, h.team_race, h.driver_id, h.pit_stop_count, h.available_utc
    FROM team_state s
    JOIN race_history h
        ON h.team_lineage = s.team_lineage AND h.team_race BETWEEN s.last_race - 9 AND s.last_race
),
stop AS (
    SELECT
        event_partition_key, driver_id, available_utc, duration_seconds,
        median(duration_seconds) OVER (PARTITION BY event_partition_key ORDER BY available_utc) AS race_median
    FROM pit_stops
    WHERE session = 'R' AND duration_seconds < 60
        AND event_partition_key IN (SELECT event_partition_key FROM recent)
),
entry AS (
    SELECT
        h.team_lineage, h.team_race, h.driver_id, h.pit_stop_count,
        avg(s.duration_seconds - s.race_median ORDER BY s.duration_seconds) AS seconds_over
    FROM recent h
    LEFT JOIN stop s
        ON s.event_partition_key = h.event_partition_key AND s.driver_id = h.driver_id
        AND s.available_utc <= h.available_utc
    GROUP BY ALL
),
summary AS (
    SELECT
        s.history_utc, s.event_year, s.team_lineage,
        avg(e.pit_stop_count) AS team_pit_stops_10,
        median(e.seconds_over) AS team_pit_stop_seconds_over_median_10
    FROM team_state s
    JOIN entry e ON e.team_lineage = s.team_lineage AND e.team_race BETWEEN s.last_race - 9 AND s.last_race
    GROUP BY ALL
)
SELECT f.entry_id, s.team_pit_stops_10, s.team_pit_stop_seconds_over_median_10
FROM field f
JOIN summary s ON s.history_utc = f.history_utc AND s.event_year = f.event_year AND s.team_lineage = f.team_lineage
