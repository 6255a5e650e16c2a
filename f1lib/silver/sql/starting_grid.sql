-- The official starting grids of races and sprints, after penalties.
-- Grain: event_partition_key, session (R or S), driver_id. A driver with two rows keeps the one placed first.
-- Inputs: bronze_starting_grid, sessions, team_lineages.
-- Cut-off: grid_available_utc of the session (the last moment at which the grid is published).
-- Rule: grid_position numbers the grid 1..n in official order with pit-lane starters at the back; slots left
-- empty on the road close up.
WITH deduplicated AS (
    SELECT *, upper(coalesce(position_text, '')) = 'PL' AS is_pit_lane
    FROM bronze_starting_grid
    QUALIFY row_number() OVER (
        PARTITION BY event_partition_key, session, driver_id ORDER BY position NULLS LAST, position_text NULLS LAST
    ) = 1
)
SELECT
    s.event_partition_key,
    s.event_year,
    s.event_number,
    s.event_name,
    s.session,
    g.driver_id,
    g.driver_number,
    g.abbreviation,
    g.full_name,
    g.team_id,
    g.team_name,
    coalesce(l.team_lineage, g.team_id) AS team_lineage,
    row_number() OVER (
        PARTITION BY s.event_partition_key, s.session ORDER BY g.is_pit_lane, g.position NULLS LAST, g.driver_id
    ) AS grid_position,
    g.is_pit_lane,
    g.grid_penalty_positions,
    s.grid_available_utc AS available_utc,
    g.source
FROM deduplicated g
JOIN sessions s USING (event_partition_key, session)
LEFT JOIN team_lineages l ON l.team_id = g.team_id
ORDER BY s.event_year, s.event_number, s.session_start_utc, grid_position
