"""Raw gold columns -> columns a model can add up: a scikit-learn pipeline whose every step is also ONNX.

Derive (places to scores) -> flag and impute the missing -> cap at three robust sigmas -> scale. All steps work
in float32, one operation at a time, exactly as the exported graph does, so that a tree's cut falls on the same
side in training and in serving (docs/field_notes.md, "XGBoost and ONNX").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import Pipeline

from f1lib.errors import BadParameters, MissingColumn

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    Single = NDArray[np.float32]

ROBUST_SIGMAS = 3.0
MAD_TO_SIGMA = 1.4826  # the median absolute deviation of a normal times this is its standard deviation
MISSING = "__missing"  # suffix of the column that says a value was absent
PLACE_EDGE = 0.01
# The second column each derivation reads.
COMPANION = {
    "place_score": "field_size",
    "place_score_squared": "field_size",
    "place_score_cubed": "field_size",
    "is_first": "field_size",
    "faded": "form_current_era_share",
    "when_wet": "weather_is_wet",
}

# Products are the same number in numpy and in ONNX; a logarithm may differ in its last bit.
PRODUCTS = frozenset({"faded", "when_wet"})


class Derive(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Append columns computed row by row: ``steps`` lists (how, source index, companion index)."""

    def __init__(self, steps: list[tuple[str, int, int]]) -> None:
        self.steps = steps

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Derive:
        """Nothing to learn."""
        self.n_features_in_ = np.asarray(X).shape[1]
        return self

    def transform(self, X: ArrayLike) -> Single:
        """[rows, raw] -> [rows, raw + derived]; a missing source stays missing."""
        raw = np.asarray(X, dtype="float32")
        made = [_derived(how, raw[:, source], raw[:, other]) for how, source, other in self.steps]
        return np.column_stack([raw, *made]).astype("float32")


class Impute(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Mean for what is missing, and a 0/1 column beside each column of which something was missing in training.

    Columns that were missing in the same rows (all of practice, say) share one, beside the first of them.
    """

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Impute:
        """Learn ``means_`` and ``flagged_`` (indices). A column without any value is refused (`BadParameters`)."""
        values = np.asarray(X, dtype="float32")
        absent = np.isnan(values)
        if absent.all(axis=0).any():
            raise BadParameters(
                f"columns {np.flatnonzero(absent.all(axis=0)).tolist()} have no value in training at all"
            )
        self.means_ = np.nanmean(values.astype("float64"), axis=0).astype("float32")
        patterns = {absent[:, i].tobytes(): i for i in reversed(np.flatnonzero(absent.any(axis=0)))}
        self.flagged_ = np.sort(np.fromiter(patterns.values(), dtype="int64"))
        return self

    def transform(self, X: ArrayLike) -> Single:
        """[rows, columns] -> [rows, columns + flags], nothing missing."""
        values = np.asarray(X, dtype="float32")
        absent = np.isnan(values)
        filled = np.where(absent, self.means_, values)
        return np.column_stack([filled, absent[:, self.flagged_].astype("float32")])


class Cap(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Cap at the median plus or minus three robust sigmas; where most values are equal, at the extremes seen.

    ``uncapped`` (indices) are kept to the extremes seen as well: bounded and skewed columns such as points, of
    which three robust sigmas would cut off the front of the field (2014-2018: win log-loss 1.177 to 1.190).
    """

    def __init__(self, uncapped: list[int] | None = None) -> None:
        self.uncapped = uncapped

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Cap:
        """Learn ``low_`` and ``high_``, one number a column."""
        values = np.asarray(X, dtype="float64")
        middle = np.median(values, axis=0)
        reach = ROBUST_SIGMAS * MAD_TO_SIGMA * np.median(np.abs(values - middle), axis=0)
        flat = reach <= 0
        flat[self.uncapped or []] = True
        self.low_ = np.where(flat, values.min(axis=0), middle - reach).astype("float32")
        self.high_ = np.where(flat, values.max(axis=0), middle + reach).astype("float32")
        return self

    def transform(self, X: ArrayLike) -> Single:
        """Values within [low_, high_]."""
        capped: Single = np.minimum(np.maximum(np.asarray(X, dtype="float32"), self.low_), self.high_)
        return capped


class Scale(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """To mean 0 and standard deviation 1; a constant column becomes 0."""

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Scale:
        """Learn ``centre_`` and ``spread_``, one number a column."""
        values = np.asarray(X, dtype="float64")
        spread = values.std(axis=0)
        self.centre_ = values.mean(axis=0).astype("float32")
        self.spread_ = np.where(spread > 1e-6, spread, 1.0).astype("float32")
        return self

    def transform(self, X: ArrayLike) -> Single:
        """(value - centre_) / spread_."""
        scaled: Single = (np.asarray(X, dtype="float32") - self.centre_) / self.spread_
        return scaled


def build(raw: list[str], derived: Mapping[str, tuple[str, str]]) -> Pipeline:
    """The unfitted pipeline. ``derived`` maps a new column to (how, source); source and `COMPANION` are in ``raw``.

    Derived columns are bounded and skewed on purpose, and are not capped.
    """
    steps = [(how, raw.index(source), raw.index(COMPANION[how])) for how, source in derived.values()]
    free = [len(raw) + i for i in range(len(derived))]
    return Pipeline([("derive", Derive(steps)), ("impute", Impute()), ("cap", Cap(free)), ("scale", Scale())])


def columns_out(pipeline: Pipeline, raw: list[str], derived: list[str]) -> list[str]:
    """Names of a fitted pipeline's columns: raw, derived, then ``<column>__missing``."""
    names = [*raw, *derived]
    return [*names, *(f"{names[i]}{MISSING}" for i in pipeline["impute"].flagged_)]


def matrix_of(frame: pd.DataFrame, raw: list[str]) -> Single:
    """The raw columns of ``frame`` as float32 with NaN for missing; raises `MissingColumn` naming those absent."""
    absent = [c for c in raw if c not in frame.columns]
    if absent:
        raise MissingColumn(f"features: no column {', '.join(absent)}; the model needs {len(raw)} columns")
    return frame[raw].to_numpy(dtype="float32", na_value=np.nan)


def _derived(how: str, place: Single, other: Single) -> Single:
    """One derived column; the same operations in the same order as `onnx_export` writes them."""
    if how in PRODUCTS:
        return place * other
    if how == "is_first":
        return np.where(np.isnan(place), place, (place == 1).astype("float32"))
    share = (place - np.float32(0.5)) / other
    kept = np.minimum(np.maximum(share, np.float32(PLACE_EDGE)), np.float32(1 - PLACE_EDGE))
    score: Any = np.log(kept / (np.float32(1) - kept))
    if how == "place_score":
        return np.asarray(score, dtype="float32")
    squared = score * score
    return np.asarray(squared if how == "place_score_squared" else squared * score, dtype="float32")
