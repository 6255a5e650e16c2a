"""Simulation of the rest of a season from forecasts of its races.

Each remaining race or sprint is the latent race of `f1lib.scoring.positions`: a driver who finishes has a latent
Normal(mu, sigma), one who retires is behind every finisher. Over a season the latents of a driver are not
independent. A forecast's error has a part that stays, because today's strength is not known exactly, and strength
itself drifts from race to race; both have a share of the car, common to team-mates, and one of the driver
(`Form`). What stays is taken out of the race's own noise, so that the next race alone is distributed as forecast.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from f1lib.domain.points import FASTEST_LAP_PLACES
from f1lib.errors import BadParameters
from f1lib.scoring.standings import gains, key_of_points

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Keys = NDArray[np.int64]
    Singles = NDArray[np.float32]

# Fastest laps of the 177 races of 2010-2018 by the place of the driver who set them; the last: outside the first ten.
FASTEST_LAPS = (50, 36, 18, 29, 10, 6, 7, 0, 4, 2, 15)
_LEAST_NOISE = 0.1  # of sigma: the share of a race's variance that no persistent error takes
_RETIRED = np.float32(1e3)  # behind every finisher
_SMALLEST = np.finfo(np.float32).tiny


@dataclass(frozen=True)
class Form:
    """Variances of latent strength, in squared units of the latent race.

    ``car`` and ``driver`` are the error of today's strength, ``car_step`` and ``driver_step`` what strength drifts by
    from one race weekend to the next.

    Notes
    -----
    Measured on 2011-2013, the seasons before those that are scored, by `f1lib.evaluation.form_drift`:
    docs/models.md has the standard errors and what later seasons gave.
    """

    car: float = 0.0270
    driver: float = 0.0128
    car_step: float = 0.0037
    driver_step: float = 0.0011


@dataclass(frozen=True)
class Outing:
    """One remaining race or sprint: when it is run, its forecast and what it counts.

    ``weekend`` is 0 for the next race weekend, then 1, 2 ...; ``mu``, ``sigma`` and ``p_dnf`` have one number a driver
    as in `f1lib.scoring.positions.position_matrix`; ``points`` is the scale of its places. ``weathers`` are the chance
    of each weather, its factor on sigma and its factor on the hazard.
    """

    weekend: int
    mu: Floats
    sigma: Floats
    p_dnf: Floats
    points: tuple[int, ...]
    is_race: bool = True
    has_fastest_lap: bool = False
    weathers: tuple[tuple[float, float, float], ...] = ((1.0, 1.0, 1.0),)


def simulate(
    outings: Sequence[Outing], teams: Sequence[str], seasons: int, seed: int, form: Form | None = None
) -> Keys:
    """Simulate the remaining races and sprints of a season.

    Parameters
    ----------
    outings : sequence of Outing
        In the order in which they are run, all with the same drivers.
    teams : sequence of str
        The team of each driver; drivers of one team share the car.
    seasons : int
        Number of simulated seasons.
    seed : int
        Seed of the random numbers; equal arguments give equal seasons.
    form : Form, optional
        How strength is uncertain and drifts.

    Returns
    -------
    NDArray[np.int64]
        [season, driver]: what each driver gains, as keys of `f1lib.scoring.standings`.

    Raises
    ------
    BadParameters
        ``seasons`` is below 1, or an outing has another number of drivers than ``teams``.
    """
    if seasons < 1 or any(len(o.mu) != len(teams) for o in outings):
        raise BadParameters(f"{seasons} seasons of {[len(o.mu) for o in outings]} drivers: {len(teams)} have a team")
    form, cars = form or Form(), np.unique(list(teams), return_inverse=True)[1]
    rng, drivers = np.random.default_rng(seed), len(teams)
    gained = np.zeros((seasons, drivers), dtype="int64")
    car = _normal(rng, (seasons, int(cars.max(initial=0)) + 1), form.car)
    driver, weekend, rows = _normal(rng, (seasons, drivers), form.driver), 0, np.arange(seasons)[:, None]
    for outing in outings:
        if steps := outing.weekend - weekend:
            car += _normal(rng, car.shape, steps * form.car_step)
            driver += _normal(rng, driver.shape, steps * form.driver_step)
            weekend = outing.weekend
        order = _run(rng, outing, car[:, cars] + driver, form.car + form.driver)
        scale = np.trim_zeros(gains(outing.points, drivers, is_race=outing.is_race), "b")
        gained.ravel()[order[:, : len(scale)] + drivers * rows] += scale
        if outing.has_fastest_lap:
            place = rng.choice(len(FASTEST_LAPS), size=seasons, p=np.divide(FASTEST_LAPS, sum(FASTEST_LAPS)))
            scored = np.flatnonzero(place < min(FASTEST_LAP_PLACES, drivers))
            gained[scored, order[scored, place[scored]]] += key_of_points(1)
    return gained


def _normal(rng: np.random.Generator, shape: tuple[int, ...], variance: float) -> Singles:
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(variance**0.5)


def _run(rng: np.random.Generator, outing: Outing, strength: Singles, persistent: float) -> NDArray[np.int64]:
    """Return the drivers of each season in the order of one race, ``strength`` being added to their forecast."""
    width, danger = _weather(rng, outing, len(strength))
    variance = (outing.sigma * width) ** 2
    noise = np.sqrt(np.maximum(variance - persistent, _LEAST_NOISE * variance)).astype("float32")
    latent = strength + rng.standard_normal(strength.shape, dtype=np.float32) * noise + outing.mu.astype("float32")
    luck, hazard = rng.random(strength.shape, dtype=np.float32), (outing.p_dnf * danger).astype("float32")
    behind = _RETIRED + luck / np.maximum(hazard, _SMALLEST)
    return np.argsort(np.where(luck < hazard, behind, latent), axis=1)


def _weather(rng: np.random.Generator, outing: Outing, seasons: int) -> tuple[Floats, Floats]:
    """Draw the weather of each season's race: its factors on sigma and on the hazard, [season, 1], or one for all."""
    chances, widths, dangers = np.array(outing.weathers).T
    drawn = rng.choice(len(chances), size=seasons, p=chances) if len(chances) > 1 else np.zeros(1, dtype="int64")
    return widths[drawn, None], dangers[drawn, None]


def team_gains(gained: Keys, teams: Sequence[str], order: Sequence[str]) -> Keys:
    """Add up the gains of drivers by team.

    Parameters
    ----------
    gained : NDArray[np.int64]
        [season, driver], as `simulate` returns it.
    teams : sequence of str
        The team of each driver.
    order : sequence of str
        The teams of the result, in order; one that has no driver gains nothing.

    Returns
    -------
    NDArray[np.int64]
        [season, team].
    """
    found = np.zeros((len(gained), len(order)), dtype="int64")
    for driver, team in enumerate(teams):
        found[:, list(order).index(team)] += gained[:, driver]
    return found


def title_chances(final: Keys) -> Floats:
    """Return how often each column of ``final``, [season, contender], has the greatest key of its season."""
    return np.bincount(final.argmax(axis=1), minlength=final.shape[1]) / len(final)


def best_gains(outings: Sequence[Outing], cars: int) -> Keys:
    """Return the most that a contender can gain in each outing.

    Parameters
    ----------
    outings : sequence of Outing
        Remaining races and sprints.
    cars : int
        1 for a driver, 2 for a team, whose cars come first and second.

    Returns
    -------
    NDArray[np.int64]
        One key an outing.
    """
    best = [
        gains(o.points, max(cars, len(o.points)), is_race=o.is_race)[:cars].sum()
        + key_of_points(float(o.has_fastest_lap))
        for o in outings
    ]
    return np.asarray(best, dtype="int64")
