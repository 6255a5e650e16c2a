"""Page of a driver: the forecast of the next race, and race by race what was predicted and what came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from f1lib.lake import attribution
from f1lib.lake.paths_published import link, season_page_key
from f1lib.report.figures.style import team_colours
from f1lib.report.pages import number, percent
from f1lib.report.rounds import Round

FINISHED = frozenset({"finished", "lapped"})


def driver_page(
    rows: Sequence[Mapping[str, Any]], mate: Mapping[str, Any], title: Mapping[str, Any], source: str
) -> dict[str, Any]:
    """Gather what the page of a driver shows.

    Parameters
    ----------
    rows : sequence of mapping
        His races and sprints (`race_rows`), newest first, at least one.
    mate : mapping
        His duel with his newest team-mate (`duel_of`); empty without one.
    title : mapping
        His row of table ``championship``; empty when none was issued.
    source : str
        Source of the lake's data.

    Returns
    -------
    dict
        Variables of ``driver.html.j2``.
    """
    first = rows[0]
    ahead = next((row for row in reversed(rows) if row["is_ahead"]), None)
    past = [row for row in rows if row["place"]]
    return {
        "title": first["full_name"],
        "lead": f"{first['team_name']}, {first['season']}",
        "source": source,
        "attribution": attribution.attribution(source, weather=False),
        "driver": first,
        "ahead": ahead,
        "tiles_ahead": _tiles_ahead(ahead) if ahead else [],
        "tiles": _tiles(past, mate, title),
        "rows": rows,
        "drawn": [row for row in reversed(rows) if row["season"] == first["season"] and row["predicted_rank"]],
        "season": link(season_page_key(first["season"])),
    }


def race_rows(rounds: Iterable[Round]) -> dict[str, list[dict[str, Any]]]:
    """Map each driver's id to a row a race or sprint: forecast and result, None where there is none; newest first."""
    found: dict[str, list[dict[str, Any]]] = {}
    for one in rounds:
        forecast = {row["driver_id"]: row for row in one.forecast}
        result = {row["driver_id"]: row for row in one.result}
        colours = team_colours(row["team_id"] for row in (*one.forecast, *one.result))
        for driver in forecast | result:
            said, came = forecast.get(driver, {}), result.get(driver, {})
            named = came or said
            found.setdefault(driver, []).append(
                {name: named[name] for name in ("driver_id", "full_name", "abbreviation", "team_id", "team_name")}
                | {name: said.get(name) for name in ("predicted_rank", "predicted_position", "position_p10")}
                | {name: said.get(name) for name in ("position_p90", "p_win", "p_podium", "p_points", "p_dnf")}
                | {name: came.get(name) for name in ("grid_position", "points", "status")}
                | {
                    "name": one.name,
                    "season": one.season,
                    "event": one.event,
                    "session": one.session,
                    "start": one.calendar["session_date_utc"],
                    "page": one.page,
                    "colour": colours[named["team_id"]],
                    "place": came.get("finishing_position"),
                    "off": came["finishing_position"] - said["predicted_rank"] if came and said else None,
                    "is_dnf": bool(came) and came["status"] not in FINISHED,
                    "is_ahead": not one.result and not one.calendar.get("is_cancelled"),
                }
            )
    return {driver: rows[::-1] for driver, rows in found.items()}


def duel_of(driver: str, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """Count the races of a season in which a driver was ahead of his newest team-mate; empty without one.

    Parameters
    ----------
    driver : str
        His id.
    rows : mapping
        `race_rows` of all drivers.

    Returns
    -------
    dict
        ``full_name`` of the team-mate, races ``run`` by both, how often he ``was`` ahead and was ``said`` to be.
    """
    first, own = rows[driver][0], {(row["event"], row["session"]): row for row in rows[driver]}
    mates = [
        other for name, found in rows.items() for other in found
        if name != driver and (other["event"], other["session"], other["team_id"])
        == (first["event"], first["session"], first["team_id"])
    ]  # fmt: skip
    if not mates:
        return {}
    pairs = [
        (mine, other)
        for other in rows[mates[0]["driver_id"]]
        if (mine := own.get((other["event"], other["session"])))
        and other["season"] == first["season"] and other["session"] == "R"
        and other["team_id"] == mine["team_id"] and other["place"] and mine["place"]
    ]  # fmt: skip
    said = [(mine, other) for mine, other in pairs if mine["predicted_rank"] and other["predicted_rank"]]
    return {
        "full_name": mates[0]["full_name"],
        "run": len(pairs),
        "was": sum(mine["place"] < other["place"] for mine, other in pairs),
        "said": sum(mine["predicted_rank"] < other["predicted_rank"] for mine, other in said),
    }


def _tiles_ahead(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    interval = f"8 times in 10 from {number(row['position_p10'], 0)} to {number(row['position_p90'], 0)}"
    return [
        {"label": "expected place", "value": number(row["predicted_position"], 1), "note": interval},
        {"label": "wins", "value": percent(row["p_win"], 1), "note": ""},
        {"label": "podium", "value": percent(row["p_podium"], 1), "note": ""},
        {"label": "points", "value": percent(row["p_points"], 1), "note": ""},
        {"label": "does not finish", "value": percent(row["p_dnf"], 1), "note": ""},
    ]


def _tiles(
    past: Sequence[Mapping[str, Any]], mate: Mapping[str, Any], title: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """List the tiles of the season: results, our error, championship, the duel with the team-mate."""
    season = [row for row in past if row["season"] == past[0]["season"]] if past else []
    races = [row for row in season if row["session"] == "R"]
    off = [abs(row["off"]) for row in races if row["off"] is not None]
    tiles = [
        {"label": "races", "value": len(races), "note": f"{sum(row['is_dnf'] for row in races)} not finished"},
        {"label": "wins", "value": sum(row["place"] == 1 for row in races),
         "note": f"{sum(row['place'] <= 3 for row in races)} on the podium"},
    ]  # fmt: skip
    if off:
        tiles.append(
            {"label": "our error", "value": number(sum(off) / len(off), 1), "note": "places, mean of the races"}
        )
    if title:
        place = f"place {title['rank']} with {title['points_now']:g} points"
        tiles.append({"label": "championship", "value": percent(title["p_title"]), "note": f"to win it; {place}"})
    if mate.get("run"):
        tiles.append(
            {"label": f"ahead of {mate['full_name']}", "value": f"{mate['was']} of {mate['run']}",
             "note": f"we said {mate['said']}"}
        )  # fmt: skip
    return tiles
