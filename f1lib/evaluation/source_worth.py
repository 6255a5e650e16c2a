"""What each source of data gives the forecast: one model walked forward with more and more of what is in the lake.

A row of the table is a configuration of what is switched on. It hides groups of features, in history and in the race to
be forecast alike: to the model they are data that never came.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from f1lib.evaluation import backtest
from f1lib.lake.features import columns_by_group
from f1lib.model import train
from f1lib.model.config import ModelConfig
from f1lib.scoring import metrics

TIMING, WEATHER = ("long_run", "race_pace"), ("weather",)


@dataclass(frozen=True)
class Walk:
    """What is walked forward: the arguments of `backtest.walk_forward`."""

    training: pd.DataFrame
    config: ModelConfig
    horizon: str
    first: int
    last: int
    refit_every: int
    threads: int

    def without(self, groups: tuple[str, ...]) -> pd.DataFrame:
        """Return the training dataset with the features of some groups missing.

        Parameters
        ----------
        groups : tuple of str
            Groups of ``features.csv``.

        Returns
        -------
        pandas.DataFrame
            The rows and columns of ``training``.
        """
        named = columns_by_group(train.feature_columns(self.training))
        return self.training.assign(**{c: np.nan for group in groups for c in named.get(group, [])})

    def forecast(self, training: pd.DataFrame) -> pd.DataFrame:
        """Walk forward through a training dataset.

        Parameters
        ----------
        training : pandas.DataFrame
            As `without` returns it.

        Returns
        -------
        pandas.DataFrame
            As of `backtest.walk_forward`.
        """
        asked = (self.config, self.horizon, self.first, self.last, self.refit_every, self.threads)
        return backtest.walk_forward(training, *asked)


# Name of a row -> its training dataset. The first is what the others are compared with.
ROWS: dict[str, Callable[[Walk], pd.DataFrame]] = {
    "F1DB alone": lambda walk: walk.without(TIMING + WEATHER),
    "+ timing": lambda walk: walk.without(WEATHER),
    "+ weather": lambda walk: walk.training,
}


def table(
    training: pd.DataFrame,
    config: ModelConfig,
    horizons: list[str],
    first: int,
    last: int,
    refit_every: int,
    threads: int,
) -> list[dict[str, Any]]:
    """Score every row of `ROWS` at every horizon.

    Parameters
    ----------
    training : pandas.DataFrame
        Gold's training dataset.
    config : ModelConfig
        The model configuration.
    horizons : list of str
        Some of `HORIZONS`.
    first, last : int
        First and last season, inclusive.
    refit_every : int
        Races that share a model.
    threads : int
        Blocks of races computed at once.

    Returns
    -------
    list of dict
        One row a horizon and configuration: ``horizon sources races``, the mean of each metric with its standard error
        (``<metric>_se``), ``changed`` (races whose forecast differs from the first row's) and ``paired`` (metric ->
        mean difference from the first row over these races, and ``<metric>_se``).

    Raises
    ------
    BadParameters
        The seasons have no race.
    RunError
        Too few races were held before the first.
    """
    found = []
    for horizon in horizons:
        walk = Walk(training, config, horizon, first, last, refit_every, threads)
        scored = {name: _scored(forecast) for name, forecast in _forecasts(walk).items()}
        least = next(iter(scored.values()))
        for name, scores in scored.items():
            head = {"horizon": horizon, "sources": name, "races": len(scores)}
            found.append({**head, **_means(scores), **_paired(scores, least)})
    return found


def _forecasts(walk: Walk) -> dict[str, pd.DataFrame]:
    """Walk forward once for each row of which the model reads something else than of the row before."""
    read = train.columns_read(walk.config, train.feature_columns(walk.training))
    found: dict[str, pd.DataFrame] = {}
    before, last = None, pd.DataFrame()
    for name, rows_of in ROWS.items():
        rows = rows_of(walk)
        seen = rows.loc[rows["horizon"] == walk.horizon, [c for c in read if c in rows]]
        if before is None or not seen.equals(before):
            last = walk.forecast(rows)
        before, found[name] = seen, last
    return found


def _scored(forecast: pd.DataFrame) -> pd.DataFrame:
    """Score each race; ``said`` sums up its forecast, to tell whether two are the same."""
    races = forecast.groupby("event_partition_key", sort=False)
    rows = [{"event": event, "said": tuple(race["p_win"]), **metrics.score_race(race)} for event, race in races]
    return pd.DataFrame(rows).set_index("event")


def _paired(scores: pd.DataFrame, least: pd.DataFrame) -> dict[str, Any]:
    changed = scores["said"] != least["said"]
    names = list(metrics.METRICS)
    differences = (scores[names] - least[names])[changed]
    return {"changed": len(differences), "paired": _means(differences)}


def _means(scores: pd.DataFrame) -> dict[str, float]:
    rows: list[Any] = scores.to_dict("records")
    return metrics.summarize(rows)
