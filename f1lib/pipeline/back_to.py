"""Take a lake back to a moment: what a wrong clock brought there from the future is removed, files and rows.

What was fetched, built, trained and issued after the moment goes. What it was made from stays, so that the next tick at
the real time goes on where the lake stood: calendars and sessions are asked for again, the layers are built again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from f1lib.bronze.answers import bring_back
from f1lib.bronze.due import after_success
from f1lib.bronze.ingest import race_end_of
from f1lib.bronze.recovered import answered
from f1lib.domain.moments import format_utc, parse_utc, stamp
from f1lib.domain.weekend import EventKey
from f1lib.lake import integrity, paths
from f1lib.lake.paths_published import (
    ACCURACY,
    LATEST,
    PREDICTIONS_PREFIX,
    RECORDS_PREFIX,
    championship_keys,
    change_log_key,
    explanation_key,
    newest_key,
    parse_issue,
    raced_of,
)
from f1lib.lake.store import update_json
from f1lib.model.registry import champion
from f1lib.pipeline.findings import build_again
from f1lib.predictions.archive import history_keys
from f1lib.silver.bronze_files import note_of_row
from f1lib.tracking.index import is_session
from f1lib.tracking.rows import PREDICTION_SORT_KEY, Status, key_of
from f1lib.tracking.stage_keys import Stage, suffix_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from f1lib.lake.store import ObjectStore
    from f1lib.tracking.rows import StageRow, TrackingRow
    from f1lib.tracking.table import TrackingTable
    from f1lib.workspace.workspace import Workspace

# What a row of a session or calendar keeps when the lake no longer has its answer.
_OF_AN_ANSWER = (
    "bronze_path silver_path gold_path content_hash attempts last_error failures failing_since_utc next_attempt_utc "
    "reread_utc is_partial missing conflicts"
).split()


def back_to(ws: Workspace, moment: datetime) -> list[str]:
    """Remove from a lake and its tables what came after a moment.

    Parameters
    ----------
    ws : Workspace
        Its lake and tracking table are changed; nobody else may work on them.
    moment : datetime
        Aware UTC.

    Returns
    -------
    list of str
        What was done, a line each; every prediction that was removed is named.
    """
    rows, after = ws.tracking.rows(), stamp(moment)
    done = [*_predictions(ws.store, ws.tracking, rows, after), *_models(ws.store, after, format_utc(moment))]
    done += _runs(ws.store, after)
    replaced = _bronze(ws.store, rows, moment)
    for key, note in replaced.items():
        then = f"that of {note['fetched_utc']} is back" if note else "asked for again"
        done.append(f"{key.rpartition('/')[0]}: fetched after {format_utc(moment)}, {then}")
    seasons = _rows(ws.store, ws.tracking, rows, replaced, moment)
    build_again(ws.tracking, ws.as_of, seasons, Status.INGESTED)
    return [*done, f"the tracking table and lake {ws.store.url} are back at {format_utc(moment)}"]


def _predictions(store: ObjectStore, tracking: TrackingTable, rows: Sequence[TrackingRow], after: str) -> list[str]:
    """Remove the predictions issued after a moment, in the history and in the table; the newest is then another."""
    gone = [key for key in history_keys(store) if (issue := parse_issue(key)) and issue.moment > after]
    for key in gone:
        event, session = raced_of(key)
        beside = (explanation_key(key), change_log_key(key), newest_key(EventKey.parse(event), session), LATEST)
        for name in (key, *beside):
            store.delete(name)
    events = {r["event_partition_key"] for r in rows if suffix_of(Stage.PREDICT, r["session_name_abr"]) is not None}
    for event in events | {raced_of(key)[0] for key in gone}:
        late = [r for r in tracking.predictions(event) if stamp(parse_utc(r["as_of_utc"])) > after]
        tracking.delete_predictions(event, [str(row[PREDICTION_SORT_KEY]) for row in late])
    return [f"{key}: removed, it was issued by a wrong clock" for key in gone]


def _models(store: ObjectStore, after: str, moment: str) -> list[str]:
    """Remove the runs trained after a moment; the champion that served at it serves again."""
    runs = sorted({paths.run_of(key) for key in store.list(paths.MODEL_RUNS_PREFIX)})
    gone = {run for run in runs if _is_after(run, after)}

    def served(document: dict[str, Any] | None) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for horizon, entry in (document or {"horizons": {}})["horizons"].items():
            entries = [{k: v for k, v in entry.items() if k != "previous"}, *entry.get("previous", [])]
            left = [e for e in entries if e["run_id"] not in gone and e["since"] <= moment]
            if left:
                kept[horizon] = {**left[0], "previous": left[1:]}
        return {"horizons": kept}

    if gone or any(entry["since"] > moment for entry in champion(store)["horizons"].values()):
        update_json(store, paths.CHAMPION_KEY, served)
    for run in gone:
        for key in (paths.run_key(run, paths.SUCCESS), *store.list(f"{paths.MODEL_RUNS_PREFIX}{run}/")):
            store.delete(key)
    return [f"model run {run}: removed" for run in sorted(gone)]


def _runs(store: ObjectStore, after: str) -> list[str]:
    """Remove features, executed notebooks, forecasts and scores of runs after a moment."""
    places = (paths.FEATURES_PREFIX, RECORDS_PREFIX, paths.FORECASTS_PREFIX)
    late = [key for place in places for key in store.list(place) if _is_after(key.removeprefix(place), after)]
    issued = championship_keys(store.list(PREDICTIONS_PREFIX))
    late += [key for key in issued if _is_after(key, after)]
    scores = integrity.readable_json(store, ACCURACY)
    if str(scores.get("as_of_utc", "")).replace("-", "").replace(":", "") > after:
        late.append(ACCURACY)
    for key in late:
        store.delete(key)
    return [f"{len(late)} files of later runs: removed"] if late else []


def _is_after(name: str, after: str) -> bool:
    found = re.search(r"\d{8}T\d{6}Z", name)
    return bool(found and found[0] > after)


def _bronze(store: ObjectStore, rows: Iterable[TrackingRow], moment: datetime) -> dict[str, dict[str, Any] | None]:
    """Remove the answers fetched after a moment; return by note the one that stood then, None where there was none."""
    replaced: dict[str, dict[str, Any] | None] = {}
    for key in sorted({key for row in rows if (key := note_of_row(row))}):
        note = integrity.readable_json(store, key)
        if str(note.get("fetched_utc", "")) > format_utc(moment):
            replaced[key] = bring_back(store, key, moment)
    return replaced


def _rows(
    store: ObjectStore,
    tracking: TrackingTable,
    rows: Sequence[TrackingRow],
    replaced: Mapping[str, dict[str, Any] | None],
    moment: datetime,
) -> set[int]:
    """Take the tracking rows back; return the seasons whose layers are built again."""
    now, known = format_utc(moment), {key_of(row): row for row in rows}
    changes: list[dict[str, Any]] = []
    gone: list[tuple[str, str]] = []
    seasons: set[int] = set()
    for row in rows:
        event, name = key_of(row)
        season, key = suffix_of(Stage.SCHEDULE, name), {"event_partition_key": event, "session_name_abr": name}
        if int(row.get("event_year", 0)) > moment.year or (season and note_of_row(row) in replaced):
            gone.append((event, name))
        elif is_session(row):
            change = _session(row, replaced, known, moment)
            if change:
                changes.append({**key, **change})
                seasons.add(int(row["event_year"]))
        elif (row.get("finished_utc") or row.get("updated_at_utc", "")) > now:
            changes.append({**key, **_stage(store, event, name)})
    for silver in store.list(paths.SILVER_PREFIX):
        if (paths.season_of_key(silver) or 0) > moment.year:
            store.delete(silver)
    _forget_silver(store, moment.year)
    tracking.delete(gone)
    tracking.put_rows(cast("list[StageRow]", changes))
    return seasons


def _session(
    row: TrackingRow,
    replaced: Mapping[str, dict[str, Any] | None],
    known: dict[tuple[str, str], TrackingRow],
    moment: datetime,
) -> dict[str, Any]:
    """Return what changes on a session's row; nothing where it is as it was at the moment."""
    now = format_utc(moment)
    to_come = {"status": Status.DUE if row["available_utc"] <= now else Status.SCHEDULED, "updated_at_utc": now}
    note = note_of_row(row)
    if note and (stood := replaced.get(note)):
        return dict.fromkeys(_OF_AN_ANSWER) | answered(row, stood, race_end_of(known, row), moment)
    is_late = row.get("updated_at_utc", "") > now
    if note in replaced or (not row.get("bronze_path") and is_late and not row.get("is_cancelled")):
        return dict.fromkeys(_OF_AN_ANSWER) | to_come
    if row.get("bronze_path") and is_late:
        back = after_success(row, race_end_of(known, row), moment, is_whole=not row.get("is_partial"))
        return {**back, "status": Status.INGESTED, "updated_at_utc": now}
    return {}


def _stage(store: ObjectStore, event: str, name: str) -> dict[str, Any]:
    """Return what changes on a stage's row: it was never run, but for the predictions that are left."""
    names = "status finished_utc input_hash attempts last_error next_attempt_utc content_hash acted_on updated_at_utc"
    change: dict[str, Any] = dict.fromkeys(names.split())
    suffix = suffix_of(Stage.PREDICT, name)
    if suffix:
        left = [issue for key in history_keys(store) if (issue := parse_issue(key)) and issue.event == event]
        kinds = [
            issue.moment for issue in left if issue.horizon + ("_sprint" if issue.session == "S" else "") == suffix
        ]
        change |= {"finished_utc": format_utc(parse_utc(max(kinds))), "status": Status.GOLD} if kinds else {}
    return change


def _forget_silver(store: ObjectStore, year: int) -> None:
    def kept(document: Any) -> Any:
        return {n: {s: v for s, v in part.items() if int(s) <= year} for n, part in (document or {}).items()}

    if integrity.silver_note(store):
        update_json(store, paths.SILVER_NOTE, kept)
