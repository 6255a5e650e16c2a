-- Starting grid: the official slot after penalties, and what the penalties cost.
-- Grain: entry_id.
-- Inputs: field, starting_grid, results (the session that sets the grid).
-- Cut-off: available_utc <= cutoff_utc; the grid has its own time, an hour before the start.
SELECT
    f.entry_id,
    g.grid_position,
    g.grid_position - q.finishing_position AS grid_minus_qualifying,
    g.is_pit_lane::INT AS is_pit_lane_start,
    g.grid_position % 2 AS is_odd_slot
FROM field f
JOIN starting_grid g
    ON g.event_partition_key = f.event_partition_key AND g.session = f.session AND g.driver_id = f.driver_id
    AND g.available_utc <= f.cutoff_utc
LEFT JOIN results q
    ON q.event_partition_key = f.event_partition_key AND q.session = f.gridding_session
    AND q.driver_id = f.driver_id AND q.available_utc <= f.cutoff_utc
