"""The claim of a step: no two runs do the same work, and its outcome is recorded on the step's tracking row."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from f1lib.bronze.due import back_off
from f1lib.domain.moments import format_utc
from f1lib.errors import AlreadyRunning, F1LibError
from f1lib.pipeline.plan import BACKS_OFF
from f1lib.tracking.index import is_session
from f1lib.tracking.lease import renewed
from f1lib.tracking.rows import StageRow, Status, claim_of, is_claimed, key_of
from f1lib.tracking.stage_keys import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from f1lib.pipeline.notebook import Execution
    from f1lib.pipeline.rules import Step
    from f1lib.tracking.rows import Claim, TrackingRow
    from f1lib.tracking.table import TrackingTable
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
        row: StageRow = ws.tracking.get(event, sort_key) or {}
        if not ws.tracking.owner_died(row):
            raise
        _log.info("released the claim of a dead process on %s %s", event, sort_key)
        ws.tracking.release(claim_of(row), {})
    return ws.tracking.claim(event, sort_key, **wanted)


def left_by_dead(tracking: TrackingTable, now: datetime, rows: Iterable[TrackingRow]) -> list[TrackingRow]:
    """Return the rows whose claim was left by a run that died.

    Parameters
    ----------
    tracking : TrackingTable
        Knows whether a process is gone.
    now : datetime
        A lease that ended by then has run out, aware UTC.
    rows : iterable of TrackingRow
        Rows of the table.

    Returns
    -------
    list of TrackingRow
        In the order of ``rows``.
    """
    claimed = [row for row in rows if row.get("owner")]
    return [row for row in claimed if not is_claimed(row, now) or tracking.owner_died(row)]


def release_dead(tracking: TrackingTable, as_of: datetime, row: TrackingRow) -> bool:
    """End a claim that `left_by_dead` returned.

    Whether the stage did all of its work is not known: its row says that it was interrupted, and the plan has it run
    once more. A session's row tells by its status what was stored.

    Parameters
    ----------
    tracking : TrackingTable
        It is changed.
    as_of : datetime
        ``updated_at_utc`` of the row, aware UTC.
    row : TrackingRow
        The row.

    Returns
    -------
    bool
        False when another run has claimed the row meanwhile.
    """
    died = f"interrupted: run {row.get('run_id')} of {row['owner']} ended before its stage did"
    told: StageRow = {"status": Status.FAILED, "last_error": died, "updated_at_utc": format_utc(as_of)}
    try:
        tracking.release(claim_of(row), {} if is_session(row) else told)
    except AlreadyRunning:
        return False
    _log.info("%s %s: %s", *key_of(row), died)
    return True


def _progress(row: StageRow) -> tuple[Any, ...]:
    """Return what changes on a stage's row whenever a run has worked on it."""
    return tuple(row.get(name) for name in ("finished_utc", "input_hash", "attempts", "last_error"))
