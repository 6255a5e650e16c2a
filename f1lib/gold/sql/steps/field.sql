-- The field: who is predicted, with the newest identity known of each.
-- Grain: entry_id, a number for target_id, driver_id.
-- Inputs: target, results, starting_grid, entries.
-- Cut-off: available_utc <= cutoff_utc in every join; the previous race is the newest visible one.
-- Rule, newest evidence first. A visible starting grid is the field. Otherwise each team has two cars, given to:
--   1 whoever is in the visible qualifying (all of them), 2 who drove in the last visible session that only race
--   drivers take part in (any but P1, where teams try out others), 3 drivers of the previous race seen this
--   weekend, 4 others seen in an earlier such session, 5 drivers of the previous race not seen yet, which is only
--   believed while no qualifying is visible and, at a season's first race, while nobody has been seen.
-- At a season's first race its entry list, once visible, stands in for the previous race: over the winter drivers
-- and teams come, go and move.
WITH sighting AS (
    SELECT
        t.target_id, t.gridding_session, r.session AS seen_in, r.available_utc AS seen_utc, r.driver_id,
        r.driver_number, r.abbreviation, r.full_name, r.team_id, r.team_name, r.team_lineage,
        r.finishing_position AS place
    FROM target t
    JOIN results r
        ON r.event_partition_key = t.event_partition_key AND r.available_utc <= t.cutoff_utc
        AND r.session <> t.session AND (r.is_entrant OR r.session = t.gridding_session)
),
newest AS (
    SELECT s.* EXCLUDE (gridding_session, seen_in)
    FROM sighting s
    QUALIFY row_number() OVER (PARTITION BY s.target_id, s.driver_id ORDER BY s.seen_utc DESC, s.seen_in DESC) = 1
),
gridded AS (
    SELECT
        t.target_id, 0 AS priority, g.available_utc AS seen_utc, g.driver_id, g.driver_number, g.abbreviation,
        g.full_name, g.team_id, g.team_name, g.team_lineage, g.grid_position AS place
    FROM target t
    JOIN starting_grid g
        ON g.event_partition_key = t.event_partition_key AND g.session = t.session
        AND g.available_utc <= t.cutoff_utc
),
entered AS (
    SELECT
        t.target_id, t.is_season_opener, e.available_utc AS seen_utc, e.driver_id, NULL::VARCHAR AS driver_number,
        e.abbreviation, e.full_name, e.team_id, e.team_name, e.team_lineage, NULL::BIGINT AS place
    FROM target t
    JOIN entries e ON e.event_year = t.event_year AND e.available_utc <= t.cutoff_utc
    WHERE t.is_season_opener
),
base AS (
    SELECT
        t.target_id, t.is_season_opener, r.available_utc AS seen_utc, r.driver_id, r.driver_number, r.abbreviation,
        r.full_name, r.team_id, r.team_name, r.team_lineage, r.finishing_position AS place
    FROM target t
    JOIN results r
        ON r.event_partition_key = t.previous_event_key AND r.session = 'R' AND r.available_utc <= t.cutoff_utc
    ANTI JOIN entered e ON e.target_id = t.target_id
    UNION ALL BY NAME
    SELECT * FROM entered
),
evening AS (
    SELECT
        target_id, max(seen_utc) FILTER (WHERE seen_in <> 'P1') AS last_utc,
        bool_or(seen_in = gridding_session) AS has_qualifying
    FROM sighting
    GROUP BY ALL
),
ranked AS (
    SELECT
        s.target_id, s.driver_id,
        CASE
            WHEN bool_or(s.seen_in = s.gridding_session) THEN 1
            WHEN bool_or(s.seen_in <> 'P1' AND s.seen_utc = v.last_utc) THEN 2
            WHEN bool_or(b.driver_id IS NOT NULL) THEN 3
            WHEN bool_or(s.seen_in <> 'P1') THEN 4
        END AS priority
    FROM sighting s
    JOIN evening v ON v.target_id = s.target_id
    LEFT JOIN base b ON b.target_id = s.target_id AND b.driver_id = s.driver_id
    GROUP BY ALL
),
candidate AS (
    SELECT n.*, r.priority
    FROM newest n
    JOIN ranked r ON r.target_id = n.target_id AND r.driver_id = n.driver_id
    WHERE r.priority IS NOT NULL
    UNION ALL BY NAME
    SELECT b.* EXCLUDE (is_season_opener), 5 AS priority
    FROM base b
    LEFT JOIN evening v ON v.target_id = b.target_id
    ANTI JOIN newest n ON n.target_id = b.target_id AND n.driver_id = b.driver_id
    WHERE NOT coalesce(v.has_qualifying, false) AND NOT (b.is_season_opener AND v.last_utc IS NOT NULL)
),
seated AS (
    SELECT c.*
    FROM candidate c
    ANTI JOIN gridded g ON g.target_id = c.target_id
    QUALIFY c.priority = 1 OR row_number() OVER (
        PARTITION BY c.target_id, c.team_lineage
        ORDER BY c.priority, c.seen_utc DESC, c.place NULLS LAST, c.driver_id
    ) <= 2
    UNION ALL BY NAME
    SELECT * FROM gridded
)
SELECT
    row_number() OVER (ORDER BY t.target_id, s.driver_id) AS entry_id,
    t.target_id, t.event_partition_key, t.session, t.horizon, s.driver_id, t.event_year, t.event_number, t.event_name,
    t.circuit_id, t.cutoff_utc, t.history_utc, t.rating_utc, t.gridding_session, t.major_era_year, s.driver_number, s.abbreviation,
    s.full_name, s.team_id, s.team_name, s.team_lineage
FROM seated s
JOIN target t ON t.target_id = s.target_id
ORDER BY entry_id
