"""Train one model run per configuration and horizon: fit, check parity, validate forward in time, store.

>>> training = read_training(ws.store)
>>> runs = train_horizons(ws, "blend_v2", "", training)        # all horizons of the configuration; one row per run
>>> serving = load_serving(ws.store, runs["run_id"][0])

A run is refused (`RunError`) when its ONNX graph and the native models differ by more than the tolerance.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from typing import Any

import pandas as pd

from f1lib.domain.moments import format_utc, stamp
from f1lib.errors import RunError
from f1lib.lake import fingerprint, integrity, parquet
from f1lib.lake.paths import TRAINING_KEY
from f1lib.lake.provenance import code_version
from f1lib.lake.store import ObjectStore
from f1lib.model import fit as model_fit
from f1lib.model import onnx_export, run_files
from f1lib.model import rain as model_rain
from f1lib.model.config import ModelConfig, load_config
from f1lib.model.serving import FORECAST, Serving, load_serving, open_graph
from f1lib.scoring import metrics
from f1lib.workspace.workspace import Workspace

__all__ = ["TrainedRun", "load_config", "load_serving", "train", "train_horizons"]

# What a run is made with: distribution -> module; xgboost comes under several names of distributions.
LIBRARIES = {"scikit-learn": "sklearn"} | {
    name: name for name in ("numpy", "onnx", "onnxmltools", "onnxruntime", "pandas", "scipy", "skl2onnx", "xgboost")
}
_NOT_FEATURES = frozenset(
    "event_partition_key session horizon driver_id event_year event_number event_name circuit_id as_of_utc "
    "driver_number abbreviation full_name team_id team_name team_lineage finishing_position is_dnf points "
    "n_entrants is_wet".split()
)


@dataclass(frozen=True)
class TrainingDataset:
    """Gold's training dataset, one row per event, session, horizon and driver, and the SHA-256 of its file."""

    rows: pd.DataFrame
    sha256: str

    @property
    def seasons(self) -> pd.DataFrame:
        """Number of rows and range of seasons of each horizon.

        Returns
        -------
        pd.DataFrame
            One row per horizon in the order of the dataset: ``horizon rows first_season last_season``.
        """
        years = self.rows.groupby("horizon", sort=False)["event_year"]
        return years.agg(rows="count", first_season="min", last_season="max").reset_index()


@dataclass(frozen=True)
class TrainedRun:
    """A finished model run: its id, its metadata as stored, and the model ready to serve."""

    run_id: str
    metadata: dict[str, Any]
    serving: Serving


def feature_columns(training: pd.DataFrame) -> list[str]:
    """List gold's feature columns: the float columns that are neither key, identity nor label.

    Parameters
    ----------
    training : pd.DataFrame
        Rows of the training dataset.

    Returns
    -------
    list[str]
        In the order of ``training``.
    """
    return [c for c in training.columns if c not in _NOT_FEATURES and training[c].dtype.kind == "f"]


def columns_read(config: ModelConfig, available: list[str]) -> list[str]:
    """List the columns of the training dataset that training ``config`` reads: keys, labels and features."""
    weather = [model_rain.WET, FORECAST] if config.rain else []
    return list(dict.fromkeys([*model_fit.KEYS, *model_fit.LABELS, *weather, *config.raw_columns(available)]))


def train_horizons(ws: Workspace, model: str, horizon: str, training: TrainingDataset) -> pd.DataFrame:
    """Train and store one run per horizon of a configuration.

    Parameters
    ----------
    ws : Workspace
        Where runs are stored, and ``as_of``, the moment they are trained at.
    model : str
        Name of a file in ``parameters/models``.
    horizon : str
        The one horizon; empty for all horizons of the configuration.
    training : TrainingDataset
        What `read_training` returned.

    Returns
    -------
    pd.DataFrame
        One row per run, the earliest horizon first: ``run_id model horizon rows seasons features mae rmse r2 spearman
        rps win_log_loss parity``; mae and rmse in places, parity the largest difference between ONNX and native
        outputs.

    Raises
    ------
    BadParameters
        For an unknown configuration or horizon.
    RunError
        When a run is refused, or there are too few races.
    """
    import pandas as pd

    config = load_config(model)
    wanted = config.horizons_of(horizon)
    with model_fit.one_thread():
        rows = _pool(ws.settings.threads).map(lambda name: _row(train(ws, config, name, training).metadata), wanted)
        return pd.DataFrame(list(rows))


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Return one thread pool for all training: glibc keeps some 50 MB for each new thread even after it has ended."""
    return ThreadPoolExecutor(threads)


def read_training(store: ObjectStore) -> TrainingDataset:
    """Read ``gold/training_dataset.parquet`` whole.

    Raises
    ------
    StorageError
        When the stage 04_gold has not written it yet, or it is not the file that its note names (`Damaged`).
    TableError
        When it is not Parquet.
    """
    data = integrity.verified_gold(store, TRAINING_KEY)
    rows = parquet.parquet_frame(data, f"{TRAINING_KEY} in lake {store.url}")
    return TrainingDataset(rows, fingerprint.of_bytes(data))


def train(ws: Workspace, config: ModelConfig, horizon: str, training: TrainingDataset | None = None) -> TrainedRun:
    """Train one run and store it under ``models/run_id=<run_id>/``; nothing is stored of a run that is refused.

    Parameters
    ----------
    ws : Workspace
        Where the run is stored, ``as_of`` and the name of the source.
    config : ModelConfig
        The configuration.
    horizon : str
        One of `HORIZONS`.
    training : TrainingDataset, optional
        What `read_training` returned; read from the lake when not given.

    Returns
    -------
    TrainedRun
        The stored run.

    Raises
    ------
    StorageError
        When there is no training dataset.
    RunError
        When there are too few races, or ONNX and native outputs differ by more than `PARITY_TOLERANCE`.
    BadParameters
        When none of the columns of a part is known at the horizon.
    """
    training = training or read_training(ws.store)
    available = feature_columns(training.rows)
    of_horizon = training.rows["horizon"] == horizon
    rows = model_fit.labelled(training.rows.loc[of_horizon, columns_read(config, available)], horizon)
    fitted = model_fit.fit(rows, config, available)
    graph = onnx_export.export(fitted)
    measured = onnx_export.parity(fitted, graph, rows)
    if not measured["max_abs_difference"] <= onnx_export.PARITY_TOLERANCE:
        raise RunError(
            f"{config.name} at {horizon} is refused: ONNX and native answers differ by up to "
            f"{measured['max_abs_difference']:.2g} (at most {onnx_export.PARITY_TOLERANCE:g}); nothing was stored"
        )
    run_id = run_files.free_run_id(ws.store, f"{stamp(ws.as_of)}-{config.name}-{horizon}")
    document = {
        "run_id": run_id,
        "model": config.name,
        "horizon": horizon,
        "as_of": format_utc(ws.as_of),
        **run_files.describe(fitted, rows),
        "events": int(training.rows["event_partition_key"].nunique()),
        **validate(rows, config, available),
        "parity": measured,
        "inputs": {TRAINING_KEY: training.sha256, "onnx": fingerprint.of_bytes(graph)},
        "libraries": {name: import_module(module).__version__ for name, module in LIBRARIES.items()},
        "code_version": code_version(),
        "source": ws.source_name,
    }
    run_files.store_run(ws.store, run_id, fitted, graph, document)
    kept = replace(fitted.serving(), run_id=run_id, answer=open_graph(graph), metadata=document)
    return TrainedRun(run_id, document, kept)


def validate(rows: pd.DataFrame, config: ModelConfig, available: list[str]) -> dict[str, Any]:
    """Validate forward in time: fit without the last ``validation_races`` races, and predict each of them.

    Parameters
    ----------
    rows : pd.DataFrame
        Labelled rows of one horizon, sorted by race.
    config : ModelConfig
        The configuration; at most a third of the races is held out.
    available : list[str]
        Gold's feature columns in order.

    Returns
    -------
    dict[str, Any]
        ``metrics``: means over races with standard errors, ``rmse`` (places) and ``r2`` of predicted_position over all
        entries, and ``races``, the number held out. ``validation``: the metrics of each race, which the promotion gate
        pairs.

    Raises
    ------
    BadParameters
        When none of the columns of a part is left.
    """
    import pandas as pd

    index = model_fit.race_index(rows)
    held = min(config.validation_races, (int(index.max()) + 1) // 3)
    first = index.max() + 1 - held
    serving = model_fit.fit(rows[index < first], config, available).serving()
    ahead = rows[index >= first]
    event = ahead["event_partition_key"]
    said = serving.predict(ahead).groupby(event, sort=False)
    forecasts = pd.concat([serving.summary(answer, ahead.loc[answer.index]) for _, answer in said])
    scored = ahead[model_fit.LABELS].join(forecasts)
    races = [{"event_partition_key": key, **metrics.score_race(r)} for key, r in scored.groupby(event, sort=False)]
    official = scored["finishing_position"]
    wrong = float(((scored["predicted_position"] - official) ** 2).mean())
    fit = {"rmse": wrong**0.5, "r2": 1 - wrong / float(official.var(ddof=0))}
    return {"metrics": {**metrics.summarize(races), **fit, "races": held}, "validation": races}


def _row(document: dict[str, Any]) -> dict[str, Any]:
    found = document["metrics"]
    names = ("mae", "rmse", "r2", "spearman", "rps", "win_log_loss")
    return {
        **{name: document[name] for name in ("run_id", "model", "horizon", "rows", "seasons")},
        "features": len(document["features"]),
        **{name: found[name] for name in names},
        "parity": document["parity"]["max_abs_difference"],
    }
