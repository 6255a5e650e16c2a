"""Learn what rain does to a race, and how often a forecast of rain comes true (`f1lib.scoring.rain`).

Sizes are measured on past races known to have been wet or dry, each with its standard error by the jackknife over
races, and shrunk to no effect by ``prior_races``. The order of the drivers is left alone: no skill in the wet was found
(docs/models.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from f1lib.model.config import Rain
from f1lib.model.serving import FORECAST
from f1lib.scoring.rain import log_odds

Floats = NDArray[np.float64]

WET = "is_wet"  # gold's label
# Forecasts of the races that stand for a forecast that is right, in equal shares.
_PRIOR_CHANCES = np.array([0.1, 0.3, 0.5, 0.7, 0.9])


def learn(rows: pd.DataFrame, score: Floats, p_dnf: Floats, finish: Floats, settings: Rain) -> dict[str, Any]:
    """Measure width and hazard in the wet, and calibrate the forecast.

    Parameters
    ----------
    rows : pd.DataFrame
        Labelled rows of one horizon: ``event_partition_key is_dnf`` and the columns `WET` and `FORECAST`.
    score, p_dnf : NDArray[np.float64]
        The model's score and hazard of each row.
    finish : NDArray[np.float64]
        Normal score of the place of each row, NaN for drivers who were not classified.
    settings : Rain
        Least number of wet races, and the shrinkage.

    Returns
    -------
    dict[str, Any]
        ``wet_races dry_races fewest_wet_races learned``; where ``learned``, also the fields of
        `f1lib.scoring.rain.Rain`, of ``width`` and ``hazard`` the ``measured_`` value before shrinkage and ``_log_se``,
        the standard error of its logarithm, and ``forecasts``, of the races with a forecast their number, the mean
        chance ``said``, the share ``wet`` and its standard error ``se`` if the chances were right.
    """
    races = _races(rows, score, p_dnf, finish)
    wet, dry = (races[races[WET] == value] for value in (1, 0))
    counts = {"wet_races": len(wet), "dry_races": len(dry), "fewest_wet_races": settings.fewest_wet_races}
    if len(wet) < settings.fewest_wet_races or len(dry) < settings.fewest_wet_races:
        return {**counts, "learned": False}
    kept = len(wet) / (len(wet) + settings.prior_races)
    found: dict[str, Any] = {**counts, "learned": True, "wet_share": len(wet) / (len(wet) + len(dry))}
    for name, measure in (("width", _log_noise), ("hazard", _log_hazard)):
        size, error = _contrast(measure, wet, dry)
        found |= {name: float(np.exp(kept * size)), f"measured_{name}": float(np.exp(size)), f"{name}_log_se": error}
    return found | _calibrated(races, settings.forecast_races)


def _races(rows: pd.DataFrame, score: Floats, p_dnf: Floats, finish: Floats) -> pd.DataFrame:
    """Sum up each race: squares and products of score and outcome about the race's means, and retirements."""
    race, names = pd.factorize(rows["event_partition_key"])
    used = ~(np.isnan(score) | np.isnan(finish))
    of = race[used]

    def total(values: Floats) -> Floats:
        return np.asarray(np.bincount(of, values, len(names)), dtype="float64")

    n = total(np.ones(len(of)))
    x, y = (column[used] - (total(column[used]) / np.maximum(n, 1))[of] for column in (score, finish))
    out = rows["is_dnf"].to_numpy("float64")
    sums = {"out": np.bincount(race, out), "expected": np.bincount(race, p_dnf), "n": n}
    sums |= {"xx": total(x * x), "xy": total(x * y), "yy": total(y * y)}
    return rows[[WET, FORECAST]].groupby(race).first().assign(**sums)


def _log_noise(sums: Mapping[str, Any]) -> Any:
    """Log of the variance of the latent in units of the score: that of the residuals over the squared slope."""
    slope = sums["xy"] / sums["xx"]
    return np.log((sums["yy"] - slope * sums["xy"]) / sums["n"] / slope**2)


def _log_hazard(sums: Mapping[str, Any]) -> Any:
    """Log of retirements over expected ones; half a retirement is added to both, so that none has a logarithm."""
    return np.log((sums["out"] + 0.5) / (sums["expected"] + 0.5))


def _contrast(measure: Any, wet: pd.DataFrame, dry: pd.DataFrame) -> tuple[float, float]:
    """Return the difference of a measure, wet less dry, and its standard error by the jackknife over races."""
    means, variances = [], []
    for races in (wet, dry):
        columns = {name: races[name].to_numpy() for name in ("xx", "xy", "yy", "n", "out", "expected")}
        whole = {name: column.sum() for name, column in columns.items()}
        without = measure({name: whole[name] - column for name, column in columns.items()})
        means.append(float(measure(whole)))
        variances.append((len(races) - 1) * float(without.var()))
    return means[0] - means[1], sum(variances) ** 0.5


def _calibrated(races: pd.DataFrame, prior_races: float) -> dict[str, Any]:
    """Regress wet races on the forecast's log-odds; ``prior_races`` stand for a forecast that is right."""
    known = races[races[FORECAST].notna() & races[WET].notna()]
    said, wet = known[FORECAST].to_numpy("float64") / 100, known[WET].to_numpy("float64")
    prior = np.full(len(_PRIOR_CHANCES), prior_races / len(_PRIOR_CHANCES))
    chances, weight = np.concatenate([said, _PRIOR_CHANCES]), np.concatenate([np.ones(len(said)), prior])
    share = np.concatenate([wet, _PRIOR_CHANCES])
    both = np.repeat([1.0, 0.0], len(chances))
    fitted = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10).fit(
        np.tile(log_odds(chances), 2)[:, None], both, np.concatenate([weight * share, weight * (1 - share)])
    )
    forecasts: dict[str, Any] = {"races": len(said)}
    if len(said):
        error = float((said * (1 - said)).sum() ** 0.5 / len(said))
        forecasts |= {"said": float(said.mean()), "wet": float(wet.mean()), "se": error}
    return {"intercept": float(fitted.intercept_[0]), "slope": float(fitted.coef_[0, 0]), "forecasts": forecasts}
