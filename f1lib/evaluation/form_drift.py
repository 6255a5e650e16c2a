"""How far strength is from what a forecast before a weekend says, and how far it drifts over the races after.

After each race of a season the model's forecast of the next race is held against all races that follow. The error of a
driver in one race is the normal score of his place among the classified minus the forecast. The race's own luck is in
one race only; what two races p < q share, the mean product of their errors, is the error of the strength itself,

    E[error(p) error(q)] = now + step (p - 1),

p = 1 being the next race. Of one driver it is the whole, of two team-mates the car's part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from f1lib.model.fit import finish_score
from f1lib.scoring import metrics

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NAMES = ("car", "driver", "car_step", "driver_step")


def form_drift(latents: pd.DataFrame) -> pd.DataFrame:
    """Measure the variances of `f1lib.scoring.seasons.Form`, season by season.

    Parameters
    ----------
    latents : pandas.DataFrame
        Forecasts of races with their outcome (`f1lib.evaluation.titles.latents`).

    Returns
    -------
    pandas.DataFrame
        One row per season (index): ``car driver car_step driver_step``, in squared units of the latent race.
    """
    rows = latents.assign(score=finish_score(latents))
    return pd.DataFrame({season: _of_season(own) for season, own in rows.groupby("event_year")}, index=list(NAMES)).T


def summary(drift: pd.DataFrame) -> dict[str, Any]:
    """Average the seasons.

    Parameters
    ----------
    drift : pandas.DataFrame
        `form_drift`.

    Returns
    -------
    dict
        ``seasons``, and of each variance its mean and, under ``<name>_se``, its standard error over seasons.
    """
    found: dict[str, Any] = {"seasons": [int(season) for season in drift.index]}
    for name in NAMES:
        found[name], found[f"{name}_se"] = metrics.mean_and_error(drift[name])
    return found


def _of_season(rows: pd.DataFrame) -> Floats:
    """Fit now and step to the products of errors of one season, of drivers and of team-mates."""
    races = [race.set_index("driver_id") for _, race in rows.groupby("event_number", sort=True)]
    lags, own, mates = [], [], []
    for after, forecast in enumerate(races):
        errors = np.column_stack([_errors(forecast, race) for race in races[after:]])
        teams = pd.factorize(forecast["team_lineage"])[0]
        for lag, products in enumerate(zip(*_products(errors, teams), strict=True)):
            lags.append(lag)
            own.append(products[0])
            mates.append(products[1])
    whole, car = _line(lags, own), _line(lags, mates)
    return np.array([car[0], whole[0] - car[0], car[1], whole[1] - car[1]])


def _errors(forecast: pd.DataFrame, race: pd.DataFrame) -> Floats:
    """Return the errors of a forecast in one race; NaN for who was not classified there or drove another car."""
    raced = race.reindex(forecast.index)
    same = raced["team_lineage"] == forecast["team_lineage"]
    return np.asarray((raced["score"] - forecast["mu"]).where(same), dtype="float64")


def _products(errors: Floats, teams: NDArray[np.int64]) -> tuple[list[float], list[float]]:
    """Return for each race the mean product of errors with those of later races: of the driver, of his team-mates."""
    known = (~np.isnan(errors)).astype("float64")
    values = np.nan_to_num(errors)
    member = (teams[:, None] == np.unique(teams)).astype("float64")
    later = np.triu(np.ones((errors.shape[1],) * 2), 1).astype(bool)

    def pairs(of: Floats) -> tuple[Floats, Floats]:
        drivers, cars = of.T @ of, (member.T @ of).T @ (member.T @ of)
        return drivers, cars - drivers

    found: list[list[float]] = []
    for product, count in zip(pairs(values), pairs(known), strict=True):
        totals, pairs_of = (np.where(later, m, 0.0).sum(axis=1) for m in (product, count))
        found.append(np.divide(totals, pairs_of, out=np.full(len(totals), np.nan), where=pairs_of > 0).tolist())
    return found[0], found[1]


def _line(lags: list[int], values: list[float]) -> Floats:
    """Fit a line to ``values`` over ``lags`` by least squares, without those that are not known."""
    x, y = np.array(lags, dtype="float64"), np.array(values)
    step, now = np.polyfit(x[~np.isnan(y)], y[~np.isnan(y)], 1)
    return np.array([now, step])
