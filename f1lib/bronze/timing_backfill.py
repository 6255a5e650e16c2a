"""Backfill of laps: past seasons, or the last weeks, into a lake that other runs write to as well.

>>> units = wanted(ws.tracking.rows(), [2024, 2025], ws.as_of)
>>> bring_all(ws, units, workers=2, clock=clock, on_unit=print)

Each session is claimed while it is worked on, so that a scheduled run leaves it alone, and is in the lake before its
claim is released: an interruption loses at most the sessions under way, and the next call continues from there.
FastF1's limits hold per process; workers are processes, and each keeps to its share of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextvars import ContextVar
from dataclasses import replace
from datetime import datetime
from typing import Any

from f1lib.bronze.ingest import fetch, race_end_of
from f1lib.domain.moments import format_utc, parse_utc, stamp
from f1lib.errors import AlreadyRunning, ClosedForNow, NotPublishedYet, RateLimited, SourceBlocked, SourceError
from f1lib.sources.combined import SESSION_SETTLED
from f1lib.sources.protocols import BLOCKED, LATER
from f1lib.tracking.lease import renewed
from f1lib.tracking.rows import Outcome, SessionRow, Status, key_of
from f1lib.tracking.stage_keys import SESSIONS
from f1lib.tracking.units import Unit
from f1lib.workspace.lake_kind import claim_lake
from f1lib.workspace.settings import TIMING
from f1lib.workspace.workspace import Workspace

Brought = dict[str, Any]  # outcome of one unit, see `bring`
_FIRST_SEASON = 2018  # live timing begins there


def wanted(
    rows: Iterable[SessionRow],
    seasons: Iterable[int],
    now: datetime,
    *,
    again: bool = False,
    sessions: Collection[str] = SESSIONS,
) -> list[str]:
    """Return the sessions that lack laps.

    Parameters
    ----------
    rows : iterable of SessionRow
        The tracking table.
    seasons : iterable of int
        Years; empty for the sessions of the last weeks (`SESSION_SETTLED`).
    now : datetime
        Sessions available by then count, aware UTC.
    again : bool
        Whether to include sessions that are complete, or that a backfill asked for before in vain.
    sessions : collection of str
        Codes of the sessions that count, such as `f1lib.bronze.due.PRACTICE`.

    Returns
    -------
    list of str
        Texts as `Unit.parse` reads them, oldest first.
    """
    years, moment = set(seasons), format_utc(now)
    since = "" if years else format_utc(now - SESSION_SETTLED)
    found = []
    for row in rows:
        if row["session_name_abr"] not in sessions or row.get("is_cancelled") or row["event_year"] < _FIRST_SEASON:
            continue
        is_whole = row.get("source") in TIMING and "content_hash" in row and not row.get("is_partial")
        if not since <= row["available_utc"] <= moment or (years and row["event_year"] not in years):
            continue
        if again or not (is_whole or row.get("backfilled_utc")):
            found.append((row["available_utc"], f"{row['event_partition_key']}/{row['session_name_abr']}"))
    return [text for _, text in sorted(found)]


def bring_all(
    ws: Workspace, units: list[str], workers: int, clock: Callable[[], datetime], on_unit: Callable[[Brought], None]
) -> list[Brought]:
    """Fetch ``units`` from the upstreams of timing, and stop early when an upstream limits the rate.

    Parameters
    ----------
    ws : Workspace
        The lake and tracking table to write to; its source is replaced by one that asks timing first.
    units : list of str
        Sessions, see `wanted`.
    workers : int
        Number of processes; 1 fetches in this one.
    clock : callable
        Returns the time at which a unit is begun, aware UTC.
    on_unit : callable
        Called with the outcome of each unit.

    Returns
    -------
    list of dict
        Outcomes as of `bring`. The last one has ``wait_seconds`` when the backfill ended early.

    Raises
    ------
    StorageError
        When the lake cannot be read or written.
    """
    claim_lake(ws.store, ws.source_name, ws.as_of, ws.settings)
    outcomes: list[Brought] = []
    if workers == 1:
        opened = _with_live_source(ws)
        for text in units:
            outcomes.append(bring(opened, text, clock()))
            on_unit(outcomes[-1])
            if outcomes[-1]["wait_seconds"]:
                break
        return outcomes
    return _in_processes(ws.parameters(), ws.as_of, units, workers, clock, on_unit)


def bring(ws: Workspace, text: str, now: datetime) -> Brought:
    """Fetch one session under a claim on its tracking row.

    Parameters
    ----------
    ws : Workspace
        Its source is asked; its lake and tracking table are written.
    text : str
        The session, as `Unit.parse` reads it.
    now : datetime
        Time of the fetch, aware UTC.

    Returns
    -------
    dict
        ``unit``, ``status`` of this attempt, whatever the lake held before (``ingested`` only when laps came; ``without
        laps``, ``blocked``, ``failed``, ``waiting``, or ``taken`` when another run has claimed it), ``rows``,
        ``warning`` and ``wait_seconds`` (above 0 when an upstream limits the rate).

    Raises
    ------
    StorageError
        When the lake cannot be read or written.
    """
    unit, ws = Unit.parse(text), replace(ws.at(now), run_id=ws.run_id)
    event, name = unit.event.partition_key, unit.sort_key
    try:
        claim = ws.tracking.claim(event, name, owner=ws.owner, run_id=ws.run_id, now=now, lease=ws.lease)
    except AlreadyRunning as taken:
        return {"unit": text, "status": Outcome.TAKEN, "rows": 0, "warning": str(taken), "wait_seconds": 0.0}
    change: SessionRow = {}
    try:
        known = {key_of(row): row for row in ws.tracking.rows(event)}
        with renewed(ws.tracking, claim, ws.now, ws.lease):
            outcome, change, error = fetch(ws, unit, known[event, name], race_end_of(known, known[event, name]))
        is_final = not any(word in (change.get("missing") or "") for word in (BLOCKED, LATER))
        is_absent = isinstance(error, NotPublishedYet) and not isinstance(error, ClosedForNow)
        if is_absent or (error is None and is_final):
            change["backfilled_utc"] = format_utc(now)  # no upstream has more of it
    finally:
        ws.tracking.release(claim, change)
    found = {
        "status": _came(change, error),
        "rows": outcome["rows"],
        "warning": change.get("missing") or outcome["warning"],
    }
    return {"unit": text, **found, "wait_seconds": getattr(error, "retry_after_seconds", 0.0)}


def _came(change: SessionRow, error: SourceError | None) -> Status | Outcome:
    """Return what an attempt brought; the row's own status says what the lake has."""
    if isinstance(error, RateLimited | ClosedForNow):
        return Outcome.WAITING
    if isinstance(error, SourceBlocked):
        return Status.BLOCKED
    if error is None and "laps " not in (change.get("missing") or ""):
        return Status.INGESTED
    return Outcome.WITHOUT_LAPS if error is None or isinstance(error, NotPublishedYet) else Status.FAILED


def _with_live_source(ws: Workspace) -> Workspace:
    run_id = ws.run_id or f"ingest-{stamp(ws.as_of)}"
    return replace(ws, run_id=run_id, upstreams=ws.upstreams.timed(ws.as_of))


def _in_processes(
    parameters: dict[str, Any],
    as_of: datetime,
    units: list[str],
    workers: int,
    clock: Callable[[], datetime],
    on_unit: Callable[[Brought], None],
) -> list[Brought]:
    """Fetch units in worker processes, submitted one by one.

    So each has the time at which it starts, and a rate limit stops those that have not been submitted.
    """
    from multiprocessing import get_context

    outcomes: list[Brought] = []
    waiting, running = list(reversed(units)), set[Future[Brought]]()
    given = {name: value for name, value in parameters.items() if name != "run_id"}
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _open_worker, (given, f"ingest-{stamp(as_of)}", workers))
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                running.add(pool.submit(_bring_in_worker, waiting.pop(), format_utc(clock())))
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                outcomes.append(future.result())
                on_unit(outcomes[-1])
                if outcomes[-1]["wait_seconds"]:
                    waiting.clear()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return sorted(outcomes, key=lambda outcome: outcome["wait_seconds"])


_worker: ContextVar[Workspace] = ContextVar("worker")  # set once in each process of the pool


def _open_worker(given: dict[str, Any], run_id: str, workers: int) -> None:
    """Open a worker's own workspace and source, with its share of the upstreams' limits."""
    from f1lib.sources.fastf1.client import share_limits
    from f1lib.workspace.workspace import open_workspace

    share_limits(workers)
    ws = open_workspace(**given, run_id=run_id)
    _worker.set(_with_live_source(replace(ws, upstreams=replace(ws.upstreams, workers=workers))))


def _bring_in_worker(text: str, moment: str) -> Brought:
    return bring(_worker.get(), text, parse_utc(moment))
