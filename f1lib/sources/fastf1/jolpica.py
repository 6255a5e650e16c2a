"""Jolpica (https://jolpi.ca, Ergast's successor): official results of qualifying, sprint and race.

Asked through FastF1's own client, so that its limits hold. Jolpica's documents carry more than FastF1 passes
on (fastest laps, whole race times, the order of those who did not finish), therefore they are read here.
"""

from __future__ import annotations

import json
from typing import Any

from f1lib.domain.identities import driver_id_from_ergast, team_id
from f1lib.errors import SourceError

ATTRIBUTION = "Jolpica-F1, https://github.com/jolpica/jolpica-f1"
HOST = "api.jolpi.ca"
ENDPOINTS = {"Q": "qualifying", "S": "sprint", "R": "results"}
_TABLES = {"Q": "QualifyingResults", "S": "SprintResults", "R": "Results"}

Row = dict[str, Any]


def official(body: bytes, season: int, session: str) -> list[Row]:
    """The rows of one session from a whole Jolpica document; empty while it is not published.

    Raises `SourceError` for a document that is not of Jolpica's shape.
    """
    try:
        races = json.loads(body.decode("utf-8-sig"))["MRData"]["RaceTable"]["Races"]
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(f"Jolpica's {ENDPOINTS[session]} of {season} has another shape: {error!r}") from error
    return read(races, season, session)


def ask(season: int, number: int, session: str) -> list[Row]:
    """The rows of one session, asked for through FastF1's client; empty while they are not published.

    Raises `SourceError` when the client fails; what FastF1 raises for its own limits passes through.
    """
    from fastf1.ergast import Ergast
    from fastf1.exceptions import ErgastError

    client = Ergast(result_type="raw", auto_cast=False)
    calls = {"Q": client.get_qualifying_results, "S": client.get_sprint_results, "R": client.get_race_results}
    try:
        return read(list(calls[session](season=season, round=number)), season, session)
    except (ErgastError, KeyError, TypeError) as error:
        raise SourceError(f"Jolpica gave no {ENDPOINTS[session]} of {season} round {number}: {error}") from error


def read(races: list[Row], season: int, session: str) -> list[Row]:
    """Rows in official order under canonical ids; times in seconds, ``None`` where there is none.

    ``grid`` is None unless it is a slot; ``is_pit_lane`` says that Ergast's slot 0 means the pit lane, which
    it does for those who set off. The race time is taken from the milliseconds: the text of it is at times
    the gap to the winner, at times to the car ahead.
    """
    rows = [row for race in races for row in race.get(_TABLES[session], [])]
    try:
        return sorted((_row(row, season) for row in rows), key=lambda row: row["position"])
    except (KeyError, ValueError, TypeError) as error:
        raise SourceError(f"Jolpica's {ENDPOINTS[session]} of {season}: unreadable row, {error!r}") from error


def _row(row: Row, season: int) -> Row:
    driver, team = row["Driver"], row["Constructor"]
    name = f"{driver['givenName']} {driver['familyName']}"
    laps = _whole(row.get("laps"))
    grid = _whole(row.get("grid"))
    millis = (row.get("Time") or {}).get("millis")
    fastest = ((row.get("FastestLap") or {}).get("Time") or {}).get("time")
    return {
        "driver_id": driver_id_from_ergast(driver["driverId"], name),
        "driver_number": row.get("number"),
        "abbreviation": driver.get("code"),
        "full_name": name,
        "team_id": team_id(team["constructorId"], season),
        "team_name": team["name"],
        "position": int(row["position"]),
        "position_text": row.get("positionText", row["position"]),
        "grid": grid if grid and grid > 0 else None,
        "is_pit_lane": grid == 0 and bool(laps),
        "status": row.get("status"),
        "points": float(row["points"]) if row.get("points") else None,
        "laps": laps,
        "race_time": int(millis) / 1000 if millis else None,
        "best_lap": clock(fastest),
        "q1": clock(row.get("Q1")),
        "q2": clock(row.get("Q2")),
        "q3": clock(row.get("Q3")),
    }


def clock(text: str | None) -> float | None:
    """``1:44.589`` and ``1:32:42.436`` in seconds; None for an empty text.

    Raises `ValueError` for anything else.
    """
    if not text:
        return None
    seconds = 0.0
    for part in text.split(":"):
        seconds = seconds * 60 + float(part)
    return round(seconds, 3)


def _whole(text: Any) -> int | None:
    return int(text) if text not in (None, "") else None
