"""Registry of model runs, and the champion of each horizon: the run that serves. `f1lib.evaluation.gate` promotes runs.

>>> champion_of(ws.store, "pre_race")["run_id"]
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from f1lib.domain.moments import format_utc
from f1lib.errors import BadParameters, Damaged, NoSuchKey, RunError, StorageError
from f1lib.lake.integrity import readable_json, verified_run_file
from f1lib.lake.paths import (
    BOOSTER,
    CHAMPION_KEY,
    DECISION,
    GRAPH,
    METADATA,
    MODEL_RUNS_PREFIX,
    PREPROCESSOR,
    SUCCESS,
    finished_runs,
    run_key,
)
from f1lib.lake.store import ObjectStore, each, find_json, update_json, write_json


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
        horizons = _sound(document)["horizons"]
        return {"horizons": {**horizons, horizon: change(horizons.get(horizon))}}

    return dict(update_json(store, CHAMPION_KEY, changed)["horizons"][horizon])


def champion(store: ObjectStore) -> dict[str, Any]:
    """Read ``models/champion.json``: ``{"horizons": {horizon: {run_id, model, since, why, previous}}}``."""
    return _sound(find_json(store, CHAMPION_KEY))


def _sound(document: Any) -> dict[str, Any]:
    """Return the document of the champions, without horizons when it is None; raises `Damaged` for another form."""
    if document is None:
        return {"horizons": {}}
    entries = document.get("horizons") if isinstance(document, dict) else None
    if not isinstance(entries, dict) or not all(isinstance(e, dict) and "run_id" in e for e in entries.values()):
        raise Damaged(f"{CHAMPION_KEY} names no champions; see `f1 doctor`", {CHAMPION_KEY: "names no champions"})
    return {"horizons": entries}


def restore_champions(store: ObjectStore, horizons: Collection[str]) -> dict[str, str]:
    """Let the newest sound run serve that passed the gate, for horizons whose champion is lost or damaged.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    horizons : Collection[str]
        Those to restore; a document of champions that cannot be read is written anew for all of them.

    Returns
    -------
    dict[str, str]
        Horizon -> the run that serves now; a horizon for which there is none is left out.
    """
    try:
        champion(store)
    except Damaged:
        store.delete(CHAMPION_KEY)
    runs = sound_runs(store)
    found: dict[str, str] = {}
    for horizon in horizons:
        passed = [r for r in runs if r["horizon"] == horizon and r["decision"].get("promoted")]
        entries = [_entry(run) for run in passed if is_whole(store, run["run_id"])]
        if entries:
            change_champion(store, horizon, partial(_first_of, entries))
            found[horizon] = entries[0]["run_id"]
        elif horizon in champion(store)["horizons"]:
            update_json(store, CHAMPION_KEY, partial(_without, horizon))
    return found


def _without(horizon: str, document: dict[str, Any] | None) -> dict[str, Any]:
    return {"horizons": {name: entry for name, entry in _sound(document)["horizons"].items() if name != horizon}}


def _first_of(entries: list[dict[str, Any]], _before: Any) -> dict[str, Any]:
    return {**entries[0], "previous": entries[1:21]}


def _entry(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return the champion's entry of a run as the gate wrote it when it promoted the run."""
    decision = run["decision"]
    return {"run_id": run["run_id"], "model": run["model"], "since": decision["decided"], "why": decision["why"]}


def promotions(store: ObjectStore) -> dict[str, dict[str, Any]]:
    """Return the entries of champions, past ones too, by run; none of a document that is damaged."""
    try:
        serving = list(champion(store)["horizons"].values())
    except Damaged:
        return {}
    past = [old for entry in serving if isinstance(entry.get("previous"), list) for old in entry["previous"]]
    named = (entry for entry in (*past, *serving) if isinstance(entry, dict))
    return {str(entry["run_id"]): entry for entry in named if {"run_id", "since", "why"} <= entry.keys()}


def write_decision(store: ObjectStore, entry: Mapping[str, Any]) -> None:
    """Write a lost decision of the gate anew from the entry of its run (see `_entry`), without the figures."""
    record = {"run_id": entry["run_id"], "decided": entry["since"], "promoted": True, "why": entry["why"]}
    write_json(store, run_key(str(entry["run_id"]), DECISION), {**record, "comparisons": []})


def is_whole(store: ObjectStore, run_id: str) -> bool:
    """Whether a run is finished and its files are those that were written."""
    try:
        for file in (METADATA, GRAPH, BOOSTER, PREPROCESSOR):
            verified_run_file(store, run_id, file)
    except (NoSuchKey, Damaged):
        return False
    return bool(_sound_metadata(store, run_id))


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
    BadParameters
        When there is no such run, or it was not finished.
    """
    if not store.exists(run_key(run_id, SUCCESS)):
        raise BadParameters(f"lake {store.url} has no finished model run {run_id!r}; `f1 models list` names them")
    return dict(json.loads(verified_run_file(store, run_id, METADATA)))


def list_runs(store: ObjectStore) -> list[dict[str, Any]]:
    """List the finished runs, newest first.

    Each row has ``run_id model horizon as_of rows mae spearman rps win_log_loss serves why``; ``why`` is the gate's
    reason, empty for a run that the gate has not decided on.
    """
    return [row for row, _ in listed_runs(store)]


def listed_runs(store: ObjectStore) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """List each row of `list_runs` with the document of `show`; one listing, two reads per run."""
    serving = {entry["run_id"] for entry in champion(store)["horizons"].values()}
    rows = []
    for document in sound_runs(store):
        row = {name: document[name] for name in ("run_id", "model", "horizon", "as_of", "rows")}
        row |= {m: document["metrics"][m] for m in ("mae", "spearman", "rps", "win_log_loss")}
        rows.append((row | {"serves": row["run_id"] in serving, "why": document["decision"].get("why", "")}, document))
    return rows


def sound_runs(store: ObjectStore) -> list[dict[str, Any]]:
    """List the documents of `show` of the finished runs whose metadata can be read, newest first."""
    held = set(store.list(MODEL_RUNS_PREFIX))
    finished = finished_runs(sorted(held))
    decided = [run for run in finished if run_key(run, DECISION) in held]
    documents = each(store, lambda run: _sound_metadata(store, run), finished)
    decided_as = each(store, lambda run: readable_json(store, run_key(run, DECISION)), decided)
    decisions = dict(zip(decided, decided_as, strict=True))
    runs = [
        {**document, "decision": decisions.get(run, {})}
        for run, document in zip(finished, documents, strict=True)
        if document
    ]
    return sorted(runs, key=lambda r: (r["as_of"], r["run_id"]), reverse=True)


def _sound_metadata(store: ObjectStore, run_id: str) -> dict[str, Any]:
    """Return the metadata of a finished run; empty when it is damaged, which `f1 doctor` says."""
    try:
        return metadata(store, run_id)
    except (Damaged, NoSuchKey, ValueError):
        return {}


def show(store: ObjectStore, run_id: str) -> dict[str, Any]:
    """Read a run's metadata with the gate's decision under ``decision``, empty when there is none."""
    decision = readable_json(store, run_key(run_id, DECISION))
    return {**metadata(store, run_id), "decision": decision}
