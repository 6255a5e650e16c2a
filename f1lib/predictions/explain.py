"""Contribution of each feature to a driver's score, relative to the mean score of the race.

The contributions of a driver sum to his score minus the mean score of the race. For the linear parts a contribution is
coefficient times scaled column, which is its SHAP value; for the trees it is XGBoost's ``pred_contribs``, exact
TreeSHAP (Lundberg et al. 2018, arXiv:1802.03888). Columns derived from one feature (powers, missing flag) are added
up. The same weights apply as in the score: between the main model and the regression for drivers without form, and
between a sprint's start and a race's score. Nothing is unpickled: the columns come from the ONNX graph, the trees from
XGBoost's own file.

>>> parts = contributions(serving, booster_of(store, run_id), features)     # a row per driver and feature
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from f1lib.lake.integrity import verified_run_file
from f1lib.lake.parquet import read_parquet, write_parquet
from f1lib.lake.paths import BOOSTER
from f1lib.lake.paths_published import explanation_key
from f1lib.lake.store import ObjectStore
from f1lib.model.serving import Serving, matrix_of, start_column
from f1lib.scoring import positions

Floats = NDArray[np.float64]

SPOKEN = 3
COLUMNS = ["driver_id", "feature", "value", "part"]


def contributions(serving: Serving, booster: Any, features: pd.DataFrame) -> pd.DataFrame:
    """Compute the contributions of the features to the scores of one race.

    Parameters
    ----------
    serving : Serving
        The model run that made the prediction.
    booster : xgboost.Booster or None
        Its trees (`booster_of`); None for a model without trees.
    features : pandas.DataFrame
        Gold's rows of one race or sprint, a row per driver.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`, one row per driver (order of ``features``) and feature that the score reads. ``value`` is the
        feature's value (null when unknown); ``part`` is its contribution in units of the score, negative is forward.

    Notes
    -----
    SHAP values of trees: Lundberg, Erion and Lee (2018), Consistent individualized feature attribution for tree
    ensembles.
    """
    made = serving.metadata["score"]
    raw = matrix_of(features, serving.features)
    columns = serving.answer(raw)["columns"]
    parts, base = _weighted_parts(made, columns, booster)
    if made["fresh"]:
        known = np.nan_to_num(raw[:, serving.features.index(made["share"])].astype("float64"), nan=0.0)
        instead, otherwise = _linear(made["fresh"], columns), made["fresh"]["intercept"]
        parts = known[:, None] * parts + (1 - known)[:, None] * instead
        base = known * base + (1 - known) * otherwise
    named = [made["sources"][i] for i in range(columns.shape[1])]
    folded = pd.DataFrame(parts, index=features.index).T.groupby(named, sort=False).sum().T
    if made["fresh"]:
        folded[made["share"]] += base
    for name, coefficient in made.get("correction", {}).items():
        folded[name] = coefficient * features[name].fillna(0.0)
    names = [n for n in serving.features if n in set(made["read"])]
    part = _of_session(folded[names] - folded[names].mean(), features)
    drivers, values = features["driver_id"].repeat(part.shape[1]), features[part.columns].to_numpy("float64")
    long = (drivers.to_numpy(), [*part.columns] * len(part), values.ravel(), part.to_numpy().ravel())
    return pd.DataFrame(dict(zip(COLUMNS, long, strict=True)))


def _of_session(parts: pd.DataFrame, features: pd.DataFrame) -> pd.DataFrame:
    """Scale ``parts`` of a race's score to a sprint, where its start takes the rest of the score; a race's stay."""
    column = start_column(features)
    if not column or features["session"].iloc[0] != "S":
        return parts
    start, share = positions.start_score(features[column]), positions.SPRINT_MOVES
    moved: pd.DataFrame = parts * share
    moved[column] = moved.get(column, 0.0) + (1 - share) * (start - start.mean())
    return moved


def booster_of(store: ObjectStore, run_id: str) -> Any:
    """Load the trees of a model run from its ``xgb_model.ubj``."""
    import xgboost

    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(bytearray(verified_run_file(store, run_id, BOOSTER)))
    return booster


def keep(store: ObjectStore, issued: str, serving: Serving, features: pd.DataFrame) -> None:
    """Store the contributions to an issued prediction beside it.

    A model run of an older version, without the numbers of its score, has none: nothing is stored.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    issued : str
        Key of the prediction in the history.
    serving : Serving
        The model run that made it.
    features : pandas.DataFrame
        Gold's rows it was made from, a row per driver.
    """
    if "score" in serving.metadata:
        booster = booster_of(store, serving.run_id) if serving.metadata["score"]["trees"] else None
        write_parquet(store, explanation_key(issued), contributions(serving, booster, features))


def read(store: ObjectStore, issued: str) -> pd.DataFrame:
    """Read the stored contributions to an issued prediction.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    issued : str
        Key of the prediction in the history.

    Returns
    -------
    pandas.DataFrame
        As `contributions` returns them.

    Raises
    ------
    NoSuchKey
        None are stored for the prediction.
    """
    return read_parquet(store, explanation_key(issued))


def in_words(parts: pd.DataFrame, driver_id: str) -> str:
    """Describe one driver's largest contributions in a sentence.

    Parameters
    ----------
    parts : pandas.DataFrame
        Contributions of a race (`contributions`).
    driver_id : str
        The driver.

    Returns
    -------
    str
        At most `SPOKEN` features that move him forward and as many that move him back, the largest first.
    """
    own = parts[parts["driver_id"] == driver_id].sort_values("part", key=lambda p: -p.abs(), kind="stable")
    sides = (("forward", own[own["part"] < 0]), ("back", own[own["part"] > 0]))
    largest = [(side, rows.head(SPOKEN).to_dict("records")) for side, rows in sides if len(rows)]
    said = [f"{side} by {', '.join(map(_phrase, rows))}" for side, rows in largest]
    return f"Moved {'; '.join(said)}." if said else "Nothing sets him apart from the race's average."


def _phrase(row: dict[Any, Any]) -> str:
    value = "unknown" if row["value"] != row["value"] else f"{row['value']:.3g}"
    return f"{str(row['feature']).replace('_', ' ')} {value} ({row['part']:+.2f})"


def _weighted_parts(made: Any, columns: Floats, booster: Any) -> tuple[Floats, Floats]:
    """Return contributions [driver, column] of linear part and trees, and each driver's constant."""
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
