"""Each feature's part in a driver's score, against the race's average: exact for the linear parts, SHAP for the trees.

The score of a driver minus the mean score of his race is the sum of his parts. A linear part gives coefficient times
scaled column (which is its SHAP value); the trees give XGBoost's own ``pred_contribs`` (Lundberg et al. 2018, exact
TreeSHAP). Columns made from one feature (its powers, its missing flag) are added up. Where a regression without form
takes over, both sides are weighed as the score itself is, and so are a sprint's start and a race's score. Nothing is
unpickled: the columns come from the ONNX graph, the trees from XGBoost's own file.

>>> parts = contributions(serving, booster_of(store, run_id), features)     # a row a driver and feature
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from f1lib.lake.parquet import read_parquet, write_parquet
from f1lib.lake.paths import BOOSTER, run_key
from f1lib.lake.paths_published import explanation_key
from f1lib.model import onnx_export, preprocess
from f1lib.model.serving import start_column
from f1lib.scoring import positions

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from f1lib.lake.store import ObjectStore
    from f1lib.model.serving import Serving

    Floats = NDArray[np.float64]

SPOKEN = 3
COLUMNS = ["driver_id", "feature", "value", "part"]


def contributions(serving: Serving, booster: Any, features: pd.DataFrame) -> pd.DataFrame:
    """The parts of one race: `COLUMNS`, a row a driver of ``features`` and feature the score reads.

    ``value`` is the feature's own (null: unknown), ``part`` its share of the score's distance from the race's mean, in
    units of the score; negative is forward. ``booster`` may be None for a model without trees.
    """
    import pandas as pd

    made = serving.metadata["score"]
    raw = preprocess.matrix_of(features, serving.features)
    columns = onnx_export.run(serving.runtime, raw)["columns"]
    parts, base = _weighed(made, columns, booster)
    if made["fresh"]:
        known = np.nan_to_num(raw[:, serving.features.index(made["share"])].astype("float64"), nan=0.0)
        instead, otherwise = _linear(made["fresh"], columns), made["fresh"]["intercept"]
        parts = known[:, None] * parts + (1 - known)[:, None] * instead
        base = known * base + (1 - known) * otherwise
    named = [made["sources"][i] for i in range(columns.shape[1])]
    folded = pd.DataFrame(parts, index=features.index).T.groupby(named, sort=False).sum().T
    if made["fresh"]:
        folded[made["share"]] += base
    centred = folded[[n for n in serving.features if n in set(made["read"])]]
    return _long(features, _of_session(centred - centred.mean(), features))


def _of_session(parts: pd.DataFrame, features: pd.DataFrame) -> pd.DataFrame:
    """``parts`` of a race's score as those of a sprint's, where it is one: its start holds the rest of the moves."""
    column = start_column(features)
    if not column or features["session"].iloc[0] != "S":
        return parts
    start, share = positions.start_score(features[column]), positions.SPRINT_MOVES
    moved: pd.DataFrame = parts * share
    moved[column] = moved.get(column, 0.0) + (1 - share) * (start - start.mean())
    return moved


def booster_of(store: ObjectStore, run_id: str) -> Any:
    """The trees of a model run from its ``xgb_model.ubj``."""
    import xgboost

    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(bytearray(store.read(run_key(run_id, BOOSTER))))
    return booster


def keep(store: ObjectStore, issued: str, serving: Serving, features: pd.DataFrame) -> None:
    """Store the parts of an issued prediction beside it; a run of an older code version has none to give."""
    if "score" in serving.metadata:
        booster = booster_of(store, serving.run_id) if serving.metadata["score"]["trees"] else None
        write_parquet(store, explanation_key(issued), contributions(serving, booster, features))


def read(store: ObjectStore, issued: str) -> pd.DataFrame:
    """The kept parts of the prediction ``issued``; raises `StorageError` when there are none."""
    return read_parquet(store, explanation_key(issued))


def in_words(parts: pd.DataFrame, driver_id: str) -> str:
    """One driver's strongest parts in a sentence, forward and back."""
    own = parts[parts["driver_id"] == driver_id].sort_values("part", key=lambda p: -p.abs(), kind="stable")
    sides = (("forward", own[own["part"] < 0]), ("back", own[own["part"] > 0]))
    said = [
        f"{side} by {', '.join(map(_word, rows.head(SPOKEN).to_dict('records')))}" for side, rows in sides if len(rows)
    ]
    return f"Moved {'; '.join(said)}." if said else "Nothing sets him apart from the race's average."


def _word(row: dict[Any, Any]) -> str:
    value = "unknown" if row["value"] != row["value"] else f"{row['value']:.3g}"
    return f"{str(row['feature']).replace('_', ' ')} {value} ({row['part']:+.2f})"


def _weighed(made: Any, columns: Floats, booster: Any) -> tuple[Floats, Floats]:
    """Parts [driver, column] of linear and trees, and what is left to nobody, a number a driver."""
    parts, base = np.zeros(columns.shape), np.zeros(len(columns))
    if made["linear"]:
        parts += made["linear"]["weight"] * _linear(made["linear"], columns)
        base += made["linear"]["weight"] * made["linear"]["intercept"]
    if made["trees"]:
        import xgboost

        read = made["trees"]["columns"]
        shares = booster.predict(xgboost.DMatrix(columns[:, read].astype("float32")), pred_contribs=True)
        parts[:, read] += made["trees"]["weight"] * shares[:, :-1]
        base += made["trees"]["weight"] * shares[:, -1]
    return parts, base


def _linear(part: Any, columns: Floats) -> Floats:
    parts = np.zeros(columns.shape)
    parts[:, part["columns"]] = columns[:, part["columns"]] * np.asarray(part["coefficients"])
    return parts


def _long(features: pd.DataFrame, centred: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    names = list(centred.columns)
    drivers = features["driver_id"].repeat(len(names)).to_numpy()
    values = features[names].to_numpy("float64").ravel()
    return pd.DataFrame(
        {"driver_id": drivers, "feature": names * len(features), "value": values, "part": centred.to_numpy().ravel()}
    )
