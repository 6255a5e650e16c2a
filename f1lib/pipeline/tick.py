"""One tick: ask the plan what is due, claim it, run its notebook, record the outcome; until nothing is due.

A failed stage leaves its notebook, its error in the tracking row and the work undone, so that the next tick
tries again; what does not depend on it goes on.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

from f1lib.bronze import penalties
from f1lib.domain.moments import CLOCKS_DIFFER, format_utc, stamp
from f1lib.domain.weekend import HORIZONS, EventKey
from f1lib.errors import AlreadyRunning, BadParameters, F1LibError
from f1lib.lake.paths_published import records_prefix
from f1lib.pipeline import check_models
from f1lib.pipeline.claims import left_by_dead, release_dead, under_claim
from f1lib.pipeline.notebook import Execution, execute_stage, stage_notebook, stage_values
from f1lib.pipeline.plan import due_steps
from f1lib.pipeline.rules import SPRINT, Step, results_lacking
from f1lib.pipeline.stage_process import StageProcesses
from f1lib.tracking.index import Rows
from f1lib.tracking.rows import PIPELINE, Outcome, StageRow, brought_to, key_of
from f1lib.tracking.stage_keys import STAGES, Stage
from f1lib.tracking.units import Unit
from f1lib.workspace.lake_kind import check_not_lost, read_marker
from f1lib.workspace.project import project_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from f1lib.tracking.rows import TrackingRow
    from f1lib.tracking.table import TrackingTable
    from f1lib.workspace.settings import Settings
    from f1lib.workspace.workspace import Workspace

__all__ = ["StageRun", "TickResult", "run_stage", "tick"]
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StageRun:
    """What became of one step."""

    step: Step
    status: Outcome
    seconds: float
    error: str = ""
    notebook_key: str = ""
    result: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TickResult:
    """Outcome of a tick.

    Attributes
    ----------
    run_id : str
        Empty when nothing was due.
    runs : list of StageRun
        Every step the tick attempted, in order.
    mended : list of str
        What was lost or damaged in the lake and has been mended.
    complete : bool
        False when the tick ended because its time had run out.
    rows : list of TrackingRow
        The tracking table as the tick last saw it.
    """

    run_id: str
    runs: list[StageRun]
    complete: bool = True
    rows: list[TrackingRow] = field(default_factory=list, repr=False)
    mended: list[str] = field(default_factory=list)

    @property
    def failures(self) -> list[StageRun]:
        """Steps that did not succeed, at their last attempt."""
        last = {run.step.key: run for run in self.runs}
        return [run for run in last.values() if run.status == Outcome.FAILED]

    @property
    def taken(self) -> list[StageRun]:
        """Steps whose claim another run holds."""
        return [run for run in self.runs if run.status == Outcome.TAKEN]


def _silent(step: Step) -> None:
    """Show no progress."""


def _always() -> bool:
    """Report that there is time: a tick without a limit."""
    return True


def tick(
    ws: Workspace,
    on_step: Callable[[Step], None] = _silent,
    stages: frozenset[str] = frozenset(STAGES),
    has_time: Callable[[], bool] = _always,
) -> TickResult:
    """Run every stage that is due at ``ws.as_of``, until nothing is due.

    Parameters
    ----------
    ws : Workspace
        Where and when; without a ``run_id`` the tick takes a new one as soon as something is due.
    on_step : callable
        Called with each step before it starts.
    stages : frozenset of str
        Stages the tick may run, for example those of history without predictions.
    has_time : callable
        Asked before each step; once it answers false the tick ends in good order, and the next one goes on.

    Returns
    -------
    TickResult
        A failed stage is reported there, not raised; what does not depend on it has run.

    Raises
    ------
    BadParameters
        The lake has been brought to a moment after ``ws.as_of``, or the configuration to train is not there.
    StorageError
        The lake has data and its tracking table is lost or damaged; the message names the remedy.
    """
    with StageProcesses() as processes:
        return _run_due(ws, on_step, stages, has_time, processes)


def _run_due(
    ws: Workspace,
    on_step: Callable[[Step], None],
    stages: frozenset[str],
    has_time: Callable[[], bool],
    processes: StageProcesses,
) -> TickResult:
    runs: list[StageRun] = []
    tried: frozenset[tuple[str, str]] = frozenset()
    mended: list[str] = []
    rows = _rows_to_begin_with(ws)
    while True:
        rows = _rows(ws.tracking, rows, runs) if runs else rows
        _only_forward(rows, ws.as_of, ws.store.url)
        steps = due_steps(rows, ws.as_of, has_weather=ws.has_weather, has_past_weather=ws.has_past_weather, tried=tried)
        if not steps or any(run.status == Outcome.TAKEN for run in runs):
            return TickResult(ws.run_id, runs, True, rows, mended)
        if not runs:
            _begin(ws.settings, stages, processes)
        if not runs and not mended and (mended := check_models.restored(ws, rows)):
            rows = ws.tracking.rows()
            continue
        if not ws.run_id:
            ws = named_run(ws, rows)
        seen = {key_of(row): row for row in rows}
        for step in steps:
            tried |= {step.key}
            if step.stage not in stages or (step.stage == Stage.TRAIN and results_lacking(Rows(rows))):
                continue
            if not has_time():
                return TickResult(ws.run_id, runs, False, rows, mended)
            on_step(step)
            number = sum(run.step.key == step.key for run in runs) + 1
            runs.append(_attempt(ws, _with_settings(ws.settings, step), seen.get(step.key, {}), processes, number))
            if _was_cut(ws.settings, runs[-1]):
                tried -= {step.key}
            if done := _mended(ws, runs):
                mended += done
                rows, tried = [], _failed_otherwise(runs)
                break


def _begin(settings: Settings, stages: frozenset[str], processes: StageProcesses) -> None:
    """Start importing the libraries, and refuse a configuration to train that is not there meanwhile."""
    if settings.engine == "process":
        processes.start()
    if Stage.TRAIN in stages:
        _known_model(settings.model)


def _rows_to_begin_with(ws: Workspace) -> list[TrackingRow]:
    """Read the table, refuse one that is lost or ahead of the tick, and end the claims of runs that died."""
    rows = ws.tracking.rows()
    check_not_lost(ws.store, rows)
    _only_forward(rows, ws.as_of, ws.store.url)
    dead = left_by_dead(ws.tracking, ws.now(), rows)
    released = [row for row in dead if release_dead(ws.tracking, ws.as_of, row)]
    file = None if ws.source_name == "simulated" else project_folder() / "parameters" / penalties.FILE
    changed = penalties.bring_in(ws.store, ws.tracking, rows, file, ws.as_of)
    return ws.tracking.rows() if released or changed else rows


def _rows(tracking: TrackingTable, rows: list[TrackingRow], runs: list[StageRun]) -> list[TrackingRow]:
    """Read the table after ``runs``, given its ``rows`` before the last of them.

    Rows that are settled, or of events wholly to come, change only with a new calendar or where the step names their
    event; the other stages change rows that were waiting for them.
    """
    if not rows or (runs and runs[-1].step.stage == Stage.SCHEDULE):
        return tracking.rows()
    return tracking.refresh(rows, {runs[-1].step.event_partition_key, *runs[-1].step.events} if runs else ())


def _was_cut(settings: Settings, run: StageRun) -> bool:
    """Whether an ingest ended because its time was up, so that the tick goes on with the rest."""
    bound = settings.ingest_seconds
    return run.step.stage == Stage.INGEST and run.status == Outcome.FINISHED and 0 < bound <= run.seconds


def _mended(ws: Workspace, runs: list[StageRun]) -> list[str]:
    """Mend what the last step reads, when it has failed for the first time, and return what was done."""
    own = [run for run in runs if run.step.key == runs[-1].step.key and run.status == Outcome.FAILED]
    if own != runs[-1:]:
        return []
    from f1lib.pipeline.doctor import after_failure

    return after_failure(ws, runs[-1].step.stage)


def _failed_otherwise(runs: list[StageRun]) -> frozenset[tuple[str, str]]:
    """Return the keys of other steps than the last whose last run failed: all others may be run where they are due."""
    last = {run.step.key: run for run in runs[:-1]}
    return frozenset(key for key, run in last.items() if run.status == Outcome.FAILED and key != runs[-1].step.key)


def _only_forward(rows: list[TrackingRow], as_of: datetime, lake: str) -> None:
    """Refuse a tick in the lake's past, which would predict with models that know what came after."""
    newest = brought_to(rows)
    if newest > format_utc(as_of + CLOCKS_DIFFER):
        raise BadParameters(
            f"lake {lake} has been brought to {newest}, after {format_utc(as_of)}: its models know what was "
            "not known then; give an earlier moment a lake of its own with --lake"
        )


def run_stage(ws: Workspace, name: str, given: Mapping[str, Any]) -> StageRun:
    """Run one stage on request, due or not, under the same claim as the tick's.

    Parameters
    ----------
    ws : Workspace
        Where and when; a new ``run_id`` is taken unless it has one.
    name : str
        Stem (``05_train``) or short name (``train``) of the notebook.
    given : mapping
        Parameters of the notebook.

    Returns
    -------
    StageRun
        Always ``finished``.

    Raises
    ------
    BadParameters
        Unknown stage, parameter, event, session, model configuration or horizon; nothing has been written.
    AlreadyRunning
        Another run has the claim.
    RunError
        The stage failed.
    """
    path = stage_notebook(name)
    if path.stem == Stage.TRAIN:
        given = {"model": ws.settings.model, **given}
    _check_known(ws.tracking, stage_values(ws.parameters(), path, given))
    step = Step(path.stem, "on request", dict(given), *_place(given))
    rows = ws.tracking.rows(PIPELINE)
    check_not_lost(ws.store, rows)
    ws = ws if ws.run_id else named_run(ws, rows)
    started = perf_counter()
    execution = under_claim(ws, step, lambda: execute_stage(ws, path.stem, given, _record_suffix(step)))
    return _finished(step, execution, perf_counter() - started)


def _check_known(tracking: TrackingTable, given: Mapping[str, Any]) -> None:
    """Raise `BadParameters` for an event or session without a tracking row, or an unknown model or horizon."""
    units = [Unit.parse(str(unit)) for unit in given.get("units") or ()]
    names = [*([given["event"]] if given.get("event") else []), *(given.get("events") or ())]
    wanted = [(str(unit.event), unit.sort_key) for unit in units]
    wanted += [(str(EventKey.parse(str(name))), given.get("session") or "R") for name in names]
    for event, name in wanted:
        if tracking.get(event, name) is None:
            raise BadParameters(f"{event} {name} is not in the calendar of this lake; `f1 status` lists what is")
    if given.get("model"):
        _known_model(str(given["model"]), str(given.get("horizon", "")))
    if given.get("horizon") and given["horizon"] not in HORIZONS:
        raise BadParameters(f"there is no horizon {ascii(given['horizon'])[:60]}; they are {', '.join(HORIZONS)}")


def _known_model(name: str, horizon: str = "") -> None:
    """Refuse a configuration, or a horizon of it, that is not there."""
    from f1lib.model.config import load_config

    load_config(name).horizons_of(horizon)


def _place(given: Mapping[str, Any]) -> tuple[str, str]:
    """Return the row to claim for a stage on request: its one session or event, else the pipeline's."""
    units = given.get("units")
    if isinstance(units, list) and len(units) == 1:
        event, _, session = str(units[0]).rpartition("/")
        return event, session
    suffix = str(given.get("horizon", "")) + (SPRINT if given.get("session") == "S" else "")
    return str(given.get("event", "")) or PIPELINE, suffix


def named_run(ws: Workspace, rows: Iterable[StageRow]) -> Workspace:
    """Give ``ws`` a new run id: its moment, numbered when that moment has a run already.

    Raises `RunError` when the lake has a format that this code does not know: nothing is run on it. A run that died
    without a record is known by ``rows`` of the tracking table: whatever is left of it is not taken for the new one.
    """
    read_marker(ws.store)
    base, number, known = stamp(ws.as_of), 1, {row.get("run_id") for row in rows}
    while (name := _numbered(base, number)) in known or ws.store.list(records_prefix(name)):
        number += 1
    return replace(ws, run_id=_numbered(base, number))


def _numbered(base: str, number: int) -> str:
    return base if number == 1 else f"{base}-{number}"


def _with_settings(settings: Settings, step: Step) -> Step:
    """Add to a planned step what is a setting: the configuration that is to serve, how long an ingest may take."""
    if step.stage == Stage.INGEST and settings.ingest_seconds:
        return replace(step, parameters={**step.parameters, "seconds": settings.ingest_seconds})
    parameters = {"model": settings.model, "promote": True}
    return replace(step, parameters=parameters) if step.stage == Stage.TRAIN else step


def _attempt(ws: Workspace, step: Step, seen: StageRow, processes: StageProcesses, number: int) -> StageRun:
    started = perf_counter()
    suffix = _record_suffix(step, number)
    _log.info("%s begins: %s", step.stage, step.reason)
    try:
        work = partial(execute_stage, ws, step.stage, step.parameters, suffix, processes)
        execution = under_claim(ws, step, work, seen)
    except F1LibError as error:
        status = Outcome.TAKEN if isinstance(error, AlreadyRunning) else Outcome.FAILED
        return _logged(StageRun(step, status, perf_counter() - started, str(error)))
    return _finished(step, execution, perf_counter() - started)


def _finished(step: Step, execution: Execution, seconds: float) -> StageRun:
    return _logged(StageRun(step, Outcome.FINISHED, seconds, "", execution.notebook_key, execution.result))


def _logged(run: StageRun) -> StageRun:
    _log.info("%s %s in %.1f s%s", run.step.stage, run.status, run.seconds, run.error and f": {run.error}")
    _log.debug("%s handed back %s", run.step.stage, run.result)
    return run


def _record_suffix(step: Step, number: int = 1) -> str:
    """Name a record apart from those of the same stage and run: by event, horizon or session, and part."""
    names = [step.event_partition_key, step.suffix] if step.event_partition_key != PIPELINE else []
    names += [str(number)] if number > 1 else []
    return "-".join(name for name in names if name)
