-- Head to head: the driver against the teammate of each race, over the driver's last ten races.
-- Grain: entry_id.
-- Inputs: field, driver_state, race_history.
-- Cut-off: races up to last_race, the newest visible at cutoff_utc; the teammate's row no later than the driver's.
-- A race counts where both were classified, a qualifying where both have a place, a gap where both set a time.
WITH duel AS (
    SELECT
        a.driver_id, a.driver_race,
        CASE WHEN a.is_classified AND b.is_classified THEN (a.finish < b.finish)::INT END AS race_won,
        CASE WHEN a.is_classified AND b.is_classified THEN b.finish_norm - a.finish_norm END AS race_margin,
        (a.quali < b.quali)::INT AS quali_won,
        b.quali_gap_pct - a.quali_gap_pct AS quali_margin
    FROM race_history a
    JOIN race_history b
        ON b.event_partition_key = a.event_partition_key AND b.team_lineage = a.team_lineage
        AND b.driver_id <> a.driver_id AND b.available_utc <= a.available_utc
),
summary AS (
    SELECT
        s.history_utc, s.event_year, s.driver_id,
        avg(d.race_won) AS teammate_race_share_10,
        avg(d.quali_won) AS teammate_qualifying_share_10,
        avg(d.race_margin ORDER BY d.driver_race, d.race_margin) AS teammate_race_margin_10,
        median(d.quali_margin) AS teammate_qualifying_margin_pct_10
    FROM driver_state s
    JOIN duel d ON d.driver_id = s.driver_id AND d.driver_race BETWEEN s.last_race - 9 AND s.last_race
    GROUP BY ALL
)
SELECT f.entry_id, s.* EXCLUDE (history_utc, event_year, driver_id)
FROM field f
JOIN summary s ON s.history_utc = f.history_utc AND s.event_year = f.event_year AND s.driver_id = f.driver_id
