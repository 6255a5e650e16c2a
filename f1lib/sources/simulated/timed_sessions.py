"""Simulate practice and qualifying lap by lap, for all cars at once: runs of out lap, timed laps and in lap."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f1lib.sources.simulated.race import GRIP, HARD, INTERMEDIATE, MEDIUM, SOFT, WEARS, WET, WET_FROM

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

OUT, PUSH, LONG, IN = range(4)
# A run: compound, timed laps, and whether they are driven for the long run.
_RUNS: dict[str, list[tuple[int, int, int]]] = {
    "P1": [(MEDIUM, 3, PUSH), (SOFT, 1, PUSH), (SOFT, 2, PUSH), (HARD, 7, LONG)],
    "P2": [(MEDIUM, 3, PUSH), (SOFT, 1, PUSH), (SOFT, 1, PUSH), (MEDIUM, 11, LONG)],
    "P3": [(MEDIUM, 4, LONG), (SOFT, 1, PUSH), (SOFT, 1, PUSH), (SOFT, 2, PUSH)],
}
# Segments of qualifying: start in minutes, and the earliest start of each attempt in seconds after that.
_SEGMENTS: dict[str, list[tuple[float, list[float]]]] = {
    "Q": [(0.0, [40.0, 600.0]), (25.0, [30.0, 470.0]), (48.0, [10.0, 385.0])],
    "SQ": [(0.0, [60.0]), (19.0, [50.0]), (37.0, [40.0])],
    "SS": [(0.0, [60.0]), (19.0, [50.0]), (37.0, [40.0])],
}
_LATE = 60.0  # seconds within which the cars leave the garage for an attempt


@dataclass(frozen=True)
class TimedSetup:
    """Conditions of a session, one value a car, in percent of a lap.

    ``pace`` of one lap, ``long_pace`` over a run, ``wear`` of tyres.
    """

    session: str
    lap_seconds: float
    pace: Floats
    long_pace: Floats
    wear: Floats
    wetness: float


@dataclass(frozen=True)
class TimedRun:
    """Course of a session; matrices are cars x laps, and ``seconds`` is NaN where no lap was completed.

    ``kind``: OUT, PUSH, LONG or IN; ``ends``: seconds after the session's start; ``segment``: 0 in practice, 1 to 3 in
    qualifying; ``deleted``: lap times that do not count. ``order``: the cars as classified; ``best`` and ``segments``
    (cars x 3): their best times, NaN where there is none; ``struck``: cars disqualified from qualifying, which are
    last.
    """

    seconds: Floats
    ends: Floats
    kind: Ints
    compound: Ints
    age: Ints
    stint: Ints
    segment: Ints
    deleted: Flags
    order: Ints
    best: Floats
    segments: Floats
    struck: Flags


def run_timed(setup: TimedSetup, rng: np.random.Generator) -> TimedRun:
    """Run a practice or qualifying session; the same ``setup`` and random numbers give the same session."""
    template = _template(setup)
    n, laps = len(setup.pace), len(template.kind)
    seconds = np.round(_lap_seconds(setup, template, n, rng), 3)
    is_timed = np.isin(template.kind, (PUSH, LONG))
    deleted = (rng.random((n, laps)) < 0.025) & (template.kind == PUSH)
    late = rng.uniform(0, _LATE, (n, laps))
    seconds = np.where(_parked(template, n, rng), np.nan, seconds)
    lot = 1e9 + rng.random(n)
    if setup.session in _SEGMENTS:
        struck = rng.random(n) < 0.002
        return _qualified(_run(seconds, template, late, deleted), is_timed, lot, struck)
    best = _best(np.where(is_timed & ~deleted, seconds, np.nan))
    order = np.argsort(np.where(np.isnan(best), lot, best))
    return replace(_run(seconds, template, late, deleted), best=best, order=order)


def eliminated(cars: int) -> int:
    """Return the cars out after each of the first two segments: five of twenty, six of twenty-two."""
    return (cars - 10) // 2


def _template(setup: TimedSetup) -> Any:
    """Return the plan of laps that all cars share, one row a lap."""
    rows: list[tuple[int, int, int, int, int, float]] = []
    for stint, (segment, begins, compound, timed, kind) in enumerate(_planned(setup.session), start=1):
        tyre = compound if setup.wetness <= 0 else WET if setup.wetness > WET_FROM else INTERMEDIATE
        for age, lap_kind in enumerate([OUT] + [kind] * timed + [IN], start=1):
            rows.append((lap_kind, tyre, age, stint, segment, begins if lap_kind == OUT else -1.0))
    return np.rec.fromrecords(rows, formats="i8,i8,i8,i8,i8,f8", names="kind,compound,age,stint,segment,not_before")


def _planned(session: str) -> list[tuple[int, float, int, int, int]]:
    """Return runs as (segment, earliest start in seconds, compound, timed laps, kind of lap)."""
    if session in _SEGMENTS:
        tyres = {"Q": (SOFT, SOFT, SOFT)}.get(session, (MEDIUM, MEDIUM, SOFT))
        return [
            (number, 60 * minute + begins, tyres[number - 1], 1, PUSH)
            for number, (minute, attempts) in enumerate(_SEGMENTS[session], start=1)
            for begins in attempts
        ]
    starts = np.linspace(60, 2300, len(_RUNS[session]))
    return [(0, float(at), *run) for at, run in zip(starts, _RUNS[session], strict=True)]


def _lap_seconds(setup: TimedSetup, template: Any, n: int, rng: np.random.Generator) -> Floats:
    laps = len(template.kind)
    is_qualifying = setup.session in _SEGMENTS
    sd = (0.2 if is_qualifying else 0.3) * (2.0 if setup.wetness > 0 else 1.0)
    pace = np.where(template.kind[None, :] == LONG, setup.long_pace[:, None], setup.pace[:, None])
    carried = np.select([template.kind == PUSH, template.kind == LONG], [0.0 if is_qualifying else 0.4, 2.2], 0.5)
    wear = WEARS[template.compound] * (template.age - 2) * setup.wear[:, None]
    rubber = -0.5 * np.arange(laps) / laps
    water = 0.0 if setup.wetness <= 0 else 5.0 + 4.0 * setup.wetness
    slower = np.select([template.kind == OUT, template.kind == IN], [24.0, 28.0], 0.0)
    slower = slower * (1 + 0.2 * rng.random((n, laps)))
    errors = rng.normal(0, sd, (n, laps)) + np.where(rng.random((n, laps)) < 0.04, rng.uniform(0.3, 3, (n, laps)), 0.0)
    percent = pace + GRIP[template.compound] + wear + carried + rubber + water + slower + errors
    return np.asarray(setup.lap_seconds * (1 + percent / 100), dtype=np.float64)


def _parked(template: Any, n: int, rng: np.random.Generator) -> Flags:
    """Draw the laps that are never driven: a car breaks down, or misses the last run of practice."""
    laps = len(template.kind)
    stops = np.where(rng.random(n) < 0.035, rng.integers(1, laps, n), laps)
    if template.segment[0] == 0:
        last_run = int(np.argmax(template.stint == template.stint.max()))
        stops = np.where(rng.random(n) < 0.1, np.minimum(stops, last_run), stops)
    return np.asarray(np.arange(laps)[None, :] >= stops[:, None], dtype=np.bool_)


def _run(seconds: Floats, template: Any, late: Floats, deleted: Flags) -> TimedRun:
    """Add times of day: an attempt begins in its window, or when the lap before is done."""
    n, laps = seconds.shape
    ends = np.empty((n, laps))
    now = np.zeros(n)
    for lap in range(laps):
        if template.not_before[lap] >= 0:
            now = np.maximum(now, template.not_before[lap] + late[:, lap])
        now = now + np.nan_to_num(seconds[:, lap])
        ends[:, lap] = now
    names = ("kind", "compound", "age", "stint", "segment")
    wide = {name: np.broadcast_to(template[name], (n, laps)) for name in names}
    unranked = {"order": np.arange(n), "struck": np.zeros(n, dtype=bool)}
    untimed = {"best": np.full(n, np.nan), "segments": np.full((n, 3), np.nan)}
    return TimedRun(seconds, ends, deleted=deleted, **wide, **unranked, **untimed)


def _qualified(run: TimedRun, is_timed: Flags, lot: Floats, struck: Flags) -> TimedRun:
    """Eliminate the slowest after each segment: their later laps were never driven.

    ``lot`` orders those without a time, and is slower than any.
    """
    n = len(run.seconds)
    seconds, segments = run.seconds.copy(), np.full((n, 3), np.nan)
    still_in = np.arange(n)
    order: list[int] = []
    for number in (1, 2, 3):
        counts = is_timed & (run.segment[0] == number)
        times = np.where(counts & ~run.deleted, seconds, np.nan)
        segments[still_in, number - 1] = _best(times)[still_in]
        reached = segments[still_in, number - 1]
        ranked = still_in[np.argsort(np.where(np.isnan(reached), lot[still_in], reached))]
        out = eliminated(n) if number < 3 else len(ranked)
        order = [int(i) for i in ranked[len(ranked) - out :]] + order
        still_in = np.sort(ranked[: len(ranked) - out])
        gone = np.setdiff1d(np.arange(n), still_in)
        seconds[np.ix_(gone, np.flatnonzero(run.segment[0] > number))] = np.nan
    order = [i for i in order if not struck[i]] + [i for i in order if struck[i]]
    changed = {"seconds": seconds, "segments": segments, "best": _best(segments)}
    return replace(run, **changed, order=np.array(order), struck=struck)


def _best(times: Floats) -> Floats:
    """Return the smallest time of each row, NaN where there is none."""
    smallest = np.min(np.where(np.isnan(times), np.inf, times), axis=1)
    return np.where(np.isinf(smallest), np.nan, smallest)
