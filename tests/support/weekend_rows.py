"""Tracking rows of one weekend, made by hand, for the rules that read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from f1lib.domain.moments import format_utc

EVENT = "2025_Abu_Dhabi_Grand_Prix"


RACE = datetime(2025, 12, 7, 13, tzinfo=UTC)


STARTS = {
    "P1": RACE - timedelta(hours=51),
    "P2": RACE - timedelta(hours=48),
    "P3": RACE - timedelta(hours=26),
    "Q": RACE - timedelta(hours=23),
    "R": RACE,
}


def session(name: str, status: str, event: str = EVENT, start: datetime | None = None, **more: Any) -> Any:
    begin = start or STARTS[name]
    return {
        "event_partition_key": event,
        "session_name_abr": name,
        "event_year": 2025,
        "session_date_utc": format_utc(begin),
        "available_utc": format_utc(begin + timedelta(minutes=90 if name != "R" else 150)),
        "status": status,
        "content_hash": f"{event}{name}" if status not in ("scheduled", "due") else None,
        **more,
    }


def stage(name: str, status: str = "gold", event: str = "PIPELINE", **more: Any) -> Any:
    return {"event_partition_key": event, "session_name_abr": f"STAGE#{name}", "status": status, **more}


def calendar_read(now: datetime) -> Any:
    return stage("00_schedule", "ingested", finished_utc=format_utc(now))


def weekend(**statuses: str) -> list[Any]:
    return [session(name, statuses.get(name, "scheduled")) for name in STARTS]
