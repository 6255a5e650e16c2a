"""Truth of the simulated world: the pace of cars and drivers, and the character of circuits.

Pace is lap time in percent of a lap; lower is faster. Everything is drawn from (seed, name of the quantity) and never
from __future__ import annotations

from a shared stream, so that no answer depends on what was asked before. A season follows from the one before it, back
to `GENESIS`, whichever seasons are looked at.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f1lib.domain import circuits
from f1lib.errors import SourceError
from f1lib.lake import fingerprint
from f1lib.sources.simulated.calendar import Weekend, calendar
from f1lib.sources.simulated.people import Driver, Paddock, first_paddock, replaced, winter

Floats = NDArray[np.floating[Any]]
GENESIS = 2000
ROUNDS = 30  # drift is drawn for more rounds than any calendar has
_TEAMS = "Kestrel Northwind Cobalt Aurora Meridian Halcyon Basalt Solstice Ironwood Peregrine Tempest".split()
# Lasting strength of the teams in percent of lap time: a few big teams, a long midfield.
_PRESTIGE = np.array([-0.9, -0.6, -0.35, 0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.35, 0.55])
_STYLES = ("Racing", "Grand Prix", "Motorsport", "F1 Team")


@dataclass(frozen=True)
class WorldOptions:
    """Options of a world.

    ``resets``: seasons of new regulations, in which the order of the teams is shuffled. ``shuffled_results``: in every
    session the drivers swap their pace and luck at random, so that nothing predicts anything. ``laps``: False for none,
    True for all, or the first season that has lap times. ``missing``: whether sessions, laps and weather streams are
    missing now and then.
    """

    resets: tuple[int, ...] = (2009, 2014, 2022, 2026)
    shuffled_results: bool = False
    laps: bool | int = True
    missing: bool = True

    def has_laps(self, season: int) -> bool:
        """Whether lap times exist for ``season``."""
        return self.laps if isinstance(self.laps, bool) else season >= self.laps


@dataclass(frozen=True)
class Circuit:
    """Character of a circuit in this world; the place itself is in `f1lib.domain.circuits`.

    ``demand`` weighs what cars are good at (straights, corners); ``passing`` is how many seconds a lap faster a car
    must be to pass easily; ``wear`` scales tyre degradation; ``rain`` is the share of wet hours.
    """

    lap_seconds: float
    demand: tuple[float, float]
    passing: float
    pit_loss: float
    wear: float
    rain: float
    danger: float

    def laps(self, session: str) -> int:
        """Return the distance in laps: about 89 minutes of racing, a third of it for a sprint."""
        return round({"R": 5350.0, "S": 1800.0}[session] / self.lap_seconds)


@dataclass(frozen=True)
class Season:
    """Truth of one season.

    ``base``: percent of lap time a team; ``drift``: its change by round; ``fit``: to each demand of a circuit;
    ``change``: round, driver out and driver in of a change of seat within the season.
    """

    year: int
    teams: tuple[str, ...]
    team_names: tuple[str, ...]
    prestige: Floats
    base: Floats
    drift: Floats
    fit: Floats
    failures: Floats
    start: Paddock
    end: Paddock
    change: tuple[int, str, str] | None

    def paddock(self, number: int) -> Paddock:
        """Return the drivers at round ``number``: a seat may change hands within the season."""
        return self.end if self.change and number >= self.change[0] else self.start


@dataclass(frozen=True)
class Entry:
    """One car of one session: driver, team, index of team and seat, and whether the driver is a reserve."""

    driver: Driver
    team_id: str
    team_name: str
    team: int
    seat: int
    is_reserve: bool


@dataclass
class World:
    """Truth of one seed."""

    seed: int
    options: WorldOptions
    _seasons: dict[int, Season] = field(default_factory=dict)

    def dice(self, *what: Any) -> np.random.Generator:
        """Return the random numbers of one named quantity, always the same ones."""
        text = "|".join(map(str, (self.seed, *what)))
        return np.random.default_rng(fingerprint.seed(text))

    def circuit(self, place: circuits.Circuit) -> Circuit:
        """Draw the character of a circuit; on street circuits passing is hard and accidents are frequent."""
        rng = self.dice("circuit", place.circuit_id)
        street = place.is_street
        demand = rng.normal(0, 1, 2)
        return Circuit(
            lap_seconds=float(rng.uniform(76, 104)),
            demand=(float(demand[0]), float(demand[1])),
            passing=float(rng.uniform(0.7, 1.3) + 0.5 * street),
            pit_loss=float(rng.uniform(19, 25)),
            wear=float(np.exp(rng.normal(0, 0.3))),
            rain=float(rng.choice([0.03, 0.07, 0.12, 0.18], p=[0.25, 0.35, 0.25, 0.15])),
            danger=float(np.exp(rng.normal(0, 0.2)) * (1.35 if street else 0.9)),
        )

    def season(self, year: int) -> Season:
        """Return the truth of a season; raise `SourceError` before the world began."""
        if year < GENESIS:
            raise SourceError(f"the simulated world begins in {GENESIS}; there is no season {year}")
        for y in range(max((s for s in self._seasons if s <= year), default=GENESIS), year + 1):
            if y not in self._seasons:
                self._seasons[y] = self._next(self._seasons.get(y - 1), y)
        return self._seasons[year]

    def _next(self, before: Season | None, year: int) -> Season:
        rng = self.dice("season", year)
        n = len(_TEAMS) - (year < 2026)
        prestige = before.prestige if before else rng.permutation(_PRESTIGE)
        fresh = rng.normal(0, 0.45, n)
        if before:
            keep = 0.25 if year in self.options.resets else 0.87
            known = before.base + before.drift[:, len(calendar(before.year)) or 20] - prestige[: len(before.base)]
            known = np.append(known, rng.normal(0.4, 0.2, n - len(known)))
            fresh = keep * known + np.sqrt(1 - keep**2) * fresh
        base = prestige[:n] + fresh
        unrest = 1.6 if year in self.options.resets else 1.0
        order = [f"sim-{_TEAMS[i].lower()}" for i in np.argsort(base + rng.normal(0, 0.3, n))]
        start = winter(before.end, order, year, rng) if before else first_paddock(order, year, rng)
        change, end = _change_within(start, year, rng)
        return Season(
            year=year,
            teams=tuple(f"sim-{name.lower()}" for name in _TEAMS[:n]),
            team_names=tuple(self._team_name(i, year) for i in range(n)),
            prestige=prestige,
            base=base,
            drift=unrest * np.cumsum(rng.normal(0, 0.045, (n, ROUNDS)), axis=1),
            fit=rng.normal(0, 0.15, (n, 2)),
            failures=0.045 * unrest * np.exp(rng.normal(0, 0.35, n)),
            start=start,
            end=end,
            change=change,
        )

    def _team_name(self, team: int, year: int) -> str:
        """Return a team's name, which changes every few years while its id stays."""
        era = (year + int(self.dice("renaming", team).integers(0, 6))) // 6
        return f"{_TEAMS[team]} {_STYLES[int(self.dice('name', team, era).integers(len(_STYLES)))]} (sim)"

    def entries(self, weekend: Weekend, session: str) -> list[Entry]:
        """Return the cars of a session, ordered by team; reserves stand in now and then."""
        season = self.season(weekend.key.season)
        paddock = season.paddock(weekend.number)
        seats = sorted(paddock.seats, key=lambda d: (season.teams.index(paddock.seats[d]), d))
        stand_ins = self._stand_ins(weekend, session, len(seats))
        found = []
        for seat, regular in enumerate(seats):
            team = season.teams.index(paddock.seats[regular])
            driver = paddock.drivers[paddock.reserves[stand_ins[seat]] if seat in stand_ins else regular]
            found.append(Entry(driver, season.teams[team], season.team_names[team], team, seat, seat in stand_ins))
        return found

    def _stand_ins(self, weekend: Weekend, session: str, seats: int) -> dict[int, int]:
        """Return seat -> reserve.

        One driver is ill for a weekend or two, from its start or from its third session on; in the first practice a
        rookie may drive.
        """
        for number in (weekend.number, weekend.number - 1):
            rng = self.dice("absence", weekend.key.season, number)
            falls_ill, how_long, seat, reserve = rng.random(), rng.random(), rng.integers(seats), rng.integers(2)
            late = rng.random() < 0.4 and number == weekend.number
            if falls_ill < 0.07 and (number == weekend.number or how_long < 0.4):
                missed = list(weekend.starts)[2:] if late else list(weekend.starts)
                return {int(seat): int(reserve)} if session in missed else {}
        if session != "P1" or weekend.event_format != "conventional":
            return {}
        rng = self.dice("rookie practice", weekend.key)
        return {int(rng.integers(seats)): r for r in range(2, 4) if rng.random() < 0.15}

    def pace(self, weekend: Weekend, entries: list[Entry]) -> tuple[Floats, Floats, Floats]:
        """Return expected dry qualifying pace, dry race pace and wet bonus of each entry, in percent of lap time."""
        season = self.season(weekend.key.season)
        demand = np.array(self.circuit(weekend.circuit).demand)
        car = season.base + season.drift[:, weekend.number] + season.fit @ demand
        team = np.array([e.team for e in entries])
        form = np.array([e.driver.form(season.year) for e in entries])
        place = weekend.circuit.circuit_id
        liking = np.array([self.dice("liking", e.driver.driver_id, place).normal(0, 0.07) for e in entries])
        quali = np.array([e.driver.quali for e in entries]) + form + liking
        race = np.array([e.driver.race for e in entries]) + form + liking
        wet = np.array([e.driver.wet for e in entries])
        return car[team] + quali, 0.92 * car[team] + race, wet


def _change_within(start: Paddock, year: int, rng: np.random.Generator) -> tuple[tuple[int, str, str] | None, Paddock]:
    """Draw a change of seat: in two seasons of five a slow driver loses the seat for good to a reserve."""
    if rng.random() > 0.4:
        return None, start
    slow = sorted(start.seats, key=lambda d: (-start.drivers[d].race - start.drivers[d].form(year), d))[:6]
    out, stepping_in = str(rng.choice(slow)), start.reserves[-1]
    return (int(rng.integers(6, 17)), out, stepping_in), replaced(start, out, stepping_in, year)
