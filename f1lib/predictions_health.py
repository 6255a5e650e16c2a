"""Is what the model is served like what it learned from: the population stability index of each feature it reads.

PSI sums (p - q) ln(p / q) over bins, p the share of the training rows, q that of the served ones; by habit below 0.1 is
calm and above 0.25 is drift. A race has some twenty rows: even without drift its PSI is around (bins - 1) / rows, so
that much is `expected` and a feature is raised only beyond it. Bins are the training set's quintiles, with a bin of
their own for missing values. Features that are one number for a whole race (the season's progress) are left out: any
single race differs from the mean of all.
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
# Raised when more than this share of the features drifted: one or two of fifty do by chance.
SHARE_RAISED = 0.2


def psi(training: ArrayLike, served: ArrayLike, bins: int = BINS) -> float:
    """The population stability index of ``served`` against ``training``; NaN in either is a bin of its own."""
    past, now = np.asarray(training, dtype="float64"), np.asarray(served, dtype="float64")
    edges = np.unique(np.quantile(past[~np.isnan(past)], np.linspace(0, 1, bins + 1)[1:-1]))
    p, q = (np.maximum(_shares(values, edges), FLOOR) for values in (past, now))
    return float(((p - q) * np.log(p / q)).sum())


def feature_drift(training: pd.DataFrame, served: pd.DataFrame, features: Sequence[str]) -> pd.DataFrame:
    """A row a feature that tells the drivers of ``served`` apart: ``feature psi expected drifted``, the worst first."""
    import pandas as pd

    rows = []
    for name in features:
        if training[name].notna().any() and served[name].nunique() > 1:
            found, expected = psi(training[name], served[name]), (BINS - 1) / len(served)
            rows.append((name, found, expected, found > expected + 2 * DRIFTED))
    frame = pd.DataFrame(rows, columns=["feature", "psi", "expected", "drifted"])
    return frame.sort_values("psi", ascending=False, kind="stable", ignore_index=True)


def health(store: ObjectStore, prediction: pd.DataFrame | None) -> dict[str, Any]:
    """What ``run_summary.json`` says of the newest prediction: variance of the expected positions, feature drift.

    ``{"event_partition_key", "horizon", "prediction_variance", "features", "drifted", "share_drifted", "raised",
    "psi": [{"feature", "psi", "expected", "drifted"}]}``; empty without a prediction, or when its model run or its
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
    training = training[training["as_of_utc"] < served["as_of_utc"].min()]
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


def _shares(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    known = values[~np.isnan(values)]
    counts = np.bincount(np.searchsorted(edges, known, side="right"), minlength=len(edges) + 1)
    shares: NDArray[np.float64] = np.append(counts, len(values) - len(known)) / len(values)
    return shares
