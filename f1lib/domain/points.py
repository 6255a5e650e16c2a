"""Championship points of races and sprints."""

# Points of a race and of a sprint (FIA Sporting Regulations 2025; the point for the fastest lap was
# dropped for 2025, the sprint's scale holds since 2022).
RACE_POINTS = (25, 18, 15, 12, 10, 8, 6, 4, 2, 1)
SPRINT_POINTS = (8, 7, 6, 5, 4, 3, 2, 1)
SPRINT_POINTS_2021 = (3, 2, 1)


def points_scale(session: str, season: int) -> tuple[int, ...]:
    """Return the points of a race (``R``) or sprint (``S``) of a season, from first place down."""
    if session == "R":
        return RACE_POINTS
    return SPRINT_POINTS_2021 if season == 2021 else SPRINT_POINTS
