"""Jolpica (https://jolpi.ca, Ergast's successor): official results of qualifying, sprint and race.

Requests go through FastF1's own client, so that its rate limits hold. Jolpica's documents are read here because they
have more than FastF1 passes on: fastest laps, whole race times, the order of those who did not finish.
"""

from __future__ import annotations

import math
from datetime import date
from typing import Any

from f1lib.domain.identities import driver_id_from_ergast, team_id
from f1lib.errors import OtherEvent, SourceError
from f1lib.lake.documents import from_json
from f1lib.sources.identity import EventIdentity

ATTRIBUTION = "Jolpica-F1, https://github.com/jolpica/jolpica-f1"
HOST = "api.jolpi.ca"
ENDPOINTS = {"Q": "qualifying", "S": "sprint", "R": "results"}
_MOST = 998
_LAST = 999  # sort key of drivers without a position
_TABLES = {"Q": "QualifyingResults", "S": "SprintResults", "R": "Results"}

Row = dict[str, Any]


def official(body: bytes, season: int, session: str, event: EventIdentity | None = None) -> list[Row]:
    """Read the rows of one session from a whole Jolpica document.

    Parameters
    ----------
    body : bytes
        The JSON document.
    season : int
        Year, for the teams' ids.
    session : str
        ``Q``, ``S`` or ``R``.
    event : EventIdentity, optional
        The event that was asked for; not compared without one.

    Returns
    -------
    list of dict
        As of `read`; empty while the results are not published.

    Raises
    ------
    OtherEvent
        When the document is of another event.
    SourceError
        When the document does not have Jolpica's shape.
    """
    try:
        races = from_json(body)["MRData"]["RaceTable"]["Races"]
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(f"Jolpica's {ENDPOINTS[session]} of {season} has another shape: {error!r}") from error
    return read(races, season, session, event)


def ask(season: int, number: int, session: str, event: EventIdentity) -> list[Row]:
    """Fetch the rows of one session through FastF1's client.

    Parameters
    ----------
    season, number : int
        Year and round.
    session : str
        ``Q``, ``S`` or ``R``.
    event : EventIdentity
        The event that the round is expected to be.

    Returns
    -------
    list of dict
        As of `read`; empty while the results are not published.

    Raises
    ------
    OtherEvent
        When the round is another event.
    SourceError
        When the client fails. What FastF1 raises for its own limits passes through.
    """
    from fastf1.ergast import Ergast
    from fastf1.exceptions import ErgastError

    client = Ergast(result_type="raw", auto_cast=False)
    calls = {"Q": client.get_qualifying_results, "S": client.get_sprint_results, "R": client.get_race_results}
    try:
        return read(list(calls[session](season=season, round=number)), season, session, event)
    except (ErgastError, KeyError, TypeError) as error:
        raise SourceError(f"Jolpica gave no {ENDPOINTS[session]} of {season} round {number}: {error}") from error


def read(races: list[Row], season: int, session: str, event: EventIdentity | None = None) -> list[Row]:
    """Read Jolpica's races as rows of one session under canonical ids.

    Parameters
    ----------
    races : list of dict
        ``MRData.RaceTable.Races`` of a document.
    season : int
        Year, for the teams' ids.
    session : str
        ``Q``, ``S`` or ``R``.
    event : EventIdentity, optional
        The event that was asked for; not compared without one.

    Returns
    -------
    list of dict
        One row a driver, in official order: ``driver_id``, ``driver_number``, ``abbreviation``, ``full_name``,
        ``team_id``, ``team_name``, ``position``, ``position_text``, ``grid`` (None unless a slot), ``is_pit_lane``,
        ``status``, ``points``, ``laps``, the times ``race_time``, ``best_lap``, ``q1``, ``q2``, ``q3`` in seconds
        (None: none), and ``refused`` (time -> seconds) for times that are not positive.

    Raises
    ------
    OtherEvent
        When the rows are of another event: Jolpica counts the rounds differently.
    SourceError
        When a row cannot be read.

    Notes
    -----
    Ergast's grid slot 0 means the pit lane for those who covered a lap. The race time is taken from the milliseconds:
    its text is the gap to the winner in some documents and the gap to the car ahead in others.
    """
    try:
        if event is not None:
            for race in races:
                _check_event(race, season, session, event)
        rows = [_row(row, season) for race in races for row in race.get(_TABLES[session], [])]
        placed = sorted(rows, key=lambda row: row["position"] if row["position"] is not None else _LAST)
        return list({row["driver_id"]: row for row in reversed(placed)}.values())[::-1]
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise SourceError(f"Jolpica's {ENDPOINTS[session]} of {season}: unreadable row, {error!r}") from error


def _check_event(race: Row, season: int, session: str, event: EventIdentity) -> None:
    said = EventIdentity(race["raceName"], race["Circuit"]["circuitId"], date.fromisoformat(race["date"]))
    if not said.is_same(event):
        raise OtherEvent(
            f"Jolpica's round {race['round']} of {season} is the {said}, not the {event}: it counts rounds "
            f"differently, and its {ENDPOINTS[session]} are refused"
        )


def _row(row: Row, season: int) -> Row:
    driver, team = row["Driver"], row["Constructor"]
    name = f"{driver['givenName']} {driver['familyName']}"
    laps = _whole(row.get("laps"))
    grid = _whole(row.get("grid"))
    millis = (row.get("Time") or {}).get("millis")
    fastest = ((row.get("FastestLap") or {}).get("Time") or {}).get("time")
    times = {
        "race_time": int(millis) / 1000 if millis else None,
        "best_lap": clock(fastest),
        "q1": clock(row.get("Q1")),
        "q2": clock(row.get("Q2")),
        "q3": clock(row.get("Q3")),
    }
    impossible = {column: value for column, value in times.items() if value is not None and value <= 0}
    return {
        "driver_id": driver_id_from_ergast(driver["driverId"], name),
        "driver_number": _text(row.get("number")),
        "abbreviation": _text(driver.get("code")),
        "full_name": name,
        "team_id": team_id(team["constructorId"], season),
        "team_name": _text(team["name"]),
        "position": _whole(row.get("position")),
        "position_text": _text(row.get("positionText", row.get("position"))),
        "grid": grid if grid and grid > 0 else None,
        "is_pit_lane": grid == 0 and bool(laps),
        "status": _text(row.get("status")),
        "points": clock(row.get("points")),
        "laps": laps,
        **times,
        **dict.fromkeys(impossible),
        "refused": impossible,
    }


def clock(text: str | None) -> float | None:
    """Return ``1:44.589`` or ``1:32:42.436`` in seconds, ``26.5`` as it is; None for an empty text.

    Raises `ValueError` for anything else.
    """
    if not text:
        return None
    seconds = 0.0
    for part in text.removeprefix("-").split(":"):
        seconds = seconds * 60 + float(part)
    if not math.isfinite(seconds):
        raise ValueError(f"{text!r} is no time")
    return round(-seconds if text.startswith("-") else seconds, 3)


def _whole(text: Any) -> int | None:
    if text in (None, ""):
        return None
    if abs(number := int(text)) > _MOST:
        raise ValueError(f"{number} is no place, grid slot or number of laps")
    return number


def _text(value: Any) -> str | None:
    if not isinstance(value, str | None):
        raise TypeError(f"{str(value)[:60]!r} is no text")
    return value
