"""Fetch sessions and starting grids into bronze, under canonical ids, one folder a session.

A folder's note is written last and holds the hashes of its files: a folder without one is half written and never
read. The tracking table follows each session from ``scheduled`` to ``ingested``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from functools import partial
from time import perf_counter
from typing import Any

import pandas as pd

from f1lib.bronze.answers import store_answer
from f1lib.bronze.due import PRACTICE, after_error, after_success, due_rows
from f1lib.domain.moments import format_utc, parse_utc
from f1lib.errors import BadParameters, NotPublishedYet, RateLimited, SourceError
from f1lib.lake.parquet import read_parquet
from f1lib.lake.paths import grid_note, schedule_table, session_folder, session_note
from f1lib.lake.store import ObjectStore, in_bulk
from f1lib.sources.protocols import SessionData
from f1lib.tracking.rows import STORED, Outcome, SessionRow, Status, TrackingRow, is_claimed, key_of
from f1lib.tracking.units import Unit
from f1lib.workspace.forks import in_forks
from f1lib.workspace.lake_kind import claim_lake
from f1lib.workspace.workspace import Workspace

# Up to this many units, each row is read once more before its turn: another run may have claimed it. The files of
# more are brought to the disk all at once.
_READ_AGAIN_UP_TO = 40
_SMALLEST_FIELD = 18  # 2014 to 2016
_log = logging.getLogger(__name__)


def ingest(
    ws: Workspace, units: list[str], progress: Callable[[int, int, str], None] | None = None, *, seconds: float = 0
) -> pd.DataFrame:
    """Fetch sessions and starting grids into bronze.

    What goes wrong with one unit is recorded on its tracking row and does not stop the others. A unit that another run
    has claimed is left to it. After `RateLimited` the remaining units are not asked for; they wait as long as the
    first.

    Parameters
    ----------
    ws : Workspace
        Its source is asked, its lake and tracking table are written; ``ws.as_of`` is the time of the fetch.
    units : list of str
        Sessions and grids as `Unit.parse` reads them; empty for every one that is due at ``ws.as_of``.
    progress : callable, optional
        Called after each unit with its number, the number of units and its name.
    seconds : float
        No further unit is begun after this many seconds; 0 for no limit.

    Returns
    -------
    pandas.DataFrame
        One row a unit, in the order of the fetch: ``event_partition_key``, ``session``, ``status``, ``rows`` (of all
        frames) and ``warning``.

    Raises
    ------
    BadParameters
        For a unit that is not in the calendar.
    StorageError
        When the lake cannot be read or written.
    """
    import pandas as pd

    known = {key_of(row): row for row in ws.tracking.rows()}
    wanted = _wanted(known, units, ws.as_of)
    claim_lake(ws.store, ws.source_name, ws.as_of, ws.settings)
    parts = [wanted]
    if len(wanted) > _READ_AGAIN_UP_TO and ws.source_name == "f1db" and not (progress or seconds):
        # a file, which can be read in parallel
        parts = [[unit for unit in wanted if (unit.session in PRACTICE) == is_one] for is_one in (True, False)]
    work = partial(_fetch_each, ws, known, progress=progress, seconds=seconds)
    found = [outcome for part in in_forks(work, parts, connected=ws.is_connected) for outcome in part]
    order = {(unit.event.partition_key, unit.sort_key): place for place, unit in enumerate(wanted)}
    outcomes = sorted(found, key=lambda outcome: order[outcome["event_partition_key"], outcome["session"]])
    return pd.DataFrame(outcomes, columns=["event_partition_key", "session", "status", "rows", "warning"])


def _fetch_each(
    ws: Workspace,
    known: Mapping[tuple[str, str], TrackingRow],
    wanted: list[Unit],
    progress: Callable[[int, int, str], None] | None,
    seconds: float,
) -> list[dict[str, Any]]:
    """Fetch units one after the other, write their tracking rows once all is on the disk, and return outcomes."""
    outcomes: list[dict[str, Any]] = []
    changes: list[SessionRow] = []
    limited: RateLimited | None = None
    is_many = len(wanted) > _READ_AGAIN_UP_TO
    try:
        with in_bulk(ws.store) if is_many else nullcontext():
            for number, unit in enumerate(_until_time_is_up(wanted, seconds), start=1):
                row = known[unit.event.partition_key, unit.sort_key]
                if not is_many:
                    row = ws.tracking.get(unit.event.partition_key, unit.sort_key) or row
                race_end = race_end_of(known, row)
                if _is_taken(row, ws.run_id, ws.as_of):
                    outcomes.append(_outcome(unit, Outcome.TAKEN, 0, f"{row['owner']} is at it"))
                    continue
                if limited:  # the rest waits with the unit that was refused
                    outcome, change = _failed(limited, unit, row, race_end, ws.as_of)
                else:
                    fenced = not is_many or number % _READ_AGAIN_UP_TO == 1
                    outcome, change, error = fetch(ws, unit, row, race_end, fenced=fenced)
                    limited = error if isinstance(error, RateLimited) else None
                outcomes.append(outcome)
                changes.append(change)
                if progress:
                    progress(number, len(wanted), f"{unit.event} {unit.sort_key}")
    finally:
        ws.hold()
        ws.tracking.put_rows(changes)
    return outcomes


def _wanted(known: Mapping[tuple[str, str], TrackingRow], units: list[str], as_of: datetime) -> list[Unit]:
    wanted = [Unit.parse(text) for text in units] or [Unit.of_row(row) for row in due_rows(known.values(), as_of)]
    for unit in wanted:
        if (unit.event.partition_key, unit.sort_key) not in known:
            raise BadParameters(
                f"{unit.event} has no {unit.sort_key} in the calendar; run 00_schedule, see `f1 status`"
            )
    return wanted


def _until_time_is_up(units: list[Unit], seconds: float) -> Iterator[Unit]:
    started = perf_counter()
    for unit in units:
        if seconds and perf_counter() - started > seconds:
            return
        yield unit


def race_end_of(known: Mapping[tuple[str, str], SessionRow], row: SessionRow) -> datetime:
    """Return when the race of a row's weekend ends; the row's own end where the calendar has no race."""
    return parse_utc(known.get((row["event_partition_key"], "R"), row)["session_end_utc"])


def fetch(
    ws: Workspace, unit: Unit, row: SessionRow, race_end: datetime, *, fenced: bool = True
) -> tuple[dict[str, Any], SessionRow, SourceError | None]:
    """Ask the source for one unit and store the answer.

    Parameters
    ----------
    ws : Workspace
        Its source is asked and its lake is written.
    unit : Unit
        The session or starting grid.
    row : SessionRow
        Its tracking row.
    race_end : datetime
        Scheduled end of the race of its weekend, aware UTC.
    fenced : bool
        Whether the run's claim is checked before the answer is stored.

    Returns
    -------
    outcome : dict
        ``event_partition_key``, ``session``, ``status``, ``rows`` and ``warning``.
    change : SessionRow
        The changed columns of the tracking row, with its key; not written here.
    error : SourceError or None
        Why there is no answer.

    Raises
    ------
    AlreadyRunning
        The run's lease ran out while the source was asked; nothing is stored.
    StorageError
        When the lake cannot be read or written.
    """
    attempts = (row.get("attempts") or 0) + 1
    try:
        ask = ws.source.starting_grid if unit.is_grid else ws.source.session
        event = replace(unit.event, event_name=row.get("asked_as") or unit.event.event_name)
        data = ask(event, unit.session, ws.as_of)
        _require_field(ws.store, unit, data)
    except SourceError as error:
        outcome, failed = _failed(error, unit, row, race_end, ws.as_of)
        return outcome, {**failed, "attempts": attempts}, error
    if fenced:
        ws.hold(unit.event.partition_key)
    source = str(data.provenance.get("source", ws.source.name))
    stored = store_answer(ws.store, session_folder(unit.event, unit.session), note_key(unit), data, source, ws.as_of)
    odd = [data.provenance.get(name, ()) for name in ("conflicts", "refused")]
    same = row.get("content_hash") == stored.content_hash and row.get("status") in STORED
    change: SessionRow = {
        **_row_key(unit),
        "attempts": attempts,
        "status": row["status"] if same else Status.INGESTED,
        "content_hash": stored.content_hash,
        "last_error": None,
        "updated_at_utc": format_utc(ws.as_of),
        "bronze_path": session_folder(unit.event, unit.session),
        "source": source,
        "missing": stored.missing or None,
        "conflicts": sum(map(len, (*odd, stored.revised))) or None,
    }
    change |= after_success(row, race_end, ws.as_of, is_whole=stored.is_whole)
    rows = sum(len(frame) for frame in data.frames.values())
    _log.info("%s %s: %s answered, files %d, rows %d", unit.event, unit.sort_key, source, len(data.frames), rows)
    revised = [f"{len(stored.revised)} values were revised"] if stored.revised and not same else []
    return _outcome(unit, Status.INGESTED, rows, "; ".join([*data.warnings, *revised])), change, None


def _require_field(store: ObjectStore, unit: Unit, data: SessionData) -> None:
    """Raise `NotPublishedYet` for the rows of half the entered drivers or fewer: the upstream is still writing them.

    Practice is at times driven by a few. The entries are read where the rows are fewer than any field since 2010.
    """
    rows = data.frames.get("starting_grid" if unit.is_grid else "results")
    if rows is None or (unit.session in PRACTICE and len(rows)):
        return
    placed = int((rows["position"].notna() | rows["position_text"].notna()).sum())
    key = schedule_table(unit.event.season, "entries")
    entered = 0
    if 0 < placed < _SMALLEST_FIELD and store.exists(key):
        entered = len(read_parquet(store, key, ["driver_id"]))
    if placed <= entered / 2:  # none, or half of them
        what = f"{placed} of {entered} drivers have a place" if placed else "no driver has a place"
        raise NotPublishedYet(f"{unit.event} {unit.sort_key}: {what} yet")


def note_key(unit: Unit) -> str:
    """Return the key of the note that makes a unit's files count."""
    return grid_note(unit.event, unit.session) if unit.is_grid else session_note(unit.event, unit.session)


def _is_taken(row: SessionRow, run_id: str, as_of: datetime) -> bool:
    """Whether another run works on this session."""
    return is_claimed(row, as_of) and row.get("run_id") != run_id


def _failed(
    error: SourceError, unit: Unit, row: SessionRow, race_end: datetime, as_of: datetime
) -> tuple[dict[str, Any], SessionRow]:
    """Return the outcome and the changed columns after a failed attempt; an ingested session keeps its answer."""
    _log.info("%s %s: %s", unit.event, unit.sort_key, error)
    change: SessionRow = {**_row_key(unit), "last_error": str(error), "updated_at_utc": format_utc(as_of)}
    change |= after_error(row, error, race_end, as_of)
    return _outcome(unit, change["status"], 0, str(error)), change


def _row_key(unit: Unit) -> SessionRow:
    return {"event_partition_key": unit.event.partition_key, "session_name_abr": unit.sort_key}


def _outcome(unit: Unit, status: Status | Outcome, rows: int, warning: str) -> dict[str, Any]:
    key = unit.event.partition_key
    return {"event_partition_key": key, "session": unit.sort_key, "status": status, "rows": rows, "warning": warning}
