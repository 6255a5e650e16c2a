"""Is what the model is served like what it learned from: the population stability index of each feature it reads.

PSI sums (p - q) ln(p / q) over bins, p the share of the training rows, q that of the served ones; by habit above 0.25
is drift. That habit is for thousands of rows. A race has some twenty, of one circuit and one season, and differs from
the mean of all races without anything being wrong: so each feature is measured against ``usual``, the 95th percentile
of the same figure over the last `RECENT` races of the training set, and is drifted above that and 0.25. Bins are the
training set's quintiles, with a bin of their own for missing values. Features that are one number for a whole race
(the season's progress) are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from f1lib.gold_lake import TRAINING_KEY
from f1lib.model_serving import METADATA, SUCCESS, run_key
from f1lib.predictions_inputs import features_key, features_of
from f1lib.storage import read_json
from f1lib.tables import read_parquet

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from f1lib.storage import ObjectStore

BINS = 5
DRIFTED = 0.25
FLOOR = 1e-3  # an empty bin counts as this share
RECENT, USUAL = 24, 0.95
# Raised when more than this share of the features drifted: one in twenty does by chance.
SHARE_RAISED = 0.25


def psi(training: ArrayLike, served: ArrayLike, bins: int = BINS) -> float:
    """The population stability index of ``served`` against ``training``; NaN in either is a bin of its own."""
    return _against(*_binned(training, bins), served)


def feature_drift(training: pd.DataFrame, served: pd.DataFrame, features: Sequence[str]) -> pd.DataFrame:
    """A row a feature that tells the drivers of ``served`` apart: ``feature psi usual drifted``, the worst first.

    ``training`` has ``event_partition_key`` in the order the races were run.
    """
    import pandas as pd

    recent = training["event_partition_key"].drop_duplicates().tail(RECENT)
    races = [training[training["event_partition_key"] == event] for event in recent]
    rows = []
    for name in features:
        if training[name].notna().any() and served[name].nunique() > 1:
            binned = _binned(training[name], BINS)
            found = _against(*binned, served[name])
            usual = float(np.quantile([_against(*binned, race[name]) for race in races], USUAL))
            rows.append((name, found, usual, found > max(usual, DRIFTED)))
    frame = pd.DataFrame(rows, columns=["feature", "psi", "usual", "drifted"])
    return frame.sort_values("psi", ascending=False, kind="stable", ignore_index=True)


def health(store: ObjectStore, prediction: pd.DataFrame | None) -> dict[str, Any]:
    """What ``run_summary.json`` says of the newest prediction: variance of the expected positions, feature drift.

    ``{"event_partition_key", "horizon", "prediction_variance", "features", "drifted", "share_drifted", "raised",
    "psi": [{"feature", "psi", "usual", "drifted"}]}``; empty without a prediction, or when its model run or its
    features are no longer in the lake.
    """
    if prediction is None:
        return {}
    first = prediction.iloc[0]
    needed = (run_key(str(first["model_run_id"]), SUCCESS), features_key(str(first["gold_run_id"])), TRAINING_KEY)
    if not all(store.exists(key) for key in needed):
        return {}
    metadata = read_json(store, run_key(str(first["model_run_id"]), METADATA))
    served = features_of(store, prediction)
    training = read_parquet(store, TRAINING_KEY)
    training = training[(training["horizon"] == first["horizon"]) & (training["session"] == first["session"])]
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


def _binned(training: ArrayLike, bins: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The edges between the bins, and the share of the training values in each (the last: missing)."""
    past = np.asarray(training, dtype="float64")
    edges = np.unique(np.quantile(past[~np.isnan(past)], np.linspace(0, 1, bins + 1)[1:-1]))
    return edges, _shares(past, edges)


def _against(edges: NDArray[np.float64], p: NDArray[np.float64], served: ArrayLike) -> float:
    q = _shares(np.asarray(served, dtype="float64"), edges)
    return float(((p - q) * np.log(p / q)).sum())


def _shares(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    known = values[~np.isnan(values)]
    counts = np.bincount(np.searchsorted(edges, known, side="right"), minlength=len(edges) + 1)
    shares = np.append(counts, len(values) - len(known)) / len(values)
    return np.maximum(shares, FLOOR)
