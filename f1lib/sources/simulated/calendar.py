"""Calendar of the simulated world: real circuits and event names, on their usual Sundays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from f1lib.domain import circuits, weekend
from f1lib.domain.weekend import EventKey
from f1lib.errors import SourceError

# ISO week of the race | Grand Prix (F1DB's id) | circuit | first and last season | local hour of the race's start.
# From the calendars of 2010 to 2026, each event in the week it held longest; a Saturday race is marked "sat".
_CALENDAR = """
10|bahrain|bahrain|2010||18
11|australia|melbourne|2010||15
12|malaysia|sepang|2010|2017|15
12|saudi-arabia|jeddah|2021||20
13|china|shanghai|2010|2019|15
13|china|shanghai|2024||15
15|japan|suzuka|2024||14
16|emilia-romagna|imola|2021|2022|15
18|miami|miami|2022||16
19|spain|catalunya|2010|2020|15
20|emilia-romagna|imola|2024|2025|15
21|monaco|monaco|2010||15
22|spain|catalunya|2021|2025|15
22|barcelona-catalunya|catalunya|2026||15
23|azerbaijan|baku|2017|2022|15
24|canada|montreal|2010||14
25|france|paul-ricard|2018|2022|15
26|austria|spielberg|2014||15
27|great-britain|silverstone|2010||15
29|germany|hockenheimring|2010|2019|15
30|belgium|spa-francorchamps|2023||15
31|hungary|hungaroring|2010||15
34|belgium|spa-francorchamps|2010|2022|15
35|netherlands|zandvoort|2021|2026|15
35|portugal|portimao|2027||15
36|italy|monza|2010||15
37|spain|madring|2026||15
38|azerbaijan|baku|2023||15
38|singapore|marina-bay|2010|2019|20
39|russia|sochi|2014|2021|15
40|singapore|marina-bay|2022||20
41|japan|suzuka|2010|2023|14
42|korea|yeongam|2010|2013|15
43|india|buddh|2011|2013|15
43|united-states|austin|2014||14
44|mexico|mexico-city|2015||14
45|brazil|interlagos|2010|2020|14
45|sao-paulo|interlagos|2021||14
47|las-vegas|las-vegas|2023||20 sat
48|qatar|lusail|2021||19
49|abu-dhabi|yas-marina|2010||17
"""

# The real sprint weekends; a later season has the newest list.
_SPRINTS = {
    2021: "great-britain italy sao-paulo",
    2022: "emilia-romagna austria sao-paulo",
    2023: "azerbaijan austria belgium qatar united-states sao-paulo",
    2024: "china miami austria united-states sao-paulo qatar",
    2025: "china miami belgium united-states sao-paulo qatar",
    2026: "china miami canada great-britain netherlands singapore",
    2027: "china miami canada great-britain united-states singapore",
}

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

    def available(self, session: str) -> datetime:
        """Return when the session's answer becomes visible."""
        return self.starts[session] + weekend.SESSION_LENGTH[session] + weekend.PUBLICATION_LAG

    def grid_available(self, session: str) -> datetime:
        """Return when the starting grid of ``R`` or ``S`` becomes visible."""
        return self.starts[session] - weekend.GRID_LEAD


def event_format(season: int, grand_prix: str) -> str:
    """Return the format of an event: sprints from 2021, the shootout in 2023 only, sprint qualifying from 2024."""
    if grand_prix not in _SPRINTS.get(min(season, max(_SPRINTS)), "").split():
        return "conventional"
    return {2021: "sprint", 2022: "sprint", 2023: "sprint_shootout"}.get(season, "sprint_qualifying")


@cache
def calendar(season: int) -> tuple[Weekend, ...]:
    """Return the weekends of a season in order; the same in every simulated world, empty before 2010."""
    rows = [line.split("|") for line in _CALENDAR.strip().splitlines()]
    held = [row for row in rows if int(row[3]) <= season and (not row[4] or season <= int(row[4]))]
    return tuple(_weekend(season, number, row) for number, row in enumerate(held, start=1))


def find(key: EventKey) -> Weekend | None:
    """Return the weekend of a key; None when that season has no such event."""
    return next((w for w in calendar(key.season) if w.key.folder == key.folder), None)


def _weekend(season: int, number: int, row: list[str]) -> Weekend:
    week, grand_prix, circuit_id, _, _, hour = row
    name = circuits.event_name(grand_prix, season)
    place = circuits.circuit(circuit_id)
    if name is None or place is None:
        raise SourceError(f"the simulated calendar names {grand_prix} at {circuit_id}; add it to f1lib's tables")
    race_day = date.fromisocalendar(season, int(week), 6 if hour.endswith("sat") else 7)
    race = datetime(race_day.year, race_day.month, race_day.day, int(hour.split()[0]))
    zone = ZoneInfo(place.timezone)
    kind = event_format(season, grand_prix)
    starts = {
        code: (race - timedelta(days=days) + timedelta(hours=hours)).replace(tzinfo=zone).astimezone(UTC)
        for code, (days, hours) in _TIMETABLE[kind].items()
    }
    return Weekend(EventKey(season, name), number, place, kind, starts)
