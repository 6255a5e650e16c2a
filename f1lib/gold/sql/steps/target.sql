-- Targets: what is predicted and when, with the facts of the calendar and the state of history at that moment.
-- Grain: target_id, a number for event_partition_key, session, horizon.
-- Inputs: wanted (event_partition_key, session, horizon, cutoff_utc), events, results, regulation_eras.
-- Cut-off: history_utc is the newest race result with available_utc <= cutoff_utc, previous_event_key its event;
--          a race result is visible at the cut-off exactly when its available_utc <= history_utc; rating_utc is the
--          same for races and sprints. The event's own calendar row is read whatever the cut-off: a schedule is
--          known before its weekend.
WITH era AS (
    SELECT
        e.event_partition_key, max(g.first_season) AS era_year,
        max(g.first_season) FILTER (WHERE g.is_major) AS major_era_year
    FROM events e
    JOIN regulation_eras g ON g.first_season <= e.event_year
    GROUP BY ALL
),
race AS (
    SELECT
        event_partition_key, event_year, event_number, min(available_utc) AS first_utc, max(available_utc) AS last_utc
    FROM results
    WHERE session = 'R'
    GROUP BY ALL
),
moment AS (
    SELECT DISTINCT session, available_utc FROM results WHERE session IN ('R', 'S')
),
history AS (
    SELECT
        w.event_partition_key, w.session, w.horizon,
        (SELECT max(m.available_utc) FROM moment m WHERE m.session = 'R' AND m.available_utc <= w.cutoff_utc)
            AS history_utc,
        (SELECT max(m.available_utc) FROM moment m WHERE m.available_utc <= w.cutoff_utc) AS rating_utc,
        arg_max(r.event_partition_key, (r.first_utc, r.event_year, r.event_number)) AS previous_event_key,
        arg_max(r.event_year, (r.first_utc, r.event_year, r.event_number)) AS previous_event_year,
        max(r.event_number) FILTER (WHERE r.event_year = e.event_year - 1) AS rounds_last_season,
        count(r.first_utc) FILTER (WHERE r.event_year >= a.era_year) AS races_in_era,
        count(r.first_utc) FILTER (WHERE r.event_year >= a.major_era_year) AS races_in_major_era
    FROM wanted w
    JOIN events e ON e.event_partition_key = w.event_partition_key
    JOIN era a ON a.event_partition_key = w.event_partition_key
    LEFT JOIN race r ON r.first_utc <= w.cutoff_utc
    GROUP BY w.event_partition_key, w.session, w.horizon, w.cutoff_utc
)
SELECT
    row_number() OVER (ORDER BY e.event_year, e.event_number, w.session, w.horizon) AS target_id,
    w.event_partition_key, w.session, w.horizon, w.cutoff_utc,
    e.event_year, e.event_number, e.event_name, e.event_format, e.circuit_id, e.circuit_type,
    h.history_utc, h.rating_utc, h.previous_event_key, h.rounds_last_season, h.races_in_era, h.races_in_major_era,
    a.era_year, a.major_era_year,
    h.previous_event_year IS DISTINCT FROM e.event_year AS is_season_opener,
    CASE
        WHEN w.session = 'R' OR e.event_format = 'sprint' THEN 'Q'
        WHEN e.event_format = 'sprint_shootout' THEN 'SS'
        ELSE 'SQ'
    END AS gridding_session
FROM wanted w
JOIN events e ON e.event_partition_key = w.event_partition_key
JOIN era a ON a.event_partition_key = w.event_partition_key
JOIN history h
    ON h.event_partition_key = w.event_partition_key AND h.session = w.session AND h.horizon = w.horizon
ORDER BY target_id
