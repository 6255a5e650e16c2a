"""Read the calendar into bronze and keep a tracking row for each of its sessions and starting grids."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from f1lib.bronze.calendar_changes import is_put_off, renamed, set_aside_put_off, to_compare, with_known_keys
from f1lib.bronze.due import NO_BACK_OFF
from f1lib.domain.moments import format_utc, parse_utc
from f1lib.errors import SourceError
from f1lib.lake import fingerprint, integrity, paths
from f1lib.lake.parquet import parquet_bytes, read_parquet
from f1lib.lake.provenance import code_version
from f1lib.lake.store import ObjectStore, each, write_json
from f1lib.lake.tables import conform
from f1lib.sources.protocols import Schedule, SessionSource
from f1lib.tracking.rows import PIPELINE, STORED, TO_COME, Status, TrackingRow, key_of
from f1lib.tracking.stage_keys import GRID_ROWS, Stage, StageKey
from f1lib.workspace.lake_kind import claim_lake
from f1lib.workspace.workspace import Workspace

# Time after which the first upstream is asked again for a calendar that another one stood in for.
STOOD_IN_FOR = timedelta(hours=1)
_NO_ANSWER: TrackingRow = {
    "content_hash": None,
    "is_partial": None,
    "missing": None,
    "conflicts": None,
    "reread_utc": None,
}


def refresh_schedule(ws: Workspace, seasons: list[int]) -> pd.DataFrame:
    """Read the calendars of ``seasons`` into bronze and track their sessions.

    Known sessions keep what was tracked of them. A moved one gets its new time and is asked for anew, without regard to
    earlier attempts; one that was held and is put off by more than a day is another session, and its answer becomes a
    revision; one that left the calendar before it was held becomes ``unavailable``. A renamed event keeps the name it
    has in the lake (`calendar_changes.renamed`). Where the source's first upstream failed and another stood in, the
    calendar in the lake is kept, and the first is asked again after an hour. When the source has a new release, past
    sessions of this and the last season are compared with it (`calendar_changes.to_compare`).

    Parameters
    ----------
    ws : Workspace
        Its source is asked, its lake and tracking table are written; ``ws.as_of`` is the time of the reading.
    seasons : list of int
        Years; empty for all that the source knows, of which one without a calendar is said and left out.

    Returns
    -------
    pandas.DataFrame
        One row an event, columns of table ``events``, in the order of the seasons and of each calendar.

    Raises
    ------
    SourceError
        For a season that the source does not know, or when no upstream gives its calendar, or any at all.
    StorageError
        When the lake cannot be read or written.
    """
    import pandas as pd

    known = _by_season(ws.tracking.rows())
    frames, changes = list[pd.DataFrame](), list[TrackingRow]()
    calendars, odd = _calendars(ws.source, seasons, ws.as_of)
    claim_lake(ws.store, ws.source_name, ws.as_of, ws.settings)
    again = format_utc(ws.as_of + STOOD_IN_FOR) if odd else None
    notes = _notes(ws.store, list(calendars))
    for season, calendar in calendars.items():
        schedule = calendar
        if said := _stood_in(season, calendar.provenance):
            odd, again = [*odd, said], format_utc(ws.as_of + STOOD_IN_FOR)
            schedule = _stored_schedule(ws.store, season, notes[season]) or schedule
        rows = known.get(str(season), {})
        names = renamed(schedule.events, rows)
        schedule = with_known_keys(schedule, names)
        frames.append(schedule.events)
        odd += schedule.provenance.get("warnings", []) if season >= ws.as_of.year else []
        if _is_over(rows) and _is_known(notes[season], schedule.provenance):
            continue
        events = conform(schedule.events, "events", where=f"{ws.source.name} schedule {season}")
        sessions = conform(schedule.sessions, "sessions", where=f"{ws.source.name} schedule {season}")
        frames_of = {"events": events, "sessions": sessions} | _entries(schedule, season, ws.source.name)
        ws.hold()
        digest = _store(ws.store, season, frames_of, schedule.provenance, notes[season], ws.as_of)
        if _is_over(rows):
            _renew_note(ws.store, season, digest, notes[season], schedule.provenance)
        moved = _session_rows(events, sessions, rows, ws.as_of, dict(names.values()))
        set_aside_put_off(ws.store, moved, rows)
        changes += _merged(moved, to_compare(season, schedule.provenance, rows, ws.as_of))
        changes += _season_row(season, digest, schedule.provenance, rows, ws.as_of)
    changes += _notice_row("; ".join([*ws.notices, *odd]) or None, again, known.get("", {}))
    ws.hold()
    ws.tracking.put_rows(changes)
    return conform(pd.concat(frames, ignore_index=True), "events", where=f"{ws.source.name} schedules")


def _calendars(source: SessionSource, seasons: list[int], as_of: datetime) -> tuple[dict[int, Schedule], list[str]]:
    """Read the calendars; with ``seasons`` empty also say which could not be had. Raises when there is none at all."""
    found: dict[int, Schedule] = {}
    errors: dict[int, SourceError] = {}
    for season in seasons or source.seasons(as_of):
        try:
            found[season] = source.schedule(season, as_of)
        except SourceError as error:
            errors[season] = error
    if errors and (seasons or not found):
        raise next(iter(errors.values()))
    return found, [f"NO CALENDAR of {season}: {error}" for season, error in errors.items()]


def _stood_in(season: int, provenance: Mapping[str, Any]) -> str:
    """Say that another upstream stood in for the first, and why; empty when none did."""
    why = "; ".join(f"{one['source']}: {one['error']}" for one in provenance.get("tried", ()))
    return f"NO LIVE CALENDAR of {season}, another one stands in ({why})" if why else ""


def _by_season(rows: list[TrackingRow]) -> dict[str, dict[tuple[str, str], TrackingRow]]:
    """Return the rows of each season by key; those of none under an empty text."""
    known: dict[str, dict[tuple[str, str], TrackingRow]] = {}
    for row in rows:
        known.setdefault(str(row.get("event_year", "")), {})[key_of(row)] = row
    return known


def _merged(moved: list[TrackingRow], compared: list[TrackingRow]) -> list[TrackingRow]:
    """Return one change a row."""
    found = {key_of(change): change for change in moved}
    found |= {key_of(change): {**found.get(key_of(change), {}), **change} for change in compared}
    return list(found.values())


def _entries(schedule: Schedule, season: int, source: str) -> dict[str, pd.DataFrame]:
    """Return the season's entry list under its name, where the source has one."""
    return {} if schedule.entries is None else {"entries": schedule.entries.assign(event_year=season, source=source)}


def rows_of_schedule(store: ObjectStore, season: int, as_of: datetime) -> list[TrackingRow]:
    """Return the tracking rows that a season's calendar in the lake gives at a moment, as if nothing was fetched yet.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    season : int
        A season whose calendar it has.
    as_of : datetime
        Aware UTC; sessions available by then are ``due``.

    Returns
    -------
    list of TrackingRow
        One row a session and starting grid, and the row of the calendar itself.

    Raises
    ------
    Damaged
        When its note is lost or damaged.
    TableError
        When a table of it cannot be read.
    """
    key = paths.schedule_note(season)
    note = integrity.notes(store, [key]).get(key)
    if note is None:
        raise integrity.damaged(store, {key: integrity.NO_NOTE}, "`f1 doctor --repair` has the calendar read again")
    events, sessions = (read_parquet(store, paths.schedule_table(season, name)) for name in ("events", "sessions"))
    calendar = _season_row(season, note["content_hash"], note["provenance"], {}, parse_utc(note["fetched_utc"]))
    return [*_session_rows(events, sessions, {}, as_of, {}), *calendar]


def _notes(store: ObjectStore, seasons: list[int]) -> dict[int, dict[str, Any]]:
    """Return the note of each season's calendar in the lake; empty where it has none."""
    keys = [paths.schedule_note(season) for season in seasons]
    return dict(zip(seasons, each(store, lambda k: integrity.readable_json(store, k), keys), strict=True))


def _store(
    store: ObjectStore,
    season: int,
    frames: dict[str, pd.DataFrame],
    provenance: dict[str, Any],
    known: dict[str, Any],
    as_of: datetime,
) -> str:
    """Write the tables and their note, unless the lake has the same; return the hash of the content."""
    contents = {f"{name}.parquet": parquet_bytes(frame) for name, frame in frames.items()}
    hashes = fingerprint.of_files(contents)
    digest = fingerprint.of_answer(hashes)
    note_key = paths.schedule_note(season)
    if known.get("content_hash") == digest:
        return digest
    if known:
        store.delete(note_key)
    for name, content in zip(frames, contents.values(), strict=True):
        store.write(paths.schedule_table(season, name), content)
    note = {"season": season, "content_hash": digest, "fetched_utc": format_utc(as_of), "files": hashes}
    write_json(store, note_key, {**note, "code_version": code_version(), "provenance": provenance})
    return digest


def _renew_note(store: ObjectStore, season: int, digest: str, note: dict[str, Any], provenance: dict[str, Any]) -> None:
    """Put this code and this answer into ``note`` when both gave the same calendar again: `_is_known` compares them.

    A calendar that was read from the lake, because another source stood in, is no new answer.
    """
    if note.get("content_hash") == digest and provenance is not note["provenance"]:
        made = {"code_version": code_version(), "provenance": provenance}
        write_json(store, paths.schedule_note(season), note | made)


def _is_over(known: Mapping[tuple[str, str], TrackingRow]) -> bool:
    """Whether no session of the season is to come."""
    return bool(known) and not any(row.get("status") in TO_COME for row in known.values())


def _is_known(note: dict[str, Any], provenance: dict[str, Any]) -> bool:
    """Whether the lake has this very answer already, stored by this code."""
    return (note.get("provenance"), note.get("code_version")) == (provenance, code_version())


def _stored_schedule(store: ObjectStore, season: int, note: dict[str, Any]) -> Schedule | None:
    """Return the season's calendar in the lake; None without one, or when a stand-in gave it."""
    if not note or note["provenance"].get("tried"):
        return None
    events, sessions = (read_parquet(store, paths.schedule_table(season, name)) for name in ("events", "sessions"))
    return Schedule(events, sessions, note["provenance"])


def _season_row(
    season: int,
    digest: str,
    provenance: Mapping[str, Any],
    known: Mapping[tuple[str, str], TrackingRow],
    as_of: datetime,
) -> list[TrackingRow]:
    """Return the row of the calendar as an input of silver, with the release it was read with; none if both are known.

    It is the last of a season's changes: until it is written, the next reading compares again.
    """
    row: TrackingRow = {"event_partition_key": PIPELINE, "event_year": season}
    row["session_name_abr"] = StageKey(Stage.SCHEDULE, str(season)).sort_key
    before = known.get(key_of(row), {})
    release = provenance.get("history", provenance).get("sha256")
    change: TrackingRow = {}
    if before.get("content_hash") != digest:
        change = {"status": Status.INGESTED, "content_hash": digest, "updated_at_utc": format_utc(as_of)}
    if release and before.get("release") != release:
        change["release"] = release
    return [{**row, **change}] if change else []


def _notice_row(
    notice: str | None, again: str | None, known: Mapping[tuple[str, str], TrackingRow]
) -> list[TrackingRow]:
    """Return the row with the source's notice and the next reading of the calendar; no row when nothing changed."""
    row: TrackingRow = {"event_partition_key": PIPELINE, "session_name_abr": StageKey(Stage.SCHEDULE).sort_key}
    stage = known.get(key_of(row), {})
    if (notice, again) == (stage.get("notice"), stage.get("next_attempt_utc")):
        return []
    return [{**row, "notice": notice, "next_attempt_utc": again}]


def _session_rows(
    events: pd.DataFrame,
    sessions: pd.DataFrame,
    known: Mapping[tuple[str, str], TrackingRow],
    as_of: datetime,
    asked_as: Mapping[str, str],
) -> list[TrackingRow]:
    """Return the new and changed tracking rows of one season's sessions and starting grids."""
    by_event = {event["event_partition_key"]: event for event in events.to_dict("records")}
    current: dict[tuple[str, str], TrackingRow] = {}
    for session in sessions.to_dict("records"):
        event = by_event[session["event_partition_key"]]
        rows = [_session_row(event, session) | {"asked_as": asked_as.get(event["event_partition_key"])}]
        if session["session"] in GRID_ROWS:
            rows.append(_grid_row(rows[0], session))
        current |= {key_of(row): row for row in rows}
    moment = format_utc(as_of)
    changed = [_changed_row(row, known.get(key, {}), moment) for key, row in current.items()]
    gone: list[TrackingRow] = [
        {**_key(row), "status": Status.UNAVAILABLE, "is_cancelled": True, "last_error": "no longer in the calendar"}
        for key, row in known.items()
        if key not in current and row.get("status") not in STORED and "available_utc" in row
    ]
    return [row for row in changed if row] + [row for row in gone if known[key_of(row)].get("is_cancelled") is not True]


def _key(row: TrackingRow) -> TrackingRow:
    event, name = key_of(row)
    return {"event_partition_key": event, "session_name_abr": name, "event_year": row["event_year"]}


def _session_row(event: dict[Any, Any], session: dict[Any, Any]) -> TrackingRow:
    return {
        "event_partition_key": event["event_partition_key"],
        "session_name_abr": session["session"],
        "event_year": int(event["event_year"]),
        "event_name": event["event_name"],
        "event_number": int(event["event_number"]),
        "event_format": event["event_format"],
        "session_type": session["session_name"],
        "session_date_utc": format_utc(session["session_start_utc"]),
        "session_end_utc": format_utc(session["session_end_utc"]),
        "available_utc": format_utc(session["available_utc"]),
        "circuit": event["circuit_id"],
        "latitude": _number(event["latitude"]),
        "longitude": _number(event["longitude"]),
        "is_cancelled": bool(event["is_cancelled"]) or None,
        "source": event["source"],
    }


def _grid_row(row: TrackingRow, session: dict[Any, Any]) -> TrackingRow:
    return {
        **row,
        "session_name_abr": GRID_ROWS[session["session"]],
        "session_type": f"Starting Grid {row['session_type']}",
        "available_utc": format_utc(session["grid_available_utc"]),
    }


def _changed_row(row: TrackingRow, known: TrackingRow, moment: str) -> TrackingRow | None:
    """Return ``row`` with its status and time of change; None when the tracking table has the same."""
    status = known.get("status")
    is_moved = bool(known) and (row["is_cancelled"] or row["available_utc"]) != (
        known.get("is_cancelled") or known["available_utc"]
    )
    merged: TrackingRow = {**row, **NO_BACK_OFF} if is_moved else row
    if status in STORED and not is_put_off(row, known, moment):
        merged = {**row, "source": known["source"]}  # of its answer
    elif row["is_cancelled"]:
        status = Status.UNAVAILABLE
    elif is_moved or status is None or status in TO_COME:
        status = Status.DUE if row["available_utc"] <= moment else Status.SCHEDULED
        merged = {**merged, **(_NO_ANSWER if known.get("status") in STORED else {})}
    merged = {**merged, "status": status or Status.SCHEDULED}
    if all(known.get(name) == value for name, value in merged.items()):
        return None
    return {**merged, "updated_at_utc": moment}


def _number(value: Any) -> float | None:
    return None if value is None or value != value else float(value)
