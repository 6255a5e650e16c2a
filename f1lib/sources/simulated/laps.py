"""Laps of a simulated session as a frame: the columns of table ``laps`` without the keys of the session."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from f1lib.lake import tables
from f1lib.sources.simulated.frames import FEED_LEAD, FORMATION, identity
from f1lib.sources.simulated.race import CLEAR, COMPOUNDS, YELLOW
from f1lib.sources.simulated.timed_sessions import IN, OUT
from f1lib.sources.simulated.weekend import WeekendRun

Floats = NDArray[np.floating[Any]]
_NOT_HERE = {"event_partition_key", "event_year", "event_number", "event_name", "session", "available_utc", "source"}
_TYRES = np.array([*COMPOUNDS], dtype=object)


def timed_laps(run: WeekendRun, session: str, numbers: list[str]) -> pd.DataFrame:
    """Return the laps of practice or qualifying.

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
        One row a driver and completed lap, by seat and lap; columns as in FastF1's ``frames.LAP_COLUMNS``, times in
        seconds, speeds in km/h.
    """
    timed = run.timed(session)
    cars, laps = np.nonzero(~np.isnan(timed.seconds))
    kind = timed.kind[cars, laps]
    columns = {
        "lap_number": laps + 1,
        "lap_time_seconds": timed.seconds[cars, laps],
        "tyre_life": timed.age[cars, laps].astype(float),
        "stint": timed.stint[cars, laps],
        "position": None,
        "track_status": CLEAR,
        "is_accurate": (kind != OUT) & (kind != IN),
        "is_deleted": timed.deleted[cars, laps],
        "is_pit_in": kind == IN,
        "is_pit_out": kind == OUT,
        "session_time_seconds": np.round(FEED_LEAD + timed.ends[cars, laps], 3),
    }
    return _frame(run, session, numbers, cars, timed.compound[cars, laps], columns)


def race_laps(run: WeekendRun, session: str, numbers: list[str]) -> pd.DataFrame:
    """Return the laps of a race or sprint; the first lap lacks a sector, as in the real feed.

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
        As of `timed_laps`.
    """
    finish = run.finish(session)
    times, course = finish.times, finish.run
    cars, laps = np.nonzero(~np.isnan(times))
    places = np.argsort(np.argsort(np.where(np.isnan(times), np.inf, times), axis=0), axis=0) + 1
    pit_out = np.roll(course.pit_in, 1, axis=1)
    pit_out[:, 0] = run.grid(session).pit_lane
    status = np.array(course.status, dtype=object)[laps]
    pit_in, came_out = course.pit_in[cars, laps], pit_out[cars, laps]
    columns = {
        "lap_number": laps + 1,
        "lap_time_seconds": np.round(np.diff(times, axis=1, prepend=0.0)[cars, laps], 3),
        "tyre_life": course.age[cars, laps].astype(float),
        "stint": course.stint[cars, laps],
        "position": places[cars, laps],
        "track_status": status,
        "is_accurate": (laps > 0) & ~pit_in & ~came_out & np.isin(status, (CLEAR, YELLOW)),
        "is_deleted": False,
        "is_pit_in": pit_in,
        "is_pit_out": came_out,
        "session_time_seconds": np.round(FEED_LEAD + FORMATION + times[cars, laps], 3),
    }
    return _frame(run, session, numbers, cars, course.compound[cars, laps], columns)


def _frame(
    run: WeekendRun, session: str, numbers: list[str], cars: Any, compound: Any, columns: dict[str, Any]
) -> pd.DataFrame:
    entries = run.entries(session)
    rng = run.world.dice("laps", run.weekend.key, session)
    stint = columns["stint"]
    fresh = rng.random((len(entries), int(stint.max(initial=1)) + 1)) < 0.8
    texts = identity(run, session, numbers).items()
    known = {name: np.array(values, dtype=object)[cars] for name, values in texts}
    known |= {"compound": _TYRES[compound], "fresh_tyre": fresh[cars, stint]}
    values = {**columns, **known, **_sectors(run, cars, columns, rng), **_speeds(run, entries, cars, rng)}
    wanted = [c for c in tables.contract("laps").columns if c.name not in _NOT_HERE]
    return pd.DataFrame({c.name: _array(values[c.name], c.dtype, len(cars)) for c in wanted}, copy=False)


def _array(values: Any, dtype: str, n: int) -> Any:
    everywhere = np.full(n, values, dtype=object) if values is None or isinstance(values, str | bool) else values
    return everywhere if dtype == "float64" else pd.array(everywhere, dtype=dtype)  # type: ignore[arg-type]


def _sectors(run: WeekendRun, cars: Any, columns: dict[str, Any], rng: np.random.Generator) -> dict[str, Floats]:
    """Split laps into three sectors that add up; a car that is fast on the straights gains most in the first."""
    share = run.world.dice("sectors", run.weekend.circuit.circuit_id).dirichlet((60.0, 70.0, 60.0))
    lap = columns["lap_time_seconds"]
    fit = run.world.season(run.weekend.key.season).fit[[e.team for e in run.entries("R")], 0][cars]
    first = np.round(lap * (share[0] + 0.002 * fit + rng.normal(0, 0.0008, len(lap))), 3)
    second = np.round(lap * (share[1] - 0.002 * fit + rng.normal(0, 0.0008, len(lap))), 3)
    third = np.round(lap - first - second, 3)
    started = (columns["lap_number"] == 1) & (columns["session_time_seconds"] > 0) & ~columns["is_pit_out"]
    return {"sector1_seconds": np.where(started, np.nan, first), "sector2_seconds": second, "sector3_seconds": third}


def _speeds(run: WeekendRun, entries: Any, cars: Any, rng: np.random.Generator) -> dict[str, Floats]:
    fit = run.world.season(run.weekend.key.season).fit[[e.team for e in entries], 0][cars]
    top = run.world.dice("speeds", run.weekend.circuit.circuit_id).uniform(0.93, 1.07)
    usual = {"speed_i1_kmh": 265.0, "speed_i2_kmh": 270.0, "speed_fl_kmh": 280.0, "speed_st_kmh": 312.0}
    return {name: np.round(top * base - 12.0 * fit + rng.normal(0, 5.0, len(cars))) for name, base in usual.items()}
