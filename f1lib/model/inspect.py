"""Model inspection through the ONNX graph: permutation importance and partial dependence."""

from __future__ import annotations

import numpy as np
import pandas as pd

from f1lib.errors import BadParameters, RunError
from f1lib.lake import gold_tables
from f1lib.lake.features import columns_by_group, group_words
from f1lib.lake.store import ObjectStore
from f1lib.model import fit, registry
from f1lib.model.serving import Serving, load_serving, matrix_of
from f1lib.scoring import metrics

RACES = 24
POINTS = 20  # values of a curve
_ROUGH = 3  # values of a curve of which only the range is used
_EVERY = 4  # and of so many rows one: a quarter of the time, and the range hardly differs
_SEED = 7


def serving_run(store: ObjectStore, run_id: str, horizon: str) -> str:
    """Resolve the run to inspect.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    run_id : str
        Returned as it is unless empty.
    horizon : str
        The horizon whose champion is taken when ``run_id`` is empty; empty for the latest horizon with a champion.

    Returns
    -------
    str
        The id of the run.

    Raises
    ------
    RunError
        When ``run_id`` is empty and no model serves.
    """
    if run_id:
        return run_id
    served = registry.champion(store)["horizons"]
    wanted = [h for h in ("pre_race", "post_qualifying", "post_practice", "pre_weekend") if h in served]
    if not wanted or (horizon and horizon not in served):
        raise RunError(f"no model serves {horizon or 'any horizon'} in lake {store.url}; `f1 run` trains one")
    return str(served[horizon or wanted[0]]["run_id"])


def importance(store: ObjectStore, run_id: str, training: pd.DataFrame | None = None) -> pd.DataFrame:
    """Compute the permutation importance of each feature group over the last `RACES` races.

    The values of a group's features are shuffled together among the drivers of each race.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    run_id : str
        A finished model run.
    training : pd.DataFrame, optional
        Rows of the training dataset; read from the lake when not given.

    Returns
    -------
    pd.DataFrame
        One row per group the model reads, the most important first: ``group``, ``features`` (their number),
        ``mae_lost`` (increase of the mean absolute error of the ranks, in places) and ``spearman_lost`` (decrease).

    Raises
    ------
    StorageError
        When the run or the training dataset is absent.
    RunError
        When there are too few races.

    Notes
    -----
    The model has been trained on these races: the figures measure what it relies on, not how well it predicts.
    """
    return _importance(*_model_and_rows(store, run_id, training))


def _importance(serving: Serving, rows: pd.DataFrame) -> pd.DataFrame:
    before = _fit(serving, rows)
    lines = []
    for group, columns in columns_by_group(serving.features).items():
        after = _fit(serving, _shuffled(rows, columns))
        lines.append(
            {
                "group": group_words(group),
                "features": len(columns),
                "mae_lost": after["mae"] - before["mae"],
                "spearman_lost": before["spearman"] - after["spearman"],
            }
        )
    return pd.DataFrame(lines).sort_values("mae_lost", ascending=False, kind="stable", ignore_index=True)


def dependence(store: ObjectStore, run_id: str, feature: str, points: int = POINTS) -> pd.DataFrame:
    """Compute the partial dependence of score and hazard on one feature over the last `RACES` races.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    run_id : str
        A finished model run.
    feature : str
        A gold column that the model reads.
    points : int, default 20
        How many values, from the 2nd to the 98th percentile of the feature.

    Returns
    -------
    pd.DataFrame
        One row per value, ascending: ``value`` (in the feature's unit), and the means of ``predicted_score`` (smaller
        is better) and ``p_dnf`` when every driver has that value.

    Raises
    ------
    BadParameters
        When the model does not read ``feature`` or no row has a value of it.
    StorageError
        When the run or the training dataset is absent.
    RunError
        When there are too few races.
    """
    return _dependence(*_model_and_rows(store, run_id), feature, points)


def curves(
    store: ObjectStore,
    run_id: str,
    features: list[str],
    most: int = 4,
    weights: pd.DataFrame | None = None,
    training: pd.DataFrame | None = None,
) -> dict[str, pd.DataFrame]:
    """Compute `dependence` for several features.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    run_id : str
        A finished model run.
    features : list[str]
        Gold columns; empty for one feature of each of the ``most`` most important groups: the one along which the mean
        score of every fourth row varies most over its smallest, middle and largest value.
    most : int, default 4
        The number of groups when ``features`` is empty.
    weights : pd.DataFrame, optional
        `importance` of this run; computed when not given and needed.
    training : pd.DataFrame, optional
        Rows of the training dataset; read from the lake when not given.

    Returns
    -------
    dict[str, pd.DataFrame]
        Feature -> frame as of `dependence`, the most important group first.

    Raises
    ------
    BadParameters
        When the model does not read a feature or no row has a value of it.
    StorageError
        When the run or the training dataset is absent.
    RunError
        When there are too few races.
    """
    serving, rows = _model_and_rows(store, run_id, training)
    if not features:
        named = {group_words(group): columns for group, columns in columns_by_group(serving.features).items()}
        weighty = _importance(serving, rows) if weights is None else weights
        some = rows.iloc[::_EVERY]
        for group in weighty["group"].head(most):
            known = [c for c in named[group] if some[c].nunique() > 1]
            moves = {c: float(np.ptp(_dependence(serving, some, c, _ROUGH)["predicted_score"])) for c in known}
            features = [*features, *([max(moves, key=moves.__getitem__)] if moves else [])]
    return {name: _dependence(serving, rows, name, POINTS) for name in features}


def _model_and_rows(
    store: ObjectStore, run_id: str, training: pd.DataFrame | None = None
) -> tuple[Serving, pd.DataFrame]:
    serving = load_serving(store, run_id)
    read = [*fit.KEYS, *fit.LABELS, *serving.features]
    known = gold_tables.read_training_dataset(store, read) if training is None else training[read]
    rows = fit.labelled(known, str(serving.metadata["horizon"]))
    index = fit.race_index(rows)
    return serving, rows[index > index.max() - RACES].reset_index(drop=True)


def _dependence(serving: Serving, rows: pd.DataFrame, feature: str, points: int) -> pd.DataFrame:
    if feature not in serving.features or rows[feature].notna().sum() == 0:
        raise BadParameters(
            f"model run {serving.run_id} does not read {feature!r}, or it is nowhere known; "
            f"it reads {', '.join(serving.features)}"
        )
    low, high = rows[feature].quantile([0.02, 0.98])
    values = np.unique(np.linspace(low, high, points))
    every = np.tile(matrix_of(rows, serving.features), (len(values), 1))
    every[:, serving.features.index(feature)] = np.repeat(values, len(rows))
    answer = serving.answer(every)
    means = {n: answer[n].reshape(len(values), len(rows)).mean(axis=1) for n in ("predicted_score", "p_dnf")}
    return pd.DataFrame({"value": values, **means})


def _shuffled(rows: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Permute the values of ``columns`` among the drivers of each race, all columns alike."""
    generator = np.random.default_rng(_SEED)
    order = np.concatenate([generator.permutation(places) for places in rows.groupby(fit.RACE).indices.values()])
    stands = np.concatenate(list(rows.groupby(fit.RACE).indices.values()))
    dealt = rows[columns].to_numpy(copy=True)
    dealt[stands] = rows[columns].to_numpy()[order]
    return rows.assign(**dict(zip(columns, dealt.T, strict=True)))


def _fit(serving: Serving, rows: pd.DataFrame) -> dict[str, float]:
    score, finish = serving.predict(rows)["predicted_score"].to_numpy(), rows["finishing_position"].to_numpy()
    found = []
    for race in rows.groupby(fit.RACE).indices.values():
        rank, place = metrics.dense_rank(score[race]), metrics.dense_rank(finish[race])
        found.append((metrics.mae(rank, place), metrics.spearman(rank, place)))
    mae, spearman = np.mean(found, axis=0)
    return {"mae": float(mae), "spearman": float(spearman)}
