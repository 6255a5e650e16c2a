"""Fit a configuration to labelled rows; deterministic, nothing is read or written.

Rows are gold's training rows of one horizon whose ``finishing_position`` is known, sorted by race and driver.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from f1lib.errors import BadParameters, RunError
from f1lib.model import linear as model_linear
from f1lib.model import onnx_export, preprocess
from f1lib.model.onnx_export import Forest, Gate, Spread, Weighted
from f1lib.scoring.positions import normal_score

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

    from f1lib.model.config import ModelConfig

    Floats = NDArray[np.float64]

RACE = ["event_year", "event_number"]
KEYS = ["event_partition_key", "session", "horizon", *RACE, "driver_id"]
LABELS = ["finishing_position", "is_dnf"]
FEWEST_RACES = 8


@dataclass(frozen=True)
class Fitted:
    """A fitted configuration: the preprocessing pipeline, the parts of the model, and its ONNX graph."""

    config: ModelConfig
    raw: list[str]
    columns: list[str]
    pipeline: Pipeline
    linear: Weighted | None
    trees: Forest | None
    dnf: Weighted
    spread: Spread
    gate: Gate | None = None

    @cached_property
    def graph(self) -> bytes:
        """The ONNX graph of the whole model."""
        return onnx_export.export(
            self.pipeline,
            (self.config.linear.weight, self.linear) if self.config.linear and self.linear else None,
            (self.config.trees.weight, self.trees) if self.config.trees and self.trees else None,
            self.dnf,
            self.spread,
            self.gate,
        )

    def native(self, raw: NDArray[np.float32]) -> dict[str, Floats]:
        """Predict with scikit-learn and xgboost, without ONNX.

        Parameters
        ----------
        raw : NDArray[np.float32]
            [rows, raw columns], NaN for missing.

        Returns
        -------
        dict[str, NDArray[np.float64]]
            ``predicted_score p_dnf sigma``, one number per row.
        """
        import xgboost

        columns = self.pipeline.transform(raw)
        score = np.zeros(len(raw))
        if self.config.linear and self.linear:
            score += self.config.linear.weight * _linear(self.linear, columns)
        if self.config.trees and self.trees:
            margin = self.trees.booster.predict(xgboost.DMatrix(columns[:, self.trees.columns]))
            score += self.config.trees.weight * margin.astype("float64")
        if self.gate:
            score = self.gate.native(raw, score, _linear(self.gate.instead, columns))
        hazard = 1 / (1 + np.exp(-_linear(self.dnf, columns)))
        return {
            "predicted_score": score,
            "p_dnf": np.clip(hazard, onnx_export.P_DNF_LOW, onnx_export.P_DNF_HIGH),
            "sigma": self.spread.native(raw),
        }


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
    raw = config.raw_columns(available)
    matrix = preprocess.matrix_of(rows, raw)
    valued = np.flatnonzero(~np.isnan(matrix).all(axis=0))
    raw, matrix = [raw[i] for i in valued], matrix[:, valued]
    known = {n: (d.how, d.source) for n, d in config.derived.items()}
    derived = {n: v for n, v in known.items() if v[1] in raw and preprocess.COMPANION[v[0]] in raw}
    pipeline = preprocess.build(raw, derived)
    scaled = pipeline.fit_transform(matrix)
    columns = preprocess.columns_out(pipeline, raw, list(derived))
    weight = _weights(rows, config.half_life_races)
    target = finish_score(rows) if config.target == "finish_score" else rows["finishing_position"].to_numpy("float64")
    used = ~np.isnan(target)
    linear = trees = gate = None
    if config.fresh and {config.fresh.share, config.fresh.needs} <= set(raw):
        chosen = _indices(config.fresh.columns, columns, f"{config.name}.fresh")
        instead = model_linear.ridge(scaled[used], target[used], weight[used], chosen, config.fresh.ridge)
        gate = Gate(raw.index(config.fresh.share), instead)
    if config.linear:
        chosen = _indices(config.linear.columns, columns, f"{config.name}.linear")
        linear = model_linear.ridge(scaled[used], target[used], weight[used], chosen, config.linear.ridge)
    if config.trees:
        # Logarithms may differ in their last bit, which could change the branch taken.
        usable = [c for c in columns if c not in derived or derived[c][0] in preprocess.PRODUCTS]
        wanted = usable if isinstance(config.trees.columns, str) else _with_flags(config.trees.columns, usable)
        chosen = _indices(wanted, columns, f"{config.name}.trees")
        trees = _boost(scaled[used], target[used], weight[used], chosen, config)
    chosen = _indices(config.dnf.columns, columns, f"{config.name}.dnf")
    dnf = model_linear.logistic(scaled, rows["is_dnf"].to_numpy(dtype="float64"), weight, chosen, config.dnf.ridge)
    return Fitted(config, raw, columns, pipeline, linear, trees, dnf, _spread(config, raw, pipeline), gate)


def _spread(config: ModelConfig, raw: list[str], pipeline: Pipeline) -> Spread:
    """Return the width of the latent; an uncertainty column that is not known here adds nothing."""
    settings = config.distribution
    if settings.uncertainty is None or settings.uncertainty.column not in raw:
        return Spread(settings.sigma)
    index = raw.index(settings.uncertainty.column)
    return Spread(settings.sigma, index, float(pipeline["impute"].means_[index]), settings.uncertainty.weight)


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


def _with_flags(wanted: list[str], columns: list[str]) -> list[str]:
    return [c for c in columns if c.removesuffix(preprocess.MISSING) in wanted]


def _boost(scaled: Any, target: Floats, weight: Floats, chosen: list[int], config: ModelConfig) -> Forest:
    """Fit XGBoost with a fixed seed on the columns of the pipeline, which serving reproduces bit by bit.

    One thread: 0.7 s of one core for 6,900 rows by 110 columns; two threads took 18 s on a busy machine.
    """
    import xgboost

    settings = config.trees
    if settings is None:
        raise BadParameters(f"{config.name} has no trees to fit")
    booster = xgboost.train(
        {
            "objective": "reg:squarederror", "tree_method": "hist", "nthread": 1, "seed": config.seed,
            **settings.model_dump(include={"max_depth", "learning_rate", "subsample", "colsample_bytree",
                                           "min_child_weight", "reg_lambda", "max_bin"}),
        },
        xgboost.DMatrix(scaled[:, chosen], label=target, weight=weight, nthread=1),
        num_boost_round=settings.n_estimators,
    )  # fmt: skip
    return Forest(chosen, booster)


def _linear(part: Weighted, columns: Any) -> Floats:
    return np.asarray(columns[:, part.columns].astype("float64") @ part.coefficients + part.intercept)
