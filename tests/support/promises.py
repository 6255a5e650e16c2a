"""What a tracking table promises of its lake: what it says is done is there, and every file that is there is whole."""

from __future__ import annotations

import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from f1lib.bronze.ingest import note_key
from f1lib.errors import NoSuchKey
from f1lib.lake import fingerprint, paths
from f1lib.lake.paths import CHAMPION_KEY, GRAPH, METADATA, TRAINING_KEY, run_key
from f1lib.lake.paths_published import ACCURACY, DASHBOARD, LATEST, SUMMARY, parse_issue, parse_record, records_prefix
from f1lib.lake.store import ObjectStore, each, read_json
from f1lib.predictions.archive import history_keys, load_issue
from f1lib.predictions.issue import tracking_rows
from f1lib.tracking.index import is_session
from f1lib.tracking.rows import STORED, Status, TrackingRow
from f1lib.tracking.stage_keys import Stage, StageKey
from f1lib.tracking.table import TrackingTable
from f1lib.tracking.units import Unit

SPRINT = "_sprint"
# What a stage that says it is done has written, beside the record of its run.
WRITTEN: dict[str, tuple[str, ...]] = {
    Stage.SCHEDULE: ("lake.json",),
    Stage.GOLD: (TRAINING_KEY, paths.gold_note(TRAINING_KEY)),
    Stage.TRAIN: (CHAMPION_KEY,),
    Stage.PREDICT: (LATEST,),
    Stage.SCORE: (ACCURACY,),
    Stage.REPORT: (SUMMARY, DASHBOARD),
}


def broken_promises(store: ObjectStore, tracking: TrackingTable) -> list[str]:
    """What is said to be done and is not there, or is not whole; a line each."""
    held, rows = store.list(), tracking.rows()
    awaited = _awaited(rows)
    kept = [key for key in held if not key.startswith(("tracking.db", *awaited))]
    found = [line for line in each(store, lambda key: _torn(store, key), kept) if line]
    issues = {key: parse_issue(key) for key in history_keys(store)}
    issued = {(i.event, i.horizon + (SPRINT if i.session == "S" else "")) for i in issues.values() if i}
    for row in rows:
        found += [
            f"{row['event_partition_key']} {row['session_name_abr']}: {line}"
            for line in _missing(store, row, set(held), issued)
        ]
    if found:  # what is torn has no hashes to compare
        return found
    return _hashes(store, rows, set(held)) + _unissued(store, tracking, list(issues))


def _awaited(rows: list[TrackingRow]) -> list[str]:
    """Where files may be torn: sessions that nothing says are stored, and silver that no row says is built.

    Many files are brought to the disk at once (`in_bulk`), and what is torn until then is written again.
    """
    waiting = [row for row in rows if is_session(row) and row.get("status") not in STORED]
    folders = {paths.session_folder(unit.event, unit.session) + "/" for unit in map(Unit.of_row, waiting)}
    built = any(row.get("status") in (Status.SILVER, Status.GOLD) for row in rows if is_session(row))
    return sorted(folders) + ([] if built else ["silver/"])


def _torn(store: ObjectStore, key: str) -> str:
    """Why a file is not whole, by its kind; empty when it is."""
    try:
        data = store.read(key)
        if key.endswith((".json", ".ipynb")):
            json.loads(data)
        elif key.endswith(".parquet"):
            pq.read_table(io.BytesIO(data))
        elif key.endswith(".html"):
            assert data.rstrip().endswith(b"</html>"), "breaks off"
    except (ValueError, AssertionError, OSError, pa.ArrowInvalid, NoSuchKey) as error:
        return f"{key}: {error or type(error).__name__}"
    return ""


def _missing(store: ObjectStore, row: TrackingRow, held: set[str], issued: set[tuple[str, str]]) -> list[str]:
    """What a row says is done, and the lake has no file of."""
    name = StageKey.parse(row["session_name_abr"])
    if is_session(row):
        wanted = [note_key(Unit.of_row(row))] if row.get("status") in STORED else []
        wanted += [str(path) for path in (row.get("silver_path"), row.get("gold_path")) if path]
    elif name is None or not row.get("finished_utc") or (name.suffix and name.name != Stage.PREDICT):
        return []
    elif row["event_partition_key"] != "PIPELINE" and name.name != Stage.PREDICT:
        return []  # an event's forecast
    else:
        wanted = list(WRITTEN.get(name.name, ()))
        if name.name == Stage.PREDICT and (row["event_partition_key"], name.suffix) not in issued:
            return ["nothing is issued"]
        records = [parse_record(key) for key in held if key.startswith(records_prefix(row["run_id"]))]
        if (
            not row.get("owner")
            and row["status"] != "failed"
            and not any(r and r[1].startswith(name.name) for r in records)
        ):
            return [f"run {row['run_id']} has no record"]
    return [f"no {key}" for key in wanted if key not in held]


def _hashes(store: ObjectStore, rows: list[TrackingRow], held: set[str]) -> list[str]:
    """Files that are not those that their notes and rows name."""
    named: dict[str, str] = {}
    found = []
    for row in rows:
        if is_session(row) and row.get("status") in STORED and (note := note_key(Unit.of_row(row))) in held:
            told: dict[str, Any] = read_json(store, note)
            named |= {f"{row['bronze_path']}/{file}": digest for file, digest in told["files"].items()}
            if told["content_hash"] != row["content_hash"]:
                found.append(f"{note} is of another answer than its row")
    if (note := paths.gold_note(TRAINING_KEY)) in held:
        named[TRAINING_KEY] = read_json(store, note)["sha256"]
    for run in paths.finished_runs(sorted(held)):
        named[run_key(run, GRAPH)] = read_json(store, run_key(run, METADATA))["inputs"]["onnx"]
    content = {key: fingerprint.of_bytes(store.read(key)) if key in held else "nothing" for key in named}
    return found + [f"{key} is not the file that was noted" for key in named if content[key] != named[key]]


def _unissued(store: ObjectStore, tracking: TrackingTable, issues: list[str]) -> list[str]:
    """Rows of the predictions table that no issue in the history has, and issues that have no rows."""
    rows = [row for key in issues for row in tracking_rows(load_issue(store, key))]
    events = {row["event_partition_key"] for row in rows}
    found = [row for event in events for row in tracking.predictions(event)]
    kept = {
        (row["event_partition_key"], row["as_of_utc"], row["horizon"], row["driver_id"], row["session"]) for row in rows
    }
    told = {
        (row["event_partition_key"], row["as_of_utc"], row["horizon"], row["driver_id"], row["session"])
        for row in found
    }
    return [f"predictions table: {row} is not in the history" for row in sorted(told - kept)]
