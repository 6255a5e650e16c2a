"""Decide when a session or starting grid is asked for and when it is asked for again.

Pure functions from tracking rows to rows and times. A row is due from its ``available_utc`` (the session's end plus a
lag) until its answer is in bronze. When an upstream has nothing, fails or refuses, it is asked again for 48 hours, each
time after twice the wait; then the row is ``unavailable`` (or stays ``blocked``), so that nothing waits for it any
longer, and it is asked for once a day until two weeks after the session. An incomplete answer (results without laps) is
completed within the 48 hours. After the race everything that may have been revised, or is missing, is read again
(`REREAD_AFTER`), and whenever the source has a new release (`f1lib.bronze.schedule`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from f1lib.domain.moments import NEVER, format_utc, has_come, parse_utc
from f1lib.errors import NotPublishedYet, RateLimited, SourceBlocked, SourceError
from f1lib.tracking.index import is_session
from f1lib.tracking.rows import OPEN, STORED, SessionRow, Status, TrackingRow

FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=15), timedelta(hours=6)
PATIENCE = timedelta(hours=48)
# Results have come in two weeks late; a session given up is asked for once a day until then.
STILL_ASKED_FOR, STILL_ASKED_EVERY = timedelta(days=14), timedelta(hours=24)
# Results were revised up to 89 days after the race (Jolpica's and F1DB's histories).
REREAD_AFTER = tuple(timedelta(days=days) for days in (1, 3, 7, 30, 90))
# In a change: the row is asked for anew, whatever was tried before.
NO_BACK_OFF: SessionRow = {"failures": None, "failing_since_utc": None, "next_attempt_utc": None}
PRACTICE = ("P1", "P2", "P3")


def due_rows(rows: Iterable[TrackingRow], now: datetime) -> list[TrackingRow]:
    """Return the rows of sessions and grids to ask for at ``now``, by the time they became available."""
    moment = format_utc(now)
    due = [row.copy() for row in rows if is_session(row) and not row.get("is_cancelled") and _is_due(row, moment)]
    return sorted(due, key=lambda r: (r["available_utc"], r["event_partition_key"], r["session_name_abr"]))


def _is_due(row: SessionRow, moment: str) -> bool:
    if not has_come(row.get("available_utc"), moment):
        return False
    return _is_awaited(row, moment) or _is_to_be_completed(row, moment) or _is_to_be_read_again(row, moment)


def _is_awaited(row: SessionRow, moment: str) -> bool:
    """Visible and not there yet, and no upstream asked to be left alone."""
    again = row.get("next_attempt_utc")
    return row.get("status") in OPEN and (not again or has_come(again, moment))


def _is_to_be_completed(row: SessionRow, moment: str) -> bool:
    """Whether a refused, missing or incomplete answer may be asked for again."""
    if not has_come(row.get("next_attempt_utc"), moment):
        return False
    return row.get("status") in (Status.BLOCKED, Status.UNAVAILABLE) or bool(row.get("is_partial"))


def _is_to_be_read_again(row: SessionRow, moment: str) -> bool:
    """Whether another reading of a past session is due."""
    return has_come(row.get("reread_utc"), moment)


def after_success(row: SessionRow, race_end: datetime, now: datetime, *, is_whole: bool) -> SessionRow:
    """Return the columns of a tracking row that an answer changes: its retries and its next reading.

    Parameters
    ----------
    row : SessionRow
        The tracking row before the attempt.
    race_end : datetime
        Scheduled end of the race of its weekend, aware UTC.
    now : datetime
        Time of the attempt, aware UTC.
    is_whole : bool
        Whether the answer has all its parts. An incomplete one is asked for again, until 48 hours after the session.

    Returns
    -------
    SessionRow
        ``failures``, ``failing_since_utc``, ``next_attempt_utc``, ``is_partial`` and ``reread_utc``. A complete
        practice session is never read again; other sessions are after each time of `REREAD_AFTER`.
    """
    change: SessionRow = {**NO_BACK_OFF, "is_partial": None}
    if not is_whole:
        failures = (row.get("failures") or 0) + 1
        change |= {"is_partial": True, "failures": failures}
        if now < parse_utc(row["session_end_utc"]) + PATIENCE:
            change["next_attempt_utc"] = format_utc(now + back_off(failures))
    revisable = row["session_name_abr"] not in PRACTICE or not is_whole
    change["reread_utc"] = _reread(race_end, now) if revisable else None
    return change


def after_error(row: SessionRow, error: SourceError, race_end: datetime, now: datetime) -> SessionRow:
    """Return the columns of a tracking row that a failed attempt changes: its status and the next attempt.

    A row whose answer is in bronze keeps its status.

    Parameters
    ----------
    row : SessionRow
        The tracking row before the attempt.
    error : SourceError
        How the attempt failed. `RateLimited` is asked again after the time it names, however often it comes.
    race_end : datetime
        Scheduled end of the race of its weekend, aware UTC.
    now : datetime
        Time of the attempt, aware UTC.

    Returns
    -------
    SessionRow
        ``status``, ``failures``, ``failing_since_utc``, ``next_attempt_utc`` (None: given up) and ``reread_utc``.
    """
    first = row.get("failing_since_utc")
    since = parse_utc(first) if first else now
    failures = (row.get("failures") or 0) + 1
    again = now + back_off(failures)
    ended = parse_utc(row["session_end_utc"])
    # The 48 hours of a failure or refusal count from the first one, those of unpublished results from the session.
    over = now > (ended if isinstance(error, NotPublishedYet) else max(ended, since)) + PATIENCE
    if isinstance(error, RateLimited):
        status, again, over = Status.DUE, now + timedelta(seconds=error.retry_after_seconds), False
    elif isinstance(error, SourceBlocked):
        status = Status.BLOCKED
    elif over:
        status = Status.UNAVAILABLE
    else:
        status = Status.DUE if isinstance(error, NotPublishedYet) else Status.FAILED
    change: SessionRow = {"failures": failures, "failing_since_utc": format_utc(since)}
    if over:
        again = now + STILL_ASKED_EVERY
    change["next_attempt_utc"] = None if over and again > ended + STILL_ASKED_FOR else format_utc(again)
    change["reread_utc"] = _reread(race_end, now)
    if row.get("status") in STORED:
        status = row["status"]
        if row.get("reread_utc") and not over:  # the failed reading is repeated, not skipped
            change["reread_utc"] = min(change["reread_utc"] or NEVER, format_utc(max(again, now + FIRST_WAIT)))
        change["next_attempt_utc"] = change["next_attempt_utc"] if row.get("is_partial") else None
    change["status"] = status
    return change


def back_off(failures: int) -> timedelta:
    """Return the pause after ``failures`` failures in a row: 15 minutes, doubling, at most 6 hours."""
    return min(FIRST_WAIT * int(2 ** min(failures - 1, 10)), LONGEST_WAIT)


def _reread(race_end: datetime, now: datetime) -> str | None:
    """Return when the results of a race's weekend are read again next; None after the last time."""
    ahead = [race_end + after for after in REREAD_AFTER if race_end + after > now]
    return format_utc(ahead[0]) if ahead else None
