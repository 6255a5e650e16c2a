"""Preprocessing of raw gold columns: a scikit-learn pipeline whose every step is a formula, for numpy and for ONNX.

The steps: derive columns (places to scores), impute missing values and flag them, cap at three robust standard
deviations, scale. All arithmetic is float32 and the graph is made from the same formulas (`f1lib.model.onnx_export`),
so that every value falls on the same side of a tree's threshold in training and in serving (docs/field_notes.md,
"XGBoost and ONNX").
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import Pipeline

from f1lib.errors import BadParameters
from f1lib.model.config import COMPANION

Single = NDArray[np.float32]

ROBUST_SIGMAS = 3.0
MAD_TO_SIGMA = 1.4826  # standard deviation of a normal distribution over its median absolute deviation
MISSING = "__missing"  # suffix of a column that flags missing values
PLACE_EDGE = 0.01
# Products are bit-identical in numpy and in ONNX; a logarithm may differ in its last bit.
PRODUCTS = frozenset({"faded", "when_wet"})


class _Step(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A step of the pipeline, whose ``formula`` computes with the functions of a namespace: numpy's, or ONNX's."""

    def transform(self, X: ArrayLike) -> Single:
        """Compute the formula in float32."""
        made: Single = self.formula(np, np.asarray(X, dtype="float32"))
        return made


class Derive(_Step):
    """Append columns computed row by row; ``steps`` lists (how, source index, companion index)."""

    def __init__(self, steps: list[tuple[str, int, int]]) -> None:
        self.steps = steps

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Derive:
        """Learn nothing."""
        return self

    def formula(self, xp: Any, X: Any) -> Any:
        """Map [rows, raw] to [rows, raw + derived]; a missing source gives a missing value."""
        made = []
        for how, steps in groupby(self.steps, itemgetter(0)):
            _, sources, others = zip(*steps, strict=True)
            made.append(_derived(xp, how, xp.take(X, sources, axis=1), xp.take(X, others, axis=1)))
        return xp.concat([X, *made], axis=1)


class Impute(_Step):
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

    def formula(self, xp: Any, X: Any) -> Any:
        """Map [rows, columns] to [rows, columns + flags], nothing missing."""
        absent = xp.isnan(X)
        flags = [xp.astype(xp.take(absent, self.flagged_, axis=1), np.float32)] if len(self.flagged_) else []
        return xp.concat([xp.where(absent, self.means_, X), *flags], axis=1)


class Cap(_Step):
    """Cap at the median plus or minus three robust standard deviations; columns with MAD 0 at the extremes seen.

    ``uncapped`` (indices) are capped at the extremes seen as well: in bounded and skewed columns such as points, three
    robust standard deviations would cut off the front of the field (2014-2018: win log-loss 1.177 to 1.190).
    """

    def __init__(self, uncapped: list[int] | None = None) -> None:
        self.uncapped = uncapped

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Cap:
        """Learn ``low_`` and ``high_``, one number per column."""
        values = np.asarray(X, dtype="float64")
        apart = np.ascontiguousarray(values.T)  # the numbers of a column side by side: three times as fast
        middle = np.median(apart, axis=1)
        reach = ROBUST_SIGMAS * MAD_TO_SIGMA * np.median(np.abs(apart - middle[:, None]), axis=1)
        flat = reach <= 0
        flat[self.uncapped or []] = True
        self.low_ = np.where(flat, values.min(axis=0), middle - reach).astype("float32")
        self.high_ = np.where(flat, values.max(axis=0), middle + reach).astype("float32")
        return self

    def formula(self, xp: Any, X: Any) -> Any:
        """Clip the values to ``[low_, high_]``."""
        return xp.minimum(xp.maximum(X, self.low_), self.high_)


class Scale(_Step):
    """Scale to mean 0 and standard deviation 1; a constant column becomes 0."""

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Scale:
        """Learn ``centre_`` and ``spread_``, one number per column."""
        values = np.asarray(X, dtype="float64")
        spread = values.std(axis=0)
        self.centre_ = values.mean(axis=0).astype("float32")
        self.spread_ = np.where(spread > 1e-6, spread, 1.0).astype("float32")
        return self

    def formula(self, xp: Any, X: Any) -> Any:
        """Compute ``(value - centre_) / spread_``."""
        return xp.divide(xp.subtract(X, self.centre_), self.spread_)


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


def number(value: float) -> Single:
    """Return a constant of a formula."""
    return np.array([value], dtype="float32")


def _derived(xp: Any, how: str, place: Any, other: Any) -> Any:
    """Compute derived columns of one kind from as many places and companions."""
    if how in PRODUCTS:
        return xp.multiply(place, other)
    if how == "is_first":
        return xp.where(xp.isnan(place), place, xp.astype(xp.equal(place, number(1)), np.float32))
    share = xp.divide(xp.subtract(place, number(0.5)), other)
    kept = xp.minimum(xp.maximum(share, number(PLACE_EDGE)), number(1 - PLACE_EDGE))
    score = xp.log(xp.divide(kept, xp.subtract(number(1), kept)))
    if how != "place_score":
        squared = xp.multiply(score, score)
        score = squared if how == "place_score_squared" else xp.multiply(squared, score)
    # ONNX's Max and Min are not defined for NaN: a missing place is restored.
    return xp.where(xp.isnan(share), share, score)
