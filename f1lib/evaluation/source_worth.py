"""What each source of data gives the forecast: one model walked forward with more and more of what is in the lake.

A row of the table is a configuration of what is switched on: the groups of features that are hidden, in history and in
the race to be forecast alike, as if their data had never come. The last row adds every grid penalty as it turned out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from f1lib.evaluation import backtest, provisional_grid
from f1lib.lake.features import columns_by_group
from f1lib.model import fit, train
from f1lib.model.config import ModelConfig
from f1lib.scoring import metrics

TIMING, WEATHER = ("long_run", "race_pace"), ("weather",)
# Name of a row -> the groups of features.csv that it hides. The first is what the others are compared with.
HIDDEN: dict[str, tuple[str, ...]] = {"F1DB alone": TIMING + WEATHER, "+ timing": WEATHER, "+ weather": ()}
PENALTIES = "+ penalties"


@dataclass(frozen=True)
class Walk:
    """What is walked forward: the arguments of `backtest.walk_forward`, and the grid penalties where they are known."""

    training: pd.DataFrame
    config: ModelConfig
    horizon: str
    first: int
    last: int
    refit_every: int
    threads: int
    penalties: pd.DataFrame | None = None

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


def table(
    training: pd.DataFrame,
    config: ModelConfig,
    horizons: list[str],
    first: int,
    last: int,
    refit_every: int,
    threads: int,
    penalties: pd.DataFrame | None = None,
) -> list[dict[str, Any]]:
    """Score every row of `HIDDEN`, and the one with penalties, at every horizon.

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
    penalties : pandas.DataFrame, optional
        ``event_partition_key driver_id penalty``, a row a penalty of a race; not given: the row is left out.

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
        walk = Walk(training, config, horizon, first, last, refit_every, threads, penalties)
        scored = {name: _scored(forecast) for name, forecast in _forecasts(walk).items()}
        least = next(iter(scored.values()))
        for name, scores in scored.items():
            head = {"horizon": horizon, "sources": name, "races": len(scores)}
            found.append({**head, **_means(scores), **_paired(scores, least)})
    return found


def _forecasts(walk: Walk) -> dict[str, pd.DataFrame]:
    """Walk forward once for each row of which the model reads something else than of the row before."""
    available = train.feature_columns(walk.training)
    found: dict[str, pd.DataFrame] = {}
    before, last = None, pd.DataFrame()
    for name, hidden in HIDDEN.items():
        rows = walk.without(hidden)
        used = fit.fit(fit.labelled(rows, walk.horizon), walk.config, available).raw
        unused = set(walk.config.raw_columns(available)) - set(used)  # here; the chance of rain is read beside these
        read = [c for c in train.columns_read(walk.config, available) if c not in unused]
        seen = rows.loc[rows["horizon"] == walk.horizon, read]
        if before is None or not seen.equals(before):
            last = walk.forecast(rows)
        before, found[name] = seen, last
    if walk.penalties is not None:
        found[PENALTIES] = _with_penalties(walk, walk.penalties, last) if walk.horizon == "post_qualifying" else last
    return found


def _with_penalties(walk: Walk, penalties: pd.DataFrame, otherwise: pd.DataFrame) -> pd.DataFrame:
    """Forecast the penalised races from their provisional grids (`f1lib.evaluation.provisional_grid`)."""
    known = penalties[penalties["event_partition_key"].isin(otherwise["event_partition_key"])]
    races = provisional_grid.provisional_races(walk.training, known)
    return provisional_grid.with_penalties(walk.training, walk.config, races, otherwise, walk.threads)


def _scored(forecast: pd.DataFrame) -> pd.DataFrame:
    """Score each race; ``said`` sums up its forecast, to tell whether two are the same."""
    races = forecast.groupby("event_partition_key", sort=False)
    rows = [{"event": event, "said": tuple(race["p_win"]), **metrics.score_race(race)} for event, race in races]
    return pd.DataFrame(rows).set_index("event").sort_index()


def _paired(scores: pd.DataFrame, least: pd.DataFrame) -> dict[str, Any]:
    changed = scores["said"] != least["said"]
    names = list(metrics.METRICS)
    differences = (scores[names] - least[names])[changed]
    return {"changed": len(differences), "paired": _means(differences)}


def _means(scores: pd.DataFrame) -> dict[str, float]:
    rows: list[Any] = scores.to_dict("records")
    return metrics.summarize(rows)
