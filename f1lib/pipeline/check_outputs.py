"""Check what is published: issued predictions and their copies, reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from f1lib.domain.weekend import EventKey
from f1lib.errors import Damaged, F1LibError, NoSuchKey, TableError
from f1lib.evaluation.issued import score_issued
from f1lib.lake import integrity
from f1lib.lake.parquet import read_parquet, write_parquet
from f1lib.lake.paths_published import (
    ACCURACY,
    LATEST,
    NEXT_RACES,
    PREDICTIONS_PREFIX,
    SUMMARY,
    championship_keys,
    change_log_key,
    explanation_key,
    history_prefix,
    newest_key,
    raced_of,
)
from f1lib.lake.store import find_json
from f1lib.model.serving import load_serving
from f1lib.pipeline.findings import Finding, drop, is_stage, run_again
from f1lib.predictions import explain, issue, restore
from f1lib.predictions.archive import features_of, find_newest, history_keys, load_issue
from f1lib.predictions.change_log import issue_before, keep_change_log
from f1lib.tracking.stage_keys import Stage, suffix_of

if TYPE_CHECKING:
    from datetime import datetime

    from f1lib.lake.store import ObjectStore
    from f1lib.tracking.rows import TrackingRow
    from f1lib.tracking.table import TrackingTable
    from f1lib.workspace.workspace import Workspace

_BACKUP = "restore it from a backup; `f1 doctor --repair` deletes it where it cannot be restored"


def predictions(ws: Workspace, rows: Sequence[TrackingRow]) -> list[Finding]:
    """Check every issued prediction against table ``f1_predictions``, and what stands beside it."""
    predicted = {r["event_partition_key"] for r in rows if suffix_of(Stage.PREDICT, r["session_name_abr"]) is not None}
    found: list[Finding] = []
    for event in sorted(predicted | {raced_of(key)[0] for key in history_keys(ws.store)}):
        faults = restore.faults(ws.store, ws.tracking, event)
        for fault in faults:
            mend = partial(_mend_issue, ws.store, ws.tracking, fault)
            found.append(
                Finding("predictions", fault.key, fault.what, f"restored where a copy is, else {_BACKUP}", mend)
            )
        if not faults:
            found += _copies(ws.store, ws.tracking, event)
    return found + _championships(ws.store) + _latest(ws.store)


def _championships(store: ObjectStore) -> list[Finding]:
    """Check that the issued title chances can be read; readers pass over one that cannot."""
    keys = championship_keys(store.list(PREDICTIONS_PREFIX))
    damaged = [key for key in keys if not _can_be_read(read_parquet, store, key)]
    return [Finding("predictions", key, "cannot be read", _BACKUP, partial(drop, store, key)) for key in damaged]


def _mend_issue(store: ObjectStore, tracking: TrackingTable, fault: restore.Fault, give_up: bool) -> str:
    done = restore.restore(store, tracking, fault)
    if done or not give_up or fault.what == restore.LOST:
        return done
    store.delete(fault.key)
    return f"{fault.key}: deleted, no copy of it is left"


def _copies(store: ObjectStore, tracking: TrackingTable, event: str) -> list[Finding]:
    """Check the newest prediction, explanations and change logs of one event."""
    key, found = EventKey.parse(event), []
    issues = history_keys(store, history_prefix(key))
    for session in sorted({raced_of(name)[1] for name in issues}):
        newest, last = newest_key(key, session), [name for name in issues if raced_of(name)[1] == session][-1]
        if store.exists(newest) and store.read(newest) == store.read(last):
            continue
        what = "is not the last one issued"
        found.append(Finding("predictions", newest, what, f"a copy of {last}", partial(_copy, store, last, newest)))
    for name in issues:
        logged = partial(_logged, store, tracking)
        explained = partial(_explained, store)
        beside = {explanation_key(name): (explained, read_parquet), change_log_key(name): (logged, find_json)}
        for copy, (make, read) in beside.items():
            if not _can_be_read(read, store, copy):
                found.append(Finding("predictions", copy, "cannot be read", "made anew", partial(make, name)))
    return found


def _can_be_read(read: Callable[..., object], store: ObjectStore, key: str) -> bool:
    try:
        return read(store, key) is not None or not store.exists(key)
    except NoSuchKey:
        return True  # issues of older versions have none
    except (Damaged, TableError):
        return False


def _copy(store: ObjectStore, issued: str, newest: str, _give_up: bool) -> str:
    write_parquet(store, newest, load_issue(store, issued))
    return f"{newest}: copied from {issued}"


def _explained(store: ObjectStore, issued: str, give_up: bool) -> str:
    prediction = load_issue(store, issued)
    try:
        features = features_of(store, prediction)
        explain.keep(store, issued, load_serving(store, str(prediction["model_run_id"].iloc[0])), features)
    except F1LibError:
        return drop(store, explanation_key(issued), give_up)
    return f"{explanation_key(issued)}: computed again"


def _logged(store: ObjectStore, tracking: TrackingTable, issued: str, _give_up: bool) -> str:
    prediction, (event, _) = load_issue(store, issued), raced_of(issued)
    before = issue_before(history_keys(store, history_prefix(EventKey.parse(event))), issued)
    replaced = load_issue(store, before) if before else None
    keep_change_log(store, tracking.rows(event), issued, prediction, replaced)
    return f"{change_log_key(issued)}: written anew"


def _latest(store: ObjectStore) -> list[Finding]:
    races = [key for key in history_keys(store) if raced_of(key)[1] == "R"]
    document = integrity.readable_json(store, LATEST)
    if not races or issue.is_latest(store, document):
        return []

    def mend(_give_up: bool) -> str:
        events = {raced_of(key)[0] for key in races}
        newest = [found for event in events if (found := find_newest(store, EventKey.parse(event))) is not None]
        issue.write_latest(store, max(newest, key=lambda frame: frame["as_of_utc"].iloc[0]))
        return f"{LATEST}: written anew from the newest prediction below {PREDICTIONS_PREFIX}"

    return [Finding("predictions", LATEST, "is not the newest prediction", "it is written anew", mend)]


def reports(ws: Workspace, rows: Sequence[TrackingRow]) -> list[Finding]:
    """Check that the reports that programs read can be read."""
    found = []
    scored, reported = (
        any(is_stage(r, s) and r.get("finished_utc") for r in rows) for s in (Stage.SCORE, Stage.REPORT)
    )
    if scored and not {"predictions", "sprints", "means"} <= integrity.readable_json(ws.store, ACCURACY).keys():
        found.append(Finding("reports", ACCURACY, "cannot be read", "scored again", partial(_score, ws)))
    for key, name in ((SUMMARY, "pipeline"), (NEXT_RACES, "races")):
        if reported and name not in integrity.readable_json(ws.store, key):
            mend = partial(_report, ws.tracking, ws.as_of, key)
            found.append(Finding("reports", key, "cannot be read", "08_report writes it anew", mend))
    return found


def _score(ws: Workspace, _give_up: bool) -> str:
    score_issued(ws)
    run_again(ws.tracking, ws.as_of, Stage.REPORT)
    return f"{ACCURACY}: scored again"


def _report(tracking: TrackingTable, as_of: datetime, key: str, _give_up: bool) -> str:
    run_again(tracking, as_of, Stage.REPORT)
    return f"{key}: written anew by the next tick"
