"""Frames of a simulated weekend as of `protocols`: results, grids, pit stops, weather, race control."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from f1lib.domain import weekend as domain_weekend
from f1lib.domain.points import points_scale
from f1lib.lake import tables
from f1lib.sources import protocols
from f1lib.sources.simulated.calendar import Weekend
from f1lib.sources.simulated.race import CLEAR, SAFETY_CAR, VIRTUAL
from f1lib.sources.simulated.weather import minutes
from f1lib.sources.simulated.weekend import CLASSIFIED, EXCLUDED, NOT_QUALIFIED, NOT_STARTED, WeekendRun

FEED_LEAD = 900.0  # seconds by which the timing feed begins before the session
FORMATION = 180.0  # seconds of the formation lap


def schedule(weekends: tuple[Weekend, ...]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a season's weekends as tables.

    Parameters
    ----------
    weekends : tuple of Weekend
        As of `calendar.calendar`.

    Returns
    -------
    events : pandas.DataFrame
        One row an event, columns of table ``events``, by round.
    sessions : pandas.DataFrame
        One row an event and session, columns of table ``sessions``, in the order they are run.
    """
    events, sessions = [], []
    for weekend in weekends:
        place = weekend.circuit
        key = {
            "event_partition_key": weekend.key.partition_key,
            "event_year": weekend.key.season,
            "event_number": weekend.number,
            "event_name": weekend.key.event_name,
            "source": "simulated",
        }
        events.append(
            {
                **key,
                "official_event_name": f"Simulated {weekend.key.event_name} {weekend.key.season}",
                "event_format": weekend.event_format,
                "circuit_id": place.circuit_id,
                "circuit": place.name,
                "circuit_type": "STREET" if place.is_street else "RACE",
                "country": place.country,
                "latitude": place.latitude,
                "longitude": place.longitude,
                "timezone": place.timezone,
                "race_start_utc": weekend.starts["R"],
                "is_cancelled": False,
            }
        )
        sessions += [key | weekend.session(code) for code in weekend.starts]
    return tables.conform(pd.DataFrame(events), "events"), tables.conform(pd.DataFrame(sessions), "sessions")


def identity(run: WeekendRun, session: str, numbers: list[str]) -> dict[str, Any]:
    """Return driver and team of each car of a session.

    Parameters
    ----------
    run : WeekendRun
        The weekend.
    session : str
        Code of the session.
    numbers : list of str
        Car numbers, in the order of ``run.entries(session)``.

    Returns
    -------
    dict
        ``driver_id``, ``driver_number``, ``abbreviation``, ``full_name``, ``team_id``, ``team_name`` -> one value a
        car, in the same order.
    """
    entries = run.entries(session)
    drivers = {n: [getattr(e.driver, n) for e in entries] for n in ("driver_id", "abbreviation", "full_name")}
    teams = {"team_id": [e.team_id for e in entries], "team_name": [e.team_name for e in entries]}
    return {**drivers, **teams, "driver_number": numbers}


def timed_results(run: WeekendRun, session: str, numbers: list[str]) -> pd.DataFrame:
    """Return the results of practice or qualifying.

    Parameters
    ----------
    run : WeekendRun
        The weekend.
    session : str
        Code of the session.
    numbers : list of str
        Car numbers, in the order of ``run.entries(session)``.

    Returns
    -------
    pandas.DataFrame
        One row a driver with `RESULT_COLUMNS`, in the order of the classification; times in seconds.
    """
    timed = run.timed(session)
    places = np.argsort(timed.order) + 1
    qualifying = timed.segment.max() > 0
    no_time = np.isnan(timed.best)
    words = [
        "DSQ" if struck else "NC" if missing and qualifying else str(place)
        for place, struck, missing in zip(places, timed.struck, no_time, strict=True)
    ]
    columns = identity(run, session, numbers) | {
        "position": places,
        "position_text": words,
        "laps": (~np.isnan(timed.seconds)).sum(axis=1),
        "best_lap_seconds": timed.best,
        "q1_seconds": timed.segments[:, 0],
        "q2_seconds": timed.segments[:, 1],
        "q3_seconds": timed.segments[:, 2],
    }
    return _shaped(columns, protocols.RESULT_COLUMNS, timed.order)


def race_results(run: WeekendRun, session: str, numbers: list[str]) -> pd.DataFrame:
    """Return the results of a race or sprint.

    Parameters
    ----------
    run : WeekendRun
        The weekend.
    session : str
        ``R`` or ``S``.
    numbers : list of str
        Car numbers, in the order of ``run.entries(session)``.

    Returns
    -------
    pandas.DataFrame
        One row a driver with `RESULT_COLUMNS`, in the official order; times and gaps in seconds.
    """
    finish, grid = run.finish(session), run.grid(session)
    places, winner = np.argsort(finish.order) + 1, int(finish.order[0])
    slots = {int(car): slot for slot, car in enumerate(grid.order, start=1)}
    counted = [o == CLASSIFIED for o in finish.outcome]
    never_there = [o in (NOT_STARTED, NOT_QUALIFIED, EXCLUDED) for o in finish.outcome]
    lapped = finish.laps[winner] - finish.laps
    gaps = np.round(finish.seconds - finish.seconds[winner], 3)
    gaps[winner] = np.nan
    cars = range(len(places))
    in_lane = [i in slots and bool(grid.pit_lane[i]) for i in cars]
    columns = identity(run, session, numbers) | {
        "position": places,
        "position_text": [o or str(p) for o, p in zip(finish.outcome, places, strict=True)],
        "grid_position": [None if in_lane[i] else slots.get(i) for i in cars],
        "grid_text": ["PL" if in_lane[i] else str(slots[i]) if i in slots else None for i in cars],
        "status_text": finish.reason,
        "points": points(run.weekend.key.season, session, finish.order.tolist(), counted, finish.best),
        "laps": finish.laps,
        "race_time_seconds": finish.seconds,
        "gap_seconds": gaps,
        "gap_laps": [int(lapped[i]) if counted[i] and lapped[i] > 0 else None for i in cars],
        "best_lap_seconds": finish.best,
        "pit_stop_count": [None if gone else int(s) for gone, s in zip(never_there, finish.stops, strict=True)],
    }
    return _shaped(columns, protocols.RESULT_COLUMNS, finish.order)


def points(season: int, session: str, order: list[int], counted: list[bool], best: Any) -> list[float]:
    """Return the championship points of each car.

    Parameters
    ----------
    season : int
        Year.
    session : str
        ``R`` or ``S``.
    order : list of int
        The cars in the official order.
    counted : list of bool
        Whether each car is classified.
    best : array of float
        Fastest lap of each car in seconds, NaN where there is none.

    Returns
    -------
    list of float
        One value a car: the race's scale since 2010 or the sprint's since 2021, and the point of 2019-2024 for the
        fastest lap of a driver in the first ten.
    """
    scored = [0.0] * len(order)
    classified = [car for car in order if counted[car]]
    for car, value in zip(classified, points_scale(session, season), strict=False):
        scored[car] = float(value)
    if session == "R" and 2019 <= season <= 2024 and classified:
        fastest = int(np.nanargmin(np.where(np.isnan(best), np.inf, best)))
        scored[fastest] += float(fastest in classified[:10])
    return scored


def starting_grid(run: WeekendRun, session: str, numbers: list[str]) -> pd.DataFrame:
    """Return the starting grid of a race or sprint.

    Parameters
    ----------
    run : WeekendRun
        The weekend.
    session : str
        ``R`` or ``S``.
    numbers : list of str
        Car numbers, in the order of ``run.entries(session)``.

    Returns
    -------
    pandas.DataFrame
        One row a driver on the grid with `GRID_COLUMNS`, in grid order, pit-lane starters last.
    """
    grid = run.grid(session)
    places = {int(car): place for place, car in enumerate(grid.order, start=1)}
    n = len(numbers)
    columns = identity(run, session, numbers) | {
        "position": [places.get(i) for i in range(n)],
        "position_text": ["PL" if grid.pit_lane[i] else str(places.get(i)) for i in range(n)],
        "grid_penalty_positions": [int(p) if 0 < p < 90 else None for p in grid.penalty],
    }
    return _shaped(columns, protocols.GRID_COLUMNS, grid.order)


def pit_stops(run: WeekendRun, session: str) -> pd.DataFrame:
    """Return the pit stops of a race or sprint.

    Parameters
    ----------
    run : WeekendRun
        The weekend.
    session : str
        ``R`` or ``S``.

    Returns
    -------
    pandas.DataFrame
        One row a driver and stop, by seat and lap, with `PIT_STOP_COLUMNS`; ``duration_seconds`` is the time lost in
        the pit lane.
    """
    finish, entries = run.finish(session), run.entries(session)
    stopped = finish.run.pit_in & ~np.isnan(finish.times)
    cars, laps = np.nonzero(stopped)
    columns = {
        "driver_id": [entries[i].driver.driver_id for i in cars],
        "stop": np.cumsum(stopped, axis=1)[cars, laps],
        "lap": laps + 1,
        "duration_seconds": np.round(finish.run.stop_seconds[cars, laps], 3),
    }
    return _shaped(columns, protocols.PIT_STOP_COLUMNS)


def weather(run: WeekendRun, session: str) -> pd.DataFrame:
    """Return the weather of a session as measured at the track.

    Parameters
    ----------
    run : WeekendRun
        The weekend.
    session : str
        Code of the session.

    Returns
    -------
    pandas.DataFrame
        One row a minute, from the start of the feed on, with `WEATHER_COLUMNS`; units as of ``fastf1.frames.weather``.
    """
    columns = minutes(run.world, run.weekend, run.sky, session, FEED_LEAD)
    return pd.DataFrame(columns)[protocols.WEATHER_COLUMNS].astype({"rainfall": "boolean"})


def race_control(run: WeekendRun, session: str, numbers: list[str]) -> pd.DataFrame:
    """Return the race control messages: lights, flags, safety cars, deleted times, retirements.

    Parameters
    ----------
    run : WeekendRun
        The weekend.
    session : str
        Code of the session.
    numbers : list of str
        Car numbers, in the order of ``run.entries(session)``.

    Returns
    -------
    pandas.DataFrame
        One row a message, by time, with `RACE_CONTROL_COLUMNS`; ``time_utc`` aware.
    """
    length = domain_weekend.SESSION_LENGTH[session].total_seconds()
    rows: list[tuple[float, Any, str, Any, Any, Any, Any, str]] = [
        (0.0, 1, "Flag", "GREEN", "Track", None, None, "GREEN LIGHT - PIT EXIT OPEN")
    ]
    if session in ("R", "S"):
        rows += _race_messages(run, session, numbers)
    else:
        timed, entries = run.timed(session), run.entries(session)
        for car, lap in zip(*np.nonzero(timed.deleted & ~np.isnan(timed.seconds)), strict=True):
            who = f"CAR {numbers[car]} ({entries[car].driver.abbreviation})"
            minute, second = divmod(timed.seconds[car, lap], 60)
            words = f"{who} TIME {int(minute)}:{second:06.3f} DELETED - TRACK LIMITS"
            rows.append((float(timed.ends[car, lap]), int(lap) + 1, "Other", None, None, None, numbers[car], words))
        rows.append((length, None, "Flag", "CHEQUERED", "Track", None, None, "CHEQUERED FLAG"))
    start = run.weekend.starts[session]
    rows.sort(key=lambda row: (row[0], row[7]))
    columns = dict(zip(protocols.RACE_CONTROL_COLUMNS, zip(*rows, strict=True), strict=True))
    columns["time_utc"] = tuple(start + timedelta(seconds=round(row[0])) for row in rows)
    return _shaped(columns, protocols.RACE_CONTROL_COLUMNS)


def _race_messages(run: WeekendRun, session: str, numbers: list[str]) -> list[tuple[Any, ...]]:
    finish = run.finish(session)
    ends = np.nanmin(np.where(np.isnan(finish.times), np.inf, finish.times), axis=0)
    rows: list[tuple[Any, ...]] = []
    before = CLEAR
    kinds = {SAFETY_CAR: "SAFETY CAR", VIRTUAL: "VIRTUAL SAFETY CAR"}
    last = int(np.isfinite(ends).sum())
    for lap, status in enumerate(finish.run.status[:last]):
        at = FORMATION + float(ends[lap])
        if status in kinds and status != before:
            rows.append((at - 20, lap + 1, "SafetyCar", None, None, None, None, f"{kinds[status]} DEPLOYED"))
        elif before in kinds and status not in kinds:
            rows.append((at - 60, lap + 1, "SafetyCar", None, None, None, None, f"{kinds[before]} ENDING"))
            rows.append((at - 50, lap + 1, "Flag", "CLEAR", "Track", None, None, "TRACK CLEAR"))
        before = status
    for car, outcome in enumerate(finish.outcome):
        lap = int(finish.laps[car])
        if outcome == "DNF" and lap < len(ends) and np.isfinite(ends[lap]):
            at, sector = FORMATION + float(ends[lap]) - 30, 1 + (car + lap) % 3
            words = f"CAR {numbers[car]} STOPPED IN SECTOR {sector}"
            rows.append((at, lap + 1, "CarEvent", "YELLOW", "Sector", sector, numbers[car], words))
    if last:
        at = FORMATION + float(ends[last - 1])
        rows.append((at, last, "Flag", "CHEQUERED", "Track", None, None, "CHEQUERED FLAG"))
    return rows


def _shaped(columns: dict[str, Any], names: list[str], order: Any = None) -> pd.DataFrame:
    """Return arrays as a frame, like `protocols.shaped` in half the time; rows in ``order``."""
    rows = np.arange(len(next(iter(columns.values())))) if order is None else order
    nothing = np.full(len(rows), None, dtype=object)
    arrays = {name: _array(name, np.asarray(columns[name])[rows] if name in columns else nothing) for name in names}
    return pd.DataFrame(arrays, copy=False)


def _array(name: str, values: Any) -> Any:
    kind = protocols.dtype_of(name)
    if name == "time_utc":
        return pd.to_datetime(values, utc=True).as_unit("us")
    if kind == "float64":
        return values.astype(kind)
    return pd.array(values.astype(object) if kind == "string" else values, dtype=kind)
