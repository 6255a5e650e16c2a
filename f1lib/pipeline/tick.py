"""One tick: ask the plan what is due, claim it, run its notebook, record the outcome; until nothing is due.

A failed stage leaves its notebook, its error in the tracking row and the work undone, so that the next tick
tries again; what does not depend on it goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from time import perf_counter
from typing import TYPE_CHECKING, Any

from f1lib.domain.moments import format_utc, stamp
from f1lib.errors import AlreadyRunning, BadParameters, F1LibError
from f1lib.lake.paths_published import records_prefix
from f1lib.pipeline.notebook import Execution, execute_stage, stage_notebook, stage_values
from f1lib.pipeline.plan import due_steps
from f1lib.pipeline.rules import SPRINT, Step
from f1lib.tracking.rows import PIPELINE, Outcome, StageRow, Status, brought_to, key_of
from f1lib.tracking.stage_keys import STAGES, Stage
from f1lib.workspace.lake_kind import read_marker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from f1lib.tracking.rows import Claim, TrackingRow
    from f1lib.workspace.workspace import Workspace

__all__ = ["StageRun", "TickResult", "run_stage", "tick"]
_MESSAGE_LENGTH = 600
# Two machines on one lake need not agree on the time to the second.
CLOCKS_DIFFER = timedelta(minutes=10)


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
    """Every step a tick ran; ``run_id`` is empty when nothing was due, ``complete`` false when time ran out.

    ``rows`` is the tracking table as the tick last saw it.
    """

    run_id: str
    runs: list[StageRun]
    complete: bool = True
    rows: list[TrackingRow] = field(default_factory=list, repr=False)

    @property
    def failures(self) -> list[StageRun]:
        """The steps that did not succeed."""
        return [run for run in self.runs if run.status == Outcome.FAILED]

    @property
    def taken(self) -> list[StageRun]:
        """The steps somebody else is working on."""
        return [run for run in self.runs if run.status == Outcome.TAKEN]


def _silent(step: Step) -> None:
    """No progress display."""


def _always() -> bool:
    """Time without end."""
    return True


def tick(
    ws: Workspace,
    on_step: Callable[[Step], None] = _silent,
    stages: frozenset[str] = frozenset(STAGES),
    has_time: Callable[[], bool] = _always,
) -> TickResult:
    """Do what is due at ``ws.as_of`` and nothing else; ``on_step`` is told of each step before it starts.

    ``stages`` narrows the tick, for example to history without predictions. ``has_time`` is asked before each
    step: once it says no the tick ends in good order, and the next one goes on.
    """
    runs: list[StageRun] = []
    tried: frozenset[tuple[str, str]] = frozenset()
    rows: list[TrackingRow] = []
    while True:
        rows = _rows(ws, rows, runs)
        _only_forward(ws, rows)
        steps = due_steps(rows, ws.as_of, has_weather=ws.has_weather, has_past_weather=ws.has_past_weather, tried=tried)
        if not steps or any(run.status == Outcome.TAKEN for run in runs):
            return TickResult(ws.run_id, runs, True, rows)
        if not ws.run_id:
            ws = named_run(ws)
        seen = {key_of(row): row for row in rows}
        for step in steps:
            tried |= {step.key}
            if step.stage not in stages:
                continue
            if not has_time():
                return TickResult(ws.run_id, runs, False, rows)
            on_step(step)
            number = sum(run.step.key == step.key for run in runs) + 1
            runs.append(_attempt(ws, _with_settings(ws, step), seen.get(step.key, {}), number))
            if _was_cut(ws, runs[-1]):
                tried -= {step.key}


def _rows(ws: Workspace, rows: list[TrackingRow], runs: list[StageRun]) -> list[TrackingRow]:
    """The table after ``runs``, given its ``rows`` before the last of them.

    What is settled moves only with a new calendar, or where a step says so; the other stages move what was waiting
    for them.
    """
    if not rows or (runs and runs[-1].step.stage == Stage.SCHEDULE):
        return ws.tracking.rows()
    return ws.tracking.refresh(rows, runs[-1].step.events if runs else ())


def _was_cut(ws: Workspace, run: StageRun) -> bool:
    """Whether an ingest ended because its time was up, so that the tick goes on with the rest."""
    bound = ws.settings.ingest_seconds
    return run.step.stage == Stage.INGEST and run.status == Outcome.FINISHED and 0 < bound <= run.seconds


def _only_forward(ws: Workspace, rows: list[TrackingRow]) -> None:
    """Time goes forward in a lake: a tick in its past would predict with models that know what came after."""
    newest = brought_to(rows)
    if newest > format_utc(ws.as_of + CLOCKS_DIFFER):
        raise BadParameters(
            f"lake {ws.store.url} has been brought to {newest}, after {format_utc(ws.as_of)}: its models know what was "
            "not known then; give an earlier moment a lake of its own with --lake"
        )


def run_stage(ws: Workspace, name: str, given: Mapping[str, Any]) -> StageRun:
    """Run one stage on request, due or not, under the same claim as the tick's.

    Raises `BadParameters` for an unknown stage or parameter, `AlreadyRunning` while somebody else is at it,
    `RunError` when it fails.
    """
    path = stage_notebook(name)
    stage_values(ws, path, given)
    step = Step(path.stem, "on request", dict(given), *_place(given))
    ws = ws if ws.run_id else named_run(ws)
    started = perf_counter()
    execution = _claimed(ws, step, lambda: execute_stage(ws, path.stem, given, _record_suffix(step)))
    return StageRun(step, Outcome.FINISHED, perf_counter() - started, "", execution.notebook_key, execution.result)


def _place(given: Mapping[str, Any]) -> tuple[str, str]:
    """The row claimed for a stage on request: the one session or the event asked for, else the pipeline's."""
    units = given.get("units")
    if isinstance(units, list) and len(units) == 1:
        event, _, session = str(units[0]).rpartition("/")
        return event, session
    suffix = str(given.get("horizon", "")) + (SPRINT if given.get("session") == "S" else "")
    return str(given.get("event", "")) or PIPELINE, suffix


def named_run(ws: Workspace) -> Workspace:
    """``ws`` with a run id of its own: its moment, numbered when that moment has a run already.

    Raises `RunError` when the lake has a format that this code does not know: nothing is run on it.
    """
    read_marker(ws.store)
    base, number = stamp(ws.as_of), 1
    while ws.store.list(records_prefix(_numbered(base, number))):
        number += 1
    return replace(ws, run_id=_numbered(base, number))


def _numbered(base: str, number: int) -> str:
    return base if number == 1 else f"{base}-{number}"


def _with_settings(ws: Workspace, step: Step) -> Step:
    """The plan knows what is due; which configuration is trained, and how long an ingest may take, are settings."""
    if step.stage == Stage.INGEST and ws.settings.ingest_seconds:
        return replace(step, parameters={**step.parameters, "seconds": ws.settings.ingest_seconds})
    return replace(step, parameters={"model": ws.settings.model}) if step.stage == Stage.TRAIN else step


def _attempt(ws: Workspace, step: Step, seen: StageRow, number: int = 1) -> StageRun:
    started = perf_counter()
    suffix = _record_suffix(step, number)
    try:
        execution = _claimed(ws, step, lambda: execute_stage(ws, step.stage, step.parameters, suffix), seen)
    except AlreadyRunning as error:
        return StageRun(step, Outcome.TAKEN, perf_counter() - started, str(error))
    except F1LibError as error:
        return StageRun(step, Outcome.FAILED, perf_counter() - started, str(error))
    return StageRun(step, Outcome.FINISHED, perf_counter() - started, "", execution.notebook_key, execution.result)


def _claimed(ws: Workspace, step: Step, work: Callable[[], Execution], seen: StageRow | None = None) -> Execution:
    """Do ``work`` under the step's claim and write down how it ended.

    ``seen`` is the step's row as the plan saw it, before the claim was ours: when somebody else has worked on
    it meanwhile, it is not done twice.
    """
    event, sort_key = step.key
    claim = _claim(ws, event, sort_key)
    before: StageRow = ws.tracking.get(event, sort_key) or {}
    outcome: StageRow = {"status": Status.FAILED, "last_error": "interrupted", "updated_at_utc": format_utc(ws.as_of)}
    outcome["attempts"] = (before.get("attempts") or 0) + 1
    try:
        if seen is not None and _progress(before) != _progress(seen):
            raise AlreadyRunning(
                f"{event} {sort_key} was worked on by another run meanwhile; the next tick looks again"
            )
        execution = work()
        outcome["status"] = Status.INGESTED if step.stage == Stage.SCHEDULE else Status.GOLD
        outcome |= {"last_error": None, "attempts": None, "finished_utc": format_utc(ws.as_of)}
        if step.input_hash:
            outcome["input_hash"] = step.input_hash
        return execution
    except AlreadyRunning:
        outcome = {}
        raise
    except F1LibError as error:
        outcome["last_error"] = str(error)[:_MESSAGE_LENGTH]
        raise
    finally:
        ws.tracking.release(claim, outcome)


def _claim(ws: Workspace, event: str, sort_key: str) -> Claim:
    """The claim on a row, also from the hands of a process that died; raises `AlreadyRunning` otherwise."""
    lease = timedelta(minutes=ws.settings.lease_minutes)
    wanted: Any = {"owner": ws.owner, "run_id": ws.run_id, "now": ws.as_of, "lease": lease}
    try:
        return ws.tracking.claim(event, sort_key, **wanted)
    except AlreadyRunning:
        if not ws.tracking.release_stale_claim(event, sort_key):
            raise
    return ws.tracking.claim(event, sort_key, **wanted)


def _progress(row: StageRow) -> tuple[Any, ...]:
    """What changes on a stage's row whenever somebody has worked on it."""
    return tuple(row.get(name) for name in ("finished_utc", "input_hash", "attempts", "last_error"))


def _record_suffix(step: Step, number: int = 1) -> str:
    """Two predictions, two sessions, or two parts of one ingest, keep their records apart."""
    names = [step.event_partition_key, step.suffix] if step.event_partition_key != PIPELINE else []
    names += [str(number)] if number > 1 else []
    return "-".join(name for name in names if name)
