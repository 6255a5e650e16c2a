"""Championship points of races and sprints, season by season."""

from __future__ import annotations

# Points of a race by the last season of the scale, from first place down (FIA Sporting Regulations). Only the best
# results counted before 1991.
_RACE_SCALES = (
    (2002, (10, 6, 4, 3, 2, 1)),
    (2009, (10, 8, 6, 5, 4, 3, 2, 1)),
    (9999, (25, 18, 15, 12, 10, 8, 6, 4, 2, 1)),
)
RACE_POINTS = _RACE_SCALES[-1][1]
SPRINT_POINTS = (8, 7, 6, 5, 4, 3, 2, 1)  # since 2022
SPRINT_POINTS_2021 = (3, 2, 1)
DOUBLE_POINTS_SEASON = 2014  # its last race counted twice
# Seasons in which the fastest lap gave a point to a driver who came in the first ten.
FASTEST_LAP_SEASONS = range(2019, 2025)
FASTEST_LAP_PLACES = 10


def points_scale(session: str, season: int, *, is_last_race: bool = False) -> tuple[int, ...]:
    """Return the points of a session's places.

    Parameters
    ----------
    session : {"R", "S"}
        A race or a sprint.
    season : int
        The season.
    is_last_race : bool
        The race is the season's last, which counted twice in 2014.

    Returns
    -------
    tuple of int
        From first place down to the last one that scores, without the point for the fastest lap.
    """
    if session != "R":
        return SPRINT_POINTS_2021 if season == 2021 else SPRINT_POINTS
    scale = next(points for last, points in _RACE_SCALES if season <= last)
    return tuple(2 * p for p in scale) if is_last_race and season == DOUBLE_POINTS_SEASON else scale
