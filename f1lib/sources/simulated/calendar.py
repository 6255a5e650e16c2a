"""Calendar of the simulated world: real circuits and event names, on their usual Sundays.

``calendar.csv`` is from the calendars of 2010 to 2026, each event in the week it held longest; ``sprints.csv`` has the
real sprint weekends, of which a later season has the newest list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from f1lib.domain import circuits
from f1lib.domain.csv_files import in_force, rows
from f1lib.domain.weekend import EventKey, session_columns
from f1lib.errors import SourceError

# Start of each session: days before the race, and hours from the race's local start.
_TIMETABLE: dict[str, dict[str, tuple[int, float]]] = {
    "conventional": {"P1": (2, -1.5), "P2": (2, 2), "P3": (1, -2.5), "Q": (1, 1), "R": (0, 0)},
    "sprint": {"P1": (2, -0.5), "Q": (2, 3), "P2": (1, -3), "S": (1, 1.5), "R": (0, 0)},
    "sprint_shootout": {"P1": (2, -1.5), "Q": (2, 2), "SS": (1, -3), "S": (1, 1.5), "R": (0, 0)},
    "sprint_qualifying": {"P1": (2, -2.5), "SQ": (2, 1.5), "S": (1, -3), "Q": (1, 1), "R": (0, 0)},
}


@dataclass(frozen=True)
class Weekend:
    """One event: its key, round, circuit, format and the UTC start of each session, in the order they are run."""

    key: EventKey
    number: int
    circuit: circuits.Circuit
    event_format: str
    starts: Mapping[str, datetime] = field(hash=False)

    def session(self, code: str) -> dict[str, Any]:
        """Return the row of table ``sessions`` of one session: its times, and when its answers become visible."""
        return session_columns(code, self.starts[code], is_estimated=False)


def event_format(season: int, grand_prix: str) -> str:
    """Return the format of an event: sprints from 2021, the shootout in 2023 only, sprint qualifying from 2024."""
    sprints = [(int(row["season"]), row["grand_prix_id"]) for row in rows("sources/simulated/data/sprints.csv")]
    if (min(season, max(sprints)[0]), grand_prix) not in sprints:
        return "conventional"
    return {2021: "sprint", 2022: "sprint", 2023: "sprint_shootout"}.get(season, "sprint_qualifying")


@cache
def calendar(season: int) -> tuple[Weekend, ...]:
    """Return the weekends of a season in order; the same in every simulated world, empty before 2010."""
    held = [row for row in rows("sources/simulated/data/calendar.csv") if in_force(row, season)]
    return tuple(_weekend(season, number, row) for number, row in enumerate(held, start=1))


def find(key: EventKey) -> Weekend | None:
    """Return the weekend of a key; None when that season has no such event."""
    return next((w for w in calendar(key.season) if w.key.folder == key.folder), None)


def _weekend(season: int, number: int, row: Mapping[str, str]) -> Weekend:
    grand_prix, circuit_id = row["grand_prix_id"], row["circuit_id"]
    name = circuits.event_name(grand_prix, season)
    place = circuits.circuit(circuit_id)
    if name is None or place is None:
        raise SourceError(f"the simulated calendar names {grand_prix} at {circuit_id}; add it to f1lib's tables")
    race_day = date.fromisocalendar(season, int(row["iso_week"]), 6 if row["weekday"] == "saturday" else 7)
    race = datetime.combine(race_day, time(int(row["local_hour"])))
    zone = ZoneInfo(place.timezone)
    kind = event_format(season, grand_prix)
    starts = {
        code: (race - timedelta(days=days) + timedelta(hours=hours)).replace(tzinfo=zone).astimezone(UTC)
        for code, (days, hours) in _TIMETABLE[kind].items()
    }
    return Weekend(EventKey(season, name), number, place, kind, starts)
