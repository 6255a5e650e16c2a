-- Team form: both cars together over the team's last 3 and 10 races, through changes of its name.
-- Grain: entry_id.
-- Inputs: field, team_state, race_history.
-- Cut-off: races up to last_race, the newest visible at cutoff_utc.
-- Weights: 0.9 a race back, times 0.75 a season back, as for drivers.
WITH past AS (
    SELECT
        s.history_utc, s.event_year AS at_year, h.*, s.last_race - h.team_race AS ago,
        pow(0.9, ago) * pow(0.75, s.event_year - h.event_year) AS weight
    FROM team_state s
    JOIN race_history h
        ON h.team_lineage = s.team_lineage AND h.team_race BETWEEN s.last_race - 9 AND s.last_race
),
windowed AS (
    SELECT *, CASE WHEN ago < 3 THEN weight END AS w3, weight AS w10 FROM past
),
form AS (
    SELECT
        history_utc, at_year, team_lineage,
        weighted_avg(finish, w3) AS team_form_position_3,
        weighted_avg(finish, w10) AS team_form_position_10,
        weighted_avg(classified_norm, w10) AS team_form_classified_norm_10,
        weighted_avg(points, w3) AS team_form_points_3,
        weighted_avg(points, w10) AS team_form_points_10,
        weighted_avg(dnf, w10) AS team_form_dnf_rate_10,
        weighted_avg(quali, w3) AS team_form_qualifying_position_3,
        weighted_avg(quali, w10) AS team_form_qualifying_position_10,
        weighted_avg(quali_gap_pct, w3) AS team_form_qualifying_gap_pct_3,
        weighted_avg(quali_gap_pct, w10) AS team_form_qualifying_gap_pct_10,
        weighted_avg(lap_gap_pct, w10) AS team_form_fastest_lap_gap_pct_10
    FROM windowed
    GROUP BY ALL
)
SELECT
    f.entry_id, o.* EXCLUDE (history_utc, at_year, team_lineage)
FROM field f
JOIN form o ON o.history_utc = f.history_utc AND o.at_year = f.event_year AND o.team_lineage = f.team_lineage
