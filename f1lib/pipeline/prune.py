"""Prune a lake: remove old executed notebooks, and the features and model runs that no standing prediction names.

An issued prediction, its explanations, bronze and silver are never removed. Of each step the newest finished record
stays, for a rebuild of the tracking table; of each race what its last prediction was made with, for what-if and
explanations; of each horizon the model that serves and the one before it, for a rollback.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from f1lib.domain.moments import stamp
from f1lib.lake import paths
from f1lib.lake.paths_published import RECORDS_PREFIX, in_order_of_issue, parse_record, parse_record_page, raced_of
from f1lib.lake.store import each, update_json
from f1lib.model.registry import champion
from f1lib.pipeline.findings import run_again
from f1lib.pipeline.rebuild import standing_records
from f1lib.predictions.archive import history_keys, load_issue
from f1lib.tracking.stage_keys import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime, timedelta

    from f1lib.lake.store import ObjectStore
    from f1lib.tracking.table import TrackingTable


def prunable(store: ObjectStore, as_of: datetime, keep: timedelta) -> dict[str, list[str]]:
    """Return what `prune` would remove; nothing is changed.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    as_of : datetime
        Aware UTC; ages are counted back from it.
    keep : timedelta
        Runs younger than this stay.

    Returns
    -------
    dict[str, list[str]]
        Keys of the lake by kind (``executed notebooks``, ``features``, ``model runs``), in the order of removal.

    Raises
    ------
    StorageError
        When the lake cannot be read, or an issued prediction or the document of champions is damaged.
    """
    before = stamp(as_of - keep)
    models, features = _named(store)
    trained = sorted(store.list(paths.MODEL_RUNS_PREFIX), key=lambda key: not key.endswith(paths.SUCCESS))
    built = [run for run in paths.gold_runs(store.list(paths.FEATURES_PREFIX)) if _is_old(run, before)]
    old = [paths.features_key(run) for run in built if run not in features]
    return {
        "executed notebooks": _records(store, before),
        "features": [name for key in old for name in (key, paths.gold_note(key))],
        "model runs": [k for k in trained if _is_old(run := paths.run_of(k), before) and run not in models],
    }


def prune(store: ObjectStore, tracking: TrackingTable, as_of: datetime, gone: Mapping[str, Iterable[str]]) -> None:
    """Remove from the lake what `prunable` returned; the next tick renews the pages that link to it.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    tracking : TrackingTable
        Its tracking table; the row of the report is changed.
    as_of : datetime
        Aware UTC.
    gone : Mapping[str, Iterable[str]]
        Keys of the lake by kind.

    Raises
    ------
    StorageError
        When a file cannot be removed; removing can then be begun again.
    """
    runs = {paths.run_of(key) for key in gone["model runs"]}

    def left(document: dict[str, Any]) -> dict[str, Any]:
        for entry in document["horizons"].values():
            entry["previous"] = [served for served in entry.get("previous", []) if served["run_id"] not in runs]
        return document

    if runs:
        update_json(store, paths.CHAMPION_KEY, left)
    keys = [key for kind in gone.values() for key in kind]
    for key in keys:
        store.delete(key)
    if keys:
        run_again(tracking, as_of, Stage.REPORT)


def _is_old(run_id: str, before: str) -> bool:
    """Return whether the moment that a run id begins with is before another; an id without one is not old."""
    return bool(re.match(r"\d{8}T\d{6}Z", run_id)) and run_id[: len(before)] < before


def _named(store: ObjectStore) -> tuple[set[str], set[str]]:
    """Return the model and gold runs that stay whatever their age."""
    served = [entry for one in champion(store)["horizons"].values() for entry in (one, *one.get("previous", [])[:1])]
    models = {str(entry["run_id"]) for entry in served}
    features = set(sorted(paths.gold_runs(store.list(paths.FEATURES_PREFIX)))[-1:])
    last = {raced_of(key): key for key in in_order_of_issue(history_keys(store))}
    for issued in each(store, lambda key: load_issue(store, key).iloc[0], last.values()):
        models.add(str(issued["model_run_id"]))
        features.add(str(issued["gold_run_id"]))
    return models, features


def _records(store: ObjectStore, before: str) -> list[str]:
    """Return old executed notebooks and their pages, but for the newest finished one of each step."""
    standing = {parse_record(key) for key in standing_records(store)}
    found = {key: parse_record(key) or parse_record_page(key) for key in store.list(RECORDS_PREFIX)}
    return [key for key, one in found.items() if one and _is_old(one[0], before) and one not in standing]
