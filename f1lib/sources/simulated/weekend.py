"""One weekend of the simulated world: its cars, pace, sessions, grids and official orders.

Every answer is drawn from (seed, event, session) alone. A session depends only on those before it in the weekend: the
race on its grid, the grid on qualifying or the sprint.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f1lib.domain.weekend import EventFormat, gridding_session
from f1lib.sources.simulated.calendar import Weekend
from f1lib.sources.simulated.race import INTERMEDIATE_FROM, RaceRun, RaceSetup, run_race, wetness
from f1lib.sources.simulated.timed_sessions import TimedRun, TimedSetup, run_timed
from f1lib.sources.simulated.weather import Sky
from f1lib.sources.simulated.world import Entry, World

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]

_PENALTIES = (3, 5, 10, 15)
_BACK = 99  # sent to the back of the grid
_MISSING = [0.9925, 0.0055, 0.001, 0.001]  # starts, or is withdrawn, not qualified, excluded
CLASSIFIED, RETIRED, NOT_CLASSIFIED, NOT_STARTED, NOT_QUALIFIED, EXCLUDED, DISQUALIFIED = (
    "", "DNF", "NC", "DNS", "DNQ", "EX", "DSQ",
)  # fmt: skip
_ORDER = (CLASSIFIED, RETIRED, NOT_CLASSIFIED, NOT_STARTED, NOT_QUALIFIED, EXCLUDED, DISQUALIFIED)


@dataclass(frozen=True)
class Grid:
    """A starting grid: ``order`` are the cars on it, pit-lane starters last.

    One value a car: ``pit_lane``; ``penalty`` in places (0: none, 99: to the back); ``missing``, why it does not start
    (empty when it does). A car that is withdrawn after the grid is published stays in ``order``.
    """

    order: Ints
    pit_lane: NDArray[np.bool_]
    penalty: Ints
    missing: list[str]


@dataclass(frozen=True)
class Finish:
    """Result of a race, one value a car.

    ``order``: the cars in the official order; ``outcome``: "" classified, or DNF NC DNS DNQ EX DSQ; ``laps`` completed;
    ``seconds``: race time with penalties, NaN when lapped or out; ``reason`` in words; ``stops``; ``best`` lap;
    ``times``: cars x laps, NaN where not completed; ``run``: the course of the race.
    """

    order: Ints
    outcome: list[str]
    laps: Ints
    seconds: Floats
    reason: list[str]
    stops: Ints
    best: Floats
    times: Floats
    run: RaceRun


class WeekendRun:
    """Sessions of a weekend, each run once when it is first needed."""

    def __init__(self, world: World, weekend: Weekend) -> None:
        self.world, self.weekend = world, weekend
        self.circuit = world.circuit(weekend.circuit)
        self._timed: dict[str, TimedRun] = {}
        self._finishes: dict[str, Finish] = {}
        self._entries: dict[str, list[Entry]] = {}

    @cached_property
    def sky(self) -> Sky:
        """The weekend's true weather."""
        return Sky(self.world, self.weekend)

    def entries(self, session: str) -> list[Entry]:
        """Return the cars of a session, always in the same order of seats."""
        if session not in self._entries:
            self._entries[session] = self.world.entries(self.weekend, session)
        return self._entries[session]

    def wetness(self, session: str, laps: int) -> Floats:
        """Return the water on the track in each lap of a session, from the rain since three hours before it."""
        lap = timedelta(seconds=self.circuit.lap_seconds * 1.08)
        before = round(timedelta(hours=3) / lap)
        begin = (self.weekend.starts[session] - self.sky.start - before * lap) / timedelta(hours=1)
        hours = begin + np.arange(before + laps) * (lap / timedelta(hours=1))
        return wetness(self.sky.at(hours, self.sky.rain_mm))[before:]

    def is_wet(self, session: str) -> bool:
        """Whether at least one lap in ten is for rain tyres."""
        laps = self.circuit.laps(session) if session in ("R", "S") else 40
        return bool((self.wetness(session, laps) > INTERMEDIATE_FROM).mean() >= 0.1)

    def timed(self, session: str) -> TimedRun:
        """Return a practice or qualifying session."""
        if session not in self._timed:
            rng = self.world.dice("timed", self.weekend.key, session)
            water = float(self.wetness(session, 40).mean())
            wet = water if water > INTERMEDIATE_FROM else 0.0
            one_lap, long, wear = self._pace(session, wet)
            setup = TimedSetup(session, self.circuit.lap_seconds, one_lap, long, wear, wet)
            self._timed[session] = run_timed(setup, rng)
        return self._timed[session]

    def grid(self, session: str) -> Grid:
        """Return the starting grid of ``R`` or ``S``: the qualifying order, then penalties and pit-lane starts."""
        kind = self.weekend.event_format
        by_sprint = (kind, session) == (EventFormat.SPRINT, "R")
        qualified = self.finish("S").order if by_sprint else self.timed(gridding_session(kind, session)).order
        n = len(qualified)
        rng = self.world.dice("grid", self.weekend.key, session)
        rate = 1.0 if session == "R" else 0.2
        penalty = np.where(rng.random(n) < 0.045 * rate, rng.choice(_PENALTIES, n, p=[0.36, 0.45, 0.12, 0.07]), 0)
        penalty = np.where(rng.random(n) < 0.018 * rate, _BACK, penalty)
        pit_lane = rng.random(n) < np.where(penalty == _BACK, 0.3, 0.02 * rate)
        missing = [str(v) for v in rng.choice(["", NOT_STARTED, NOT_QUALIFIED, EXCLUDED], n, p=_MISSING)]
        too_late = rng.random(n) < 0.45  # a car that fails to start when the grid is out already
        slot = np.empty(n)
        slot[qualified] = np.arange(n)
        slot = slot + penalty + 0.5 * (penalty > 0) + 1000 * pit_lane
        order = np.argsort(slot, kind="stable")
        present = [i for i in order.tolist() if not missing[i] or (missing[i] == NOT_STARTED and too_late[i])]
        return Grid(np.array(present), pit_lane, penalty, missing)

    def setup(self, session: str) -> RaceSetup:
        """Return the conditions of a race or sprint."""
        grid, entries = self.grid(session), self.entries(session)
        season, laps = self.world.season(self.weekend.key.season), self.circuit.laps(session)
        slots = np.full(len(entries), -1)
        starting = [i for i in grid.order.tolist() if not grid.missing[i]]
        slots[starting] = np.arange(len(starting))
        water = self.wetness(session, laps)
        share_wet = float((water > INTERMEDIATE_FROM).mean())
        _, long, wear = self._pace(session, share_wet)
        distance = laps / self.circuit.laps("R")
        green = np.array([1.0 + 0.5 * (e.driver.form(season.year) > 0.1) for e in entries])
        crashing = 0.067 * self.circuit.danger * green * np.array([e.driver.crash for e in entries])
        order = self._places(session)
        if self.world.options.shuffled_results:
            slots[slots >= 0] = self.world.dice("shuffled grid", self.weekend.key, session).permutation(len(starting))
        return RaceSetup(
            lap_seconds=self.circuit.lap_seconds,
            laps=laps,
            pace=long,
            slots=slots,
            pit_lane=grid.pit_lane & (not self.world.options.shuffled_results),
            wetness=water,
            failing=(season.failures[[e.team for e in entries]] * distance)[order],
            crashing=(crashing * (0.35 + 0.65 * distance))[order],
            wear=wear,
            passing=self.circuit.passing,
            pit_loss=self.circuit.pit_loss,
            must_stop=session == "R",
        )

    def finish(self, session: str) -> Finish:
        """Return the result of ``R`` or ``S``."""
        if session not in self._finishes:
            self._finishes[session] = self.run_again(session, self.world.dice("race", self.weekend.key, session))
        return self._finishes[session]

    def run_again(self, session: str, rng: np.random.Generator) -> Finish:
        """Run the race from its grid and in its weather with other random numbers."""
        setup = self.setup(session)
        luck = rng.normal(0, 0.17, len(setup.pace))
        shifted = replace(setup, pace=setup.pace + luck)
        return _official(shifted, run_race(shifted, rng), self.grid(session).missing, rng)

    def _places(self, session: str) -> Ints:
        """Return car -> the car whose pace and luck it has: itself, or a random one in a shuffled world."""
        n = len(self.entries(session))
        if self.world.options.shuffled_results:
            return self.world.dice("shuffled", self.weekend.key, session).permutation(n)
        return np.arange(n)

    def _pace(self, session: str, wet: float) -> tuple[Floats, Floats, Floats]:
        """Return one-lap pace, long-run pace and tyre use of each car in a session.

        A car's set-up and a driver's form of the day hold all weekend, so practice is informative of qualifying, and
        qualifying of the race.
        """
        entries = self.entries(session)
        one_lap, long, rain = self.world.pace(self.weekend, entries)
        rng = self.world.dice("weekend", self.weekend.key)
        setup = rng.normal(0, 0.17, 12)[[e.team for e in entries]]
        day = setup + rng.normal(0, 0.15, len(entries))
        bonus = rain * min(1.0, 2.0 * wet)
        wear = self.circuit.wear * np.array([e.driver.tyres for e in entries])
        order = self._places(session)
        return (one_lap + day + bonus)[order], (long + 0.7 * day + bonus)[order], wear[order]


def _official(setup: RaceSetup, run: RaceRun, missing: list[str], rng: np.random.Generator) -> Finish:
    """Return the official classification: flag, time penalties, retirements, disqualifications."""
    ends, n = run.ends, len(setup.pace)
    distance = int(np.flatnonzero(~np.isnan(ends).all(axis=0)).max(initial=-1)) + 1
    flag = float(np.nanmin(ends[:, distance - 1])) if distance else 0.0
    driven = (~np.isnan(ends)).sum(axis=1)
    flagged = np.asarray((np.nan_to_num(ends, nan=-1.0) >= flag).any(axis=1) & (distance > 0))
    laps = np.where(flagged, np.argmax(np.nan_to_num(ends, nan=-1.0) >= flag, axis=1) + 1, driven)
    times = np.where(np.arange(ends.shape[1])[None, :] < laps[:, None], ends, np.nan)
    total = np.array([ends[i, laps[i] - 1] if laps[i] else np.nan for i in range(n)])
    total = np.round(total + np.where(rng.random(n) < 0.05, rng.choice([5.0, 10.0], n, p=[0.8, 0.2]), 0.0), 3)
    enough = laps >= 0.9 * distance
    ended = np.where(enough, CLASSIFIED, np.where(flagged, NOT_CLASSIFIED, RETIRED))
    ended = np.where(enough & (rng.random(n) < 0.0045), DISQUALIFIED, ended)
    outcome = [m or str(e) for m, e in zip(missing, ended, strict=True)]
    lot = rng.random(n)
    keys = [(_ORDER.index(outcome[i]), -int(laps[i]), float(np.nan_to_num(total[i])), lot[i]) for i in range(n)]
    order = np.array(sorted(range(n), key=lambda i: keys[i]))
    winner = int(order[0])
    on_lead_lap = flagged & (laps == laps[winner]) & np.array([o == CLASSIFIED for o in outcome])
    lap_times = np.diff(times, axis=1, prepend=0.0)
    best = np.nanmin(np.where(np.isnan(lap_times), np.inf, lap_times), axis=1)
    return Finish(
        order=order,
        outcome=outcome,
        laps=laps,
        seconds=np.where(on_lead_lap, total, np.nan),
        reason=_reasons(outcome, run, flagged, laps, distance, rng),
        stops=(run.pit_in & ~np.isnan(times)).sum(axis=1),
        best=np.where(np.isinf(best), np.nan, np.round(best, 3)),
        times=times,
        run=run,
    )


_FAILURES = tuple(
    "Engine|Gearbox|Power unit|Brakes|Hydraulics|Suspension|Overheating|Oil leak|Electrical|Power loss".split("|")
)
_ACCIDENTS = ("Collision", "Collision damage", "Accident", "Spun off")
_WORDS = {
    NOT_STARTED: ("Gearbox", "Accident", "Illness", "Power unit"),
    NOT_QUALIFIED: ("107% rule",),
    EXCLUDED: ("Excluded by the stewards",),
    DISQUALIFIED: ("Illegal skid block wear", "Car underweight", "Fuel"),
    NOT_CLASSIFIED: ("Not classified",),
}


def _reasons(
    outcome: list[str], run: RaceRun, flagged: NDArray[np.bool_], laps: Ints, distance: int, rng: np.random.Generator
) -> list[str]:
    words = []
    for i, what in enumerate(outcome):
        pick = rng.random()
        if what in _WORDS:
            choice = _WORDS[what]
        elif flagged[i]:
            down = distance - int(laps[i])
            choice = ("Finished" if down <= 0 else f"+{down} Lap{'s' * (down > 1)}",)
        else:
            choice = _ACCIDENTS if run.crashed[i] else _FAILURES
        words.append(choice[int(pick * len(choice))])
    return words
