-- Context: the kind of weekend, the same for every driver of a race.
-- Grain: entry_id.
-- Inputs: target, field.
-- Cut-off: the event's own calendar row and the field at cutoff_utc; season length is last season's, so that a
--          later cancellation changes nothing.
SELECT
    f.entry_id,
    count(*) OVER (PARTITION BY f.target_id) AS field_size,
    (t.event_format <> 'conventional')::INT AS is_sprint_weekend,
    (t.circuit_type = 'STREET')::INT AS is_street_circuit,
    (t.event_number - 1) / t.rounds_last_season AS season_progress
FROM field f
JOIN target t ON t.target_id = f.target_id
