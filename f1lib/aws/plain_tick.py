"""A plain tick, as nearly every event is: read without pydantic, which takes 90 ms of a cold start to import."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from f1lib.domain.moments import format_utc, parse_utc
from f1lib.errors import BadParameters

_SCHEDULERS = ("aws.events", "aws.scheduler")


@dataclass(frozen=True)
class PlainTick:
    """`f1lib.aws.schema.Tick` of which nothing but the moment was given."""

    now: str = ""
    action: Literal["tick"] = "tick"
    stages: tuple[str, ...] = ()
    raise_failures: bool = False


def asked(event: Any) -> Any:
    """Return what an event asks for: EventBridge's own scheduled event asks for a tick."""
    if isinstance(event, dict) and event.get("source") in _SCHEDULERS and "detail-type" in event:
        return {"action": "tick"}
    return event


def plain_tick(event: Any) -> PlainTick | None:
    """Read an event that is a plain tick; None for any other, and for one to be refused."""
    given = asked(event)
    if isinstance(given, dict) and given.get("action") == "tick" and set(given) <= {"action", "now"}:
        with suppress(BadParameters):
            if isinstance(now := given.get("now", ""), str):
                return PlainTick(format_utc(parse_utc(now)) if now else "")
    return None
