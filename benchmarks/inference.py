"""Training of the serving configuration, and one race of 22 drivers by ONNX Runtime, natively and by xgboost alone.

    python -m benchmarks.inference LAKE train|answer

``train`` trains all horizons from the lake's training dataset, into a folder of its own. ``answer`` asks the model of
`HORIZON`: ONNX is the whole graph; native is the same model by scikit-learn's pipeline and estimators and xgboost's
booster; xgboost alone is the booster on columns that are ready; the forecast adds the matrix of positions, over wet and
dry where the lake has a forecast of rain. Prints JSON:
of each the seconds of the median and of the 99th of 100 calls, and the CPU of a call in each round, all on one thread.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pandas as pd

from f1lib.domain.weekend import HORIZONS
from f1lib.lake.store import LocalStore
from f1lib.model.config import load_config
from f1lib.model.fit import fit, labelled, one_thread
from f1lib.model.onnx_export import export
from f1lib.model.serving import FORECAST, Serving, matrix_of, open_graph
from f1lib.model.train import columns_read, feature_columns, read_training, train_horizons
from f1lib.workspace.workspace import open_workspace

MODEL, HORIZON, DRIVERS = "blend_v2", "post_qualifying", 22
CALLS, ROUNDS, WARMING = 1000, 10, 10


def train(lake: Path) -> dict[str, Any]:
    """Train every horizon, with parity and validation, as the stage does it."""
    with tempfile.TemporaryDirectory() as folder:
        ws = replace(open_workspace(lake=str(lake)), store=LocalStore(Path(folder)))
        training = read_training(LocalStore(lake))
        wall, cpu = perf_counter(), process_time()
        runs = train_horizons(ws, MODEL, "", training)
        took = {"wall": [perf_counter() - wall], "CPU": [process_time() - cpu]}
    assert len(runs) == len(HORIZONS)
    return {"training": took}


def answer(lake: Path) -> dict[str, Any]:
    """Time the ways to the same race, call by call in turns."""
    training = read_training(LocalStore(lake)).rows
    config = load_config(MODEL)
    available = feature_columns(training)
    rows = labelled(training[columns_read(config, available)], HORIZON)
    fitted = fit(rows, config, available)
    race = field(training, HORIZON)
    serving = Serving("", fitted.raw, fitted.numbers(), open_graph(export(fitted)), {})
    unknown = race.assign(**{FORECAST: np.nan})
    raw = matrix_of(race, fitted.raw)
    ready = np.ascontiguousarray(fitted.answer(raw)["columns"][:, fitted.parts["trees"].columns])
    booster = fitted.parts["trees"].estimator
    ways: dict[str, Callable[[], Any]] = {
        "ONNX": lambda: serving.answer(raw),
        "native": lambda: fitted.answer(raw),
        "xgboost alone": lambda: booster.inplace_predict(ready),
        "forecast with its matrix": lambda: serving.forecast(race),
        "forecast, weather unknown": lambda: serving.forecast(unknown),
    }
    with one_thread():
        return in_turns(ways)


def field(training: pd.DataFrame, horizon: str) -> pd.DataFrame:
    """Rows of `DRIVERS` drivers: the newest race, and more rows of it under other names."""
    rows = training[(training["horizon"] == horizon) & (training["session"] == "R")]
    newest = rows[rows["event_partition_key"] == rows["event_partition_key"].iloc[-1]]
    filled: pd.DataFrame = pd.concat([newest] * (DRIVERS // len(newest) + 1))[:DRIVERS].reset_index(drop=True)
    named: pd.DataFrame = filled.assign(driver_id=[f"driver-{n:02d}" for n in range(DRIVERS)])
    return named


def in_turns(ways: dict[str, Callable[[], Any]]) -> dict[str, Any]:
    """The seconds of the calls, summed up: in each of `ROUNDS` rounds a series of every way, its first calls apart."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    cpu: dict[str, list[float]] = {name: [] for name in ways}
    for name, way in [*ways.items()] * ROUNDS:
        for _ in range(WARMING):
            way()
        used = process_time()
        for _ in range(CALLS // ROUNDS):
            began = perf_counter()
            way()
            taken[name].append(perf_counter() - began)
        cpu[name].append((process_time() - used) * ROUNDS / CALLS)
    found: dict[str, Any] = {}
    for name, values in taken.items():
        for quantile in (50, 99):
            at = float(np.percentile(values, quantile))
            found[f"{DRIVERS} drivers, {name}, p{quantile}"] = {"wall": [at]} | (
                {"CPU": cpu[name]} if quantile == 50 else {}
            )
    return found


if __name__ == "__main__":
    print(json.dumps({"train": train, "answer": answer}[sys.argv[2]](Path(sys.argv[1]))))
