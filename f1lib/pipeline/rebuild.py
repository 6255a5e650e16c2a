"""Rebuild a lost tracking table from the lake: its inputs, the layers that took them in, its runs and predictions.

>>> rebuild(ws)      # after tracking.db was lost: the next tick goes on where the last one ended

The plan itself says what a stage would record: a step that is due on the recovered rows is taken as done when the
record of its last run (``reports/runs/``) is not older than what it is made from.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, cast

from f1lib.bronze.recovered import rows_of_bronze
from f1lib.bronze.weather import Material
from f1lib.domain.moments import format_utc, parse_utc
from f1lib.errors import BadParameters, Damaged, StorageError, TableError
from f1lib.gold import manifest
from f1lib.gold.read_silver import read_silver
from f1lib.lake.paths import TRAINING_KEY
from f1lib.lake.paths_published import RECORDS_PREFIX, parse_issue, parse_record
from f1lib.lake.store import each, read_json
from f1lib.pipeline.notebook import stage_notebook, stage_values
from f1lib.pipeline.plan import due_steps
from f1lib.pipeline.rules import FORECAST_REACH, SPRINT, Step
from f1lib.predictions.archive import history_keys, load_issue
from f1lib.predictions.issue import tracking_rows
from f1lib.silver.build import is_built, silver_path
from f1lib.silver.read_bronze import seasons_in_bronze, wrong_forecasts
from f1lib.tracking.rows import PIPELINE, Outcome, StageRow, Status, TrackingRow, brought_to, key_of
from f1lib.tracking.sqlite import SqliteTracking
from f1lib.tracking.stage_keys import WEATHER_ROW, Stage, StageKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from f1lib.lake.store import ObjectStore
    from f1lib.workspace.workspace import Workspace

_log = logging.getLogger(__name__)
_Key = tuple[str, str]


@dataclass(frozen=True)
class _Run:
    """A finished run of a stage, from its record: ``moment`` as `format_utc` writes it."""

    key: _Key
    moment: str
    run_id: str
    parameters: dict[str, Any]
    record: str = ""


def rebuild(ws: Workspace) -> int:
    """Put the rows that can be recovered from the lake into the tracking table; rows that are there are kept.

    A damaged SQLite file is set aside first (`SqliteTracking.set_aside_if_damaged`).

    Parameters
    ----------
    ws : Workspace
        Lake and tracking table. Rows are recovered as of the last run that the lake has a record of.

    Returns
    -------
    int
        Number of rows that were missing; issued predictions are put into their table again whatever it holds.

    Raises
    ------
    StorageError
        When the table or the lake cannot be read. Damaged files are left out and said in the log: `doctor` finds them
        by the rows of the others.
    """
    if isinstance(ws.tracking, SqliteTracking):
        ws.tracking.set_aside_if_damaged()
    known = {key_of(row) for row in ws.tracking.rows()}
    missing = [row for row in recovered_rows(ws) if key_of(row) not in known]
    for issued in history_keys(ws.store):
        try:
            ws.tracking.put_predictions(tracking_rows(load_issue(ws.store, issued)))
        except (Damaged, TableError) as error:
            _log.warning("left out: %s", error)
    ws.tracking.put_rows(missing)
    _log.info("rebuilt %d rows of %s", len(missing), ws.tracking.url)
    return len(missing)


def recovered_rows(ws: Workspace) -> list[TrackingRow]:
    """Return the tracking rows that the lake gives, sorted by key; nothing is written."""
    runs = _runs(ws.store)
    moment = parse_utc(max((run.moment for run in runs.values()), default=format_utc(ws.as_of)))
    wrong = wrong_forecasts(ws.store, seasons_in_bronze(ws.store))
    if wrong:
        _log.warning("left out: %s", "; ".join(f"{key} {what}" for key, what in wrong.items()))
    rows = _with_layers(ws, rows_of_bronze(ws.store, moment, _material(ws.parameters()), wrong))
    found = {key_of(row): row for row in rows}
    for event, asked in _asked(ws.store, rows, moment, past=ws.has_past_weather).items():
        row: Any = found.setdefault((event, WEATHER_ROW), _row((event, WEATHER_ROW)))
        row |= {"event_year": int(event.partition("_")[0]), "finished_utc": asked}
    for key, run in (_issued(ws.store) | runs).items():
        done = Status.INGESTED if key == (PIPELINE, StageKey(Stage.SCHEDULE).sort_key) else Status.GOLD
        change: StageRow = {"status": done, "finished_utc": run.moment, "updated_at_utc": run.moment}
        found[key] = cast("TrackingRow", {**_row(key), **change, "run_id": run.run_id})
    _recall_inputs(ws.settings.model, found, runs, moment)
    return [found[key] for key in sorted(found)]


def _recall_inputs(model: str, found: dict[_Key, TrackingRow], runs: dict[_Key, _Run], moment: datetime) -> None:
    """Give the rows of stages the ``input_hash`` that the plan asks for, where their last run was made from the same.

    The report is made from the rows themselves, so it comes last.
    """
    tried: frozenset[_Key] = frozenset()
    while steps := due_steps(found.values(), moment, tried=tried):
        for step in steps:
            tried |= {step.key}
            run = runs.get(step.key)
            if run and step.input_hash and _is_whole(model, step, run) and run.moment >= _changed(found, step):
                found[step.key]["input_hash"] = step.input_hash


def _is_whole(model: str, step: Step, run: _Run) -> bool:
    """Whether a run did all of the step: training by hand may be of another model, or of one horizon."""
    trained = run.parameters.get("model"), run.parameters.get("horizon", "")
    return step.stage != Stage.TRAIN or trained == (model, "")


def _changed(found: dict[_Key, TrackingRow], step: Step) -> str:
    """Return the moment of the newest change of what a step is made from."""
    held = [row for row in found.values() if "content_hash" in row]
    match step.stage:
        case Stage.REPORT:
            return brought_to(found.values())
        case Stage.PREDICT:
            held = [row for row in held if row["event_partition_key"] == step.event_partition_key]
            held += [row for key, row in found.items() if key == (PIPELINE, StageKey(Stage.TRAIN).sort_key)]
        case _:
            held = [row for row in held if row["session_name_abr"] in ("R", "S")]
    return max((row["updated_at_utc"] for row in held), default="")


def _with_layers(ws: Workspace, rows: list[TrackingRow]) -> list[TrackingRow]:
    """Move rows in bronze to the layer that has taken them in: silver is told by its bytes, gold by its note."""
    waiting = [row for row in rows if row.get("status") == Status.INGESTED]
    seasons = {int(row["event_year"]) for row in waiting}
    built = {season for season in seasons if _is_built(ws, season)}
    is_in_gold = bool(built) and _is_in_gold(ws.store)
    for row in waiting:
        if row["event_year"] in built:
            row |= {"status": Status.SILVER, "silver_path": silver_path(row)}
            row |= {"status": Status.GOLD, "gold_path": TRAINING_KEY} if is_in_gold else {}
    return rows


def _is_built(ws: Workspace, season: int) -> bool:
    try:
        return is_built(ws.store, season, ws.settings.threads, ws.cache)
    except (Damaged, TableError) as error:
        _log.warning("silver of %d is built again: %s", season, error)
        return False


def _is_in_gold(store: ObjectStore) -> bool:
    try:
        return manifest.is_current(store, TRAINING_KEY, read_silver(store))
    except (Damaged, TableError) as error:
        _log.warning("gold is built again: %s", error)
        return False


def standing_records(store: ObjectStore) -> set[str]:
    """Return the keys of the executed notebooks that a rebuild reads.

    They are the newest finished one of each step, and the newest in which the forecast of each event was asked for.
    """
    asked: dict[str, str] = {}
    for run in _finished(store, sorted(_weather_records(store))):
        asked |= dict.fromkeys(run.parameters.get("events", ()), run.record)
    return {run.record for run in _runs(store).values()} | set(asked.values())


def _runs(store: ObjectStore) -> dict[_Key, _Run]:
    """Return the newest finished run of each step, by the key of its row."""
    names = _records(store)
    newest = each(store, lambda name: next(_finished(store, names[name]), None), names)
    runs: dict[_Key, _Run] = {}
    for run in sorted((run for run in newest if run), key=lambda run: run.moment):
        runs[run.key] = run
    return runs


def _records(store: ObjectStore) -> dict[str, list[str]]:
    """Return the keys of the executed notebooks by name (stage and suffix), newest first."""
    names: dict[str, list[str]] = {}
    for key in sorted(store.list(RECORDS_PREFIX), reverse=True):
        if found := parse_record(key):
            names.setdefault(found[1], []).append(key)
    return names


def _finished(store: ObjectStore, keys: Iterable[str]) -> Iterator[_Run]:
    """Yield the finished runs among executed notebooks; what a damaged one told is lost, and its step done again."""
    for key in keys:
        try:
            run = _run_of(read_json(store, key), key)
        except (StorageError, BadParameters, KeyError, TypeError, AttributeError) as error:
            _log.warning("left out: %s is damaged (%r)", key, error)
            continue
        if run:
            yield run


def _run_of(document: Any, key: str) -> _Run | None:
    made = document.get("metadata", {}).get("f1lib", {})
    if made.get("status") != Outcome.FINISHED:
        return None
    given = made["parameters"]
    event, suffix = str(given.get("event", "")), str(given.get("horizon", ""))
    suffix += SPRINT if given.get("session") == "S" else ""
    row = (event, StageKey(made["stage"], suffix)) if event else (PIPELINE, StageKey(made["stage"]))
    return _Run((row[0], row[1].sort_key), format_utc(parse_utc(given["as_of"])), str(given["run_id"]), given, key)


def _issued(store: ObjectStore) -> dict[_Key, _Run]:
    """Return the last issue of each event, session and horizon, as the run of its stage."""
    found: dict[_Key, _Run] = {}
    for issued in map(parse_issue, history_keys(store)):
        if issued:
            suffix = issued.horizon + (SPRINT if issued.session == "S" else "")
            key = (issued.event, StageKey(Stage.PREDICT, suffix).sort_key)
            found[key] = _Run(key, format_utc(parse_utc(issued.moment)), issued.moment, {})
    return found


def _asked(store: ObjectStore, rows: list[TrackingRow], moment: datetime, *, past: bool) -> dict[str, str]:
    """Return when the forecast of each event that a tick asks for was last asked for."""
    reach = format_utc(moment + FORECAST_REACH)
    races = [row for row in rows if row["session_name_abr"] == "R" and row["session_date_utc"] <= reach]
    if not past:
        races = [row for row in races if row["session_date_utc"] > format_utc(moment)]
    waiting = {row["event_partition_key"] for row in races}
    asked: dict[str, str] = {}
    for run in _finished(store, sorted(_weather_records(store), reverse=True)):
        asked |= dict.fromkeys(waiting.intersection(run.parameters.get("events", ())), run.moment)
        waiting -= asked.keys()
        if not waiting:
            break
    return asked


def _weather_records(store: ObjectStore) -> list[str]:
    return [key for name, keys in _records(store).items() if name.startswith(Stage.WEATHER) for key in keys]


def _material(parameters: Mapping[str, Any]) -> Material:
    """Return the differences of forecasts that count, as the parameters of the stage have them."""
    values = stage_values(parameters, stage_notebook(Stage.WEATHER), {})
    return Material(**{field.name: values[field.name] for field in fields(Material) if field.name in values})


def _row(key: _Key) -> Any:
    return {"event_partition_key": key[0], "session_name_abr": key[1]}
