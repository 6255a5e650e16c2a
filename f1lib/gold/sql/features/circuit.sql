-- Circuit: results of the driver and the team at this circuit in the last three years, and rates of the circuit over
-- all entrants.
-- Grain: entry_id.
-- Inputs: field, race_history.
-- Cut-off: available_utc <= history_utc, the newest race visible at cutoff_utc.
WITH place AS (
    SELECT DISTINCT history_utc, event_year, circuit_id FROM field
),
past AS (
    SELECT p.history_utc, p.event_year AS at_year, h.*, h.event_year >= p.event_year - 3 AS is_recent
    FROM place p
    JOIN race_history h ON h.circuit_id = p.circuit_id AND h.available_utc <= p.history_utc
),
driver AS (
    SELECT
        history_utc, at_year, circuit_id, driver_id,
        count(*) AS races, avg(finish) AS position, fsum(points) / count(*) AS points, avg(dnf) AS dnf_rate,
        avg(gained) AS gained, avg(quali) AS quali
    FROM past WHERE is_recent
    GROUP BY ALL
),
team AS (
    SELECT history_utc, at_year, circuit_id, team_lineage, avg(finish) AS position, avg(quali) AS quali
    FROM past WHERE is_recent
    GROUP BY ALL
),
race AS (
    SELECT
        history_utc, at_year, circuit_id, event_partition_key,
        corr(grid, finish) AS grid_finish_corr, avg(abs(gained_classified)) AS moves, avg(dnf) AS dnf_rate,
        bool_or(is_wet)::INT AS wet
    FROM past
    GROUP BY ALL
),
traits AS (
    SELECT
        history_utc, at_year, circuit_id, count(*) AS races,
        avg(grid_finish_corr ORDER BY event_partition_key) AS grid_finish_corr,
        avg(moves ORDER BY event_partition_key) AS moves,
        avg(dnf_rate ORDER BY event_partition_key) AS dnf_rate,
        avg(wet) AS wet_share
    FROM race
    GROUP BY ALL
)
SELECT
    f.entry_id,
    coalesce(d.races, 0) AS circuit_races_3y,
    d.position AS circuit_position_3y,
    d.points AS circuit_points_3y,
    d.dnf_rate AS circuit_dnf_rate_3y,
    d.gained AS circuit_positions_gained_3y,
    d.quali AS circuit_qualifying_position_3y,
    m.position AS circuit_team_position_3y,
    m.quali AS circuit_team_qualifying_position_3y,
    coalesce(c.races, 0) AS circuit_races_held,
    c.grid_finish_corr AS circuit_grid_finish_correlation,
    c.moves AS circuit_mean_places_moved,
    c.dnf_rate AS circuit_field_dnf_rate,
    c.wet_share AS circuit_wet_share
FROM field f
LEFT JOIN driver d
    ON d.history_utc = f.history_utc AND d.at_year = f.event_year AND d.circuit_id = f.circuit_id
    AND d.driver_id = f.driver_id
LEFT JOIN team m
    ON m.history_utc = f.history_utc AND m.at_year = f.event_year AND m.circuit_id = f.circuit_id
    AND m.team_lineage = f.team_lineage
LEFT JOIN traits c
    ON c.history_utc = f.history_utc AND c.at_year = f.event_year AND c.circuit_id = f.circuit_id
