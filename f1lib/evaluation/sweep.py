"""Sweep: backtest many model configurations over many seasons, one fold per pair, and average their scores.

Step Functions runs the folds (``lambda_runner/sweep.asl.json``), one Lambda call per configuration and season.
"""

from __future__ import annotations

from typing import Any

from f1lib.errors import BadParameters
from f1lib.lake import paths_published
from f1lib.lake.store import ObjectStore, write_json


def run_fold(store: ObjectStore, sweep: str, model: str, season: int, threads: int) -> dict[str, Any]:
    """Backtest one configuration over one season and store the scores of its races.

    Every race is predicted from earlier ones only, so folds are independent of each other.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    sweep : str
        Name of the sweep.
    model : str
        Name of the configuration.
    season : int
        The season.
    threads : int
        Races computed at once.

    Returns
    -------
    dict
        ``model season races key``: the number of races scored and where the scores are stored.

    Raises
    ------
    BadParameters
        Unknown configuration, or a season without races in gold.
    """
    from f1lib.evaluation import backtest
    from f1lib.lake import gold_tables
    from f1lib.lake.parquet import write_parquet
    from f1lib.model.config import load_config
    from f1lib.scoring import scorecard

    config, training = load_config(model), gold_tables.read_training_dataset(store)
    walked = {
        ("models", model, horizon): backtest.walk_forward(training, config, horizon, season, season, 1, threads)
        for horizon in config.horizons
    }
    card, scores = scorecard.scorecard(walked, scorecard.phases(training))
    key = paths_published.sweep_fold(sweep, model, season)
    write_parquet(store, key, scores)
    return {"model": model, "season": season, "races": card["races"], "key": key}


def sweep_report(store: ObjectStore, sweep: str) -> dict[str, Any]:
    """Average the scores of a sweep's folds by configuration and horizon, best MAE first.

    Written to ``reports/sweeps/<sweep>/summary.json`` and returned. Raises `BadParameters` when no fold has been
    stored.
    """
    import pandas as pd

    from f1lib.lake.parquet import read_parquet, records
    from f1lib.scoring import metrics

    keys = store.list(paths_published.sweep_prefix(sweep))
    if not keys:
        raise BadParameters(f"sweep {sweep!r} has no folds in lake {store.url}")
    scores = pd.concat([read_parquet(store, key) for key in keys], ignore_index=True)
    rows: list[dict[str, Any]] = []
    for (model, horizon), races in scores.groupby(["system", "horizon"]):
        figures = metrics.summarize(records(races[list(metrics.METRICS)]))
        rows.append({"model": model, "horizon": horizon, "races": len(races), **figures})
    rows.sort(key=lambda row: (row["horizon"], row["mae"], row["model"]))
    document = {"sweep": sweep, "folds": len(keys), "systems": rows}
    write_json(store, paths_published.sweep_summary(sweep), document)
    return document
