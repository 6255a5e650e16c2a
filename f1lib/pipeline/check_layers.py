"""Check the layers of data: bronze against its notes and the tracking table, silver and gold against theirs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from f1lib.bronze.weather_again import fetch_again
from f1lib.domain.weekend import EventKey
from f1lib.errors import Damaged, F1LibError, SourceError, TableError
from f1lib.gold.build import in_silver
from f1lib.gold.read_silver import wrong_silver
from f1lib.lake import fingerprint, gold_tables, integrity, paths, tables
from f1lib.lake import penalties as lake_penalties
from f1lib.lake.parquet import parquet_frame
from f1lib.lake.store import each, find, write_json
from f1lib.pipeline.findings import Finding, build_again, build_gold_again, drop, read_again, run_again
from f1lib.silver import bronze_files, read_bronze
from f1lib.tracking.index import is_session
from f1lib.tracking.rows import STORED, Status, key_of
from f1lib.tracking.stage_keys import PENALTIES_ROW, WEATHER_ROW, Stage, suffix_of
from f1lib.tracking.units import Unit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from typing import Any

    from f1lib.lake.store import ObjectStore
    from f1lib.sources.protocols import WeatherSource
    from f1lib.tracking.rows import StageRow, TrackingRow, WeatherRow
    from f1lib.tracking.table import TrackingTable
    from f1lib.workspace.workspace import Workspace

_ASK = "it is asked for again; else restore it from a backup, or give it up: `f1 doctor --give-up"


def bronze(ws: Workspace, rows: Sequence[TrackingRow]) -> list[Finding]:
    """Check every file of bronze against its note, and the notes against the tracking table."""
    seasons = {*read_bronze.seasons_in_bronze(ws.store), *bronze_files.stored_seasons(rows)}
    known = bronze_files.bronze_files(ws.store, seasons, rows)
    wrong = {key: what for files in known.values() for key, what in files.wrong.items()}
    there = {k: sha for files in known.values() for k, sha in files.hashes.items() if k not in wrong}
    wrong |= integrity.wrong_files(ws.store, there) | read_bronze.wrong_forecasts(ws.store, seasons)
    by_note = {key: row for row in rows if (key := bronze_files.note_of_row(row))}
    found = [_bronze_finding(ws, key, what, by_note) for key, what in sorted(wrong.items())]
    promised = {key_of(row) for row in by_note.values()}
    for row in rows:
        if is_session(row) and row.get("status") in STORED and key_of(row) not in promised:
            found.append(_unstored(ws.tracking, ws.as_of, row))
    return [*found, *_penalties(ws.store, ws.tracking, rows)]


def _penalties(store: ObjectStore, tracking: TrackingTable, rows: Sequence[TrackingRow]) -> list[Finding]:
    """Check the documents of grid penalties, which nothing but a person can make again."""
    known = {r["event_partition_key"] for r in rows if r["session_name_abr"] == PENALTIES_ROW and "content_hash" in r}
    stored = {event for key in store.list(paths.PENALTIES_PREFIX) if (event := paths.parse_penalties(key))}
    found = []
    for event in sorted(known | stored):
        key = paths.penalties_key(EventKey.parse(event))
        try:
            if event in stored:
                lake_penalties.read(store, EventKey.parse(event))
                continue
            what = integrity.MISSING
        except Damaged as error:
            what = error.wrong[key]
        remedy = "restore it from a backup; `f1 doctor --repair` gives it up, then `f1 penalty add` enters them again"
        found.append(Finding("bronze", key, what, remedy, partial(_drop_penalties, store, tracking, event)))
    return found


def _drop_penalties(store: ObjectStore, tracking: TrackingTable, event: str, give_up: bool) -> str:
    if not give_up:
        return ""
    key = paths.penalties_key(EventKey.parse(event))
    store.delete(key)
    row: StageRow = {"event_partition_key": event, "session_name_abr": PENALTIES_ROW}
    row |= {"event_year": int(event[:4]), "status": Status.SILVER, "content_hash": None}  # gold is built without them
    tracking.put_rows([row])
    return f"{key}: given up; enter the penalties again with `f1 penalty add`"


def _bronze_finding(ws: Workspace, key: str, what: str, by_note: dict[str, TrackingRow]) -> Finding:
    if paths.parse_forecast(key):
        remedy = "it is asked for again; a forecast that no source has any more is given up by `f1 doctor --repair`"
        return Finding("bronze", key, what, remedy, partial(_mend_weather, ws, key))
    note = key if paths.is_note(key) else paths.note_of(key)
    row = by_note.get(note)
    if row is None:
        if paths.seasons_of_schedules([note]):
            return Finding("bronze", key, what, "the calendar is read again", partial(_read_calendar, ws, note))
        remedy = "the tracking table promises nothing of it: `f1 doctor --repair` deletes its note"
        return Finding("bronze", key, what, remedy, partial(drop, ws.store, note))
    remedy = (
        f"{_ASK} {Unit.of_row(row).text}`"
        if is_session(row)
        else "the calendar is read again; else restore it from a backup"
    )
    of_unit = key_of(row) if is_session(row) else ()
    return Finding("bronze", key, what, remedy, partial(_mend_note, ws, note, row, f"{key} {what}"), of_unit)


def _read_calendar(ws: Workspace, note_key: str, _give_up: bool) -> str:
    ws.store.delete(note_key)
    run_again(ws.tracking, ws.as_of, Stage.SCHEDULE)
    return f"{note_key}: the calendar is read again by the next tick"


def _mend_note(ws: Workspace, note_key: str, row: TrackingRow, why: str, _give_up: bool) -> str:
    """Write a lost note anew where its files are those that the tracking table names; else ask the source again."""
    folder = note_key.rpartition("/")[0]
    held = [key for key in ws.store.list(f"{folder}/") if key.endswith(".parquet") and paths.note_of(key) == note_key]
    contents = {key.rpartition("/")[2]: find(ws.store, key) or b"" for key in sorted(held, key=_in_order)}
    hashes = fingerprint.of_files(contents)
    if note_key not in integrity.notes(ws.store, [note_key]) and fingerprint.of_answer(hashes) == row.get(
        "content_hash"
    ):
        event, session = key_of(row)
        note: dict[str, Any] = {"event_partition_key": event, "session": session, "content_hash": row["content_hash"]}
        note |= {"fetched_utc": row.get("updated_at_utc"), "files": hashes, "warnings": ["written anew: it was lost"]}
        facts = {"laps": row["missing"]} if row.get("missing") else {}
        provenance = {"source": row.get("source", ""), "complete": not row.get("is_partial"), "facts": facts}
        write_json(ws.store, note_key, {**note, "provenance": provenance})
        return f"{note_key}: written anew from its files"
    if is_session(row):
        read_again(ws.tracking, ws.as_of, row, f"{why}; it is fetched again")
        return f"{note_key}: {' '.join(key_of(row))} is asked for again by the next tick"
    return _read_calendar(ws, note_key, _give_up)


def _in_order(key: str) -> tuple[int, str]:
    """Sort the files of a note as they were hashed: a calendar's as it was made, a session's by name."""
    name = key.rpartition("/")[2]
    order = ("events.parquet", "sessions.parquet", "entries.parquet")
    return (order.index(name) if name in order else len(order)), name


def _unstored(tracking: TrackingTable, as_of: datetime, row: TrackingRow) -> Finding:
    def mend(_give_up: bool) -> str:
        read_again(tracking, as_of, row, "the lake has no folder of it")
        return f"{' '.join(key_of(row))}: asked for again by the next tick"

    what, remedy = f"is {row['status']} without a folder in bronze", f"{_ASK} {Unit.of_row(row).text}`"
    return Finding("table", " ".join(key_of(row)), what, remedy, mend, key_of(row))


def _mend_weather(ws: Workspace, key: str, give_up: bool) -> str:
    if _is_fetched_again(ws.store, ws.weather, key):
        return f"{key}: fetched again"
    forecast = paths.parse_forecast(key)
    if not give_up or forecast is None:
        return ""
    ws.store.delete(key)
    note = integrity.silver_note(ws.store)
    if "weather" in note:
        kept = {year: [k for k in keys if k != key] for year, keys in note["weather"].items()}
        write_json(ws.store, paths.SILVER_NOTE, note | {"weather": kept})
    row: WeatherRow = {"event_partition_key": forecast.event}
    row |= {"session_name_abr": WEATHER_ROW, "last_error": f"{key} was lost and is given up"}
    ws.tracking.put_rows([row])
    build_again(ws.tracking, ws.as_of, [forecast.season], Status.INGESTED)
    return f"{key}: given up; the features of its weekend are built without it"


def _is_fetched_again(store: ObjectStore, weather: WeatherSource | None, key: str) -> bool:
    try:
        return fetch_again(store, weather, key)
    except SourceError:
        return False


def silver(ws: Workspace, rows: Sequence[TrackingRow]) -> list[Finding]:
    """Check the silver files against their recorded hashes, and every table against its contract and grain."""
    files = {key: file for key in ws.store.list(paths.SILVER_PREFIX) if (file := paths.parse_silver(key))}
    contents = dict(zip(files, each(ws.store, ws.store.read, files), strict=True))
    wrong = wrong_silver(ws.store, fingerprint.of_files(contents), in_silver(rows))
    for key, (table, _) in files.items():
        if key not in wrong:
            try:
                tables.conform(parquet_frame(contents[key], key), table)
            except TableError as error:
                wrong[key] = f"breaks its contract ({error})"
    found = ((key, what, paths.parse_silver(key)) for key, what in sorted(wrong.items()))
    return [_silver_finding(ws.tracking, ws.as_of, key, what, file[1]) for key, what, file in found if file]


def _silver_finding(tracking: TrackingTable, as_of: datetime, key: str, what: str, season: int) -> Finding:
    def mend(_give_up: bool) -> str:
        build_again(tracking, as_of, [season], Status.INGESTED)
        return f"{key}: silver of {season} is built again by the next tick"

    return Finding("silver", key, what, f"03_silver builds {season} again from bronze", mend)


def gold(ws: Workspace, rows: Sequence[TrackingRow]) -> list[Finding]:
    """Check the training dataset and every run's features against their notes, and their grain."""
    found = []
    is_built = any(suffix_of(Stage.SCHEDULE, r["session_name_abr"]) and r.get("status") == Status.GOLD for r in rows)
    newest = paths.gold_runs(ws.store.list(paths.FEATURES_PREFIX))
    keys = [paths.features_key(run) for run in newest]
    if is_built or ws.store.exists(paths.TRAINING_KEY):
        keys.insert(0, paths.TRAINING_KEY)
    for key in keys:
        what = _wrong_gold(ws.store, key)
        if what:
            found.append(
                Finding("gold", key, what, "04_gold builds it again from silver", partial(_mend_gold, ws, key))
            )
    return found


def _wrong_gold(store: ObjectStore, key: str) -> str:
    note = paths.gold_note(key)
    try:
        frame = parquet_frame(integrity.verified_gold(store, key), key)
        tables.check_grain(frame, gold_tables.KEYS, key)
        return "" if store.exists(note) else f"has no note {note}"
    except F1LibError as error:
        return f"is lost or damaged ({error})"


def _mend_gold(ws: Workspace, key: str, give_up: bool) -> str:
    build_gold_again(ws.tracking, ws.as_of)
    if key == paths.TRAINING_KEY:
        ws.store.delete(paths.gold_note(key))
    elif give_up:
        ws.store.delete(key)
        ws.store.delete(paths.gold_note(key))
        return f"{key}: deleted; gold is built again by the next tick"
    return f"{key}: gold is built again by the next tick"


def give_up(tracking: TrackingTable, as_of: datetime, row: TrackingRow) -> str:
    """Give up a session or grid that no source has any more: the layers above are built without it.

    Parameters
    ----------
    tracking : TrackingTable
        Is changed.
    as_of : datetime
        The moment at which it is given up.
    row : TrackingRow
        Its row.

    Returns
    -------
    str
        What was done.
    """
    event, name = key_of(row)
    why = f"its answer was lost, and it was given up at {as_of:%Y-%m-%d %H:%M} UTC"
    change: dict[str, Any] = {"event_partition_key": event, "session_name_abr": name, "last_error": why}
    change |= {"status": Status.UNAVAILABLE, "bronze_path": None, "reread_utc": None, "content_hash": None}
    tracking.put_rows([change])  # type: ignore[list-item]
    build_again(tracking, as_of, [int(row["event_year"])], Status.INGESTED)
    return f"{event} {name}: given up; the next tick builds without it"
