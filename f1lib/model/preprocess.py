"""Preprocessing of raw gold columns: a scikit-learn pipeline whose every step can be written in ONNX.

The steps: derive columns (places to scores), impute missing values and flag them, cap at three robust standard
deviations, scale. All arithmetic is float32, in the order of the exported graph, so that every value falls on the same
side of a tree's threshold in training and in serving (docs/field_notes.md, "XGBoost and ONNX").
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
MAD_TO_SIGMA = 1.4826  # standard deviation of a normal distribution over its median absolute deviation
MISSING = "__missing"  # suffix of a column that flags missing values
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

# Products are bit-identical in numpy and in ONNX; a logarithm may differ in its last bit.
PRODUCTS = frozenset({"faded", "when_wet"})


class Derive(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Append columns computed row by row; ``steps`` lists (how, source index, companion index)."""

    def __init__(self, steps: list[tuple[str, int, int]]) -> None:
        self.steps = steps

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Derive:
        """Set ``n_features_in_``; nothing else is learned."""
        self.n_features_in_ = np.asarray(X).shape[1]
        return self

    def transform(self, X: ArrayLike) -> Single:
        """Map [rows, raw] to [rows, raw + derived]; a missing source gives a missing value."""
        raw = np.asarray(X, dtype="float32")
        made = [_derived(how, raw[:, source], raw[:, other]) for how, source, other in self.steps]
        return np.column_stack([raw, *made]).astype("float32")


class Impute(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Replace missing values by the mean, and append a 0/1 flag for each column with missing values in training.

    Columns that are missing in the same rows (all of practice, say) share one flag, that of the first of them.
    """

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Impute:
        """Learn ``means_`` and ``flagged_`` (indices).

        Raises
        ------
        BadParameters
            For a column without any value.
        """
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
        """Map [rows, columns] to [rows, columns + flags], nothing missing."""
        values = np.asarray(X, dtype="float32")
        absent = np.isnan(values)
        filled = np.where(absent, self.means_, values)
        return np.column_stack([filled, absent[:, self.flagged_].astype("float32")])


class Cap(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Cap at the median plus or minus three robust standard deviations; columns with MAD 0 at the extremes seen.

    ``uncapped`` (indices) are capped at the extremes seen as well: in bounded and skewed columns such as points, three
    robust standard deviations would cut off the front of the field (2014-2018: win log-loss 1.177 to 1.190).
    """

    def __init__(self, uncapped: list[int] | None = None) -> None:
        self.uncapped = uncapped

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Cap:
        """Learn ``low_`` and ``high_``, one number per column."""
        values = np.asarray(X, dtype="float64")
        middle = np.median(values, axis=0)
        reach = ROBUST_SIGMAS * MAD_TO_SIGMA * np.median(np.abs(values - middle), axis=0)
        flat = reach <= 0
        flat[self.uncapped or []] = True
        self.low_ = np.where(flat, values.min(axis=0), middle - reach).astype("float32")
        self.high_ = np.where(flat, values.max(axis=0), middle + reach).astype("float32")
        return self

    def transform(self, X: ArrayLike) -> Single:
        """Clip the values to [low_, high_]."""
        capped: Single = np.minimum(np.maximum(np.asarray(X, dtype="float32"), self.low_), self.high_)
        return capped


class Scale(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Scale to mean 0 and standard deviation 1; a constant column becomes 0."""

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Scale:
        """Learn ``centre_`` and ``spread_``, one number per column."""
        values = np.asarray(X, dtype="float64")
        spread = values.std(axis=0)
        self.centre_ = values.mean(axis=0).astype("float32")
        self.spread_ = np.where(spread > 1e-6, spread, 1.0).astype("float32")
        return self

    def transform(self, X: ArrayLike) -> Single:
        """Compute (value - centre_) / spread_."""
        scaled: Single = (np.asarray(X, dtype="float32") - self.centre_) / self.spread_
        return scaled


def build(raw: list[str], derived: Mapping[str, tuple[str, str]]) -> Pipeline:
    """Build the unfitted pipeline.

    Derived columns are bounded and skewed by construction, and are therefore not capped.

    Parameters
    ----------
    raw : list[str]
        Names of the input columns.
    derived : Mapping[str, tuple[str, str]]
        New column -> (how, source); the source and its `COMPANION` are in ``raw``.

    Returns
    -------
    Pipeline
        Steps ``derive impute cap scale``.
    """
    steps = [(how, raw.index(source), raw.index(COMPANION[how])) for how, source in derived.values()]
    free = [len(raw) + i for i in range(len(derived))]
    return Pipeline([("derive", Derive(steps)), ("impute", Impute()), ("cap", Cap(free)), ("scale", Scale())])


def columns_out(pipeline: Pipeline, raw: list[str], derived: list[str]) -> list[str]:
    """List the names of a fitted pipeline's output columns.

    Parameters
    ----------
    pipeline : Pipeline
        A fitted pipeline of `build`.
    raw, derived : list[str]
        Names of the input columns and of the derived columns.

    Returns
    -------
    list[str]
        Raw, derived, then ``<column>__missing`` for each flag.
    """
    names = [*raw, *derived]
    return [*names, *(f"{names[i]}{MISSING}" for i in pipeline["impute"].flagged_)]


def matrix_of(frame: pd.DataFrame, raw: list[str]) -> Single:
    """Convert the raw columns of a frame to a float32 matrix.

    Parameters
    ----------
    frame : pd.DataFrame
        Any rows with the columns ``raw``.
    raw : list[str]
        Columns, in the order of the matrix.

    Returns
    -------
    NDArray[np.float32]
        [rows, raw columns], NaN for missing.

    Raises
    ------
    MissingColumn
        When ``frame`` lacks a column; the message names those absent.
    """
    absent = [c for c in raw if c not in frame.columns]
    if absent:
        raise MissingColumn(f"features: no column {', '.join(absent)}; the model needs {len(raw)} columns")
    return frame[raw].to_numpy(dtype="float32", na_value=np.nan)


def _derived(how: str, place: Single, other: Single) -> Single:
    """Compute one derived column with the same operations, in the same order, as `f1lib.model.onnx_export`."""
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
