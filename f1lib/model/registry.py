"""Registry of model runs, and the champion of each horizon: the run that serves. `f1lib.evaluation.gate` promotes runs.

>>> champion_of(ws.store, "pre_race")["run_id"]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from f1lib.domain.moments import format_utc
from f1lib.errors import RunError, StorageError
from f1lib.lake.paths import CHAMPION_KEY, DECISION, METADATA, MODEL_RUNS_PREFIX, SUCCESS, finished_runs, run_key
from f1lib.lake.store import each, find_json, read_json, update_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from f1lib.lake.store import ObjectStore


def rollback(store: ObjectStore, horizon: str, as_of: datetime) -> dict[str, Any]:
    """Restore the previous champion of a horizon, without asking the gate.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    horizon : str
        One of `HORIZONS`.
    as_of : datetime
        Since when the restored champion serves.

    Returns
    -------
    dict[str, Any]
        The new entry: ``run_id model since why previous``.

    Raises
    ------
    RunError
        When there is no previous champion.
    StorageError
        When no model serves the horizon.
    """
    serving = champion_of(store, horizon)["run_id"]

    def restored(entry: dict[str, Any] | None) -> dict[str, Any]:
        if not entry or not entry.get("previous"):
            raise RunError(f"horizon {horizon}: no champion before {serving} to go back to")
        back, *previous = entry["previous"]
        why = f"rolled back from {entry['run_id']}"
        return {**back, "since": format_utc(as_of), "why": why, "previous": previous}

    return change_champion(store, horizon, restored)


def change_champion(
    store: ObjectStore, horizon: str, change: Callable[[dict[str, Any] | None], dict[str, Any]]
) -> dict[str, Any]:
    """Replace the champion entry of one horizon atomically.

    The document is shared by all horizons; entries that others write at the same moment are kept.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    horizon : str
        One of `HORIZONS`.
    change : Callable[[dict[str, Any] | None], dict[str, Any]]
        Maps the present entry, None when there is none, to the new one; may be called again after a concurrent write.

    Returns
    -------
    dict[str, Any]
        The new entry.
    """

    def changed(document: dict[str, Any] | None) -> dict[str, Any]:
        horizons = (document or {"horizons": {}})["horizons"]
        return {"horizons": {**horizons, horizon: change(horizons.get(horizon))}}

    return dict(update_json(store, CHAMPION_KEY, changed)["horizons"][horizon])


def champion(store: ObjectStore) -> dict[str, Any]:
    """Read ``models/champion.json``: ``{"horizons": {horizon: {run_id, model, since, why, previous}}}``."""
    return dict(find_json(store, CHAMPION_KEY) or {"horizons": {}})


def champion_of(store: ObjectStore, horizon: str) -> dict[str, Any]:
    """Return the champion entry of ``horizon``.

    Raises
    ------
    StorageError
        When no model serves it.
    """
    entry = champion(store)["horizons"].get(horizon)
    if entry is None:
        refused = [r for r in list_runs(store) if r["horizon"] == horizon and r["why"]]
        last = f"; the last one was refused: {refused[0]['why']}" if refused else "; `f1 run` trains one after a race"
        raise StorageError(f"no model serves horizon {horizon} in lake {store.url}{last}")
    return dict(entry)


def metadata(store: ObjectStore, run_id: str) -> dict[str, Any]:
    """Read the metadata of a finished run.

    Raises
    ------
    StorageError
        When there is no such run, or it was not finished.
    """
    if not store.exists(run_key(run_id, SUCCESS)):
        raise StorageError(f"lake {store.url} has no finished model run {run_id!r}; `f1 models list` names them")
    return dict(read_json(store, run_key(run_id, METADATA)))


def list_runs(store: ObjectStore) -> list[dict[str, Any]]:
    """List the finished runs, newest first.

    Each row has ``run_id model horizon as_of rows mae spearman rps win_log_loss serves why``; ``why`` is the gate's
    reason, empty for a run that the gate has not decided on.
    """
    return [row for row, _ in listed_runs(store)]


def listed_runs(store: ObjectStore) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """List each row of `list_runs` with the document of `show`; one listing, two reads per run."""
    serving = {entry["run_id"] for entry in champion(store)["horizons"].values()}
    held = set(store.list(MODEL_RUNS_PREFIX))
    finished = finished_runs(sorted(held))
    decided = [run for run in finished if run_key(run, DECISION) in held]
    documents = each(store, lambda run: dict(read_json(store, run_key(run, METADATA))), finished)
    decided_as = each(store, lambda run: read_json(store, run_key(run, DECISION)), decided)
    decisions = dict(zip(decided, decided_as, strict=True))
    runs = []
    for run, document in zip(finished, documents, strict=True):
        decision = decisions.get(run, {})
        row = {name: document[name] for name in ("run_id", "model", "horizon", "as_of", "rows")}
        row |= {m: document["metrics"][m] for m in ("mae", "spearman", "rps", "win_log_loss")}
        row |= {"serves": document["run_id"] in serving, "why": decision.get("why", "")}
        runs.append((row, {**document, "decision": decision}))
    return sorted(runs, key=lambda r: (r[0]["as_of"], r[0]["run_id"]), reverse=True)


def show(store: ObjectStore, run_id: str) -> dict[str, Any]:
    """Read a run's metadata with the gate's decision under ``decision``, empty when there is none."""
    decision = find_json(store, run_key(run_id, DECISION)) or {}
    return {**metadata(store, run_id), "decision": decision}
