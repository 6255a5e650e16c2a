"""Bronze: each upstream's answer as it came, under canonical ids; one folder a session.

A folder's ``source.json`` is written last and holds the hashes of its files: a folder without one is half
written and never read. The tracking table follows each session from ``scheduled`` to ``ingested``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from f1lib.bronze_schedule import GRID_ROWS, SCHEDULE_ROW, refresh_schedule
from f1lib.errors import BadParameters, NotPublishedYet, RateLimited, SourceBlocked, SourceError
from f1lib.storage import read_json, write_json
from f1lib.tables import parquet_bytes
from f1lib.terms import EventKey, SessionCode, format_utc, parse_utc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    import pandas as pd

    from f1lib.sources.base import SessionData
    from f1lib.storage import ObjectStore
    from f1lib.tracking import Row
    from f1lib.workspace import Workspace

__all__ = [
    "GRID_ROWS",
    "SCHEDULE_ROW",
    "Unit",
    "due_rows",
    "folder",
    "grid_note",
    "ingest",
    "refresh_schedule",
    "session_note",
]

_GRID_UNITS = {"G": "R", "SG": "S"}
# A session without an answer this long after its end was not held, or will not be published.
GIVE_UP_AFTER = timedelta(hours=48)
# How long to leave an upstream alone that has nothing yet, or failed.
TRY_AGAIN_AFTER = timedelta(minutes=15)
_OPEN = ("scheduled", "due", "failed")
_DONE = ("ingested", "silver", "gold")


@dataclass(frozen=True)
class Unit:
    """One answer to fetch: the results of a session, or the starting grid (``is_grid``) of ``R`` or ``S``."""

    event: EventKey
    session: str
    is_grid: bool

    @property
    def sort_key(self) -> str:
        """Its row's sort key in the tracking table."""
        return GRID_ROWS[self.session] if self.is_grid else self.session

    @classmethod
    def parse(cls, text: str) -> Unit:
        """Read ``2025_Australian_Grand_Prix/Q``, ``.../G`` (race grid) or ``.../SG`` (sprint grid).

        Raises `BadParameters` for anything else.
        """
        event, _, code = text.rpartition("/")
        if not event or code not in (*_GRID_UNITS, *SessionCode):
            raise BadParameters(
                f"{text!r} names no session: use 2025_Australian_Grand_Prix/Q with one of "
                f"{' '.join(SessionCode)}, or G or SG for the starting grid of race or sprint"
            )
        return cls(EventKey.parse(event), _GRID_UNITS.get(code, code), code in _GRID_UNITS)

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Unit:
        """The unit that a tracking row stands for."""
        name = row["session_name_abr"]
        grids = {sort_key: session for session, sort_key in GRID_ROWS.items()}
        return cls(EventKey.parse(row["event_partition_key"]), grids.get(name, name), name in grids)


def folder(event: EventKey, session: str) -> str:
    """``bronze/sessions/2025/Australian_Grand_Prix/Q``."""
    return f"bronze/sessions/{event.season}/{event.folder}/{session}"


def session_note(event: EventKey, session: str) -> str:
    """The key of a session's ``source.json``."""
    return f"{folder(event, session)}/source.json"


def grid_note(event: EventKey, session: str) -> str:
    """The key of ``starting_grid.source.json`` beside the session's own."""
    return f"{folder(event, session)}/starting_grid.source.json"


def due_rows(rows: Iterable[Mapping[str, Any]], as_of: datetime) -> list[Row]:
    """The tracking rows of sessions and grids that are visible at ``as_of`` and not settled, in order of time."""
    moment = format_utc(as_of)
    due = [
        dict(row)
        for row in rows
        if (row["session_name_abr"] in list(SessionCode) or row["session_name_abr"] in GRID_ROWS.values())
        and row.get("status") in _OPEN
        and row.get("available_utc", "9") <= moment
        and row.get("next_attempt_utc", "") <= moment
    ]
    return sorted(due, key=lambda r: (r["available_utc"], r["event_partition_key"], r["session_name_abr"]))


def ingest(ws: Workspace, units: list[str], progress: Callable[[int, int, str], None] | None = None) -> pd.DataFrame:
    """Fetch sessions and starting grids into bronze; one row a unit with its status, rows and warning.

    ``units`` are texts as `Unit.parse` reads them; empty means every row that is due at ``ws.as_of``. What
    goes wrong with one unit is recorded on its tracking row and never stops the others. Raises
    `BadParameters` for a unit that is not in the calendar, `StorageError` when the lake cannot be written.
    """
    import pandas as pd

    known = {(row["event_partition_key"], row["session_name_abr"]): row for row in ws.tracking.rows()}
    wanted = [Unit.parse(text) for text in units] or [Unit.of_row(row) for row in due_rows(known.values(), ws.as_of)]
    for unit in wanted:
        if (unit.event.partition_key, unit.sort_key) not in known:
            raise BadParameters(
                f"{unit.event} has no {unit.sort_key} in the calendar; run 00_schedule, see `f1 status`"
            )
    outcomes: list[dict[str, Any]] = []
    changes: list[Row] = []
    limited: RateLimited | None = None
    try:
        for number, unit in enumerate(wanted, start=1):
            row = known[unit.event.partition_key, unit.sort_key]
            if limited:  # the upstream wants to be left alone: the rest waits with the one it refused
                outcome, change = _after_error(limited, unit, row, ws.as_of)
            else:
                outcome, change, limited = _fetch(ws, unit, row)
            outcomes.append(outcome)
            changes.append(change)
            if progress:
                progress(number, len(wanted), f"{unit.event} {unit.sort_key}")
    finally:
        ws.tracking.put_rows(changes)
    return pd.DataFrame(outcomes, columns=["event_partition_key", "session", "status", "rows", "warning"])


def _fetch(ws: Workspace, unit: Unit, row: Row) -> tuple[dict[str, Any], Row, RateLimited | None]:
    """Ask the source, store the answer; the outcome, what the tracking row becomes, and the upstream's wish to rest."""
    attempts = {"attempts": int(row.get("attempts", 0)) + 1}
    try:
        ask = ws.source.starting_grid if unit.is_grid else ws.source.session
        data = ask(unit.event, unit.session, ws.as_of)
    except SourceError as error:
        outcome, change = _after_error(error, unit, row, ws.as_of)
        return outcome, {**change, **attempts}, error if isinstance(error, RateLimited) else None
    digest = _store(ws.store, unit, data, ws.source.name, ws.as_of)
    same = row.get("content_hash") == digest and row.get("status") in _DONE
    change = {**_row_key(unit), **attempts, "status": row["status"] if same else "ingested", "content_hash": digest}
    change |= {"last_error": None, "next_attempt_utc": None, "updated_at_utc": format_utc(ws.as_of)}
    change |= {"bronze_path": folder(unit.event, unit.session), "source": ws.source.name}
    rows = sum(len(frame) for frame in data.frames.values())
    return _outcome(unit, "ingested", rows, "; ".join(data.warnings)), change, None


def _after_error(error: SourceError, unit: Unit, row: Row, as_of: datetime) -> tuple[dict[str, Any], Row]:
    """What a failed attempt means: a session already ingested keeps what it has."""
    again = as_of + TRY_AGAIN_AFTER
    if isinstance(error, RateLimited):
        status, again = "due", as_of + timedelta(seconds=error.retry_after_seconds)
    elif isinstance(error, SourceBlocked):
        status = "blocked"
    elif isinstance(error, NotPublishedYet):
        status = "unavailable" if as_of - parse_utc(row["session_end_utc"]) > GIVE_UP_AFTER else "due"
    else:
        status = "failed"
    if row.get("status") in _DONE:
        status = row["status"]
    change: Row = {**_row_key(unit), "status": status, "last_error": str(error), "updated_at_utc": format_utc(as_of)}
    change["next_attempt_utc"] = format_utc(again) if status in ("due", "failed") else None
    return _outcome(unit, status, 0, str(error)), change


def _row_key(unit: Unit) -> Row:
    return {"event_partition_key": unit.event.partition_key, "session_name_abr": unit.sort_key}


def _outcome(unit: Unit, status: str, rows: int, warning: str) -> dict[str, Any]:
    key = unit.event.partition_key
    return {"event_partition_key": key, "session": unit.sort_key, "status": status, "rows": rows, "warning": warning}


def _store(store: ObjectStore, unit: Unit, data: SessionData, source: str, as_of: datetime) -> str:
    """Write the frames, each row naming its source, then the note that makes them count; returns the content's hash.

    An answer equal to the one in the lake is left alone: its note keeps the moment it was first seen. A
    changed one takes its note away first, so that no reader meets new files under an old note.
    """
    base = folder(unit.event, unit.session)
    note_key = grid_note(unit.event, unit.session) if unit.is_grid else session_note(unit.event, unit.session)
    named = {name: frame.assign(source=source) for name, frame in sorted(data.frames.items())}
    contents = {f"{name}.parquet": parquet_bytes(frame) for name, frame in named.items()}
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    digest = hashlib.sha256("".join(hashes.values()).encode()).hexdigest()[:16]
    if store.exists(note_key):
        old = read_json(store, note_key)
        if old["content_hash"] == digest:
            return digest
        for name in (note_key, *(f"{base}/{file}" for file in old["files"])):
            store.delete(name)
    for name, content in contents.items():
        store.write(f"{base}/{name}", content)
    note: dict[str, Any] = {"event_partition_key": unit.event.partition_key, "session": unit.session}
    note |= {"content_hash": digest, "fetched_utc": format_utc(as_of), "files": hashes}
    write_json(store, note_key, {**note, "provenance": data.provenance, "warnings": data.warnings})
    return digest
