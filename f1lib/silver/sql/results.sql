-- Result of each driver in each session, with upstream's statuses mapped to one vocabulary.
-- Grain: event_partition_key, session, driver_id. A driver with two rows keeps the one placed first.
-- Inputs: bronze_results, sessions, team_lineages.
-- Cut-off: available_utc of the session (its scheduled end plus the publication lag).
-- Rules:
--   Status is read from position_text: a number is finished, or lapped when laps down (a car that stopped late
--   but is classified under the 90 % rule counts as lapped and keeps its reason); F1DB's DNF DSQ DNS DNP NC DNQ EX and FastF1's
--   R D W N F E are the others.
--   Entrants of R and S: all but did_not_start, did_not_qualify and excluded; of the other sessions: all who took part.
--   finishing_position numbers the entrants 1..n in upstream's official order, so that retirements and
--   disqualifications follow the classified.
--   grid_position of R and S: the official slot; pit-lane starters follow the last slot, in official order.
WITH deduplicated AS (
    SELECT *
    FROM bronze_results
    QUALIFY row_number() OVER (
        PARTITION BY event_partition_key, session, driver_id ORDER BY position NULLS LAST, position_text NULLS LAST
    ) = 1
),
-- The winner by official order, for gaps; there is none while positions are missing.
winner AS (
    SELECT event_partition_key, session, laps AS winner_laps, race_time_seconds AS winner_seconds
    FROM deduplicated
    WHERE session IN ('R', 'S') AND position_text = '1'
    QUALIFY row_number() OVER (PARTITION BY event_partition_key, session ORDER BY position) = 1
),
coded AS (
    SELECT
        r.*,
        r.session IN ('R', 'S') AS is_race,
        w.winner_seconds,
        regexp_full_match(coalesce(r.position_text, ''), '[0-9]+') AS is_numbered,
        greatest(coalesce(r.gap_laps, w.winner_laps - r.laps, 0), 0) AS laps_down,
        CASE upper(coalesce(r.position_text, ''))
            WHEN 'DNF' THEN 'R'
            WHEN 'R' THEN 'R'
            WHEN 'DSQ' THEN 'D'
            WHEN 'D' THEN 'D'
            WHEN 'DNS' THEN 'W'
            WHEN 'DNP' THEN 'W'
            WHEN 'W' THEN 'W'
            WHEN 'DNQ' THEN 'F'
            WHEN 'DNPQ' THEN 'F'
            WHEN 'F' THEN 'F'
            WHEN 'EX' THEN 'E'
            WHEN 'E' THEN 'E'
            ELSE 'N'
        END AS letter
    FROM deduplicated r
    LEFT JOIN winner w USING (event_partition_key, session)
),
understood AS (
    SELECT
        *,
        CASE
            WHEN is_numbered AND is_race AND laps_down > 0 THEN 'lapped'
            WHEN is_numbered THEN 'finished'
            WHEN letter = 'R' THEN 'retired'
            WHEN letter = 'D' THEN 'disqualified'
            WHEN letter = 'W' THEN 'did_not_start'
            WHEN letter = 'F' THEN 'did_not_qualify'
            WHEN letter = 'E' THEN 'excluded'
            ELSE 'not_classified'
        END AS status,
        CASE WHEN is_numbered THEN position_text ELSE letter END AS classified_position,
        CASE
            WHEN is_race THEN is_numbered OR letter IN ('R', 'D', 'N')
            ELSE is_numbered OR letter <> 'W'
        END AS is_entrant,
        is_race AND (upper(coalesce(grid_text, '')) = 'PL' OR coalesce(grid_position, -1) = 0) AS is_pit_lane
    FROM coded
),
ranked AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY event_partition_key, session, is_entrant ORDER BY position NULLS LAST, driver_id
        ) AS official_rank,
        max(grid_position) OVER (PARTITION BY event_partition_key, session) AS last_slot,
        row_number() OVER (
            PARTITION BY event_partition_key, session, is_pit_lane ORDER BY position NULLS LAST, driver_id
        ) AS pit_lane_rank
    FROM understood
)
SELECT
    s.event_partition_key,
    s.event_year,
    s.event_number,
    s.event_name,
    s.session,
    r.driver_id,
    r.driver_number,
    r.abbreviation,
    r.full_name,
    r.team_id,
    r.team_name,
    coalesce(l.team_lineage, r.team_id) AS team_lineage,
    CASE WHEN r.is_entrant AND r.position IS NOT NULL THEN r.official_rank END AS finishing_position,
    r.classified_position,
    CASE
        WHEN r.is_pit_lane THEN coalesce(r.last_slot, 0) + r.pit_lane_rank
        WHEN r.is_race AND r.grid_position > 0 THEN r.grid_position
    END AS grid_position,
    r.status,
    r.status_text AS status_reason,
    CASE WHEN r.is_race THEN coalesce(r.points, 0) END AS points,
    r.laps,
    CASE WHEN r.status = 'finished' AND r.is_race THEN r.race_time_seconds END AS race_time_seconds,
    CASE
        WHEN r.status <> 'finished' OR NOT r.is_race THEN NULL
        WHEN r.classified_position = '1' THEN 0
        ELSE coalesce(r.gap_seconds, r.race_time_seconds - r.winner_seconds)
    END AS gap_to_winner_seconds,
    CASE WHEN r.is_race AND r.is_numbered THEN r.laps_down END AS gap_to_winner_laps,
    r.best_lap_seconds,
    r.q1_seconds,
    r.q2_seconds,
    r.q3_seconds,
    r.is_entrant,
    r.is_numbered AS is_classified,
    CASE WHEN r.is_race AND r.is_entrant THEN r.pit_stop_count END AS pit_stop_count,
    s.available_utc,
    r.source
FROM ranked r
JOIN sessions s USING (event_partition_key, session)
LEFT JOIN team_lineages l ON l.team_id = r.team_id
ORDER BY s.event_year, s.event_number, s.session_start_utc, r.position NULLS LAST, r.driver_id
