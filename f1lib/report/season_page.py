"""Index of a season: its races with forecast and result, and its drivers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from f1lib.domain.moments import parse_utc
from f1lib.lake import attribution
from f1lib.lake.paths_published import championship_page_key, driver_page_key, link, season_page_key
from f1lib.report.rounds import Round


def season_page(
    season: int, rounds: Sequence[Round], seasons: Iterable[int], titles: bool, source: str
) -> dict[str, Any]:
    """Gather what the index of a season shows.

    Parameters
    ----------
    season : int
        The season.
    rounds : sequence of Round
        Its races and sprints, by start.
    seasons : iterable of int
        The seasons that have a page.
    titles : bool
        Whether the season's championship has a page.
    source : str
        Source of the lake's data.

    Returns
    -------
    dict
        Variables of ``season.html.j2``.
    """
    races = [found for found in rounds if found.session == "R"]
    sprints = {found.event: found for found in rounds if found.session == "S"}
    run = sum(bool(found.result) for found in races)
    return {
        "title": f"Season {season}",
        "lead": f"{run} of {sum(not found.calendar.get('is_cancelled') for found in races)} races run.",
        "source": source,
        "attribution": attribution.attribution(source, weather=False),
        "races": [race_row(found, sprints.get(found.event)) for found in races],
        "drivers": driver_rows(rounds),
        "championship": link(championship_page_key(season)) if titles else "",
        "others": [
            (link(season_page_key(year)), str(year)) for year in sorted(seasons, reverse=True) if year != season
        ],
    }


def race_row(found: Round, sprint: Round | None) -> dict[str, Any]:
    """Return a race as a row: its place in the calendar, our favourite, the winner and how far we were off."""
    favourite: Mapping[str, Any] = max(found.forecast, key=lambda row: row["p_win"], default={})
    winner: Mapping[str, Any] = found.result[0] if found.result else {}
    start = parse_utc(found.calendar["session_date_utc"])
    given = {row["driver_id"]: row["p_win"] for row in found.forecast}
    return {
        "number": found.calendar.get("event_number"),
        "name": found.name,
        "page": found.page,
        "sprint": sprint.page if sprint else "",
        "start": found.calendar["session_date_utc"],
        "day": f"{start.day} {start:%B}",
        "is_cancelled": bool(found.calendar.get("is_cancelled")),
        "favourite": favourite.get("full_name"),
        "p_favourite": favourite.get("p_win"),
        "winner": winner.get("full_name"),
        "p_winner": given.get(winner.get("driver_id")),
        "mae": found.score.get("mae"),
    }


def driver_rows(rounds: Iterable[Round]) -> list[dict[str, Any]]:
    """List the drivers of a season by wins and podiums, with how far our forecasts of them were off, in places."""
    found: dict[str, dict[str, Any]] = {}
    for one in rounds:
        ranks = {row["driver_id"]: row["predicted_rank"] for row in one.forecast}
        for row in one.result or one.forecast:
            driver = row["driver_id"]
            of = found.setdefault(driver, {"wins": 0, "podiums": 0, "off": []})
            of |= {name: row[name] for name in ("driver_id", "full_name", "abbreviation", "team_id", "team_name")}
            place = row.get("finishing_position")
            if place and one.session == "R":
                of["wins"] += place == 1
                of["podiums"] += place <= 3
                of["off"] += [abs(place - ranks[driver])] if driver in ranks else []
    for row in found.values():
        row["off"] = sum(row["off"]) / len(row["off"]) if row["off"] else None
        row["page"] = link(driver_page_key(row["driver_id"]))
    return sorted(found.values(), key=lambda row: (-row["wins"], -row["podiums"], row["full_name"]))
