"""F1DB's races as events and sessions: names, formats and times.

F1DB gives a session's date and time, in UTC, from 2024 on; before, only the date of the race. Then the time is
estimated (``time_is_estimated``) from the usual timetable of its format in local time of the circuit, see `LOCAL`.
Features depend on the order of a weekend's sessions and on their day, not on the hour.

A race that F1DB dates wrongly is held on the day of ``domain/data/calendar_corrections.csv``, which names the evidence.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from f1lib.domain.circuits import circuit, event_name
from f1lib.domain.csv_files import rows as csv_rows
from f1lib.domain.weekend import FORMAT_SESSIONS, LOCAL, EventFormat, EventKey, session_columns
from f1lib.errors import SourceError
from f1lib.sources.f1db.release_files import Release
from f1lib.sources.plausible import in_order

# Until 2021 Monaco's first practice day was Thursday; Friday had no session.
_MONACO_REST_UNTIL = 2021
_COLUMNS = {
    "P1": "freePractice1",
    "P2": "freePractice2",
    "P3": "freePractice3",
    "Q": "qualifying",
    "SQ": "sprintQualifying",
    "SS": "sprintQualifying",
    "S": "sprintRace",
}
Row = dict[Any, Any]


def calendar(release: Release) -> tuple[pd.DataFrame, pd.DataFrame, dict[int, list[str]]]:
    """Return every event and session of a release.

    Parameters
    ----------
    release : Release
        An F1DB release.

    Returns
    -------
    events : pandas.DataFrame
        One row an event: columns of table ``events`` and ``race_id``, in F1DB's order.
    sessions : pandas.DataFrame
        One row an event and session: columns of table ``sessions`` and ``race_id``, in the order they are run.
    odd : dict of int to list of str
        Warnings by season: dates that were corrected, and times that cannot be (`plausible.in_order`).

    Raises
    ------
    SourceError
        For a release without races, a race without a date, or an id that the release does not explain.
    """
    import pandas as pd

    events: list[Row] = []
    sessions: list[Row] = []
    odd: dict[int, list[str]] = {}
    circuits = release.frame("circuits").set_index("id").to_dict("index")
    names = release.frame("grands-prix").set_index("id")["fullName"].to_dict()
    countries = release.frame("countries").set_index("id")["name"].to_dict()
    races = release.frame("races").astype(object)
    for stated in races.where(races.notna(), None).to_dict("records"):
        race, corrected = _corrected(stated)
        event = _event(race, circuits, names, countries)
        held, strange = in_order(_sessions(race, event), event["event_format"])
        said = [f"{event['event_partition_key']} R: {corrected}"] if corrected else []
        odd.setdefault(event["event_year"], []).extend(said + strange)
        event["race_start_utc"] = next(row["session_start_utc"] for row in held if row["session"] == "R")
        events.append(event)
        sessions += held
    if not events:
        raise SourceError(f"{release.path.name} has no race from {release.first_season} on in f1db-races.csv")
    return pd.DataFrame(events), pd.DataFrame(sessions), odd


def event_format(race: Row) -> EventFormat:
    """Return FastF1's event format of a row of ``f1db-races.csv``.

    F1DB calls both sprint qualifyings ``SPRINT_SHOOTOUT``; the name changed from 2023 to 2024.
    """
    if race["qualifyingFormat"] == "SPRINT_RACE":
        return EventFormat.SPRINT
    if race["sprintQualifyingFormat"] or race["sprintQualifyingDate"] or race["sprintRaceDate"]:
        if race["year"] < 2023:
            return EventFormat.SPRINT
        return EventFormat.SPRINT_SHOOTOUT if race["year"] == 2023 else EventFormat.SPRINT_QUALIFYING
    return EventFormat.CONVENTIONAL


def _event(race: Row, circuits: dict[Any, Row], names: dict[Any, str], countries: dict[Any, str]) -> Row:
    season, grand_prix, circuit_id = int(race["year"]), race["grandPrixId"], race["circuitId"]
    place = f"race {season} round {race['round']} in f1db-races.csv"
    name = event_name(grand_prix, season) or names.get(grand_prix)
    if not name:
        raise SourceError(f"{place}: grandPrixId {grand_prix!r} is not in f1db-grands-prix.csv")
    if circuit_id not in circuits:
        raise SourceError(f"{place}: circuitId {circuit_id!r} is not in f1db-circuits.csv")
    row, known = circuits[circuit_id], circuit(circuit_id)
    return {
        "race_id": int(race["id"]),
        "event_partition_key": EventKey(season, name).partition_key,
        "event_year": season,
        "event_number": int(race["round"]),
        "event_name": name,
        "official_event_name": race["officialName"],
        "event_format": event_format(race).value,
        "circuit_id": circuit_id,
        "circuit": known.name if known else row["name"],
        "circuit_type": race["circuitType"],
        "country": known.country if known else countries.get(row["countryId"]),
        "latitude": known.latitude if known else _degrees(row["latitude"], 90.0),
        "longitude": known.longitude if known else _degrees(row["longitude"], 180.0),
        "timezone": known.timezone if known else None,
        "is_cancelled": False,
        "source": "f1db",
    }


def _degrees(text: str, most: float) -> float | None:
    """Return a coordinate; None when the text is none (such as ``=1+1``): the event then has no weather."""
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    return value if abs(value) <= most else None


def _sessions(race: Row, event: Row) -> list[Row]:
    rows = []
    for session in FORMAT_SESSIONS[event["event_format"]]:
        start, is_estimated = _start(race, event, session)
        keys = ("race_id", "event_partition_key", "event_year", "event_number", "event_name", "source")
        rows.append({key: event[key] for key in keys} | session_columns(session, start, is_estimated=is_estimated))
    return rows


def _start(race: Row, event: Row, session: str) -> tuple[datetime, bool]:
    """Return the scheduled start in UTC, and whether any part of it is estimated."""
    column = _COLUMNS.get(session)
    day = _date(race, f"{column}Date" if column else "date")
    hour = race[f"{column}Time" if column else "time"]
    if day and hour:
        try:
            return datetime.combine(day, time.fromisoformat(hour), UTC), False
        except ValueError as error:
            raise SourceError(
                f"{event['event_partition_key']} {session}: {hour!r} in f1db-races.csv: {error}"
            ) from None
    days_before, hour = LOCAL[event["event_format"]][session]
    if event["circuit_id"] == "monaco" and event["event_year"] <= _MONACO_REST_UNTIL and session in ("P1", "P2"):
        days_before += 1
    race_day = _date(race, "date")
    if race_day is None:
        raise SourceError(f"{event['event_partition_key']}: the race has no date in f1db-races.csv")
    zone = ZoneInfo(event["timezone"] or "UTC")
    midnight = datetime.combine(day or race_day - timedelta(days=days_before), time(), zone)
    return (midnight + timedelta(hours=hour)).astimezone(UTC), True


def _corrected(race: Row) -> tuple[Row, str]:
    """Return the race on the day it was held, and what was corrected; a release with a third date is taken as it is."""
    stated = str(race["year"]), race["grandPrixId"], race["date"]
    for known in csv_rows("domain/data/calendar_corrections.csv"):
        if stated == (known["season"], known["grand_prix_id"], known["stated_date"]):
            return race | {
                "date": known["held_date"]
            }, f"held on {known['held_date']}, not {race['date']}: {known['reason']}"
    return race, ""


def _date(race: Row, column: str) -> date | None:
    if not race[column]:
        return None
    try:
        return date.fromisoformat(race[column])
    except ValueError as error:
        raise SourceError(f"race {race['id']} in f1db-races.csv: {column} {race[column]!r}: {error}") from None
