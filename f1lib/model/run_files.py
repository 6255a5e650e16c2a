"""Write the files of a model run: metadata, ONNX graph, preprocessing pipeline and booster."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd

from f1lib.lake import fingerprint
from f1lib.lake.paths import BOOSTER, GRAPH, METADATA, PREPROCESSOR, SUCCESS, run_key
from f1lib.lake.store import ObjectStore, json_bytes, write_json
from f1lib.model.fit import RACE, Fitted, Part
from f1lib.model.preprocess import MISSING


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
    linear = fitted.parts.get("linear")
    names = [fitted.columns[i] for i in linear.columns] if linear else []
    return {
        "features": fitted.raw,
        "target": fitted.config.target,
        "rows": len(rows),
        "races": len(rows[RACE].drop_duplicates()),
        "seasons": [int(rows["event_year"].min()), int(rows["event_year"].max())],
        "last_event": str(last["event_partition_key"]),
        "config": fitted.config.model_dump(mode="json"),
        "config_digest": fitted.config.digest(),
        "distribution": fitted.numbers(),
        **({"rain": fitted.rain} if fitted.rain else {}),
        "coefficients": dict(zip(names, linear.estimator.coef_.tolist(), strict=True)) if linear else {},
        **({} if "own" in fitted.parts else {"score": _score_parts(fitted)}),
    }


def _score_parts(fitted: Fitted) -> dict[str, Any]:
    """Describe the parts of the score for `f1lib.predictions.explain`: coefficients and sources by column."""
    config, linear, trees = fitted.config, fitted.parts.get("linear"), fitted.parts.get("trees")
    derived = {name: made.source for name, made in config.derived.items()}
    sources = [derived.get(c, c) for c in (c.removesuffix(MISSING) for c in fitted.columns)]
    share = [config.fresh.share] if fitted.fresh and config.fresh else []
    parts, correction = (linear, trees, fitted.fresh), fitted.correction
    corrected = [fitted.raw[i] for i in correction.columns] if correction else []
    return {
        "sources": sources,
        "read": sorted({*share, *corrected}.union(*([sources[i] for i in p.columns] for p in parts if p))),
        "share": "".join(share),
        "linear": {"weight": linear.weight, **_numbers(linear)} if linear else {},
        "trees": {"weight": trees.weight, "columns": trees.columns} if trees else {},
        "fresh": _numbers(fitted.fresh) if fitted.fresh else {},
        **(
            {"correction": dict(zip(corrected, correction.estimator.coef_.tolist(), strict=True))} if correction else {}
        ),
    }


def _numbers(part: Part) -> dict[str, Any]:
    ridge = part.estimator
    return {"columns": part.columns, "coefficients": ridge.coef_.tolist(), "intercept": float(ridge.intercept_)}


def store_run(store: ObjectStore, run_id: str, fitted: Fitted, graph: bytes, document: dict[str, Any]) -> None:
    """Write all files of a run, ``_SUCCESS`` with their hashes last: readers ignore a run without it.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    run_id : str
        An id that is not in use (`free_run_id`).
    fitted : Fitted
        The model.
    graph : bytes
        Its ONNX graph.
    document : dict[str, Any]
        The metadata.
    """
    import joblib

    pickled = io.BytesIO()
    joblib.dump(fitted.pipeline, pickled)
    trees = fitted.parts.get("trees")
    booster = bytes((trees.estimator if trees else _no_trees()).save_raw("ubj"))
    contents = {PREPROCESSOR: pickled.getvalue(), BOOSTER: booster, GRAPH: graph, METADATA: json_bytes(document)}
    for name, content in contents.items():
        store.write(run_key(run_id, name), content)
    write_json(store, run_key(run_id, SUCCESS), fingerprint.of_files(contents))


def _no_trees() -> Any:
    """Return a booster without rounds: a configuration without trees has every file of docs/lake.md as well."""
    import xgboost

    empty = xgboost.DMatrix(np.zeros((1, 1), dtype="float32"), label=[0.0])
    return xgboost.train({"nthread": 1}, empty, num_boost_round=0)


def free_run_id(store: ObjectStore, wanted: str) -> str:
    """Return ``wanted``, or with a number appended when a finished run has that id."""
    number, run_id = 1, wanted
    while store.exists(run_key(run_id, SUCCESS)):
        number += 1
        run_id = f"{wanted}-{number}"
    return run_id
