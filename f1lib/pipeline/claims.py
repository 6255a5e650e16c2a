"""The claim of a step: no two runs do the same work, and its outcome is recorded on the step's tracking row."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from f1lib.bronze.due import back_off
from f1lib.domain.moments import format_utc
from f1lib.errors import AlreadyRunning, F1LibError
from f1lib.pipeline.plan import BACKS_OFF
from f1lib.tracking.lease import renewed
from f1lib.tracking.rows import StageRow, Status
from f1lib.tracking.stage_keys import Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from f1lib.pipeline.notebook import Execution
    from f1lib.pipeline.rules import Step
    from f1lib.tracking.rows import Claim
    from f1lib.workspace.workspace import Workspace

_log = logging.getLogger(__name__)


def under_claim(ws: Workspace, step: Step, work: Callable[[], Execution], seen: StageRow | None = None) -> Execution:
    """Do ``work`` under the step's claim and record how it ended.

    Parameters
    ----------
    ws : Workspace
        Its table, moment, run and owner.
    step : Step
        The step, whose row is claimed.
    work : callable
        Executes the stage.
    seen : StageRow or None
        The step's row when the plan was made, before the claim: when another run has worked on it meanwhile, it
        is not done twice. None for a stage on request.

    Returns
    -------
    Execution
        What ``work`` returned.

    Raises
    ------
    AlreadyRunning
        Another run has the claim, or has worked on the step since it was planned.
    F1LibError
        What ``work`` raised; it is recorded on the row.
    """
    event, sort_key = step.key
    claim = _claim(ws, event, sort_key)
    before: StageRow = ws.tracking.get(event, sort_key) or {}
    outcome: StageRow = {"status": Status.FAILED, "last_error": "interrupted", "updated_at_utc": format_utc(ws.as_of)}
    attempts = (before.get("attempts") or 0) + 1
    outcome["attempts"] = attempts
    if step.stage in BACKS_OFF and attempts > 1:
        outcome["next_attempt_utc"] = format_utc(ws.as_of + back_off(attempts - 1))
    try:
        if seen is not None and _progress(before) != _progress(seen):
            raise AlreadyRunning(
                f"{event} {sort_key} was worked on by another run meanwhile; the next tick looks again"
            )
        with renewed(ws.tracking, claim, ws.now, ws.lease):
            execution = work()
        outcome["status"] = Status.INGESTED if step.stage == Stage.SCHEDULE else Status.GOLD
        outcome |= {"last_error": None, "attempts": None, "finished_utc": format_utc(ws.as_of)}
        if step.stage in BACKS_OFF:
            outcome["next_attempt_utc"] = None
        if step.input_hash:
            outcome["input_hash"] = step.input_hash
        return execution
    except AlreadyRunning:
        outcome = {}
        raise
    except F1LibError as error:
        outcome["last_error"] = str(error)
        raise
    finally:
        ws.tracking.release(claim, outcome)


def _claim(ws: Workspace, event: str, sort_key: str) -> Claim:
    """Claim a row, releasing the claim of a process that died; raises `AlreadyRunning` while another run has it."""
    _log.debug("claim %s %s", event, sort_key)
    wanted: Any = {"owner": ws.owner, "run_id": ws.run_id, "now": ws.now(), "lease": ws.lease}
    try:
        return ws.tracking.claim(event, sort_key, **wanted)
    except AlreadyRunning:
        if not ws.tracking.release_stale_claim(event, sort_key):
            raise
        _log.info("released the claim of a dead process on %s %s", event, sort_key)
    return ws.tracking.claim(event, sort_key, **wanted)


def _progress(row: StageRow) -> tuple[Any, ...]:
    """Return what changes on a stage's row whenever a run has worked on it."""
    return tuple(row.get(name) for name in ("finished_utc", "input_hash", "attempts", "last_error"))
