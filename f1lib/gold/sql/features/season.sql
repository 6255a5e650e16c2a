-- Season to date: championship points and places of driver and team, sprints included.
-- Grain: entry_id.
-- Inputs: target, field, results (R and S of the season).
-- Cut-off: available_utc <= cutoff_utc.
-- Ties on points are broken by the best race result, the championship's first tie-break.
WITH scored AS (
    SELECT
        t.target_id, r.driver_id, r.team_lineage, r.session, coalesce(r.points, 0) AS points,
        CASE WHEN r.session = 'R' THEN r.finishing_position END AS place
    FROM target t
    JOIN results r
        ON r.event_year = t.event_year AND r.session IN ('R', 'S') AND r.available_utc <= t.cutoff_utc
),
driver AS (
    SELECT target_id, driver_id, fsum(points) AS points, count(place) AS races, min(place) AS best
    FROM scored
    GROUP BY ALL
),
driver_table AS (
    SELECT *, rank() OVER (PARTITION BY target_id ORDER BY points DESC, best NULLS LAST) AS standing FROM driver
),
team AS (
    SELECT target_id, team_lineage, fsum(points) AS points, min(place) AS best FROM scored GROUP BY ALL
),
team_table AS (
    SELECT *, rank() OVER (PARTITION BY target_id ORDER BY points DESC, best NULLS LAST) AS standing FROM team
),
leader AS (
    SELECT
        target_id, max(points) AS driver_points,
        (SELECT max(m.points) FROM team m WHERE m.target_id = d.target_id) AS team_points
    FROM driver d
    GROUP BY target_id
)
SELECT
    f.entry_id,
    coalesce(d.points, 0) AS season_points,
    d.standing AS season_standing,
    coalesce(d.points, 0) / nullif(l.driver_points, 0) AS season_points_share_of_leader,
    d.points / nullif(d.races, 0) AS season_points_per_race,
    coalesce(m.points, 0) AS team_season_points,
    m.standing AS team_season_standing,
    coalesce(m.points, 0) / nullif(l.team_points, 0) AS team_season_points_share_of_leader
FROM field f
LEFT JOIN driver_table d ON d.target_id = f.target_id AND d.driver_id = f.driver_id
LEFT JOIN team_table m ON m.target_id = f.target_id AND m.team_lineage = f.team_lineage
LEFT JOIN leader l ON l.target_id = f.target_id
