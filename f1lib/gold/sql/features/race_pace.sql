-- Race pace and tyre use of earlier races from their laps, where laps are known.
-- Grain: entry_id.
-- Inputs: field, driver_state, team_state, race_history, lap_history.
-- Cut-off: races up to last_race, the newest visible at cutoff_utc; laps no later than their race's result.
-- Weights: 0.9 a race back, times 0.75 a season back.
WITH raced AS (
    SELECT h.driver_id, h.team_lineage, h.driver_race, h.team_race, h.event_year, l.*
    FROM race_history h
    JOIN lap_history l
        ON l.event_partition_key = h.event_partition_key AND l.driver_id = h.driver_id
        AND l.available_utc <= h.available_utc
),
driver AS (
    SELECT
        s.history_utc, s.event_year, s.driver_id,
        pow(0.9, s.last_race - r.driver_race) * pow(0.75, s.event_year - r.event_year) AS w10,
        CASE WHEN s.last_race - r.driver_race < 3 THEN w10 END AS w3,
        r.pace_gap_pct, r.stint_laps, r.soft_share, r.medium_share, r.hard_share
    FROM driver_state s
    JOIN raced r ON r.driver_id = s.driver_id AND r.driver_race BETWEEN s.last_race - 9 AND s.last_race
),
driver_pace AS (
    SELECT
        history_utc, event_year, driver_id,
        weighted_avg(pace_gap_pct, w3) AS race_pace_gap_pct_3,
        weighted_avg(pace_gap_pct, w10) AS race_pace_gap_pct_10,
        count(pace_gap_pct) AS race_pace_races_10,
        weighted_avg(stint_laps, w10) AS stint_laps_10,
        weighted_avg(soft_share, w10) AS soft_share_10,
        weighted_avg(medium_share, w10) AS medium_share_10,
        weighted_avg(hard_share, w10) AS hard_share_10
    FROM driver
    GROUP BY ALL
),
team AS (
    SELECT
        s.history_utc, s.event_year, s.team_lineage, r.pace_gap_pct,
        pow(0.9, s.last_race - r.team_race) * pow(0.75, s.event_year - r.event_year) AS weight
    FROM team_state s
    JOIN raced r ON r.team_lineage = s.team_lineage AND r.team_race BETWEEN s.last_race - 9 AND s.last_race
),
team_pace AS (
    SELECT history_utc, event_year, team_lineage, weighted_avg(pace_gap_pct, weight) AS team_race_pace_gap_pct_10
    FROM team
    GROUP BY ALL
)
SELECT
    f.entry_id, d.* EXCLUDE (history_utc, event_year, driver_id), t.team_race_pace_gap_pct_10
FROM field f
LEFT JOIN driver_pace d
    ON d.history_utc = f.history_utc AND d.event_year = f.event_year AND d.driver_id = f.driver_id
LEFT JOIN team_pace t
    ON t.history_utc = f.history_utc AND t.event_year = f.event_year AND t.team_lineage = f.team_lineage
