"""Ratings of drivers and cars: a Kalman filter that separates the driver from the car.

A performance ``y`` (positive is slow) is modelled as ``driver + team + noise``. Both components follow random walks
from race to race and are estimated by a Kalman filter with a diagonal covariance (Kalman 1960; the split into driver
and constructor follows Eichenberger & Stadelmann 2009, "Who is the best Formula 1 driver?"). A winter adds variance
to cars; after a major change of the regulations a car's variance returns to that of an unknown car and half of its
mean is dropped, so that earlier pace loses its weight until new races are observed.

The filter runs forward only, over rows in the order in which they became visible.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from statistics import NormalDist, median
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

_NORMAL = NormalDist()

Row = dict[Hashable, Any]
Performance = tuple[Row, float]
Race = tuple[Any, list[Performance]]  # available_utc of the result, and the performance of each entrant


@dataclass(frozen=True)
class Walk:
    """Random walk of one component.

    Attributes
    ----------
    start : float
        Initial variance and upper bound, in squared units of ``y``.
    drift, winter, reset : float
        Variance added by each race, each winter and each change of the major regulations, in squared units of ``y``.
    winter_keep, reset_keep : float
        Share of the mean kept over a winter and over a change of the major regulations.
    """

    start: float
    drift: float
    winter: float
    reset: float
    winter_keep: float
    reset_keep: float


class Rating(NamedTuple):  # created twice per entrant and race: a dataclass takes twice as long
    """Mean and variance of one driver or car, as of its last race."""

    mean: float
    variance: float
    season: int
    era: int


# Chosen by one-step-ahead squared error over the seasons 2014-2018; the error is flat around these values.
# `reset_keep` is not tuned, since ten races after resets are too few; 0.5 is the uninformed choice.
NOISE = 0.8
DRIVER = Walk(start=0.05, drift=0.0005, winter=0.0025, reset=0.0025, winter_keep=1.0, reset_keep=1.0)
CAR_QUALIFYING = Walk(start=0.6, drift=0.01, winter=0.25, reset=0.6, winter_keep=0.9, reset_keep=0.5)
CAR_RACE = Walk(start=1.0, drift=0.005, winter=0.25, reset=1.0, winter_keep=0.9, reset_keep=0.5)


class Ratings:
    """Ratings along ``history``, the rows of gold's ``rating_history``.

    The filter's state is kept between calls and continues from there, unless an earlier moment is asked for; the
    answers are the same either way.
    """

    def __init__(self, history: pd.DataFrame) -> None:
        races = _races(history)
        self._kinds = {
            "qualifying": _Filter([(when, _qualifying_y(rows)) for when, rows in races], CAR_QUALIFYING),
            "race": _Filter([(when, _race_y(rows)) for when, rows in races], CAR_RACE),
        }

    def of(self, field: pd.DataFrame) -> pd.DataFrame:
        """Return the ratings of every predicted driver and car at the state of history known at the prediction.

        Parameters
        ----------
        field : pd.DataFrame
            Gold's ``field``: ``rating_utc event_year major_era_year driver_id team_lineage``.

        Returns
        -------
        pd.DataFrame
            One row per ``rating_utc event_year driver_id team_lineage`` of ``field``, sorted by these, with the means
            ``qualifying_driver qualifying_car`` (percent of the pole time) and ``race_driver race_car`` (normal score),
            smaller is faster, and ``qualifying_sd race_sd``, standard deviations of the sums. History later than a
            ``rating_utc`` does not enter its ratings.
        """
        import pandas as pd

        keys = ["rating_utc", "event_year", "major_era_year", "driver_id", "team_lineage"]
        asked = field[keys].dropna(subset="rating_utc").drop_duplicates().sort_values(keys, ignore_index=True)
        out = asked.drop(columns="major_era_year")
        for name, filter_ in self._kinds.items():
            out = out.join(
                pd.DataFrame(filter_.ratings_at(asked), columns=[f"{name}_{n}" for n in ("driver", "car", "sd")])
            )
        return out


def _qualifying_y(rows: list[Row]) -> list[Performance]:
    """Compute the gap to pole in percent minus the field's median, clipped where a lap does not show the pace."""
    timed = [r for r in rows if not math.isnan(r["quali_gap_pct"])]
    middle = median(r["quali_gap_pct"] for r in timed) if timed else 0.0
    return [(r, min(max(r["quali_gap_pct"] - middle, -2.5), 3.5)) for r in timed]


def _race_y(rows: list[Row]) -> list[Performance]:
    """Compute the normal score of the position among the classified; retirements are left out."""
    classified = sorted((r for r in rows if r["is_classified"]), key=itemgetter("finish", "driver_id"))
    n = len(classified)
    return [(r, _NORMAL.inv_cdf((i + 0.5) / n)) for i, r in enumerate(classified)]


def _races(history: pd.DataFrame) -> list[tuple[Any, list[Row]]]:
    """Group the history by race in the order of visibility: ``(available_utc, rows)``."""
    columns = (
        "available_utc event_year event_number major_era_year driver_id team_lineage finish is_classified quali_gap_pct"
    ).split()
    order = ["available_utc", "event_year", "event_number", "driver_id"]
    ordered = history[columns].sort_values(order)
    rows: list[Row] = [
        dict(zip(columns, values, strict=True)) for values in zip(*(ordered[c].tolist() for c in columns), strict=True)
    ]
    return [(moment[0], list(race)) for moment, race in groupby(rows, key=itemgetter(*order[:3]))]


class _Filter:
    """Kalman filter over ``races``, advanced as far as it has been asked."""

    def __init__(self, races: list[Race], car_walk: Walk) -> None:
        self._races, self._car_walk = races, car_walk
        self._reset()

    def _reset(self) -> None:
        self._done = 0
        self._drivers: dict[str, Rating] = {}
        self._cars: dict[str, Rating] = {}

    def ratings_at(self, asked: pd.DataFrame) -> list[tuple[float, float, float]]:
        """Return driver mean, car mean and standard deviation of the sum for each row of ``asked``, sorted by time."""
        answers = []
        rows = asked.to_dict("records")
        if rows and self._done and self._races[self._done - 1][0] > rows[0]["rating_utc"]:
            self._reset()
        for row in rows:
            while self._done < len(self._races) and self._races[self._done][0] <= row["rating_utc"]:
                _update_race(self._races[self._done][1], self._drivers, self._cars, self._car_walk)
                self._done += 1
            season, era = row["event_year"], row["major_era_year"]
            driver = _predicted(self._drivers.get(row["driver_id"]), DRIVER, season, era)
            car = _predicted(self._cars.get(row["team_lineage"]), self._car_walk, season, era)
            answers.append((driver.mean, car.mean, math.sqrt(driver.variance + car.variance)))
        return answers


def _update_race(known: list[Performance], drivers: dict[str, Rating], cars: dict[str, Rating], car_walk: Walk) -> None:
    """Update the ratings by one race, in place: the innovation is divided in proportion to the variances."""
    for row, _ in known:
        season, era = row["event_year"], row["major_era_year"]
        drivers[row["driver_id"]] = _predicted(drivers.get(row["driver_id"]), DRIVER, season, era)
    for team, row in {row["team_lineage"]: row for row, _ in known}.items():
        cars[team] = _predicted(cars.get(team), car_walk, row["event_year"], row["major_era_year"])
    for row, y in known:
        driver, car = drivers[row["driver_id"]], cars[row["team_lineage"]]
        total = driver.variance + car.variance + NOISE
        innovation = y - driver.mean - car.mean
        drivers[row["driver_id"]] = _updated(driver, innovation, total)
        cars[row["team_lineage"]] = _updated(car, innovation, total)


def _predicted(rating: Rating | None, walk: Walk, season: int, era: int) -> Rating:
    """Advance a rating to the next race: add the walk's variance, more over a winter or a change of regulations."""
    if rating is None:
        return Rating(0.0, walk.start, season, era)
    mean, variance = rating.mean, rating.variance + walk.drift
    if era != rating.era:
        mean, variance = mean * walk.reset_keep, variance + walk.reset
    elif season != rating.season:
        mean, variance = mean * walk.winter_keep, variance + walk.winter
    return Rating(mean, min(variance, walk.start), season, era)


def _updated(rating: Rating, innovation: float, total: float) -> Rating:
    gain = rating.variance / total
    return Rating(rating.mean + gain * innovation, rating.variance * (1 - gain), rating.season, rating.era)
