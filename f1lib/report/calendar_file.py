"""Calendar of the season, ``reports/calendar.ics``: every session in UTC, the forecast in the text (RFC 5545).

A session keeps its ``UID`` when it is moved or called off, and its ``DTSTAMP`` while nothing of it changes; a change
of time or status raises its ``SEQUENCE``, both read from the calendar before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from f1lib.domain.circuits import circuit
from f1lib.domain.moments import parse_utc, stamp
from f1lib.domain.weekend import HORIZON_WORDS, SESSION_NAMES, EventKey
from f1lib.predictions.words import outcome_sentence, percent
from f1lib.report.rounds import Round
from f1lib.report.site_words import address, printable
from f1lib.tracking.rows import TrackingRow

_TOLD = 5
_OCTETS = 75  # of a line, RFC 5545, 3.1
# What clients must be told of by a higher SEQUENCE.
_SIGNIFICANT = ("DTSTART", "DTEND", "STATUS")


def calendar_ics(
    rows: Iterable[TrackingRow], rounds: Iterable[Round], before: bytes | None, site: str, as_of: datetime, source: str
) -> bytes:
    """Write the sessions of the season of ``as_of`` and those after it.

    Parameters
    ----------
    rows : iterable of TrackingRow
        The whole tracking table.
    rounds : iterable of Round
        Races and sprints with their forecasts.
    before : bytes, optional
        The calendar written last.
    site : str
        Address at which ``reports/`` is published; empty when it is not known.
    as_of : datetime
        Aware UTC; the moment of what is new.
    source : str
        ``simulated`` is said in every event.

    Returns
    -------
    bytes
        The file.
    """
    told = {(r.event, r.session): r for r in rounds}
    known = _events((before or b"").decode())
    warning = "SIMULATED DATA, nothing of it happened" if source == "simulated" else ""
    name = f"Formula 1, f1lib's forecasts{f' ({warning})' if warning else ''}"
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//f1lib//f1lib//EN", "CALSCALE:GREGORIAN", "METHOD:PUBLISH"]
    lines += [_line("NAME", name), _line("X-WR-CALNAME", name), "REFRESH-INTERVAL;VALUE=DURATION:PT1H"]
    sessions = [row for row in rows if row["session_name_abr"] in SESSION_NAMES and row.get("session_date_utc")]
    sessions = [row for row in sessions if int(row["event_partition_key"][:4]) >= as_of.year]
    for row in sorted(sessions, key=lambda r: (r["session_date_utc"], r["event_partition_key"])):
        event = _event(row, told.get((row["event_partition_key"], row["session_name_abr"])), site, warning)
        lines += ["BEGIN:VEVENT", *_stamped(event, known.get(event["UID"], {}), stamp(as_of)), "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


def _event(row: TrackingRow, found: Round | None, site: str, warning: str) -> dict[str, str]:
    """Return the lines of a session by the name of their property."""
    event, session = row["event_partition_key"], row["session_name_abr"]
    start, name = parse_utc(row["session_date_utc"]), row.get("event_name") or EventKey.parse(event).event_name
    lines = {
        "UID": f"UID:{uuid5(NAMESPACE_URL, f'f1lib session {event} {session}')}",
        "DTSTART": f"DTSTART:{stamp(start)}",
        "DTEND": f"DTEND:{stamp(parse_utc(row.get('session_end_utc') or row['session_date_utc']))}",
        "STATUS": f"STATUS:{'CANCELLED' if row.get('is_cancelled') else 'CONFIRMED'}",
        "SUMMARY": _line("SUMMARY", f"{name}: {SESSION_NAMES[session]}"),
        "LOCATION": _line("LOCATION", _place(row.get("circuit") or "")),
    }
    if row.get("latitude") is not None and row.get("longitude") is not None:
        lines["GEO"] = f"GEO:{row['latitude']:.6f};{row['longitude']:.6f}"
    said = [warning, *_said(found)] if found else [warning]
    if text := "\n".join(filter(None, said)):
        lines["DESCRIPTION"] = _line("DESCRIPTION", text)
    if site and found and found.page:
        lines["URL"] = _folded(f"URL:{address(site, found.page)}")
    return lines


def _place(circuit_id: str) -> str:
    known = circuit(circuit_id)
    return f"{known.name}, {known.country}" if known else circuit_id


def _said(found: Round) -> list[str]:
    """Return the forecast of a race or sprint and its result, a line each."""
    if not found.forecast:
        return []
    first = found.forecast[0]
    when = f"{first['as_of_utc']:%Y-%m-%d %H:%M} UTC"
    best = sorted(found.forecast, key=lambda row: -row["p_win"])[:_TOLD]
    rows = [f"{row['full_name']}: wins {percent(row['p_win'])}, podium {percent(row['p_podium'])}" for row in best]
    said = [f"Forecast {HORIZON_WORDS[first['horizon']]}, {when}:", *rows]
    if found.result:
        places = {row["driver_id"]: int(row["finishing_position"]) for row in found.result}
        said.insert(0, f"{outcome_sentence(found.forecast, places)}.")
    return said


def _stamped(event: Mapping[str, str], before: Mapping[str, str], now: str) -> list[str]:
    """Return the lines of an event with ``DTSTAMP`` and ``SEQUENCE``, which go on from those of the event before."""
    bookkeeping = {"DTSTAMP", "SEQUENCE"}
    if {name: line for name, line in before.items() if name not in bookkeeping} == event:
        return list(before.values())
    moved = bool(before) and any(event[name] != before.get(name) for name in _SIGNIFICANT)
    sequence = int(before.get("SEQUENCE", "SEQUENCE:0").partition(":")[2]) + moved
    return [*event.values(), f"DTSTAMP:{now}", f"SEQUENCE:{sequence}"]


def _events(text: str) -> dict[str, dict[str, str]]:
    """Read a calendar of ours: the ``UID`` line of an event -> its lines, folded as they stand, by property."""
    found = {}
    for block in re.findall(r"BEGIN:VEVENT\r\n(.*?)\r\nEND:VEVENT", text, re.S):
        lines = {re.split("[:;]", line, maxsplit=1)[0]: line for line in re.split(r"\r\n(?! )", block)}
        found[lines["UID"]] = lines
    return found


def _line(name: str, text: Any) -> str:
    """Return a property with a text value, escaped (RFC 5545, 3.3.11) and folded."""
    escaped = re.sub(r"([\\;,])", r"\\\1", printable(str(text))).replace("\n", "\\n")
    return _folded(f"{name}:{escaped}")


def _folded(line: str) -> str:
    """Break a line before each character that would be beyond `_OCTETS`."""
    parts, size = [""], 0
    for character in line:
        width = len(character.encode())
        if size + width > _OCTETS:
            parts.append(" ")
            size = 1
        parts[-1] += character
        size += width
    return "\r\n".join(parts)
