"""A simulated Formula 1 with known truth, for a quick start without a network and for tests.

>>> source = SimulatedSource(seed=1, first_season=2020)
>>> source.session(EventKey(2024, "Monaco Grand Prix"), "Q", as_of).frames["results"]
>>> source.truth(2024)

Drivers and teams are invented; circuits and the pattern of the calendar are real. Every answer is a function of (seed,
season, event, session) alone, and is given from the time at which a real one would be visible. The truth of a season
follows from the season before, back to the year 2000, whatever ``first_season`` is.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache, lru_cache
from typing import Any

import pandas as pd

from f1lib.domain.moments import format_utc
from f1lib.domain.weekend import EventKey
from f1lib.errors import BadParameters, NotPublishedYet, SourceError
from f1lib.sources.protocols import Schedule, SessionData
from f1lib.sources.simulated import frames as simulated_frames
from f1lib.sources.simulated import laps as simulated_laps
from f1lib.sources.simulated.calendar import calendar, find
from f1lib.sources.simulated.weather import SimulatedWeather
from f1lib.sources.simulated.weekend import CLASSIFIED, WeekendRun
from f1lib.sources.simulated.world import Entry, World, WorldOptions

__all__ = ["SimulatedSource", "SimulatedWeather", "WorldOptions"]

FIRST_CALENDAR = 2010
_NEXT_CALENDAR_MONTH = 12
_RESERVE_NUMBER = 60
_MISSING = {"laps": 0.02, "weather": 0.02, "race_control": 0.015}
_CANCELLED = 0.012  # a practice session


class SimulatedSource:
    """See `protocols.SessionSource`; ``world`` holds the truth.

    ``first_season`` (2010 or later) and ``last_season`` (None: no limit) say which seasons can be asked for; the world
    is the same whatever they are. Raises `BadParameters` for a season before 2010.
    """

    name = "simulated"
    attribution = "Simulated data: invented drivers, teams and results"

    def __init__(
        self, seed: int = 1, *, first_season: int = 2018, last_season: int | None = None,
        options: WorldOptions | None = None,
    ) -> None:  # fmt: skip
        if first_season < FIRST_CALENDAR or (last_season is not None and last_season < first_season):
            raise BadParameters(
                f"simulated seasons {first_season} to {last_season}: the first must be {FIRST_CALENDAR} or later, "
                "the last not before the first"
            )
        self.world = World(seed, options or WorldOptions())
        self.first_season, self.last_season = first_season, last_season
        self._weekend = lru_cache(maxsize=32)(lambda weekend: WeekendRun(self.world, weekend))
        self._champion = cache(self._champion_of)

    def seasons(self, as_of: datetime) -> list[int]:
        """Return the seasons up to the year of ``as_of``; the next one's from December on, or once no race is left."""
        left = any(weekend.starts["R"] > as_of for weekend in calendar(as_of.year))
        last = as_of.year + (as_of.month >= _NEXT_CALENDAR_MONTH or not left)
        return list(range(self.first_season, min(last, self.last_season or last) + 1))

    def schedule(self, season: int, as_of: datetime) -> Schedule:
        """See `SessionSource.schedule`."""
        if season not in self.seasons(as_of):
            raise SourceError(f"the simulated world shows no season {season} at {format_utc(as_of)}")
        events, sessions = simulated_frames.schedule(calendar(season))
        return Schedule(events, sessions, self._provenance(f"schedule({season})"))

    def session(self, key: EventKey, session: str, as_of: datetime) -> SessionData:
        """See `SessionSource.session`: results, stops of races, and laps, weather and messages unless missing."""
        run = self._visible(key, session, as_of)
        _wait_until(run.weekend.session(session)["available_utc"], as_of, f"{key} {session}")
        rng = self.world.dice("missing", key, session)
        if session in ("P1", "P2", "P3") and rng.random() < _CANCELLED * self.world.options.missing:
            raise NotPublishedYet(f"{key} {session} was cancelled: there are no results and never will be")
        numbers = [self._number(run, entry) for entry in run.entries(session)]
        gone = [name for name, share in _MISSING.items() if rng.random() < share * self.world.options.missing]
        is_race = session in ("R", "S")
        results = simulated_frames.race_results if is_race else simulated_frames.timed_results
        frames = {"results": results(run, session, numbers)}
        if is_race:
            frames["pit_stops"] = simulated_frames.pit_stops(run, session)
        if "laps" not in gone and self.world.options.has_laps(key.season):
            laps = simulated_laps.race_laps if is_race else simulated_laps.timed_laps
            frames["laps"] = laps(run, session, numbers)
        if "weather" not in gone:
            frames["weather"] = simulated_frames.weather(run, session)
        if "race_control" not in gone:
            frames["race_control"] = simulated_frames.race_control(run, session, numbers)
        warnings = [f"{key} {session}: no {name.replace('_', ' ')} in this session's feed" for name in gone]
        return SessionData(frames, self._provenance(f"session({key}, {session})"), warnings)

    def starting_grid(self, key: EventKey, session: str, as_of: datetime) -> SessionData:
        """See `SessionSource.starting_grid`."""
        if session not in ("R", "S"):
            raise SourceError(f"{key} {session}: only R and S have a starting grid")
        run = self._visible(key, session, as_of)
        _wait_until(run.weekend.session(session)["grid_available_utc"], as_of, f"{key} starting grid of {session}")
        numbers = [self._number(run, entry) for entry in run.entries(session)]
        grid = simulated_frames.starting_grid(run, session, numbers)
        return SessionData({"starting_grid": grid}, self._provenance(f"starting_grid({key}, {session})"))

    def truth(self, season: int) -> pd.DataFrame:
        """Return the true strengths of a season.

        Parameters
        ----------
        season : int
            Year, 2010 or later.

        Returns
        -------
        pandas.DataFrame
            One row an event and driver of the race, in calendar order: ``event_partition_key``, ``event_number``,
            ``driver_id``, ``team_id``; ``team_pace_pct``, ``qualifying_skill_pct``, ``race_skill_pct`` and
            ``wet_skill_pct`` in percent of lap time, lower is faster; ``is_wet``, of the race; ``expected_strength``,
            the dry race pace of driver, car and circuit before the weekend, higher is better.
        """
        rows = []
        for weekend in calendar(season):
            run = self._weekend(weekend)
            entries = run.entries("R")
            _, race, _ = self.world.pace(weekend, entries)
            for entry, pace in zip(entries, race.tolist(), strict=True):
                rows.append(self._truth_row(run, entry, pace))
        return pd.DataFrame(rows)

    def _truth_row(self, run: WeekendRun, entry: Entry, pace: float) -> dict[str, Any]:
        season = self.world.season(run.weekend.key.season)
        return {
            "event_partition_key": run.weekend.key.partition_key,
            "event_number": run.weekend.number,
            "driver_id": entry.driver.driver_id,
            "team_id": entry.team_id,
            "team_pace_pct": float(season.base[entry.team] + season.drift[entry.team, run.weekend.number]),
            "qualifying_skill_pct": entry.driver.quali + entry.driver.form(season.year),
            "race_skill_pct": entry.driver.race + entry.driver.form(season.year),
            "wet_skill_pct": entry.driver.wet,
            "is_wet": run.is_wet("R"),
            "expected_strength": -pace,
        }

    def _visible(self, key: EventKey, session: str, as_of: datetime) -> WeekendRun:
        weekend = find(key) if key.season in self.seasons(as_of) else None
        if weekend is None:
            raise SourceError(f"the simulated world shows no event {key} at {format_utc(as_of)}")
        if session not in weekend.starts:
            raise SourceError(f"{key} has no session {session}; it has {', '.join(weekend.starts)}")
        return self._weekend(weekend)

    def _number(self, run: WeekendRun, entry: Entry) -> str:
        """Return the car's number: a champion may wear 1; reserves wear one of the car's."""
        if entry.is_reserve or not entry.driver.number:
            return str(_RESERVE_NUMBER + entry.seat)
        champion = entry.driver.takes_one and self._champion(run.weekend.key.season - 1) == entry.driver.driver_id
        return "1" if champion else str(entry.driver.number)

    def _champion_of(self, season: int) -> str:
        """Return the driver with the most points of a season; empty where no season was raced."""
        total: dict[str, float] = {}
        for weekend in calendar(season):
            run = self._weekend(weekend)
            for session in [code for code in ("S", "R") if code in weekend.starts]:
                finish = run.finish(session)
                counted = [o == CLASSIFIED for o in finish.outcome]
                scored = simulated_frames.points(season, session, finish.order.tolist(), counted, finish.best)
                for entry, value in zip(run.entries(session), scored, strict=True):
                    total[entry.driver.driver_id] = total.get(entry.driver.driver_id, 0.0) + value
        return max(total, key=lambda d: (total[d], d), default="")

    def _provenance(self, call: str) -> dict[str, Any]:
        options = self.world.options
        return {
            "source": self.name,
            "attribution": self.attribution,
            "seed": self.world.seed,
            "world": {**options.__dict__, "resets": list(options.resets)},
            "calls": [f"SimulatedSource.{call}"],
        }


def _wait_until(visible: datetime, as_of: datetime, what: str) -> None:
    if as_of < visible:
        raise NotPublishedYet(f"{what} is visible from {format_utc(visible)}, not yet at {format_utc(as_of)}")
