-- Ratings: filtered pace of driver and car, relative to the mean of this field.
-- Grain: entry_id.
-- Inputs: field, ratings (f1lib.gold.ratings.Ratings.of over rating_history and field).
-- Cut-off: ratings of rating_utc have seen results of races and sprints with available_utc <= rating_utc only.
WITH rated AS (
    SELECT
        f.entry_id, f.target_id,
        r.qualifying_driver, r.qualifying_car, r.race_driver, r.race_car, r.qualifying_sd, r.race_sd,
        r.qualifying_driver + r.qualifying_car AS qualifying, r.race_driver + r.race_car AS race
    FROM field f
    JOIN ratings r
        ON r.rating_utc = f.rating_utc AND r.event_year = f.event_year AND r.driver_id = f.driver_id
        AND r.team_lineage = f.team_lineage
)
SELECT
    entry_id,
    qualifying - avg(qualifying ORDER BY entry_id) OVER whole AS rating_qualifying,
    race - avg(race ORDER BY entry_id) OVER whole AS rating_race,
    qualifying_driver AS rating_qualifying_driver,
    qualifying_car AS rating_qualifying_car,
    race_driver AS rating_race_driver,
    race_car AS rating_race_car,
    qualifying_sd AS rating_qualifying_sd,
    race_sd AS rating_race_sd,
    rank() OVER (PARTITION BY target_id ORDER BY round(qualifying, 9)) AS rating_qualifying_rank,
    rank() OVER (PARTITION BY target_id ORDER BY round(race, 9)) AS rating_race_rank
FROM rated
WINDOW whole AS (PARTITION BY target_id)
