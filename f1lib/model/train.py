"""Training: one model run per configuration and horizon, validated forward in time, exported, and kept.

>>> training = read_training(ws.store)
>>> runs = train_horizons(ws, "blend_v1", "", training)        # all horizons of the configuration; a row a run
>>> serving = load_serving(ws.store, runs["run_id"][0])

A run is refused (`RunError`) when its ONNX graph does not answer as scikit-learn and xgboost do.
"""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib import metadata as packages
from typing import TYPE_CHECKING, Any

import numpy as np

from f1lib.domain.moments import format_utc, stamp
from f1lib.domain.weekend import HORIZONS
from f1lib.errors import BadParameters, RunError
from f1lib.lake import fingerprint, parquet
from f1lib.lake.paths import BOOSTER, GRAPH, METADATA, PREPROCESSOR, SUCCESS, TRAINING_KEY, run_key
from f1lib.lake.provenance import code_version
from f1lib.lake.store import write_json
from f1lib.model import fit as model_fit
from f1lib.model import onnx_export, preprocess
from f1lib.model.config import ModelConfig, load_config
from f1lib.model.serving import Serving, from_graph, load_serving
from f1lib.scoring import metrics

if TYPE_CHECKING:
    import pandas as pd

    from f1lib.lake.store import ObjectStore
    from f1lib.workspace.workspace import Workspace

__all__ = ["TrainedRun", "load_config", "load_serving", "train", "train_horizons"]

LIBRARIES = ("numpy", "onnx", "onnxruntime", "pandas", "scikit-learn", "scipy")
_NOT_FEATURES = frozenset(
    "event_partition_key session horizon driver_id event_year event_number event_name circuit_id as_of_utc "
    "driver_number abbreviation full_name team_id team_name team_lineage finishing_position is_dnf points "
    "n_entrants".split()
)


@dataclass(frozen=True)
class TrainingDataset:
    """Gold's training dataset, a row a driver, session and horizon, and the SHA-256 of its file."""

    rows: pd.DataFrame
    sha256: str

    @property
    def seasons(self) -> pd.DataFrame:
        """How much there is to learn from, a row a horizon: ``horizon rows first_season last_season``."""
        years = self.rows.groupby("horizon", sort=False)["event_year"]
        return years.agg(rows="count", first_season="min", last_season="max").reset_index()


@dataclass(frozen=True)
class TrainedRun:
    """A finished model run: its id, its metadata as stored, and the model ready to serve."""

    run_id: str
    metadata: dict[str, Any]
    serving: Serving


def feature_columns(training: pd.DataFrame) -> list[str]:
    """Gold's feature columns of ``training``, in order: all that are neither key, identity nor label."""
    return [c for c in training.columns if c not in _NOT_FEATURES and training[c].dtype.kind == "f"]


def columns_read(config: ModelConfig, available: list[str]) -> list[str]:
    """The columns of the training dataset that training ``config`` reads, and those that name its rows."""
    return [*model_fit.KEYS, *model_fit.LABELS, *config.raw_columns(available)]


def train_horizons(ws: Workspace, model: str, horizon: str, training: TrainingDataset) -> pd.DataFrame:
    """Train one run a horizon of a configuration and store each.

    Parameters
    ----------
    ws : where runs are stored, and the moment they are trained at
    model : name of a file of ``parameters/models``
    horizon : the one horizon; empty for all the configuration is meant for
    training : what `read_training` reads

    Returns
    -------
    One row a run, best first known: ``run_id model horizon rows seasons features mae rmse r2 spearman rps
    win_log_loss parity``; mae and rmse in places.

    Raises
    ------
    BadParameters
        For an unknown configuration or horizon.
    RunError
        When a run is refused.
    """
    import pandas as pd

    config = load_config(model)
    wanted = [horizon] if horizon else [h for h in HORIZONS if h in config.horizons]
    strange = [h for h in wanted if h not in config.horizons]
    if strange:
        raise BadParameters(f"{model} has no horizon {strange[0]!r}; it has {', '.join(config.horizons)}")
    rows = _pool(ws.settings.threads).map(lambda name: _row(train(ws, config, name, training).metadata), wanted)
    return pd.DataFrame(list(rows))


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """The same threads for every training: glibc keeps some 50 MB for each new one, long after it has ended."""
    return ThreadPoolExecutor(threads)


def read_training(store: ObjectStore) -> TrainingDataset:
    """Read ``gold/training_dataset.parquet`` whole; raises `StorageError` when 04_gold has not written it yet."""
    data = store.read(TRAINING_KEY)
    rows = parquet.parquet_frame(data, f"{TRAINING_KEY} in lake {store.url}")
    return TrainingDataset(rows, fingerprint.of_bytes(data))


def train(ws: Workspace, config: ModelConfig, horizon: str, training: TrainingDataset | None = None) -> TrainedRun:
    """Train one run and store it below ``models/run_id=<run_id>/``.

    ``training``: the training dataset when it has been read already (`read_training`). Raises `StorageError` without
    one, `RunError` with too little of it or without parity; a run that is refused leaves nothing behind.
    """
    training = training or read_training(ws.store)
    available = feature_columns(training.rows)
    rows = model_fit.labelled(training.rows[columns_read(config, available)], horizon)
    fitted = model_fit.fit(rows, config, available)
    measured = model_fit.parity(fitted, rows)
    if not measured["max_abs_difference"] <= onnx_export.PARITY_TOLERANCE:
        raise RunError(
            f"{config.name} at {horizon} is refused: ONNX and native answers differ by up to "
            f"{measured['max_abs_difference']:.2g} (at most {onnx_export.PARITY_TOLERANCE:g}); nothing was stored"
        )
    run_id = _free_run_id(ws.store, f"{stamp(ws.as_of)}-{config.name}-{horizon}")
    document = {
        "run_id": run_id,
        "model": config.name,
        "horizon": horizon,
        "as_of": format_utc(ws.as_of),
        **describe(fitted, rows),
        **validate(rows, config, available),
        "parity": measured,
        "inputs": {TRAINING_KEY: training.sha256, "onnx": fingerprint.of_bytes(fitted.graph)},
        "libraries": {name: packages.version(name) for name in LIBRARIES} | {"xgboost": _xgboost_version()},
        "code_version": code_version(),
        "source": ws.source_name,
    }
    _store(ws.store, run_id, fitted, document)
    return TrainedRun(run_id, document, serve(fitted, run_id, document))


def serve(fitted: model_fit.Fitted, run_id: str, document: dict[str, Any]) -> Serving:
    """The fitted model through its ONNX graph: the only way anything is ever predicted."""
    return from_graph(fitted.graph, fitted.raw, fitted.config.distribution.model_dump(), run_id, document)


def describe(fitted: model_fit.Fitted, rows: pd.DataFrame) -> dict[str, Any]:
    """What a run was made of and from."""
    last = rows.iloc[-1]
    part = fitted.linear
    return {
        "features": fitted.raw,
        "target": fitted.config.target,
        "rows": len(rows),
        "races": len(rows[model_fit.RACE].drop_duplicates()),
        "seasons": [int(rows["event_year"].min()), int(rows["event_year"].max())],
        "last_event": str(last["event_partition_key"]),
        "config": fitted.config.model_dump(mode="json"),
        "config_digest": fitted.config.digest(),
        "distribution": fitted.config.distribution.model_dump(),
        "coefficients": dict(zip([fitted.columns[i] for i in part.columns], part.coefficients.tolist(), strict=True))
        if part
        else {},
        "score": _score_parts(fitted),
    }


def _score_parts(fitted: model_fit.Fitted) -> dict[str, Any]:
    """What the score is the sum of, for `predictions_shap`: numbers by column of the pipeline, and whose they are."""
    config, gate = fitted.config, fitted.gate
    derived = {name: made.source for name, made in config.derived.items()}
    plain = [c.removesuffix(preprocess.MISSING) for c in fitted.columns]
    parts = [p.columns for p in (fitted.linear, fitted.trees, gate.instead if gate else None) if p]
    sources = [derived.get(c, c) for c in plain]
    share = [config.fresh.share] if gate and config.fresh else []
    return {
        "sources": sources,
        "read": sorted({sources[i] for columns in parts for i in columns} | set(share)),
        "share": share[0] if share else "",
        "linear": {"weight": config.linear.weight, **_numbers(fitted.linear)}
        if config.linear and fitted.linear
        else {},
        "trees": {"weight": config.trees.weight, "columns": fitted.trees.columns}
        if config.trees and fitted.trees
        else {},
        "fresh": _numbers(gate.instead) if gate else {},
    }


def _numbers(part: onnx_export.Weighted) -> dict[str, Any]:
    return {"columns": part.columns, "coefficients": part.coefficients.tolist(), "intercept": part.intercept}


def validate(rows: pd.DataFrame, config: ModelConfig, available: list[str]) -> dict[str, Any]:
    """Out of sample, forward in time: fit without the last ``validation_races`` and forecast each of them.

    Returns ``metrics`` (means over races, with standard errors; ``rmse`` and ``r2`` are of predicted_position
    over all entries) and ``validation`` (the same per race, which the promotion gate pairs).
    """
    import pandas as pd

    index = model_fit.race_index(rows)
    held = min(config.validation_races, (int(index.max()) + 1) // 3)
    first = index.max() + 1 - held
    serving = serve(model_fit.fit(rows[index < first], config, available), "", {})
    races: list[dict[str, Any]] = []
    expected = []
    for number in range(first, index.max() + 1):
        race = rows[index == number]
        race = pd.concat([race[[*model_fit.KEYS, *model_fit.LABELS]], serving.forecast(race)], axis=1)
        expected.append(race[["predicted_position", "finishing_position"]].to_numpy("float64"))
        head = race.iloc[0]
        races.append({"event_partition_key": str(head["event_partition_key"]), **metrics.score_race(race)})
    predicted, official = np.concatenate(expected).T
    wrong = float(((predicted - official) ** 2).mean())
    fit = {"rmse": float(np.sqrt(wrong)), "r2": 1 - wrong / float(official.var())}
    return {"metrics": {**metrics.summarize(races), **fit, "races": held}, "validation": races}


def _store(store: ObjectStore, run_id: str, fitted: model_fit.Fitted, document: dict[str, Any]) -> None:
    """All files of a run, ``_SUCCESS`` last: a run without it does not exist to any reader."""
    import joblib

    pickled = io.BytesIO()
    joblib.dump(fitted.pipeline, pickled)
    store.write(run_key(run_id, PREPROCESSOR), pickled.getvalue())
    booster = bytes(fitted.trees.booster.save_raw("ubj")) if fitted.trees else _no_trees()
    store.write(run_key(run_id, BOOSTER), booster)
    store.write(run_key(run_id, GRAPH), fitted.graph)
    write_json(store, run_key(run_id, METADATA), document)
    store.write(run_key(run_id, SUCCESS), b"")


def _no_trees() -> bytes:
    """A configuration without trees keeps the file, as a booster of no rounds: every name of docs/lake.md is there."""
    import xgboost

    empty = xgboost.DMatrix(np.zeros((1, 1), dtype="float32"), label=[0.0])
    return bytes(xgboost.train({"nthread": 1}, empty, num_boost_round=0).save_raw("ubj"))


def _free_run_id(store: ObjectStore, wanted: str) -> str:
    number, run_id = 1, wanted
    while store.exists(run_key(run_id, SUCCESS)):
        number += 1
        run_id = f"{wanted}-{number}"
    return run_id


def _xgboost_version() -> str:
    import xgboost

    return str(xgboost.__version__)


def _row(document: dict[str, Any]) -> dict[str, Any]:
    found = document["metrics"]
    names = ("mae", "rmse", "r2", "spearman", "rps", "win_log_loss")
    return {
        **{name: document[name] for name in ("run_id", "model", "horizon", "rows", "seasons")},
        "features": len(document["features"]),
        **{name: found[name] for name in names},
        "parity": document["parity"]["max_abs_difference"],
    }
