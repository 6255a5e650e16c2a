"""Reading of an event. Nearly every one is a plain tick, which is read without pydantic: that takes 90 ms to import."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from f1lib.domain.moments import format_utc, parse_utc
from f1lib.errors import BadParameters

if TYPE_CHECKING:
    from f1lib.aws.schema import Event

SCHEDULERS = ("aws.events", "aws.scheduler")


@dataclass(frozen=True)
class PlainTick:
    """`f1lib.aws.schema.Tick` of which nothing but the moment was given."""

    now: str = ""
    action: Literal["tick"] = "tick"
    stages: tuple[str, ...] = ()
    raise_failures: bool = False


def read_event(event: Any) -> Event | PlainTick:
    """Read an event; raises `BadParameters` naming each wrong field, as `f1lib.aws.schema.parse_event` does."""
    if isinstance(event, dict):
        is_scheduled = event.get("source") in SCHEDULERS and "detail-type" in event
        given = {"action": "tick"} if is_scheduled else event
        if given.get("action") == "tick" and set(given) <= {"action", "now"} and isinstance(given.get("now", ""), str):
            with suppress(BadParameters):  # said below, as of any other event
                return PlainTick(format_utc(parse_utc(given["now"])) if given.get("now") else "")
    from f1lib.aws.schema import parse_event

    return parse_event(event)
