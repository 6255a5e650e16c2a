"""Check model runs and the champions. Light to import: every tick looks whether its champions are there."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from f1lib.domain.weekend import HORIZONS
from f1lib.errors import Damaged, F1LibError
from f1lib.lake import integrity
from f1lib.lake.paths import CHAMPION_KEY, DECISION, MODEL_RUNS_PREFIX, SUCCESS, finished_runs, run_key
from f1lib.model import registry
from f1lib.pipeline.findings import Finding, drop, is_stage, run_again
from f1lib.tracking.stage_keys import Stage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from f1lib.lake.store import ObjectStore
    from f1lib.tracking.rows import TrackingRow
    from f1lib.workspace.workspace import Workspace


def champions(ws: Workspace, rows: Sequence[TrackingRow]) -> list[Finding]:
    """Check that the document of champions can be read and the runs it names are finished; cheap."""
    trained = any(is_stage(row, Stage.TRAIN) and row.get("input_hash") for row in rows)
    try:
        named = {h: str(entry["run_id"]) for h, entry in registry.champion(ws.store)["horizons"].items()}
    except Damaged as error:
        remedy = "the newest run that passed the gate serves"
        return [Finding("models", CHAMPION_KEY, f"cannot be read ({error})", remedy, partial(_restore, ws, None))]
    lost = sorted(h for h, run in named.items() if not ws.store.exists(run_key(run, SUCCESS)))
    found = [_broken(ws, horizon, named[horizon], "is no finished run") for horizon in lost]
    if trained and not named:
        runs = finished_runs(ws.store.list(MODEL_RUNS_PREFIX))
        passed = [run for run in runs if integrity.readable_json(ws.store, run_key(run, DECISION)).get("promoted")]
        if passed or not runs:
            remedy = "the newest run that passed the gate serves; without one a model is trained"
            found.append(Finding("models", CHAMPION_KEY, "names no model", remedy, partial(_restore, ws, None)))
    return found


def restored(ws: Workspace, rows: Sequence[TrackingRow]) -> list[str]:
    """Restore champions that are lost, which no stage would notice before the next prediction; say what was done."""
    return [said for found in champions(ws, rows) if found.mend and (said := found.mend(False))]


def models(ws: Workspace, rows: Sequence[TrackingRow]) -> list[Finding]:
    """Check the champions, and the files of every finished run."""
    found = champions(ws, rows)
    try:
        entries = registry.champion(ws.store)["horizons"]
    except Damaged:
        entries = {}
    serving = {str(entry["run_id"]): horizon for horizon, entry in entries.items()}
    promoted = registry.promotions(ws.store)
    for run in finished_runs(ws.store.list(MODEL_RUNS_PREFIX)):
        if not _serves(ws.store, run):
            if run in serving:
                found.append(_broken(ws, serving[run], run, "is damaged"))
            else:
                key, remedy = run_key(run, SUCCESS), "`f1 doctor --repair` takes it off the list of runs"
                found.append(Finding("models", key, "is of a damaged run", remedy, partial(drop, ws.store, key)))
        key = run_key(run, DECISION)
        if integrity.readable_json(ws.store, key):
            continue
        if run in promoted:
            mend = partial(_decided, ws.store, key, promoted[run])
            found.append(Finding("models", key, "is lost or damaged", f"written anew from {CHAMPION_KEY}", mend))
        elif ws.store.exists(key):
            remedy = "`f1 doctor --repair` deletes it: the run counts as undecided"
            found.append(Finding("models", key, "cannot be read", remedy, partial(drop, ws.store, key)))
    return found


def _decided(store: ObjectStore, key: str, entry: Mapping[str, Any], _give_up: bool) -> str:
    """Record again that a run was promoted: when ``models/champion.json`` is lost, only such runs serve."""
    registry.write_decision(store, entry)
    return f"{key}: written anew from {CHAMPION_KEY}, without its figures"


def _serves(store: ObjectStore, run: str) -> bool:
    from f1lib.model.serving import load_serving

    try:
        load_serving(store, run)
        return registry.is_whole(store, run)
    except (F1LibError, KeyError, ValueError):
        return False


def _broken(ws: Workspace, horizon: str, run: str, what: str) -> Finding:
    remedy = "the newest other run that passed the gate serves, and a model is trained again"
    return Finding("models", f"{CHAMPION_KEY} {horizon}: {run}", what, remedy, partial(_restore, ws, horizon))


def _restore(ws: Workspace, horizon: str | None, _give_up: bool) -> str:
    """Restore champions; a broken run is replaced by one that was trained on less, so a model is trained as well."""
    trained = {run["horizon"] for run in registry.sound_runs(ws.store)}
    horizons = [horizon] if horizon else [name for name in HORIZONS if name in trained]
    restored = registry.restore_champions(ws.store, horizons)
    said = ", ".join(f"{run} serves {name}" for name, run in restored.items()) or "no run passed the gate"
    if horizon or not restored:
        run_again(ws.tracking, ws.as_of, Stage.TRAIN)
        said += "; a model is trained by the next tick"
    return f"{CHAMPION_KEY}: {said}"
