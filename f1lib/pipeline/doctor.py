"""Examine a lake and its tracking table, and mend what can be mended.

A stage reads no file that is not the one that was written: it stops and names it. `after_failure` is what a tick does
then: it examines what the stage reads and mends it, so that the stage can be tried again. ``f1 doctor`` examines all.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from f1lib.errors import BadParameters, Damaged, F1LibError, StorageError
from f1lib.lake import paths
from f1lib.lake.provenance import code_version
from f1lib.lake.store import LocalStore, find_json, write_json
from f1lib.pipeline import check_layers, check_models, check_outputs, claims
from f1lib.pipeline.findings import Finding
from f1lib.pipeline.plan import BACKS_OFF
from f1lib.pipeline.rebuild import rebuild
from f1lib.tracking.rows import key_of
from f1lib.tracking.stage_keys import Stage, StageKey
from f1lib.tracking.units import Unit
from f1lib.workspace.lake_kind import FORMAT, check_not_lost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from f1lib.lake.store import ObjectStore
    from f1lib.tracking.rows import StageRow, TrackingRow
    from f1lib.tracking.table import TrackingTable
    from f1lib.workspace.workspace import Workspace

    Check = Callable[[Workspace, Sequence[TrackingRow]], list[Finding]]

_log = logging.getLogger(__name__)
# What a stage reads, in the order in which it is mended.
_READ: dict[str, tuple[Check, ...]] = {
    Stage.SILVER: (check_layers.bronze,),
    Stage.GOLD: (check_layers.silver,),
    Stage.TRAIN: (check_layers.gold, check_models.models),
    Stage.PREDICT: (check_layers.gold, check_layers.silver, check_models.models, check_outputs.predictions),
    Stage.SCORE: (check_layers.gold, check_layers.silver, check_outputs.predictions),
    Stage.REPORT: (
        check_layers.gold,
        check_layers.silver,
        check_models.models,
        check_outputs.predictions,
        check_outputs.reports,
    ),
}


def examine(ws: Workspace) -> list[Finding]:
    """Check every invariant of a lake and its tracking table.

    Parameters
    ----------
    ws : Workspace
        Its lake and table are read, and nothing is changed.

    Returns
    -------
    list of Finding
        One a fault, from the lake's marker to leftovers; empty for a sound lake.
    """
    found = _marker(ws)
    remedy = "it is rebuilt from the lake"
    try:
        rows = ws.tracking.rows()
        check_not_lost(ws.store, rows)
    except StorageError as error:
        return [*found, Finding("table", ws.tracking.url, f"is lost ({error})", remedy, partial(_rebuild, ws))]
    checks: list[Check] = [check_layers.bronze, check_layers.silver, check_layers.gold]
    checks += [check_models.models, check_outputs.predictions, check_outputs.reports]
    for check in checks:
        found += check(ws, rows)
    dead = claims.left_by_dead(ws.tracking, ws.as_of, rows)
    found += [_claim(ws.tracking, ws.as_of, row) for row in dead]
    return found if any(row.get("owner") and row not in dead for row in rows) else [*found, *_leftovers(ws.store)]


def mend(findings: Iterable[Finding], *, give_up: bool) -> tuple[list[str], list[Finding]]:
    """Mend findings.

    Parameters
    ----------
    findings : iterable of Finding
        What a check found.
    give_up : bool
        Whether what is lost for good may be deleted.

    Returns
    -------
    done : list of str
        What was done, or will be done by the next tick, each line once.
    left : list of Finding
        What could not be mended.
    """
    done: dict[str, None] = {}
    left: list[Finding] = []
    for finding in findings:
        try:
            said = finding.mend(give_up) if finding.mend else ""
        except F1LibError as error:  # of one thing only: the others are mended
            said, finding = "", replace(finding, remedy=f"it could not be mended ({error})")
        if said:
            _log.info("mended %s", said)
            done[said] = None
        else:
            left.append(finding)
    return list(done), left


def repair(ws: Workspace) -> tuple[list[str], list[Finding]]:
    """Examine a lake and mend it, giving up what is lost for good; return as `mend` does.

    It is examined again until nothing new is found: a file that was mended may be what another one is made from.
    """
    done: list[str] = []
    left: list[Finding] = []
    seen: set[Finding] = set()
    while new := [finding for finding in examine(ws) if finding not in seen]:
        seen |= set(new)
        said, lost = mend(new, give_up=True)
        done += [line for line in said if line not in done]
        left += lost
    if done:
        _try_again(ws.tracking)
    return done, left


def _try_again(tracking: TrackingTable) -> None:
    """End the waits of stages that failed again and again: the next tick tries them."""
    changes: list[StageRow] = []
    for row in tracking.rows():
        stage = StageKey.parse(row["session_name_abr"])
        if stage and stage.name in BACKS_OFF and row.get("next_attempt_utc"):
            event, name = key_of(row)
            changes.append({"event_partition_key": event, "session_name_abr": name, "next_attempt_utc": None})
    tracking.put_rows(changes)


def give_up(ws: Workspace, text: str) -> str:
    """Give up the lost answer of a session or grid, named as `Unit.parse` reads it; return what was done.

    Raises `BadParameters` for one that is not in the table, or whose answer is not lost.
    """
    unit, rows = Unit.parse(text), ws.tracking.rows()
    row = next((r for r in rows if key_of(r) == (unit.event.partition_key, unit.sort_key)), None)
    lost = {finding.unit for finding in check_layers.bronze(ws, rows)}
    if row is None or key_of(row) not in lost:
        raise BadParameters(f"nothing of {text} is lost: there is nothing to give up, see `f1 doctor`")
    return check_layers.give_up(ws.tracking, ws.as_of, row)


def after_failure(ws: Workspace, stage: str) -> list[str]:
    """Examine what a failed stage reads, and mend it; return what was done, empty when nothing was found."""
    ws = ws.at(ws.as_of)  # the stage's claim has ended
    rows = ws.tracking.rows()
    for check in _READ.get(stage, ()):
        done, _ = mend(check(ws, rows), give_up=False)
        if done:
            return done
    return []


def _rebuild(ws: Workspace, _give_up: bool) -> str:
    return f"{ws.tracking.url}: {rebuild(ws)} rows rebuilt from the lake"


def _marker(ws: Workspace) -> list[Finding]:
    held = ws.store.list(paths.SCHEDULES_PREFIX)
    try:
        marker = find_json(ws.store, paths.LAKE_MARKER)
    except Damaged:
        marker = "damaged"
    if not held or (isinstance(marker, dict) and marker.get("kind") in ("real", "simulated")):
        return []
    remedy = "it is written anew; give --source simulated for a lake of simulated data"
    return [Finding("lake", paths.LAKE_MARKER, "is missing or damaged", remedy, partial(_mark, ws, held))]


def _mark(ws: Workspace, held: list[str], _give_up: bool) -> str:
    kind = "simulated" if ws.source_name == "simulated" else "real"
    marker = {"kind": kind, "format": FORMAT, "code_version": code_version()}
    if kind == "simulated":
        marker |= {"seed": ws.settings.simulated_seed, "first_season": min(paths.seasons_of_schedules(held))}
    elif ws.source_name == "live":
        marker |= {"source": "live"}
    write_json(ws.store, paths.LAKE_MARKER, marker)
    return f"{paths.LAKE_MARKER}: written anew, {kind} data"


def _claim(tracking: TrackingTable, as_of: datetime, row: TrackingRow) -> Finding:
    key = " ".join(key_of(row))

    def mend(_give_up: bool) -> str:
        is_free = claims.release_dead(tracking, as_of, row)
        return f"{key}: the claim of {row['owner']} was released" if is_free else ""

    return Finding("table", key, "has a claim of a run that died", "it is released, as by the next tick", mend)


def _leftovers(store: ObjectStore) -> list[Finding]:
    """Find files that a process that died was writing; where nobody works on the lake."""
    if not isinstance(store, LocalStore):
        return []
    what, remedy = "was never finished", "it is deleted"
    return [Finding("leftovers", p, what, remedy, partial(_remove, store, p)) for p in store.leftovers()]


def _remove(store: LocalStore, key: str, _give_up: bool) -> str:
    store.delete(key)
    return f"{key}: deleted"


def verdict(findings: Sequence[Finding], at: str) -> str:
    """Return the sentence that ends an examination of a lake at ``at``."""
    if not findings:
        return f"lake {at} is sound"
    areas = list(dict.fromkeys(finding.area for finding in findings))
    plural = "things are" if len(findings) > 1 else "thing is"
    return f"{len(findings)} {plural} wrong in lake {at}, in {', '.join(areas)}"
