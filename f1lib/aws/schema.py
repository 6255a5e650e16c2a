"""The events of the Lambda function as pydantic models, and their validation.

>>> parse_event({"action": "ingest_session", "event_partition_key": "2025_Australian_Grand_Prix", "session_abr": "Q"})

EventBridge's own scheduled event is a tick. An event names an action and, at most, the moment to act at; the lake,
the code and file names cannot be set by it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError, field_validator

from f1lib.aws import units as aws_units
from f1lib.aws.plain_tick import asked
from f1lib.bronze import penalties
from f1lib.domain.moments import format_utc, parse_utc
from f1lib.domain.weekend import HORIZONS, SESSION_NAMES
from f1lib.errors import BadParameters
from f1lib.tracking.stage_keys import STAGES

# The workspace gives these to every notebook; an event may not point a stage elsewhere.
RESERVED = ("lake", "tracking", "source", "f1db", "as_of", "run_id")
SESSION_CODES = (*SESSION_NAMES, *aws_units.GRID_CODES.values())

_EVENT = r"[0-9]{4}_[^\s/\\.\x00-\x1f\x7f][^\s/\\\x00-\x1f\x7f]*"
EventName = Annotated[str, StringConstraints(pattern=rf"^{_EVENT}$", max_length=100)]
UnitName = Annotated[str, StringConstraints(pattern=rf"^{_EVENT}/[A-Z0-9]{{1,2}}$", max_length=100)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
Season = Annotated[int, Field(ge=1950, le=2100)]
Text = Annotated[str, StringConstraints(max_length=200)]
Items = Annotated[list[Text | int], Field(max_length=1000)]


class _Event(BaseModel):
    # Built when it is first asked: nearly every event is a tick, and a cold start would wait 70 ms for the others.
    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)

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

    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False, defer_build=True)
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
_MODELS = {get_args(model.model_fields["action"].annotation)[0]: model for model in get_args(Event)}


def parse_event(event: Any) -> Event:
    """Validate ``event`` as one of the classes above; raises `BadParameters` naming each wrong field."""
    event = asked(event)
    action = event.get("action") if isinstance(event, dict) else None
    model = _MODELS.get(action) if isinstance(action, str) else None
    try:
        if model:
            return model.model_validate(event)  # type: ignore[no-any-return]
        everything: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="action")])
        return everything.validate_python(event)
    except ValidationError as error:
        faults: dict[str, str] = {}
        for fault in error.errors():
            faults.setdefault(_place(fault["loc"], event, fault["type"] == "missing"), fault["msg"])
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
