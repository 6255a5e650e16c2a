"""What comes next: the earliest moment after ``now`` at which a tick will find something to do. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from f1lib.bronze.due import is_session
from f1lib.domain.moments import format_utc, parse_utc
from f1lib.pipeline.rules import FORECAST_CLOSE, FORECAST_EVERY, FORECAST_REACH, SCHEDULE_EVERY
from f1lib.tracking.index import Rows
from f1lib.tracking.stage_keys import SCHEDULE, WEATHER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from f1lib.tracking.rows import Row


def next_due(rows: Iterable[Row], now: datetime, *, has_weather: bool = False) -> tuple[datetime, str]:
    """The moment and what is due then; the calendar's next reading when nothing else is closer."""
    known = Rows(rows)
    ahead = [(moment, what) for moment, what in _moments(known, now, has_weather) if moment > now]
    return min(ahead) if ahead else (now, "the calendar has never been read")


def _moments(known: Rows, now: datetime, has_weather: bool) -> Iterator[tuple[datetime, str]]:
    read = known.stage(SCHEDULE).get("finished_utc")
    if read:
        yield parse_utc(read) + SCHEDULE_EVERY, "the calendar is read again"
    for (event, name), row in known.by_key.items():
        if not is_session(row) or row.get("is_cancelled"):
            continue
        words = {
            "available_utc": "is fetched" if row.get("status") == "scheduled" else "",
            "next_attempt_utc": "is asked for again",
            "reread_utc": "is read again",
        }
        for attribute, word in words.items():
            if word and row.get(attribute):
                yield parse_utc(row[attribute]), f"{event} {name.removeprefix('STAGE#')} {word}"
    if has_weather:
        yield from _forecasts(known, now)


def _forecasts(known: Rows, now: datetime) -> Iterator[tuple[datetime, str]]:
    for race in known.races:
        start, event = parse_utc(race["session_date_utc"]), race["event_partition_key"]
        row = known.stage(WEATHER, event)
        if start <= now:
            continue
        fetched = row.get("finished_utc")
        close = start - now <= FORECAST_CLOSE
        moment = start - FORECAST_REACH if not fetched else parse_utc(fetched) + FORECAST_EVERY
        if row.get("next_attempt_utc"):
            moment = parse_utc(row["next_attempt_utc"])
        yield (now + timedelta(seconds=1) if fetched and close else moment), f"{event}'s forecast is fetched"


def clock_words(moment: datetime, now: datetime) -> str:
    """``2025-12-06T15:30:00Z (in 2 h 10 min)``."""
    minutes = int((moment - now).total_seconds() // 60)
    days, rest = divmod(minutes, 1440)
    hours, minutes = divmod(rest, 60)
    parts = [f"{days} d"] * bool(days) + [f"{hours} h"] * bool(hours) + [f"{minutes} min"] * bool(minutes and not days)
    return f"{format_utc(moment)} (in {' '.join(parts) or 'a moment'})"
