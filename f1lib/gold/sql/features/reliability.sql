-- Reliability: how often driver, car and field fail to be classified, each shrunk towards the field.
-- Grain: entry_id.
-- Inputs: field, driver_state, team_state, race_history.
-- Cut-off: races up to the newest visible at cutoff_utc.
-- The field's rate is that of the last 20 races. A driver's last 30 and a team's last 15 races count against
-- ten starts at the field's rate.
WITH race AS (
    SELECT
        event_partition_key, available_utc, avg(dnf) AS rate,
        row_number() OVER (ORDER BY available_utc, event_year, event_number) AS race_number
    FROM race_history
    GROUP BY event_partition_key, available_utc, event_year, event_number
),
state AS (
    SELECT s.history_utc, max(r.race_number) AS last_race
    FROM (SELECT DISTINCT history_utc FROM field) s
    JOIN race r ON r.available_utc <= s.history_utc
    GROUP BY ALL
),
everyone AS (
    SELECT s.history_utc, avg(r.rate ORDER BY r.race_number) AS rate
    FROM state s
    JOIN race r ON r.race_number BETWEEN s.last_race - 19 AND s.last_race
    GROUP BY ALL
),
driver AS (
    SELECT s.history_utc, s.event_year, s.driver_id, sum(h.dnf) AS failures, count(*) AS starts
    FROM driver_state s
    JOIN race_history h ON h.driver_id = s.driver_id AND h.driver_race BETWEEN s.last_race - 29 AND s.last_race
    GROUP BY ALL
),
team AS (
    SELECT s.history_utc, s.event_year, s.team_lineage, sum(h.dnf) AS failures, count(*) AS starts
    FROM team_state s
    JOIN race_history h
        ON h.team_lineage = s.team_lineage AND h.team_race BETWEEN s.last_race - 14 AND s.last_race
    GROUP BY ALL
)
SELECT
    f.entry_id,
    e.rate AS field_dnf_rate_20,
    (coalesce(d.failures, 0) + 10 * e.rate) / (coalesce(d.starts, 0) + 10) AS driver_dnf_rate_30,
    (coalesce(m.failures, 0) + 10 * e.rate) / (coalesce(m.starts, 0) + 10) AS team_dnf_rate_15
FROM field f
JOIN everyone e ON e.history_utc = f.history_utc
LEFT JOIN driver d
    ON d.history_utc = f.history_utc AND d.event_year = f.event_year AND d.driver_id = f.driver_id
LEFT JOIN team m
    ON m.history_utc = f.history_utc AND m.event_year = f.event_year AND m.team_lineage = f.team_lineage
