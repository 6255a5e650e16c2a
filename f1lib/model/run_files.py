"""Write the files of a model run: metadata, ONNX graph, preprocessing pipeline and booster."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from f1lib.lake import fingerprint
from f1lib.lake.paths import BOOSTER, GRAPH, METADATA, PREPROCESSOR, SUCCESS, run_key
from f1lib.lake.store import json_bytes, write_json
from f1lib.model.fit import RACE
from f1lib.model.preprocess import MISSING

if TYPE_CHECKING:
    import pandas as pd

    from f1lib.lake.store import ObjectStore
    from f1lib.model.fit import Fitted
    from f1lib.model.onnx_export import Weighted


def describe(fitted: Fitted, rows: pd.DataFrame) -> dict[str, Any]:
    """Describe a fitted model for the metadata of its run.

    Parameters
    ----------
    fitted : Fitted
        The model.
    rows : pd.DataFrame
        The labelled rows it was fitted to, sorted by race.

    Returns
    -------
    dict[str, Any]
        Features, target, counts and seasons of the rows, configuration and digest, coefficients, and the parts of the
        score that explanations need.
    """
    last = rows.iloc[-1]
    part = fitted.linear
    return {
        "features": fitted.raw,
        "target": fitted.config.target,
        "rows": len(rows),
        "races": len(rows[RACE].drop_duplicates()),
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


def _score_parts(fitted: Fitted) -> dict[str, Any]:
    """Describe the parts of the score for `f1lib.predictions.explain`: coefficients and sources by column."""
    config, gate = fitted.config, fitted.gate
    derived = {name: made.source for name, made in config.derived.items()}
    plain = [c.removesuffix(MISSING) for c in fitted.columns]
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


def _numbers(part: Weighted) -> dict[str, Any]:
    return {"columns": part.columns, "coefficients": part.coefficients.tolist(), "intercept": part.intercept}


def store_run(store: ObjectStore, run_id: str, fitted: Fitted, document: dict[str, Any]) -> None:
    """Write all files of a run, ``_SUCCESS`` with their hashes last: readers ignore a run without it.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    run_id : str
        An id that is not in use (`free_run_id`).
    fitted : Fitted
        The model.
    document : dict[str, Any]
        The metadata.
    """
    import joblib

    pickled = io.BytesIO()
    joblib.dump(fitted.pipeline, pickled)
    booster = bytes(fitted.trees.booster.save_raw("ubj")) if fitted.trees else _no_trees()
    contents = {PREPROCESSOR: pickled.getvalue(), BOOSTER: booster, GRAPH: fitted.graph, METADATA: json_bytes(document)}
    for name, content in contents.items():
        store.write(run_key(run_id, name), content)
    write_json(store, run_key(run_id, SUCCESS), fingerprint.of_files(contents))


def _no_trees() -> bytes:
    """Return a booster without rounds: a configuration without trees has every file of docs/lake.md as well."""
    import xgboost

    empty = xgboost.DMatrix(np.zeros((1, 1), dtype="float32"), label=[0.0])
    return bytes(xgboost.train({"nthread": 1}, empty, num_boost_round=0).save_raw("ubj"))


def free_run_id(store: ObjectStore, wanted: str) -> str:
    """Return ``wanted``, or with a number appended when a finished run has that id."""
    number, run_id = 1, wanted
    while store.exists(run_key(run_id, SUCCESS)):
        number += 1
        run_id = f"{wanted}-{number}"
    return run_id
