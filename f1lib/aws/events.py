"""What each event of the Lambda function runs; `f1lib.aws.schema` says what an event may be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from f1lib.aws import cost, dead_letters
from f1lib.aws import telemetry as aws_telemetry
from f1lib.aws import units as aws_units
from f1lib.aws.plain_tick import PlainTick, plain_tick
from f1lib.aws.telemetry import failing_stages
from f1lib.bronze import penalties
from f1lib.domain.moments import format_utc, parse_utc
from f1lib.domain.weekend import EventKey
from f1lib.errors import AlreadyRunning, BadParameters, RateLimited, RunError, SourceError
from f1lib.evaluation import sweep as evaluation_sweep
from f1lib.pipeline.tick import StageRun, named_run, run_stage, tick
from f1lib.tracking.rows import PIPELINE, STORED, Outcome, SessionRow, Status
from f1lib.tracking.stage_keys import STAGES, Stage
from f1lib.tracking.table import TrackingTable
from f1lib.tracking.units import Unit
from f1lib.workspace.workspace import Workspace

if TYPE_CHECKING:
    from f1lib.aws.schema import Backfill, Event, IngestSession, PenaltyAdd, PenaltyRemove, Tick

_OVER = STORED | {Status.UNAVAILABLE, Outcome.WITHOUT_LAPS}  # nothing is gained by asking again now


def read_event(event: Any) -> Event | PlainTick:
    """Read an event; raises `BadParameters` naming each wrong field (`f1lib.aws.schema.parse_event`)."""
    if plain := plain_tick(event):
        return plain
    from f1lib.aws.schema import parse_event

    return parse_event(event)


def run_event(
    ws: Workspace, event: Event | PlainTick, telemetry: aws_telemetry.Telemetry, has_time: Callable[[], bool]
) -> dict[str, Any]:
    """Do what an event asks for.

    Parameters
    ----------
    ws : Workspace
        Where and when; a new ``run_id`` is taken.
    event : Event or PlainTick
        What `read_event` returned.
    telemetry : Telemetry
        Writes the log lines and metrics.
    has_time : callable
        Asked before each stage of a tick; false ends it in good order.

    Returns
    -------
    dict
        The answer, JSON values: ``action``, ``run_id``, ``as_of_utc`` and what the action adds.

    Raises
    ------
    RunError
        The stage that was asked for failed. A tick does not raise for a failed stage, which the next one tries again,
        unless it was asked to: its answer has the numbers of stages that ``failed`` and that were ``taken`` by another
        run, and whether it is ``complete``.
    AlreadyRunning
        Another run has the claim.
    BadParameters
        Something the workspace does not know.
    RateLimited, SourceError
        The source of one session refused; the state machine tries again.
    """
    if event.action == "tick":
        return {"action": "tick", **_tick(ws, event, telemetry, has_time), "as_of_utc": format_utc(ws.as_of)}
    ws = named_run(ws, ws.tracking.rows(PIPELINE))
    from f1lib.aws.schema import (  # 90 ms, which a tick saves
        Backfill,
        Drain,
        Fold,
        IngestSession,
        PenaltyAdd,
        PenaltyRemove,
        RunPrediction,
        RunStage,
        SweepReport,
    )

    match event:
        case RunStage():
            answer = _stage(ws, event.stage, event.parameters.model_dump(exclude_unset=True), telemetry)
        case IngestSession():
            answer = _ingest(ws, event, telemetry)
        case RunPrediction():
            chosen = {"event": event.event_partition_key, "horizon": event.horizon}
            answer = _stage(ws, Stage.PREDICT, {k: v for k, v in chosen.items() if v}, telemetry)
        case PenaltyAdd() | PenaltyRemove():
            answer = _penalty(ws, event)
        case Backfill():
            answer = _backfill(ws, event, telemetry)
        case Fold():
            answer = evaluation_sweep.run_fold(ws.store, event.sweep, event.model, event.season, ws.settings.threads)
        case Drain():
            answer = _drain(ws, telemetry, has_time)
        case SweepReport():
            answer = evaluation_sweep.sweep_report(ws.store, event.sweep)
    return {"action": event.action, "run_id": ws.run_id, "as_of_utc": format_utc(ws.as_of), **answer}


def _tick(
    ws: Workspace, event: Tick | PlainTick, telemetry: aws_telemetry.Telemetry, has_time: Callable[[], bool]
) -> dict[str, Any]:
    stages = frozenset(event.stages or STAGES)
    result = tick(ws, telemetry.begins, stages, has_time)
    for run in result.runs:
        telemetry.stage(run, result.run_id)
    telemetry.measure(aws_telemetry.of_tick(result) + aws_telemetry.of_state(ws.store, result.rows, ws.as_of))
    for run in result.runs:
        _measure_prediction(ws.tracking, run, telemetry)
    if event.raise_failures and (failed := failing_stages(result.rows, stages)):
        raise RunError("; ".join(f"{name}: {row.get('last_error')}" for name, row in failed.items()))
    counts = {Outcome.TAKEN.value: len(result.taken), Outcome.FAILED.value: len(result.failures)}
    return {
        "run_id": result.run_id,
        "steps": [_run_json(run) for run in result.runs],
        "complete": result.complete,
        **counts,
    }


def _stage(
    ws: Workspace, name: str, parameters: Mapping[str, Any], telemetry: aws_telemetry.Telemetry
) -> dict[str, Any]:
    run = run_stage(ws, name, parameters)
    telemetry.stage(run, ws.run_id)
    telemetry.measure(aws_telemetry.of_stage(run))
    _measure_prediction(ws.tracking, run, telemetry)
    return {"steps": [_run_json(run)]}


def _measure_prediction(tracking: TrackingTable, run: StageRun, telemetry: aws_telemetry.Telemetry) -> None:
    if run.status == Outcome.FINISHED and "inference_milliseconds" in run.result:
        telemetry.measure(aws_telemetry.of_prediction(tracking, run.result))


def _drain(ws: Workspace, telemetry: aws_telemetry.Telemetry, has_time: Callable[[], bool]) -> dict[str, Any]:
    """Do again what stands in the dead letters."""
    url = ws.settings.dead_letters
    if not url:
        raise BadParameters("there is no queue of dead letters: DEAD_LETTERS_URL is not set")

    def do(event: Any) -> None:
        run_event(replace(ws, run_id=""), read_event(event), telemetry, has_time)

    return dead_letters.drain(url, do, telemetry.line, has_time)


def _ingest(ws: Workspace, event: IngestSession, telemetry: aws_telemetry.Telemetry) -> dict[str, Any]:
    """Fetch one session; what its source refused is an error here, so that the state machine tries again."""
    unit = f"{event.event_partition_key}/{event.session_abr}"
    if event.laps:
        return _laps(ws, unit, telemetry)
    answer = _stage(ws, Stage.INGEST, {"units": [unit]}, telemetry)
    sort_key = Unit.parse(unit).sort_key
    row: SessionRow = ws.tracking.get(EventKey.parse(event.event_partition_key).partition_key, sort_key) or {}
    if row.get("status") not in _OVER:
        wait = row.get("next_attempt_utc")
        message = f"{unit} is {row.get('status')}: {row.get('last_error')}"
        if row.get("status") == Status.DUE and wait:
            seconds = (parse_utc(wait) - ws.as_of).total_seconds()
            raise RateLimited(f"{message}; ask again at {wait}", seconds)
        raise SourceError(message)
    return {**answer, "status": row["status"]}


def _laps(ws: Workspace, unit: str, telemetry: aws_telemetry.Telemetry) -> dict[str, Any]:
    """Fetch FastF1's timing of one past session, under the session's own claim."""
    from f1lib.bronze.timing_backfill import bring_all

    (outcome,) = bring_all(ws, [unit], 1, lambda: ws.as_of, lambda _: None)
    telemetry.line(f"laps {outcome['status']}", run_id=ws.run_id, **outcome)
    message = f"{unit} is {outcome['status']}: {outcome['warning']}"
    if outcome["wait_seconds"]:
        raise RateLimited(message, outcome["wait_seconds"])
    if outcome["status"] == Outcome.TAKEN:
        raise AlreadyRunning(message)
    if outcome["status"] not in _OVER:
        raise SourceError(message)
    return {"status": outcome["status"], "rows": outcome["rows"]}


def _penalty(ws: Workspace, event: PenaltyAdd | PenaltyRemove) -> dict[str, Any]:
    """Enter or withdraw grid penalties; the next tick renews the prediction."""
    key = EventKey.parse(event.event_partition_key)
    if event.action == "penalty_remove":
        found = penalties.withdraw(ws.store, key, event.driver, ws.as_of, event.session)
    else:
        row = ws.tracking.get(key.partition_key, event.session)
        asked = event.driver, event.penalty, event.announced_at, ws.as_of, "event"
        found = [penalties.announced(ws.store, row, *asked)]
        penalties.add(ws.store, key, found[0])
    return {"event_partition_key": key.partition_key, "penalties": [asdict(penalty) for penalty in found]}


def _backfill(ws: Workspace, event: Backfill, telemetry: aws_telemetry.Telemetry) -> dict[str, Any]:
    """Read the calendars, so that every session has a row, and store the list of units for the state machine."""
    answer = _stage(ws, Stage.SCHEDULE, {"seasons": event.seasons}, telemetry)
    units = aws_units.units_of(ws, event.seasons, again=event.again, laps=event.laps)
    plan = cost.estimate(len(units), "live" if event.laps else ws.source_name)
    key = aws_units.write_units(ws.store, ws.run_id, units)
    return {**answer, "items": len(units), "key": key, "concurrency": plan.concurrency, "estimate": plan.lines()}


def _run_json(run: StageRun) -> dict[str, Any]:
    fields = {"stage": run.step.stage, "event_partition_key": run.step.event_partition_key, "status": run.status}
    return {**fields, "seconds": round(run.seconds, 3), "error": run.error, "notebook": run.notebook_key}
