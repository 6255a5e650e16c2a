"""The earliest moment after ``now`` at which a tick will find something to do. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from f1lib.domain.moments import format_utc, parse_utc
from f1lib.pipeline.plan import BACKS_OFF
from f1lib.pipeline.rules import FORECAST_CLOSE, FORECAST_EVERY, FORECAST_REACH, SCHEDULE_EVERY
from f1lib.tracking.index import Rows, is_session
from f1lib.tracking.rows import Status
from f1lib.tracking.stage_keys import Stage, StageKey, short_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from f1lib.tracking.rows import TrackingRow


def next_due(rows: Iterable[TrackingRow], now: datetime, *, has_weather: bool = False) -> tuple[datetime, str]:
    """Find the next moment at which something is due.

    Parameters
    ----------
    rows : iterable of TrackingRow
        The whole tracking table.
    now : datetime
        The moment, aware UTC.
    has_weather : bool
        Whether forecasts are fetched at all.

    Returns
    -------
    tuple of datetime and str
        The moment, and what is due then in words; the calendar's next reading when nothing else is closer.
    """
    known = Rows(rows)
    ahead = [(moment, what) for moment, what in _moments(known, now, has_weather) if moment > now]
    return min(ahead) if ahead else (now, "the calendar has never been read")


def _moments(known: Rows, now: datetime, has_weather: bool) -> Iterator[tuple[datetime, str]]:
    read = known.stage(Stage.SCHEDULE).get("finished_utc")
    if read:
        yield parse_utc(read) + SCHEDULE_EVERY, "the calendar is read again"
    for (event, name), row in known.by_key.items():
        key = StageKey.parse(name)
        if key and key.name in BACKS_OFF and (again := row.get("next_attempt_utc")):
            yield parse_utc(again), f"{short_name(name)} is tried again"
        if not is_session(row) or row.get("is_cancelled"):
            continue
        words = {
            "is fetched": row.get("available_utc") if row.get("status") == Status.SCHEDULED else None,
            "is asked for again": row.get("next_attempt_utc"),
            "is read again": row.get("reread_utc"),
        }
        for word, moment in words.items():
            if moment:
                yield parse_utc(moment), f"{event} {short_name(name)} {word}"
    if has_weather:
        yield from _forecasts(known, now)


def _forecasts(known: Rows, now: datetime) -> Iterator[tuple[datetime, str]]:
    for race in known.races:
        start, event = parse_utc(race["session_date_utc"]), race["event_partition_key"]
        row = known.stage(Stage.WEATHER, event)
        if start <= now:
            continue
        fetched = row.get("finished_utc")
        close = start - now <= FORECAST_CLOSE
        moment = start - FORECAST_REACH if not fetched else parse_utc(fetched) + FORECAST_EVERY
        if again := row.get("next_attempt_utc"):
            moment = parse_utc(again)
        yield (now + timedelta(seconds=1) if fetched and close else moment), f"{event}'s forecast is fetched"


def clock_words(moment: datetime, now: datetime) -> str:
    """Write a moment with its distance from ``now``: ``2025-12-06T15:30:00Z (in 2 h 10 min)``."""
    minutes = int((moment - now).total_seconds() // 60)
    days, rest = divmod(minutes, 1440)
    hours, minutes = divmod(rest, 60)
    parts = [f"{days} d"] * bool(days) + [f"{hours} h"] * bool(hours) + [f"{minutes} min"] * bool(minutes and not days)
    return f"{format_utc(moment)} (in {' '.join(parts) or 'a moment'})"
