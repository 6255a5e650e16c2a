"""Fit a configuration to labelled rows; deterministic, nothing is read or written.

Rows are gold's training rows of one horizon whose ``finishing_position`` is known, sorted by race and driver.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache, reduce
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter
from threadpoolctl import ThreadpoolController

from f1lib.errors import BadParameters, RunError
from f1lib.model import FEWEST_RACES, preprocess, rain
from f1lib.model.config import ALL, COMPANION, ModelConfig, Rain, Trees
from f1lib.model.preprocess import number
from f1lib.model.serving import Serving, by_name, matrix_of
from f1lib.scoring.positions import normal_score

Floats = NDArray[np.float64]

RACE = ["event_year", "event_number"]
KEYS = ["event_partition_key", "session", "horizon", *RACE, "driver_id"]
LABELS = ["finishing_position", "is_dnf"]
P_DNF_LOW, P_DNF_HIGH = 0.005, 0.7  # bounds of the hazard: beyond them it is extrapolated


@dataclass(frozen=True)
class Part:
    """A fitted estimator, the pipeline's ``columns`` (indices) that it reads, and its ``weight`` in the score."""

    columns: list[int]
    estimator: Any
    weight: float = 1.0


@dataclass(frozen=True)
class Fitted:
    """A fitted configuration: the preprocessing pipeline and the parts of the model.

    ``parts`` of the score by name (``linear``, ``trees``, ``own``); ``fresh`` is the score of drivers without form.
    ``correction`` reads raw columns that the pipeline does not, 0 where they are missing. ``rain`` is what
    `f1lib.model.rain.learn` found, empty for a configuration without rain.
    """

    config: ModelConfig
    raw: list[str]
    columns: list[str]
    pipeline: Pipeline
    parts: dict[str, Part]
    dnf: Part
    fresh: Part | None = None
    correction: Part | None = None
    rain: dict[str, Any] = field(default_factory=dict)

    def serving(self) -> Serving:
        """Return the model ready to predict natively, as it was fitted; a stored one predicts by its graph."""
        return Serving("", self.raw, self.numbers(), self.answer, {})

    def numbers(self) -> dict[str, Any]:
        """Return the settings of the distribution, and under ``rain`` what was learned of it, if anything was."""
        learned = {"rain": self.rain} if self.rain.get("learned") else {}
        return self.config.distribution.model_dump() | learned

    def answer(self, raw: NDArray[np.float32]) -> dict[str, Floats]:
        """Predict with scikit-learn and xgboost, without ONNX.

        Parameters
        ----------
        raw : NDArray[np.float32]
            [rows, raw columns], NaN for missing.

        Returns
        -------
        dict[str, NDArray[np.float64]]
            ``predicted_score p_dnf sigma``, one number per row, and ``columns``, the preprocessed features.
        """
        return by_name(self.formula(np, raw, _estimate))

    def formula(self, xp: Any, raw: Any, estimate: Callable[[Any, Any], Any]) -> dict[str, Any]:
        """Compute the outputs of the graph from matrices [rows, columns].

        Parameters
        ----------
        xp : namespace
            ``numpy``, or the functions of that name as ONNX operators.
        raw : matrix
            The raw columns.
        estimate : Callable
            Maps a fitted estimator and its columns to its predictions [rows, 1], of a classifier the chance.

        Returns
        -------
        dict[str, matrix]
            ``predicted_score p_dnf sigma`` [rows, 1], and ``columns``.
        """
        apart = self.correction.columns if self.correction else []
        columns = xp.take(raw, [i for i in range(len(self.raw)) if i not in apart], axis=1) if apart else raw
        for _, step in self.pipeline.steps:
            columns = step.formula(xp, columns)

        def value(part: Part) -> Any:
            return estimate(part.estimator, xp.take(columns, part.columns, axis=1))

        score = reduce(xp.add, [xp.multiply(value(part), number(part.weight)) for part in self.parts.values()])
        if self.fresh and self.config.fresh:
            known = self._known(xp, raw, [self.raw.index(self.config.fresh.share)], 0.0)
            instead = xp.multiply(xp.subtract(number(1), known), value(self.fresh))
            score = xp.add(xp.multiply(known, score), instead)
        if self.correction:
            known = self._known(xp, raw, self.correction.columns, 0.0)
            score = xp.add(score, estimate(self.correction.estimator, known))
        hazard = xp.minimum(xp.maximum(value(self.dnf), number(P_DNF_LOW)), number(P_DNF_HIGH))
        return {"predicted_score": score, "p_dnf": hazard, "sigma": self._sigma(xp, raw), "columns": columns}

    def _known(self, xp: Any, raw: Any, columns: list[int], otherwise: float) -> Any:
        """Return raw columns with ``otherwise`` in the place of missing values."""
        values = xp.take(raw, columns, axis=1)
        return xp.where(xp.isnan(values), number(otherwise), values)

    def _sigma(self, xp: Any, raw: Any) -> Any:
        """Return the width of the latent; an uncertainty column that is not known here adds nothing."""
        settings = self.config.distribution
        column, weight = 0, 0.0
        if settings.uncertainty and settings.uncertainty.column in self.raw:
            column, weight = self.raw.index(settings.uncertainty.column), settings.uncertainty.weight
        part = xp.multiply(self._known(xp, raw, [column], self.pipeline["impute"].means_[column]), number(weight))
        return xp.sqrt(xp.add(xp.multiply(part, part), number(settings.sigma**2)))


def labelled(training: pd.DataFrame, horizon: str) -> pd.DataFrame:
    """Select the rows a model of one horizon is trained on: entrants of races with a result.

    Parameters
    ----------
    training : pd.DataFrame
        Rows of the training dataset with at least `KEYS` and `LABELS`.
    horizon : str
        One of `HORIZONS`.

    Returns
    -------
    pd.DataFrame
        The rows of ``training``, one per race and driver, sorted by event year, event number, session and driver.

    Raises
    ------
    RunError
        When there are fewer than `FEWEST_RACES` races.
    """
    is_race = (training["horizon"] == horizon) & (training["session"] == "R")
    rows = training[is_race & training["finishing_position"].notna()]
    return enough(rows.sort_values([*RACE, "session", "driver_id"], kind="stable", ignore_index=True), horizon)


def enough(rows: pd.DataFrame, horizon: str) -> pd.DataFrame:
    """Return ``rows`` if they hold enough races to train on.

    Parameters
    ----------
    rows : pd.DataFrame
        Labelled rows of one horizon.
    horizon : str
        Named in the error.

    Returns
    -------
    pd.DataFrame
        ``rows`` themselves.

    Raises
    ------
    RunError
        When there are fewer than `FEWEST_RACES` races.
    """
    races = int(race_index(rows).max()) + 1 if len(rows) else 0
    if races < FEWEST_RACES:
        raise RunError(f"{races} races with an outcome at horizon {horizon}: too few to train on ({FEWEST_RACES})")
    return rows


def race_index(rows: pd.DataFrame) -> NDArray[np.int64]:
    """Return the index of each row's race in the order the races were run.

    Parameters
    ----------
    rows : pd.DataFrame
        ``event_year event_number``, any grain.

    Returns
    -------
    NDArray[np.int64]
        0 for the first race, one number per row.
    """
    return (rows["event_year"] * 100 + rows["event_number"]).rank(method="dense").to_numpy().astype("int64") - 1


def finish_score(rows: pd.DataFrame) -> Floats:
    """Compute the normal score of the position among the classified of a race.

    Parameters
    ----------
    rows : pd.DataFrame
        ``event_year event_number finishing_position is_dnf``, one row per race and driver.

    Returns
    -------
    NDArray[np.float64]
        One number per row, smaller for a better position; NaN for drivers who were not classified.
    """
    place = rows["finishing_position"].where(rows["is_dnf"] == 0)
    races = place.groupby(race_index(rows))
    return normal_score(races.rank(method="first"), races.transform("count"))


def fit(rows: pd.DataFrame, config: ModelConfig, available: list[str]) -> Fitted:
    """Fit a configuration.

    A feature without any value in ``rows`` (not known at this horizon, or not in this source) is left out. The trees
    are grown on one thread, so that the same rows give the same model on any machine.

    Parameters
    ----------
    rows : pd.DataFrame
        Labelled rows of one horizon (see `labelled`).
    config : ModelConfig
        The configuration.
    available : list[str]
        Gold's feature columns in order.

    Returns
    -------
    Fitted
        The fitted parts.

    Raises
    ------
    BadParameters
        When none of the columns of a part is left.
    MissingColumn
        When ``rows`` lack a column that the configuration reads.
    """
    apart = {c: v for c, v in (config.correction.columns if config.correction else {}).items() if c in available}
    raw = [c for c in config.raw_columns(available) if c not in apart]
    matrix = matrix_of(rows, raw)
    valued = np.flatnonzero(~np.isnan(matrix).all(axis=0))
    raw, matrix = [raw[i] for i in valued], matrix[:, valued]
    known = {n: (d.how, d.source) for n, d in config.derived.items()}
    derived = {n: v for n, v in known.items() if v[1] in raw and COMPANION[v[0]] in raw}
    pipeline = preprocess.build(raw, derived)
    scaled = pipeline.fit_transform(matrix)
    columns = preprocess.columns_out(pipeline, raw, list(derived))
    weight = _weights(rows, config.half_life_races)
    target = finish_score(rows) if config.target == "finish_score" else rows["finishing_position"].to_numpy("float64")
    used = ~np.isnan(target)
    learnt = (scaled[used], target[used], weight[used])
    fresh, parts = None, {}
    # A logarithm may differ in its last bit between numpy and ONNX, which could change the branch a tree takes.
    exact = [c for c in columns if c not in derived or derived[c][0] in preprocess.PRODUCTS]
    with one_thread():
        if config.fresh and {config.fresh.share, config.fresh.needs} <= set(raw):
            chosen = _indices(config.fresh.columns, columns, f"{config.name}.fresh")
            fresh = _fit(Ridge(alpha=config.fresh.ridge), *learnt, chosen)
        if config.linear:
            chosen = _indices(config.linear.columns, columns, f"{config.name}.linear")
            parts["linear"] = _fit(Ridge(alpha=config.linear.ridge), *learnt, chosen, config.linear.weight)
        chosen = _indices(config.dnf.columns, columns, f"{config.name}.dnf")
        hazard = LogisticRegression(C=1 / config.dnf.ridge, solver="newton-cholesky", tol=1e-10)
        dnf = _fit(hazard, *_both_outcomes(scaled, rows["is_dnf"].to_numpy("float64"), weight), chosen)
    if config.trees:
        chosen = _indices(_with_flags(config.trees.columns, exact), columns, f"{config.name}.trees")
        parts["trees"] = Part(chosen, _boosted(*learnt, chosen, config.trees, config.seed), config.trees.weight)
    if config.own:
        available = exact if config.own.columns == ALL else columns
        chosen = _indices(_with_flags(config.own.columns, available), columns, f"{config.name}.own")
        parts["own"] = _fit(config.own.estimator(**config.own.settings), *learnt, chosen, config.own.weight)
    fitted = Fitted(config, raw, columns, pipeline, parts, dnf, fresh)
    if apart and config.correction and config.correction.needs in raw and config.correction.until not in raw:
        fitted = _corrected(fitted, apart, config.correction.ridge, rows[used], target[used], weight[used])
    return _with_rain(fitted, rows, config.rain) if config.rain else fitted


def _corrected(
    fitted: Fitted, columns: dict[str, float], alpha: float, rows: pd.DataFrame, target: Floats, weight: Floats
) -> Fitted:
    """Fit the correction to what the score leaves over; without intercept, for where nothing is known it adds 0."""
    raw, prior = [*fitted.raw, *columns], np.array([*columns.values()])
    chosen = list(range(len(fitted.raw), len(raw)))
    ridge = Ridge(alpha=alpha).fit(np.zeros((1, len(prior))), [0.0])
    corrected = replace(fitted, raw=raw, correction=Part(chosen, ridge))
    matrix = matrix_of(rows, raw)
    some = ~np.isnan(matrix[:, chosen]).all(axis=1)
    if some.any():
        known = np.nan_to_num(matrix[some][:, chosen], nan=0.0).astype("float64")
        left = target[some] - corrected.answer(matrix[some])["predicted_score"] - known @ prior
        with one_thread():
            ridge.fit(known, left, sample_weight=weight[some])
    ridge.coef_, ridge.intercept_ = ridge.coef_ + prior, 0.0
    return corrected


def _with_rain(fitted: Fitted, rows: pd.DataFrame, settings: Rain) -> Fitted:
    """Learn of rain from the races of which it is known whether they were wet."""
    known = rows[rows[rain.WET].notna()]
    said = fitted.answer(matrix_of(known, fitted.raw))
    learned = rain.learn(known, said["predicted_score"], said["p_dnf"], finish_score(known), settings)
    return replace(fitted, rain=learned)


def one_thread() -> Any:
    """Limit BLAS to one thread, so that its sums are the same on every machine; a context manager.

    The limit is the whole process's: who fits in several threads at once sets it around them all.
    """
    return _libraries().limit(limits=1, user_api="blas")


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()


def _fit(estimator: Any, scaled: Any, target: Floats, weight: Floats, chosen: list[int], share: float = 1.0) -> Part:
    """Fit in double precision on the chosen columns, weighted where the estimator takes weights."""
    weights = {"sample_weight": weight} if has_fit_parameter(estimator, "sample_weight") else {}
    estimator.fit(scaled[:, chosen].astype("float64"), target, **weights)
    return Part(chosen, estimator, share)


def _both_outcomes(scaled: Any, happened: Floats, weight: Floats) -> tuple[Any, Floats, Floats]:
    """Add an average row of little weight with the outcome that never occurred: scikit-learn wants to see both."""
    if happened.min() < happened.max():
        return scaled, happened, weight
    row = np.zeros((1, scaled.shape[1]), dtype="float32")
    return np.vstack([scaled, row]), np.append(happened, 1 - happened[0]), np.append(weight, 1e-3)


def _weights(rows: pd.DataFrame, half_life: float) -> Floats:
    index = race_index(rows)
    if half_life == 0:
        return np.ones(len(rows))
    return np.asarray(0.5 ** ((index.max() - index) / half_life), dtype="float64")


def _indices(wanted: list[str], columns: list[str], where: str) -> list[int]:
    found = [columns.index(c) for c in wanted if c in columns]
    if not found:
        raise BadParameters(f"{where}: none of its {len(wanted)} columns is known here: {', '.join(wanted[:5])} ...")
    return found


def _with_flags(wanted: list[str] | str, columns: list[str]) -> list[str]:
    return [c for c in columns if wanted == ALL or c.removesuffix(preprocess.MISSING) in wanted]


def _boosted(scaled: Any, target: Floats, weight: Floats, chosen: list[int], settings: Trees, seed: int) -> Any:
    """Fit XGBoost with a fixed seed on the columns of the pipeline, which serving reproduces bit by bit.

    One thread: two took 25 times as long on a busy machine. `xgboost.XGBRegressor.fit` gives the same trees in twice
    the time, for it sorts the rows into quantiles first.
    """
    import xgboost

    return xgboost.train(
        {
            "objective": "reg:squarederror", "tree_method": "hist", "nthread": 1, "seed": seed,
            **settings.model_dump(include={"max_depth", "learning_rate", "subsample", "colsample_bytree",
                                           "min_child_weight", "reg_lambda", "max_bin"}),
        },
        xgboost.DMatrix(scaled[:, chosen], label=target, weight=weight, nthread=1),
        num_boost_round=settings.n_estimators,
    )  # fmt: skip


def _estimate(estimator: Any, columns: NDArray[np.float32]) -> Floats:
    """Predict [rows, 1], of a classifier the chance."""
    if not len(columns):  # scikit-learn refuses what the graph answers with nothing
        return np.empty((0, 1))
    if hasattr(estimator, "predict_proba"):
        values = estimator.predict_proba(columns)[:, 1]
    else:  # XGBoost's booster predicts arrays by a method of its own
        values = getattr(estimator, "inplace_predict", estimator.predict)(columns)
    return np.asarray(values, dtype="float64").reshape(-1, 1)
