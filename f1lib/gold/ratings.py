"""Ratings: one number for the driver and one for the car, told apart by who beat whom in which car.

A performance ``y`` (positive is slow) is taken as ``driver + team + noise``. Both parts drift from race to race as
random walks and are followed by a Kalman filter with a diagonal covariance (Kalman 1960; the split into driver and
constructor is that of Eichenberger & Stadelmann 2009, "Who is the best Formula 1 driver?"). A winter makes cars less
certain; after a major change of the regulations a car is as uncertain as an unknown one and half of what was
thought of it is dropped. So old pace fades until new races earn it back.

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
Race = tuple[Any, list[Performance]]  # when it became visible, and who did how well in it


@dataclass(frozen=True)
class Walk:
    """How one part moves: the variance it begins with and at most has, what each race, winter and change of the
    major regulations adds (squared units of ``y``), and the share of its mean that survives the latter two.
    """

    start: float
    drift: float
    winter: float
    reset: float
    winter_keep: float
    reset_keep: float


class Rating(NamedTuple):  # two are made for each entrant of each race: a dataclass takes twice as long
    """Mean and variance of one driver or car, as of its last race."""

    mean: float
    variance: float
    season: int
    era: int


# Chosen on one-step-ahead squared errors of the seasons 2014-2018; flat around these values. `reset_keep` was not
# chosen: ten races after resets say too little, and a half says "we do not know".
NOISE = 0.8
DRIVER = Walk(start=0.05, drift=0.0005, winter=0.0025, reset=0.0025, winter_keep=1.0, reset_keep=1.0)
CAR_QUALIFYING = Walk(start=0.6, drift=0.01, winter=0.25, reset=0.6, winter_keep=0.9, reset_keep=0.5)
CAR_RACE = Walk(start=1.0, drift=0.005, winter=0.25, reset=1.0, winter_keep=0.9, reset_keep=0.5)


class Ratings:
    """What is thought of drivers and cars along ``history``, gold's ``rating_history``.

    A question goes on where the one before ended, so long as it is about no earlier moment; the answers are the same.
    """

    def __init__(self, history: pd.DataFrame) -> None:
        races = _races(history)
        self._kinds = {
            "qualifying": _Follower([(when, _qualifying_y(rows)) for when, rows in races], CAR_QUALIFYING),
            "race": _Follower([(when, _race_y(rows)) for when, rows in races], CAR_RACE),
        }

    def of(self, field: pd.DataFrame) -> pd.DataFrame:
        """What is thought of every predicted driver and car at the state of history the prediction knows.

        ``field`` is gold's. Returns one row per ``rating_utc event_year driver_id team_lineage`` of it with
        ``qualifying_driver qualifying_car race_driver race_car`` (means) and ``qualifying_sd race_sd`` (of the sum).
        Rows of the history later than a ``rating_utc`` never reach its ratings.
        """
        import pandas as pd

        keys = ["rating_utc", "event_year", "major_era_year", "driver_id", "team_lineage"]
        asked = field[keys].dropna(subset="rating_utc").drop_duplicates().sort_values(keys, ignore_index=True)
        out = asked.drop(columns="major_era_year")
        for name, follower in self._kinds.items():
            out = out.join(
                pd.DataFrame(follower.follow(asked), columns=[f"{name}_{n}" for n in ("driver", "car", "sd")])
            )
        return out


def _qualifying_y(rows: list[Row]) -> list[Performance]:
    """Gap to pole in percent minus that of the middle of the field, cut where a lap says nothing about pace."""
    timed = [r for r in rows if not math.isnan(r["quali_gap_pct"])]
    middle = median(r["quali_gap_pct"] for r in timed) if timed else 0.0
    return [(r, min(max(r["quali_gap_pct"] - middle, -2.5), 3.5)) for r in timed]


def _race_y(rows: list[Row]) -> list[Performance]:
    """Normal score of the place among the classified; a retirement says nothing about pace."""
    classified = sorted((r for r in rows if r["is_classified"]), key=itemgetter("finish", "driver_id"))
    n = len(classified)
    return [(r, _NORMAL.inv_cdf((i + 0.5) / n)) for i, r in enumerate(classified)]


def _races(history: pd.DataFrame) -> list[tuple[Any, list[Row]]]:
    """Per race, as it became visible: ``(available_utc, rows)``."""
    columns = (
        "available_utc event_year event_number major_era_year driver_id team_lineage finish is_classified quali_gap_pct"
    ).split()
    order = ["available_utc", "event_year", "event_number", "driver_id"]
    ordered = history[columns].sort_values(order)
    rows: list[Row] = [
        dict(zip(columns, values, strict=True)) for values in zip(*(ordered[c].tolist() for c in columns), strict=True)
    ]
    return [(moment[0], list(race)) for moment, race in groupby(rows, key=itemgetter(*order[:3]))]


class _Follower:
    """One filter over ``races``, as far as it has been asked."""

    def __init__(self, races: list[Race], car_walk: Walk) -> None:
        self._races, self._car_walk = races, car_walk
        self._begin()

    def _begin(self) -> None:
        self._done = 0
        self._drivers: dict[str, Rating] = {}
        self._cars: dict[str, Rating] = {}

    def follow(self, asked: pd.DataFrame) -> list[tuple[float, float, float]]:
        """Driver's and car's mean and the deviation of their sum, for each row of ``asked`` (sorted by time)."""
        answers = []
        rows = asked.to_dict("records")
        if rows and self._done and self._races[self._done - 1][0] > rows[0]["rating_utc"]:
            self._begin()
        for row in rows:
            while self._done < len(self._races) and self._races[self._done][0] <= row["rating_utc"]:
                _learn(self._races[self._done][1], self._drivers, self._cars, self._car_walk)
                self._done += 1
            season, era = row["event_year"], row["major_era_year"]
            driver = _moved(self._drivers.get(row["driver_id"]), DRIVER, season, era)
            car = _moved(self._cars.get(row["team_lineage"]), self._car_walk, season, era)
            answers.append((driver.mean, car.mean, math.sqrt(driver.variance + car.variance)))
        return answers


def _learn(known: list[Performance], drivers: dict[str, Rating], cars: dict[str, Rating], car_walk: Walk) -> None:
    """Take one race into the ratings, in place: the surprise is shared out by how uncertain each part was."""
    for row, _ in known:
        season, era = row["event_year"], row["major_era_year"]
        drivers[row["driver_id"]] = _moved(drivers.get(row["driver_id"]), DRIVER, season, era)
    for team, row in {row["team_lineage"]: row for row, _ in known}.items():
        cars[team] = _moved(cars.get(team), car_walk, row["event_year"], row["major_era_year"])
    for row, y in known:
        driver, car = drivers[row["driver_id"]], cars[row["team_lineage"]]
        total = driver.variance + car.variance + NOISE
        surprise = y - driver.mean - car.mean
        drivers[row["driver_id"]] = _updated(driver, surprise, total)
        cars[row["team_lineage"]] = _updated(car, surprise, total)


def _moved(rating: Rating | None, walk: Walk, season: int, era: int) -> Rating:
    """The rating one race on: a little less certain, more so over a winter or a change of regulations."""
    if rating is None:
        return Rating(0.0, walk.start, season, era)
    mean, variance = rating.mean, rating.variance + walk.drift
    if era != rating.era:
        mean, variance = mean * walk.reset_keep, variance + walk.reset
    elif season != rating.season:
        mean, variance = mean * walk.winter_keep, variance + walk.winter
    return Rating(mean, min(variance, walk.start), season, era)


def _updated(rating: Rating, surprise: float, total: float) -> Rating:
    gain = rating.variance / total
    return Rating(rating.mean + gain * surprise, rating.variance * (1 - gain), rating.season, rating.era)
