"""The events of the Lambda function: their schema, validation, and what each one runs.

>>> parse_event({"action": "ingest_session", "event_partition_key": "2025_Australian_Grand_Prix", "session_abr": "Q"})

EventBridge's own scheduled event is a tick. An event names an action and, at most, the moment to act at; the lake,
the code and file names cannot be set by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError, field_validator

from f1lib.aws import cost, dead_letters
from f1lib.aws import telemetry as aws_telemetry
from f1lib.aws import units as aws_units
from f1lib.aws.telemetry import failing_stages
from f1lib.bronze import penalties
from f1lib.domain.moments import format_utc, parse_utc
from f1lib.domain.weekend import HORIZONS, SESSION_NAMES, EventKey
from f1lib.errors import AlreadyRunning, BadParameters, RateLimited, RunError, SourceError
from f1lib.evaluation import sweep as evaluation_sweep
from f1lib.pipeline.tick import StageRun, named_run, run_stage, tick
from f1lib.tracking.rows import PIPELINE, STORED, Outcome, SessionRow, Status
from f1lib.tracking.stage_keys import STAGES, Stage
from f1lib.tracking.table import TrackingTable
from f1lib.tracking.units import Unit
from f1lib.workspace.workspace import Workspace

# The workspace gives these to every notebook; an event may not point a stage elsewhere.
RESERVED = ("lake", "tracking", "source", "f1db", "as_of", "run_id")
SESSION_CODES = (*SESSION_NAMES, *aws_units.GRID_CODES.values())
_OVER = STORED | {Status.UNAVAILABLE, Outcome.WITHOUT_LAPS}  # nothing is gained by asking again now

_EVENT = r"[0-9]{4}_[^\s/\\.\x00-\x1f\x7f][^\s/\\\x00-\x1f\x7f]*"
EventName = Annotated[str, StringConstraints(pattern=rf"^{_EVENT}$", max_length=100)]
UnitName = Annotated[str, StringConstraints(pattern=rf"^{_EVENT}/[A-Z0-9]{{1,2}}$", max_length=100)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
Season = Annotated[int, Field(ge=1950, le=2100)]
Text = Annotated[str, StringConstraints(max_length=200)]
Items = Annotated[list[Text | int], Field(max_length=1000)]


class _Event(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    now: str = ""

    @field_validator("now", "announced_at", check_fields=False)
    @classmethod
    def _is_moment(cls, value: str) -> str:
        try:
            return format_utc(parse_utc(value)) if value else ""
        except BadParameters as error:
            raise ValueError(str(error)) from error


class Tick(_Event):
    """Whatever is due, or of that only ``stages``; ``raise_failures``: an error where one of them failed or waits."""

    action: Literal["tick"]
    raise_failures: bool = False
    stages: list[Literal[STAGES]] = Field(default_factory=list)  # type: ignore[valid-type]


class StageParameters(BaseModel):
    """What a stage is given: the fields are checked as those of every other event, `run_stage` knows the rest."""

    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)
    __pydantic_extra__: dict[str, bool | int | float | Text | Items] = Field(init=False)

    event: EventName | Literal[""] = ""
    events: list[EventName] = Field(default_factory=list)
    horizon: Literal["", HORIZONS] = ""  # type: ignore[valid-type]
    model: Name = ""
    seasons: list[Season] = Field(default_factory=list)
    session: Literal["R", "S"] = "R"
    units: list[UnitName] = Field(default_factory=list)


class RunStage(_Event):
    """One stage, due or not."""

    action: Literal["stage"]
    stage: Name
    parameters: StageParameters = Field(default_factory=lambda: StageParameters())

    @field_validator("parameters", mode="before")
    @classmethod
    def _not_ours(cls, value: Any) -> Any:
        if taken := sorted(set(RESERVED).intersection(value if isinstance(value, dict) else ())):
            raise ValueError(f"{', '.join(taken)}: given by the workspace, not by an event")
        return value


class IngestSession(_Event):
    """One session, or (``G``, ``SG``) the starting grid of race or sprint; ``laps``: FastF1's timing of a past one."""

    action: Literal["ingest_session"]
    event_partition_key: EventName
    session_abr: Literal[SESSION_CODES]  # type: ignore[valid-type]
    laps: bool = False


class RunPrediction(_Event):
    """One prediction; without a name the next race, at the last horizon its data has reached."""

    action: Literal["run_prediction"]
    event_partition_key: EventName | None = None
    horizon: Literal[HORIZONS] | None = None  # type: ignore[valid-type]


class PenaltyAdd(_Event):
    """A grid penalty for the provisional grid; ``penalty``: places, ``pit_lane`` or ``back_of_grid``."""

    action: Literal["penalty_add"]
    event_partition_key: EventName
    driver: Text
    penalty: Annotated[int, Field(ge=1, le=penalties.MOST)] | Literal["pit_lane", "back_of_grid"]
    announced_at: str = ""
    session: Literal["R", "S"] = "R"


class PenaltyRemove(_Event):
    """All penalties of a driver are withdrawn."""

    action: Literal["penalty_remove"]
    event_partition_key: EventName
    driver: Text
    session: Literal["R", "S"] = "R"


class Backfill(_Event):
    """The list of sessions for the state machine; ``again`` takes those in the lake too, ``laps`` FastF1's timing."""

    action: Literal["backfill"]
    seasons: Annotated[list[Season], Field(min_length=1, max_length=100)]
    again: bool = False
    laps: bool = False


class Fold(_Event):
    """One configuration walked through one season."""

    action: Literal["fold"]
    sweep: Name
    model: Name
    season: Season


class Drain(_Event):
    """The dead letters, worked through once."""

    action: Literal["drain"]


class SweepReport(_Event):
    """What the folds of a sweep come to."""

    action: Literal["sweep_report"]
    sweep: Name


Event = (
    Tick | RunStage | IngestSession | RunPrediction | PenaltyAdd | PenaltyRemove | Backfill | Fold | SweepReport | Drain
)
_EVENTS: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="action")])
_SCHEDULERS = ("aws.events", "aws.scheduler")


def parse_event(event: Any) -> Event:
    """Validate ``event`` as one of the classes above; raises `BadParameters` naming each wrong field."""
    if isinstance(event, dict) and event.get("source") in _SCHEDULERS and "detail-type" in event:
        event = {"action": "tick"}
    try:
        return _EVENTS.validate_python(event)
    except ValidationError as error:
        faults: dict[str, str] = {}
        for fault in error.errors():
            faults.setdefault(_place(fault["loc"][1:], event, fault["type"] == "missing"), fault["msg"])
        raise BadParameters(f"event: {'; '.join(f'{place}: {why}' for place, why in faults.items())}") from error


def _place(names: tuple[int | str, ...], event: Any, missing: bool) -> str:
    """Name a field as the event has it, without what pydantic adds below it (the types it tried)."""
    found: list[str] = []
    for name in names:
        there = name in event if isinstance(event, dict) else isinstance(event, list) and isinstance(name, int)
        if not there and not missing:
            break
        found.append(str(name)[:60])
        event = event[name] if there else None
    return ".".join(found) or "action"


def run_event(
    ws: Workspace, event: Event, telemetry: aws_telemetry.Telemetry, has_time: Callable[[], bool]
) -> dict[str, Any]:
    """Do what an event asks for.

    Parameters
    ----------
    ws : Workspace
        Where and when; a new ``run_id`` is taken.
    event : Event
        What `parse_event` returned.
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
    if isinstance(event, Tick):
        return {"action": "tick", **_tick(ws, event, telemetry, has_time), "as_of_utc": format_utc(ws.as_of)}
    ws = named_run(ws, ws.tracking.rows(PIPELINE))
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
    ws: Workspace, event: Tick, telemetry: aws_telemetry.Telemetry, has_time: Callable[[], bool]
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
        run_event(replace(ws, run_id=""), parse_event(event), telemetry, has_time)

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
    if isinstance(event, PenaltyRemove):
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
