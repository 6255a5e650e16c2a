"""Drift of the features a model is served against its training set, by the population stability index (PSI).

PSI sums (p - q) ln(p / q) over bins, p the share of the training rows, q that of the served ones; by convention above
0.25 is drift. That convention is for thousands of rows. A race has about twenty, and few rows differ by chance alone:
for two samples of one distribution, n and m rows in B bins, PSI is about (1/n + 1/m) times a chi-square variable of
B - 1 degrees of freedom (Yurdakul and Naranjo 2020, Journal of Risk Model Validation 14), so 0.25 on average for 20
rows in 6 bins. A race is also of one circuit and one season. Each feature is therefore compared with ``usual``, the
larger of two 95th percentiles: that of chance, and that of the same index over the last `RECENT` races of the training
set, each against all others of the set. A feature has drifted when its index is above both that and 0.25. Bins are the
training set's quintiles, with a separate bin for missing values. Features that have one value for a whole race (such
as the season's progress) are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from f1lib.errors import RunError
from f1lib.lake import gold_tables
from f1lib.lake.paths import SUCCESS, TRAINING_KEY, run_key
from f1lib.lake.store import ObjectStore
from f1lib.model import registry
from f1lib.predictions.archive import features_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray


BINS = 5
DRIFTED = 0.25
EMPTY = 0.5  # rows counted in an empty bin: of twenty rows, some bin is empty by chance in one race of 17
RECENT, USUAL = 24, 0.95
# Raised when more than this share of the features drifted: one in twenty does by chance.
SHARE_RAISED = 0.25


def by_chance(n: int, m: int, bins: int, share: float = USUAL) -> float:
    """Return the quantile of the index of two samples of one distribution.

    Parameters
    ----------
    n, m : int
        Rows of the two samples.
    bins : int
        Number of bins.
    share : float
        Probability that the index is not above the returned value.

    Returns
    -------
    float
        (1/n + 1/m) times the quantile of a chi-square variable of ``bins`` - 1 degrees of freedom.

    Notes
    -----
    Yurdakul and Naranjo (2020), Statistical properties of the population stability index, Journal of Risk Model
    Validation 14.
    """
    from scipy.special import chdtri

    return float(chdtri(bins - 1, 1 - share)) * (1 / n + 1 / m) if bins > 1 else 0.0


def feature_drift(training: pd.DataFrame, served: pd.DataFrame, features: Sequence[str]) -> pd.DataFrame:
    """Compute the drift of each feature that differs between the drivers of a race.

    Parameters
    ----------
    training : pandas.DataFrame
        Training rows with the features and ``event_partition_key``, in the order the races were held.
    served : pandas.DataFrame
        Gold's rows of one race.
    features : sequence of str
        Names of the features.

    Returns
    -------
    pandas.DataFrame
        One row per feature, largest index first: ``feature psi usual drifted``; ``usual`` is the limit that chance and
        the recent races give (see the module's docstring).
    """
    import pandas as pd

    recent = training["event_partition_key"].drop_duplicates().tail(RECENT)
    races = [training[training["event_partition_key"] == event] for event in recent]
    rows = []
    for name in features:
        if training[name].notna().any() and served[name].nunique() > 1:
            edges = _edges(training[name])
            past, now = _counts(training[name], edges), _counts(served[name], edges)
            found, usual = _index(past, now), _usual(past, now, [_counts(race[name], edges) for race in races])
            rows.append((name, found, usual, found > max(usual, DRIFTED)))
    frame = pd.DataFrame(rows, columns=["feature", "psi", "usual", "drifted"])
    return frame.sort_values("psi", ascending=False, kind="stable", ignore_index=True)


def health(store: ObjectStore, prediction: pd.DataFrame | None) -> dict[str, Any]:
    """Compute the health of the newest prediction for ``run_summary.json``.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    prediction : pandas.DataFrame or None
        The newest prediction, a row per driver; None when there is none.

    Returns
    -------
    dict
        ``{"event_partition_key", "horizon", "prediction_variance", "features", "drifted", "share_drifted", "raised",
        "psi": [{"feature", "psi", "usual", "drifted"}]}``: the variance of the expected positions in places squared,
        and the drift of the features. Empty without a prediction, or when its model run, features or the training
        dataset are no longer in the lake.
    """
    if prediction is None:
        return {}
    first = prediction.iloc[0]
    if not all(store.exists(key) for key in (run_key(str(first["model_run_id"]), SUCCESS), TRAINING_KEY)):
        return {}
    metadata = registry.metadata(store, str(first["model_run_id"]))
    try:
        served = features_of(store, prediction)
    except RunError:  # documented: what is no longer in the lake is not compared
        return {}
    training = gold_tables.read_training_dataset(store)
    training = training[(training["horizon"] == metadata["horizon"]) & (training["session"] == first["session"])]
    training = training[training["as_of_utc"] < served["as_of_utc"].min()].sort_values("as_of_utc", kind="stable")
    drift = feature_drift(training, served, metadata["features"])
    share = float(drift["drifted"].mean()) if len(drift) else 0.0
    return {
        "event_partition_key": str(served["event_partition_key"].iloc[0]),
        "horizon": str(first["horizon"]),
        "prediction_variance": float(prediction["predicted_position"].var(ddof=0)),
        "features": len(drift),
        "drifted": drift.loc[drift["drifted"], "feature"].tolist(),
        "share_drifted": share,
        "raised": share > SHARE_RAISED,
        "psi": drift.to_dict("records"),
    }


def _usual(past: NDArray[np.int64], now: NDArray[np.int64], races: Sequence[NDArray[np.int64]]) -> float:
    """Return the larger 95th percentile of the index, of chance or recent races; arguments are counts by bin."""
    chance = by_chance(int(now.sum()), int(past.sum()), int(((past > 0) | (now > 0)).sum()))
    others = [_index(past - race, race) for race in races if race.sum() < past.sum()]
    return max(chance, float(np.quantile(others, USUAL)) if others else 0.0)


def _edges(training: ArrayLike) -> NDArray[np.float64]:
    """Return the edges between the bins of training values."""
    past = np.asarray(training, dtype="float64")
    return np.unique(np.quantile(past[~np.isnan(past)], np.linspace(0, 1, BINS + 1)[1:-1]))


def _index(past: NDArray[np.int64], now: NDArray[np.int64]) -> float:
    filled = (past > 0) | (now > 0)
    p, q = (np.maximum(counts[filled], EMPTY) / counts.sum() for counts in (past, now))
    return float(((p - q) * np.log(p / q)).sum())


def _counts(values: ArrayLike, edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the number of values in each bin; the last is that of missing ones."""
    given = np.asarray(values, dtype="float64")
    known = given[~np.isnan(given)]
    counts = np.bincount(np.searchsorted(edges, known, side="right"), minlength=len(edges) + 1)
    return np.append(counts, len(given) - len(known))
