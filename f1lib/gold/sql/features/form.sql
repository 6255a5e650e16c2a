-- Driver form: decayed means over the driver's last 3 and last 10 races, across seasons and teams.
-- Grain: entry_id.
-- Inputs: field, driver_state, race_history.
-- Cut-off: races up to last_race, the newest visible at cutoff_utc.
-- Weights: 0.9 a race back, times 0.75 a season back.
WITH past AS (
    SELECT
        s.history_utc, s.event_year AS at_year, s.major_era_year AS at_era, h.*, s.last_race - h.driver_race AS ago,
        pow(0.9, ago) * pow(0.75, s.event_year - h.event_year) AS weight
    FROM driver_state s
    JOIN race_history h ON h.driver_id = s.driver_id AND h.driver_race BETWEEN s.last_race - 9 AND s.last_race
),
windowed AS (
    SELECT *, CASE WHEN ago < 3 THEN weight END AS w3, weight AS w10 FROM past
),
form AS (
    SELECT
        history_utc, at_year, driver_id,
        weighted_avg(finish, w3) AS form_position_3,
        weighted_avg(finish, w10) AS form_position_10,
        weighted_avg(finish_norm, w3) AS form_finish_norm_3,
        weighted_avg(finish_norm, w10) AS form_finish_norm_10,
        weighted_avg(classified_norm, w3) AS form_classified_norm_3,
        weighted_avg(classified_norm, w10) AS form_classified_norm_10,
        weighted_avg(points, w3) AS form_points_3,
        weighted_avg(points, w10) AS form_points_10,
        weighted_avg(dnf, w3) AS form_dnf_rate_3,
        weighted_avg(dnf, w10) AS form_dnf_rate_10,
        weighted_avg(grid, w3) AS form_grid_3,
        weighted_avg(grid, w10) AS form_grid_10,
        weighted_avg(quali, w3) AS form_qualifying_position_3,
        weighted_avg(quali, w10) AS form_qualifying_position_10,
        weighted_avg(quali_gap_pct, w3) AS form_qualifying_gap_pct_3,
        weighted_avg(quali_gap_pct, w10) AS form_qualifying_gap_pct_10,
        weighted_avg(gained, w3) AS form_positions_gained_3,
        weighted_avg(gained, w10) AS form_positions_gained_10,
        weighted_avg(gained_classified, w10) AS form_positions_gained_classified_10,
        weighted_avg(lap_gap_pct, w3) AS form_fastest_lap_gap_pct_3,
        weighted_avg(lap_gap_pct, w10) AS form_fastest_lap_gap_pct_10,
        stddev_pop(finish_norm) AS form_finish_spread_10,
        weighted_avg((major_era_year = at_era)::INT, w10) AS form_current_era_share
    FROM windowed
    GROUP BY ALL
)
SELECT f.entry_id, o.* EXCLUDE (history_utc, at_year, driver_id)
FROM field f
JOIN form o ON o.history_utc = f.history_utc AND o.at_year = f.event_year AND o.driver_id = f.driver_id
