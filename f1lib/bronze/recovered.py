"""Tracking rows of sessions, starting grids and forecasts, recovered from bronze when the tracking table is lost."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, cast

from f1lib.bronze.answers import stored_of
from f1lib.bronze.due import after_error, after_success
from f1lib.bronze.ingest import note_key, race_end_of
from f1lib.bronze.schedule import rows_of_schedule
from f1lib.bronze.weather import Material, row_of_forecasts
from f1lib.errors import Damaged, NotPublishedYet, TableError
from f1lib.lake import integrity, paths
from f1lib.lake.store import ObjectStore
from f1lib.tracking.index import is_session
from f1lib.tracking.rows import SessionRow, Status, TrackingRow, key_of
from f1lib.tracking.units import Unit

_log = logging.getLogger(__name__)
_NOT_THERE = "the tracking table was rebuilt from the lake, which has no answer"


def rows_of_bronze(
    store: ObjectStore, as_of: datetime, material: Material, without: Collection[str] = ()
) -> list[TrackingRow]:
    """Return the tracking rows of everything in bronze: calendars, sessions, starting grids and forecasts.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    as_of : datetime
        Moment up to which the lake was brought, aware UTC: what was available by then has been asked for.
    material : Material
        Differences that count as a change of a forecast.
    without : collection of str
        Keys of forecasts that are damaged: they are left out.

    Returns
    -------
    list of TrackingRow
        Rows whose data is in bronze are ``ingested``; their ``updated_at_utc`` is when it was fetched. What is lost is
        why an answer is missing, how often it was asked for, and since when. A session whose note is damaged is
        ``due``; a season whose calendar is damaged is left out and said in the log.

    Raises
    ------
    StorageError
        When the lake cannot be read.
    """
    held = set(store.list(paths.SCHEDULES_PREFIX))
    seasons = [s for s in sorted(paths.seasons_of_schedules(held)) if paths.schedule_note(s) in held]
    rows = list[TrackingRow]()
    for season in seasons:
        try:
            rows += _of_season(store, season, as_of)
        except (Damaged, TableError) as error:
            _log.warning("left out: the calendar of %d: %s", season, error)
    return rows + _of_forecasts(store, {row["event_partition_key"] for row in rows}, without, material)


def _of_season(store: ObjectStore, season: int, as_of: datetime) -> list[TrackingRow]:
    known = {key_of(row): row for row in rows_of_schedule(store, season, as_of)}
    held = [key for key in store.list(paths.sessions_prefix(season)) if paths.is_note(key)]
    notes = integrity.notes(store, held)
    rows: list[Any] = []
    for row in known.values():
        key = note_key(Unit.of_row(row)) if is_session(row) else ""
        note = notes.get(key)
        end = race_end_of(known, row) if is_session(row) else as_of
        if note is not None:
            rows.append({**row, **answered(row, note, end, as_of)})
        elif is_session(row) and row["status"] == Status.DUE and key not in held:
            refused = NotPublishedYet(_NOT_THERE)
            rows.append({**row, **after_error(row, refused, end, as_of), "last_error": _NOT_THERE})
        else:
            rows.append(row)
    return [cast("TrackingRow", {name: value for name, value in row.items() if value is not None}) for row in rows]


def answered(row: SessionRow, note: Mapping[str, Any], race_end: datetime, as_of: datetime) -> SessionRow:
    """Return the columns of a tracking row that `ingest.fetch` set when it stored an answer.

    Parameters
    ----------
    row : SessionRow
        Row of the session or starting grid, as the calendar gives it.
    note : mapping
        The note of the answer.
    race_end : datetime
        When the race of its weekend ends, aware UTC.
    as_of : datetime
        From when on it is read again, aware UTC.

    Returns
    -------
    SessionRow
        The changed columns, ``ingested``.
    """
    stored, told = stored_of(dict(note)), note["provenance"]
    unit = Unit.of_row(row)
    change: SessionRow = {
        "status": Status.INGESTED,
        "attempts": 1,
        "content_hash": stored.content_hash,
        "updated_at_utc": note["fetched_utc"],
        "bronze_path": paths.session_folder(unit.event, unit.session),
        "source": str(told.get("source", row["source"])),
        "missing": stored.missing or None,
        "conflicts": sum(len(told.get(name, ())) for name in ("conflicts", "refused")) or None,
    }
    return change | after_success(row, race_end, as_of, is_whole=stored.is_whole)


def _of_forecasts(
    store: ObjectStore, events: Collection[str], without: Collection[str], material: Material
) -> list[TrackingRow]:
    """Return the row of each of ``events`` that has forecasts in bronze; observations of the archive are none."""
    keys: dict[str, list[str]] = {}
    for key in store.list(paths.FORECASTS_PREFIX):
        found = paths.parse_forecast(key)
        if found and found.kind != "archive" and found.event in events and key not in without:
            keys.setdefault(found.event, []).append(key)
    return [cast("TrackingRow", row_of_forecasts(store, event, keys[event], material)) for event in sorted(keys)]
