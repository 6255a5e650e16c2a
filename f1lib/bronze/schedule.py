"""Read the calendar into bronze and keep a tracking row for each of its sessions and starting grids."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from f1lib.domain.moments import format_utc, parse_utc
from f1lib.lake import fingerprint, paths
from f1lib.lake.parquet import parquet_bytes, read_parquet
from f1lib.lake.provenance import code_version
from f1lib.lake.store import each, find_json, read_json, write_json
from f1lib.lake.tables import conform
from f1lib.sources.protocols import Schedule
from f1lib.tracking.rows import PIPELINE, TO_COME, SessionRow, StageRow, Status, TrackingRow, key_of
from f1lib.tracking.stage_keys import GRID_ROWS, Stage, StageKey

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import pandas as pd

    from f1lib.lake.store import ObjectStore
    from f1lib.workspace.workspace import Workspace


# Time after which the first upstream is asked again for a calendar that another one stood in for.
STOOD_IN_FOR = timedelta(hours=1)
_FOLLOWS_THE_CALENDAR = TO_COME | {Status.UNAVAILABLE}


def refresh_schedule(ws: Workspace, seasons: list[int]) -> pd.DataFrame:
    """Read the calendars of ``seasons`` into bronze and track their sessions.

    Known sessions keep what was tracked of them; a moved one gets its new time; one that left the calendar before it
    was held becomes ``unavailable``. Where the source's first upstream failed and another stood in, the calendar in the
    lake is kept, and the first is asked again after an hour.

    Parameters
    ----------
    ws : Workspace
        Its source is asked, its lake and tracking table are written; ``ws.as_of`` is the time of the reading.
    seasons : list of int
        Years; empty for all that the source knows.

    Returns
    -------
    pandas.DataFrame
        One row an event, columns of table ``events``, in the order of the seasons and of each calendar.

    Raises
    ------
    SourceError
        For a season that the source does not know, or when no upstream gives its calendar.
    StorageError
        When the lake cannot be read or written.
    """
    import pandas as pd

    known: dict[str, dict[tuple[str, str], TrackingRow]] = {}
    for row in ws.tracking.rows():
        year = str(row.get("event_year", ""))
        known.setdefault(year, {})[key_of(row)] = row
    frames: list[pd.DataFrame] = []
    changes: list[StageRow] = []
    again: str | None = None
    wanted = seasons or ws.source.seasons(ws.as_of)
    notes = _notes(ws.store, wanted)
    for season in wanted:
        schedule = ws.source.schedule(season, ws.as_of)
        if schedule.provenance.get("tried"):  # another upstream stood in
            again = format_utc(ws.as_of + STOOD_IN_FOR)
            schedule = _stored_schedule(ws.store, season, notes[season]) or schedule
        frames.append(schedule.events)
        rows = known.get(str(season), {})
        if _is_over(rows) and _is_known(notes[season], schedule.provenance):
            continue
        events = conform(schedule.events, "events", where=f"{ws.source.name} schedule {season}")
        sessions = conform(schedule.sessions, "sessions", where=f"{ws.source.name} schedule {season}")
        frames_of = {"events": events, "sessions": sessions}
        if schedule.entries is not None:
            frames_of["entries"] = schedule.entries.assign(event_year=season, source=ws.source.name)
        digest = _store(ws.store, season, frames_of, schedule.provenance, notes[season], ws.as_of)
        if _is_over(rows):
            _renew_note(ws.store, season, digest, notes[season], schedule.provenance)
        changes += _session_rows(events, sessions, rows, ws.as_of)
        changes += _season_row(season, digest, rows, ws.as_of)
    changes += _notice_row("; ".join(ws.notices) or None, again, known.get("", {}))
    ws.tracking.put_rows(changes)
    return conform(pd.concat(frames, ignore_index=True), "events", where=f"{ws.source.name} schedules")


def rows_of_schedule(store: ObjectStore, season: int, as_of: datetime) -> list[StageRow]:
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
    list of StageRow
        One row a session and starting grid, and the row of the calendar itself.
    """
    note = read_json(store, paths.schedule_note(season))
    events, sessions = (read_parquet(store, paths.schedule_table(season, name)) for name in ("events", "sessions"))
    calendar = _season_row(season, note["content_hash"], {}, parse_utc(note["fetched_utc"]))
    return [*_session_rows(events, sessions, {}, as_of), *calendar]


def _notes(store: ObjectStore, seasons: list[int]) -> dict[int, dict[str, Any]]:
    """Return the note of each season's calendar in the lake; empty where it has none."""
    keys = [paths.schedule_note(season) for season in seasons]
    return {s: note or {} for s, note in zip(seasons, each(store, lambda k: find_json(store, k), keys), strict=True)}


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


def _is_over(known: Mapping[tuple[str, str], SessionRow]) -> bool:
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
    season: int, digest: str, known: Mapping[tuple[str, str], SessionRow], as_of: datetime
) -> list[StageRow]:
    """Return the row of the calendar as an input of silver; no row when it has not changed."""
    row: StageRow = {"event_partition_key": PIPELINE, "event_year": season, "status": Status.INGESTED}
    row["session_name_abr"] = StageKey(Stage.SCHEDULE, str(season)).sort_key
    if known.get(key_of(row), {}).get("content_hash") == digest:
        return []
    return [{**row, "content_hash": digest, "updated_at_utc": format_utc(as_of)}]


def _notice_row(notice: str | None, again: str | None, known: Mapping[tuple[str, str], StageRow]) -> list[StageRow]:
    """Return the row with the source's notice and the next reading of the calendar; no row when nothing changed."""
    row: StageRow = {"event_partition_key": PIPELINE, "session_name_abr": StageKey(Stage.SCHEDULE).sort_key}
    stage = known.get(key_of(row), {})
    if (notice, again) == (stage.get("notice"), stage.get("next_attempt_utc")):
        return []
    return [{**row, "notice": notice, "next_attempt_utc": again}]


def _session_rows(
    events: pd.DataFrame, sessions: pd.DataFrame, known: Mapping[tuple[str, str], SessionRow], as_of: datetime
) -> list[SessionRow]:
    """Return the new and changed tracking rows of one season's sessions and starting grids."""
    by_event = {event["event_partition_key"]: event for event in events.to_dict("records")}
    current: dict[tuple[str, str], SessionRow] = {}
    for session in sessions.to_dict("records"):
        event = by_event[session["event_partition_key"]]
        rows = [_session_row(event, session)]
        if session["session"] in GRID_ROWS:
            rows.append(_grid_row(rows[0], session))
        current |= {key_of(row): row for row in rows}
    moment = format_utc(as_of)
    changed = [_changed_row(row, known.get(key, {}), moment) for key, row in current.items()]
    gone: list[SessionRow] = [
        {**_key(row), "status": Status.UNAVAILABLE, "is_cancelled": True, "last_error": "no longer in the calendar"}
        for key, row in known.items()
        if key not in current and row.get("status") in _FOLLOWS_THE_CALENDAR and "available_utc" in row
    ]
    return [row for row in changed if row] + [row for row in gone if known[key_of(row)].get("is_cancelled") is not True]


def _key(row: SessionRow) -> SessionRow:
    event, name = key_of(row)
    return {"event_partition_key": event, "session_name_abr": name, "event_year": row["event_year"]}


def _session_row(event: dict[Any, Any], session: dict[Any, Any]) -> SessionRow:
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


def _grid_row(row: SessionRow, session: dict[Any, Any]) -> SessionRow:
    return {
        **row,
        "session_name_abr": GRID_ROWS[session["session"]],
        "session_type": f"Starting Grid {row['session_type']}",
        "available_utc": format_utc(session["grid_available_utc"]),
    }


def _changed_row(row: SessionRow, known: SessionRow, moment: str) -> SessionRow | None:
    """Return ``row`` with its status and time of change; None when the tracking table has the same."""
    status = known.get("status")
    if status is None or status in _FOLLOWS_THE_CALENDAR:
        if row["is_cancelled"]:
            status = Status.UNAVAILABLE
        elif (
            status != Status.UNAVAILABLE or known.get("is_cancelled") or row["available_utc"] != known["available_utc"]
        ):
            status = Status.DUE if row["available_utc"] <= moment else Status.SCHEDULED
    merged: SessionRow = {**row, "status": status}
    if all(known.get(name) == value for name, value in merged.items()):
        return None
    return {**merged, "updated_at_utc": moment}


def _number(value: Any) -> float | None:
    return None if value is None or value != value else float(value)
