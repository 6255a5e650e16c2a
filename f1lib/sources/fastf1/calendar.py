"""FastF1's event schedule as tables ``events`` and ``sessions``: its names, its times, canonical circuits.

An event is what FastF1 says it is: a race that was moved keeps its name and gets the circuit of its new place (2026's
Bahrain Grand Prix at Sepang), a renamed one gets its new name.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from f1lib.domain.circuits import Circuit, find_circuit
from f1lib.domain.weekend import FORMAT_SESSIONS, LOCAL, SESSION_NAMES, EventKey, plain, session_columns
from f1lib.errors import SourceError
from f1lib.sources.plausible import in_order

Row = dict[str, Any]
_CODES = {name: code for code, name in SESSION_NAMES.items()}


def calendar(raw: pd.DataFrame, season: int) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Convert FastF1's ``EventSchedule`` of one season; tests are left out.

    Parameters
    ----------
    raw : pandas.DataFrame
        FastF1's ``EventSchedule``, one row an event.
    season : int
        Its year.

    Returns
    -------
    events : pandas.DataFrame
        One row an event, columns of table ``events``, by round.
    sessions : pandas.DataFrame
        One row an event and session, columns of table ``sessions``, in the order they are run.
    odd : list of str
        Warnings, such as a place without a known circuit.

    Raises
    ------
    SourceError
        When the schedule has no event, an event has no race or no date, or a format or session is unknown.
    """
    events: list[Row] = []
    sessions: list[Row] = []
    odd: list[str] = []
    records = pd.DataFrame(raw).sort_values("RoundNumber", kind="stable").to_dict("records")
    for row in ({str(name): value for name, value in record.items()} for record in records):
        if row["EventFormat"] == "testing" or not int(row["RoundNumber"]):
            continue
        event, strange = _event(row, season)
        held, disordered = in_order(_sessions(row, event), event["event_format"])
        races = [session["session_start_utc"] for session in held if session["session"] == "R"]
        if not races:
            raise SourceError(f"FastF1's schedule of {season}: {event['event_name']} has no race")
        events.append(event | {"race_start_utc": races[0]})
        sessions += held
        odd += strange + disordered
    if not events:
        raise SourceError(f"FastF1's schedule of {season} holds no event")
    return pd.DataFrame(events), pd.DataFrame(sessions), odd


def _event(row: Row, season: int) -> tuple[Row, list[str]]:
    name, location = str(row["EventName"]), str(row["Location"])
    if row["EventFormat"] not in FORMAT_SESSIONS:
        raise SourceError(f"FastF1's schedule of {season}: {name} has the unknown format {row['EventFormat']!r}")
    known = find_circuit(location)
    event = {
        "event_partition_key": EventKey(season, name).partition_key,
        "event_year": season,
        "event_number": int(row["RoundNumber"]),
        "event_name": name,
        "official_event_name": str(row["OfficialEventName"]) or None,
        "event_format": str(row["EventFormat"]),
        "is_cancelled": False,
        "source": "fastf1",
    }
    odd = [] if known else [f"{season} {name}: no circuit is known at {location!r}; it has no coordinates"]
    return event | _place(known, location, str(row["Country"])), odd


def _place(known: Circuit | None, location: str, country: str) -> Row:
    if known is None:
        empty = {"latitude": None, "longitude": None, "timezone": None, "circuit_type": None}
        return {"circuit_id": plain(location), "circuit": location, "country": country, **empty}
    return {
        "circuit_id": known.circuit_id,
        "circuit": known.name,
        "circuit_type": "STREET" if known.is_street else "RACE",
        "country": known.country,
        "latitude": known.latitude,
        "longitude": known.longitude,
        "timezone": known.timezone,
    }


def _sessions(row: Row, event: Row) -> list[Row]:
    """Return the sessions that FastF1 lists; an event may have fewer than its format (Imola 2020, run in two days)."""
    rows = []
    keys = ("event_partition_key", "event_year", "event_number", "event_name", "source")
    for number in range(1, 6):
        session = session_code(row[f"Session{number}"], event["event_format"])
        if session is None:
            continue
        start, is_estimated = _start(row, event, session, number)
        rows.append({key: event[key] for key in keys} | session_columns(session, start, is_estimated=is_estimated))
    return rows


def session_code(name: Any, event_format: str) -> str | None:
    """Return the code of a session's name; None for no session at all.

    ``Practice 1`` is ``P1``; in 2021-22 ``Sprint Qualifying`` was the sprint, ``S``. Raises `SourceError` for an
    unknown name.
    """
    if not isinstance(name, str) or not name or name == "None":
        return None
    if event_format == "sprint" and name == "Sprint Qualifying":
        return "S"
    try:
        return _CODES[name]
    except KeyError:
        raise SourceError(f"FastF1's schedule names an unknown session {name!r}") from None


def _start(row: Row, event: Row, session: str, number: int) -> tuple[datetime, bool]:
    """Return the scheduled start in UTC, and whether it is estimated from `weekend.LOCAL`."""
    at = row[f"Session{number}DateUtc"]
    if not pd.isna(at):
        return pd.Timestamp(at).to_pydatetime().replace(tzinfo=UTC), False
    if pd.isna(row["EventDate"]):
        raise SourceError(f"{event['event_partition_key']}: FastF1's schedule has no date")
    days, hour = (LOCAL["conventional"] | LOCAL[event["event_format"]])[session]
    day = pd.Timestamp(row["EventDate"]).date() - timedelta(days=days)
    midnight = datetime.combine(day, time(), ZoneInfo(event["timezone"] or "UTC"))
    return (midnight + timedelta(hours=hour)).astimezone(UTC), True
