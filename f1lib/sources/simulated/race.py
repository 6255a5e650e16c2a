"""Simulate one race or sprint lap by lap: tyres, stops, traffic, safety cars, retirements.

On each lap the cars are taken in the order on the road; a car that comes up behind another must be enough faster to
pass. Times are seconds since the start, compounds are indices of `COMPOUNDS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

COMPOUNDS = ("SOFT", "MEDIUM", "HARD", "INTERMEDIATE", "WET")
SOFT, MEDIUM, HARD, INTERMEDIATE, WET = range(5)
GRIP = np.array([-0.35, 0.0, 0.3, 0.0, 0.0])  # percent of lap time against the medium
WEARS = np.array([0.075, 0.05, 0.034, 0.04, 0.03])  # percent of lap time a lap of age
INTERMEDIATE_FROM, WET_FROM = 0.22, 0.9  # wetness at which the next tyre is the right one
FUEL = 1.9  # percent of lap time from full to empty
LONG_REPAIR = 0.004  # chance of a stop so long that the car is not classified
WORN_OUT = 28  # laps after which rain tyres are changed for fresh ones
CLEAR, YELLOW, SAFETY_CAR, VIRTUAL = "1", "2", "4", "6"
_SLOW = {CLEAR: 1.0, YELLOW: 1.01, SAFETY_CAR: 1.45, VIRTUAL: 1.3}


@dataclass(frozen=True)
class RaceSetup:
    """Conditions of a race; arrays have one value a car, pace in percent of a lap and lower is faster.

    ``slots``: grid place from 0 (pit-lane starters last); -1 does not start. ``wetness``: of the track, one value a
    lap. ``failing`` and ``crashing``: probability to fail or crash over the race. ``wear``: tyre use of circuit and
    driver.
    """

    lap_seconds: float
    laps: int
    pace: Floats
    slots: Ints
    pit_lane: Flags
    wetness: Floats
    failing: Floats
    crashing: Floats
    wear: Floats
    passing: float
    pit_loss: float
    must_stop: bool
    noise: float = 0.32


@dataclass(frozen=True)
class RaceRun:
    """Course of a race; matrices are cars x laps.

    ``ends``: time at the end of the lap, NaN when not completed; ``compound``; ``age``: laps on the set at the end of
    the lap; ``stint``; ``pit_in``; ``stop_seconds``: time lost in the pit lane on that lap. ``out_lap``: laps begun
    when the car stopped, or more than the race's laps; ``crashed``: whether it stopped in an accident; ``status``:
    track status a lap.
    """

    ends: Floats
    compound: Ints
    age: Ints
    stint: Ints
    pit_in: Flags
    stop_seconds: Floats
    out_lap: Ints
    crashed: Flags
    status: list[str]


class _RaceState:
    """State of a race under way."""

    def __init__(self, setup: RaceSetup, rng: np.random.Generator) -> None:
        self.setup, self.rng = setup, rng
        n, laps = len(setup.pace), setup.laps
        self.out_lap, self.crashed = _retirements(setup, rng)
        self.status = _track_status(setup, self.out_lap, self.crashed, rng)
        self.plan, self.tyre = _strategy(setup, rng)
        self.repaired_on = np.where(rng.random(n) < LONG_REPAIR, rng.integers(3, max(4, laps - 5), n), -1)
        self.repair = rng.uniform(5, 20, n) * setup.lap_seconds
        self.age = np.zeros(n, dtype=np.int64)
        self.stint = np.ones(n, dtype=np.int64)
        self.slow_reaction = rng.integers(0, 3, n)
        self.mismatched = np.zeros(n, dtype=np.int64)
        slippery = setup.wetness[:laps, None] > INTERMEDIATE_FROM
        self.jitter = rng.normal(0, setup.noise, (laps, n)) * (1 + 1.5 * slippery)
        self.chance = rng.random((laps, n)).tolist()
        self.time = np.where(setup.slots < 0, np.nan, 0.0)
        shape = (n, laps)
        self.ends, self.stop_seconds = np.full(shape, np.nan), np.zeros(shape)
        self.compound, self.ages, self.stints = (np.zeros(shape, dtype=np.int64) for _ in range(3))
        self.pit_in = np.zeros(shape, dtype=bool)

    def run(self) -> RaceRun:
        """Run every lap of the race."""
        order = [int(i) for i in np.argsort(np.where(self.setup.slots < 0, 99, self.setup.slots))]
        order = [i for i in order if self.setup.slots[i] >= 0]
        for lap in range(self.setup.laps):
            order = self._lap(lap, [i for i in order if self.out_lap[i] > lap])
        return RaceRun(
            self.ends, self.compound, self.ages, self.stints, self.pit_in, self.stop_seconds, self.out_lap,
            self.crashed, self.status,
        )  # fmt: skip

    def _lap(self, lap: int, order: list[int]) -> list[int]:
        self.age += 1
        stopping = self._stops(lap, order)
        free = self._free_lap_times(lap)
        lost = np.zeros(len(free))
        for i in stopping:
            lost[i] = self.setup.pit_loss * (0.62 if self.status[lap] == SAFETY_CAR else 1.0) + self.rng.gamma(1.2, 1.0)
            lost[i] += self.repair[i] if self.repaired_on[i] == lap else 0.0
        self.compound[:, lap], self.ages[:, lap], self.stints[:, lap] = self.tyre, self.age, self.stint
        if lap == 0:
            order = self._start(order, free)
        elif self.status[lap] in (SAFETY_CAR, VIRTUAL):
            order = self._behind_safety_car(lap, order, free, lost, bunched=self.status[lap] == SAFETY_CAR)
        else:
            order = self._racing(lap, order, free.tolist(), lost.tolist())
        self.ends[order, lap] = self.time[order]
        for i, compound in stopping.items():
            self.pit_in[i, lap], self.stop_seconds[i, lap] = True, lost[i]
            self.tyre[i], self.age[i] = compound, 0
            self.stint[i] += 1
        return order

    def _free_lap_times(self, lap: int) -> Floats:
        """Return the lap time of each car without traffic."""
        setup, wetness = self.setup, float(self.setup.wetness[lap])
        used = WEARS[self.tyre] * setup.wear * self.age * (1 + 0.012 * self.age)
        fuel = FUEL * (1 - lap / max(setup.laps, 1)) - FUEL / 2
        suited = _loss_by_water(wetness, self.tyre)
        percent = setup.pace + GRIP[self.tyre] + used + fuel + suited
        base = setup.lap_seconds * _SLOW[self.status[lap]]
        return np.asarray(base * (1 + percent / 100) + self.jitter[lap], dtype=np.float64)

    def _stops(self, lap: int, order: list[int]) -> dict[int, int]:
        """Return car -> next compound for the cars that stop at the end of this lap."""
        setup, wetness = self.setup, float(self.setup.wetness[lap])
        found: dict[int, int] = {}
        if lap in (0, setup.laps - 1):
            return found
        right = WET if wetness > WET_FROM else INTERMEDIATE if wetness > INTERMEDIATE_FROM else MEDIUM
        left = setup.laps - lap - 1
        cheap = self.status[lap] == SAFETY_CAR and self.status[lap - 1] != SAFETY_CAR
        for i in order:
            wrong = (self.tyre[i] if self.tyre[i] > HARD else MEDIUM) != right
            self.mismatched[i] = self.mismatched[i] + 1 if wrong else 0
            plan = self.plan[i]
            # a planned stop near enough to be made now, under a safety car
            is_soon = cheap and plan and plan[0][0] - lap < 16 and self.age[i] > 7
            if wrong and self.mismatched[i] > self.slow_reaction[i] and left > 2:
                found[i] = right if right > HARD else (MEDIUM if left < 30 else HARD)
                self.plan[i] = [p for p in plan if p[0] > lap + 12]
            elif right == MEDIUM and plan and (lap >= plan[0][0] or (is_soon and left > 4)):
                found[i] = plan.pop(0)[1]
            elif right > HARD and self.age[i] > WORN_OUT and left > 8:
                found[i] = right
            if self.repaired_on[i] == lap:
                found.setdefault(i, int(self.tyre[i]))
        return found

    def _start(self, order: list[int], free: Floats) -> list[int]:
        """Run the first lap: from the grid in order, with random starts that gain or lose places."""
        setup = self.setup
        away = 0.22 * np.arange(len(order)) + self.rng.normal(0, 0.45, len(order)) + 6.0 + 18.0 * setup.pit_lane[order]
        self.time[order] = setup.lap_seconds * 1.02 + away + 0.25 * (free[order] - setup.lap_seconds)
        return sorted(order, key=lambda i: float(self.time[i]))

    def _behind_safety_car(self, lap: int, order: list[int], free: Floats, lost: Floats, bunched: bool) -> list[int]:
        """Run a neutralised lap: places change only by stops; behind the safety car the gaps close."""
        ahead = -1.0
        for i in order:
            quick = self.time[i] + (self.setup.lap_seconds * 1.15 if bunched else free[i])
            slow = self.time[i] + free[i] if ahead < 0 else ahead + 0.9
            self.time[i] = max(quick, slow) if bunched or ahead >= 0 else quick
            ahead = float(self.time[i])
        self.time[order] += lost[order]
        return sorted(order, key=lambda i: float(self.time[i]))

    def _racing(self, lap: int, order: list[int], free: list[float], lost: list[float]) -> list[int]:
        """Run a lap under green: each car drives its own time unless it comes up behind one that it cannot pass."""
        time, chance = self.time.tolist(), self.chance[lap]
        ease = 0.45 if self.setup.wetness[lap] > INTERMEDIATE_FROM else 1.0
        threshold = self.setup.passing * ease
        done: list[int] = []
        at: list[float] = []
        for i in order:
            mine = time[i] + free[i] + lost[i]
            place = len(done)
            while place and mine < at[place - 1] + 0.5:
                other = done[place - 1]
                quicker = free[other] - free[i]
                passes = lost[other] > 0 or chance[i] < 1 / (1 + exp(min((threshold - quicker) / 0.2, 50.0)))
                if not passes:
                    mine = at[place - 1] + 0.5 + 0.4 * chance[i]
                    break
                place -= 1
            done.insert(place, i)
            at.insert(place, mine)
        self.time[done] = at
        return sorted(done, key=lambda i: float(self.time[i]))


def run_race(setup: RaceSetup, rng: np.random.Generator) -> RaceRun:
    """Run a race; the same ``setup`` and random numbers give the same race."""
    return _RaceState(setup, rng).run()


def _loss_by_water(wetness: float, tyre: Ints) -> Floats:
    """Return the percent of lap time lost to water, and to tyres that do not suit it."""
    slick = 26.0 * wetness
    intermediate = 5.0 + 2.0 * wetness + 9.0 * max(0.0, wetness - WET_FROM)
    full = 8.5 + 1.0 * wetness
    return np.array([slick, slick, slick, intermediate, full])[tyre]


def _retirements(setup: RaceSetup, rng: np.random.Generator) -> tuple[Ints, Flags]:
    """Draw the lap on which each car stops (past the end: never), and whether by accident.

    Three in ten accidents happen on the first two laps.
    """
    n, laps = len(setup.pace), setup.laps
    accident = rng.random(n) < setup.crashing * (1 + 1.0 * (setup.wetness[:laps].max() > INTERMEDIATE_FROM))
    failure = rng.random(n) < setup.failing
    when_accident = np.where(rng.random(n) < 0.3, rng.integers(0, 2, n), rng.integers(1, laps, n))
    when_failure = rng.integers(0, laps, n)
    crash_lap = np.where(accident, when_accident, laps + 1)
    fail_lap = np.where(failure, when_failure, laps + 1)
    out = np.where(setup.slots < 0, 0, np.minimum(crash_lap, fail_lap))
    return out, accident & (crash_lap <= fail_lap)


def _track_status(setup: RaceSetup, out_lap: Ints, crashed: Flags, rng: np.random.Generator) -> list[str]:
    """Draw the track status of each lap: accidents cause yellow flags, a safety car or a virtual one."""
    status = [CLEAR] * setup.laps
    for lap in sorted({int(v) for v in out_lap if 0 <= v < setup.laps}):
        by_accident = bool((crashed & (out_lap == lap)).any())
        chances = (0.45, 0.15) if by_accident else (0.08, 0.12)
        draw, length = rng.random(), int(rng.integers(3, 7))
        kind = SAFETY_CAR if draw < chances[0] else VIRTUAL if draw < sum(chances) else YELLOW
        for at in range(max(lap, 1), min(lap + {SAFETY_CAR: length, VIRTUAL: 2, YELLOW: 1}[kind], setup.laps)):
            status[at] = max(status[at], kind, key=lambda s: "1264".index(s))
    return status


def _strategy(setup: RaceSetup, rng: np.random.Generator) -> tuple[list[list[tuple[int, int]]], Ints]:
    """Draw planned stops as (lap, compound) a car, and the tyres each starts on."""
    n, laps = len(setup.pace), setup.laps
    plans: list[list[tuple[int, int]]] = []
    start = np.where(rng.random(n) < 0.6, MEDIUM, np.where(rng.random(n) < 0.6, SOFT, HARD))
    usual = 1 + (setup.wear.mean() * rng.uniform(0.85, 1.15) > 0.88)
    for i in range(n):
        stops = 0 if not setup.must_stop else max(1, usual + int(rng.choice([-1, 0, 1], p=[0.1, 0.74, 0.16])))
        share = np.cumsum(rng.dirichlet(np.full(stops + 1, 40.0)))[:-1]
        kinds = [HARD if (k == 0 and start[i] != HARD) or rng.random() < 0.4 else MEDIUM for k in range(stops)]
        plans.append([(int(s * laps), k) for s, k in zip(share, kinds, strict=True)])
    if setup.wetness[0] > INTERMEDIATE_FROM:
        start = np.full(n, WET if setup.wetness[0] > WET_FROM else INTERMEDIATE)
    return plans, start.astype(np.int64)


def wetness(rain_mm: Floats, before: float = 0.0) -> Floats:
    """Return the water on the track by lap, from the rain of each lap in mm/h; it dries in about a dozen laps."""
    track, found = before, []
    for rain in rain_mm.tolist():
        track = min(1.6, track * 0.88 + 0.09 * min(rain, 4.0) ** 0.8)
        found.append(track)
    return np.array(found)
