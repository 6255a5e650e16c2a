"""When a session or starting grid is asked for, and when again. Pure: tracking rows in, rows and moments out.

A row is due from its ``available_utc`` (the session's end plus a lag) until it is there. An upstream that has
nothing, fails or refuses is asked again, each time after twice as long, for 48 hours; then the row is
``unavailable`` (or stays ``blocked``). The same for what is there but not whole (results without laps). One, seven and
thirty days after its race everything that may have been revised, or was given up, is read again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from f1lib.domain.moments import format_utc, parse_utc
from f1lib.errors import NotPublishedYet, RateLimited, SourceBlocked
from f1lib.tracking.stage_keys import GRID_ROWS, SESSIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from f1lib.errors import SourceError
    from f1lib.tracking.rows import Row


FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=15), timedelta(hours=6)
PATIENCE = timedelta(hours=48)
REREAD_AFTER = (timedelta(days=1), timedelta(days=7), timedelta(days=30))
OPEN = ("scheduled", "due", "failed")
DONE = ("ingested", "silver", "gold")
_PRACTICE = ("P1", "P2", "P3")
_NEVER = "9"


def due_rows(rows: Iterable[Mapping[str, Any]], now: datetime) -> list[Row]:
    """The rows of sessions and grids to ask for at ``now``, in order of time."""
    moment = format_utc(now)
    due = [dict(row) for row in rows if is_session(row) and not row.get("is_cancelled") and _is_due(row, moment)]
    return sorted(due, key=lambda r: (r["available_utc"], r["event_partition_key"], r["session_name_abr"]))


def is_session(row: Mapping[str, Any]) -> bool:
    """Whether a row stands for a session or a starting grid."""
    return row["session_name_abr"] in SESSIONS or row["session_name_abr"] in GRID_ROWS.values()


def _is_due(row: Mapping[str, Any], moment: str) -> bool:
    if row.get("available_utc", _NEVER) > moment:
        return False
    return _is_awaited(row, moment) or _is_to_be_completed(row, moment) or _is_to_be_read_again(row, moment)


def _is_awaited(row: Mapping[str, Any], moment: str) -> bool:
    """Visible and not there yet, and no upstream asked to be left alone."""
    return row.get("status") in OPEN and (row.get("next_attempt_utc") or "") <= moment


def _is_to_be_completed(row: Mapping[str, Any], moment: str) -> bool:
    """Refused, or there without its laps, and the time to try again has come."""
    is_lacking = row.get("status") == "blocked" or bool(row.get("is_partial"))
    return is_lacking and (row.get("next_attempt_utc") or _NEVER) <= moment


def _is_to_be_read_again(row: Mapping[str, Any], moment: str) -> bool:
    """A day, a week or a month after its race."""
    return (row.get("reread_utc") or _NEVER) <= moment


def after_success(row: Mapping[str, Any], race_end: datetime, now: datetime, *, is_whole: bool) -> Row:
    """What an answer makes of a row's patience: nothing to wait for when it is whole."""
    change: Row = {"failures": None, "failing_since_utc": None, "next_attempt_utc": None, "is_partial": None}
    if not is_whole:
        failures = int(row.get("failures", 0)) + 1
        change |= {"is_partial": True, "failures": failures}
        if now < parse_utc(row["session_end_utc"]) + PATIENCE:
            change["next_attempt_utc"] = format_utc(now + back_off(failures))
    revisable = row["session_name_abr"] not in _PRACTICE or not is_whole
    return change | {"reread_utc": _reread(race_end, now) if revisable else None}


def after_error(row: Mapping[str, Any], error: SourceError, race_end: datetime, now: datetime) -> Row:
    """What a failed attempt makes of a row: its status, and when it is asked for again; what is there stays."""
    since = parse_utc(row["failing_since_utc"]) if row.get("failing_since_utc") else now
    failures = int(row.get("failures", 0)) + 1
    again = now + back_off(failures)
    ended = parse_utc(row["session_end_utc"])
    # What fails or refuses has had no chance before it was first asked; what is not published has.
    over = now > (ended if isinstance(error, NotPublishedYet) else max(ended, since)) + PATIENCE
    if isinstance(error, RateLimited):
        status, again, over = "due", now + timedelta(seconds=error.retry_after_seconds), False
    elif isinstance(error, SourceBlocked):
        status = "blocked"
    elif over:
        status = "unavailable"
    else:
        status = "due" if isinstance(error, NotPublishedYet) else "failed"
    change: Row = {"failures": failures, "failing_since_utc": format_utc(since)}
    change["next_attempt_utc"] = None if over else format_utc(again)
    change["reread_utc"] = _reread(race_end, now)
    if row.get("status") in DONE:
        status = row["status"]
        if row.get("reread_utc") and not over:  # this reading is made up for, not skipped
            change["reread_utc"] = min(change["reread_utc"] or _NEVER, format_utc(max(again, now + FIRST_WAIT)))
        change["next_attempt_utc"] = change["next_attempt_utc"] if row.get("is_partial") else None
    return change | {"status": status}


def back_off(failures: int) -> timedelta:
    """How long to leave an upstream alone after so many failures in a row: 15 minutes, doubling, at most 6 hours."""
    return min(FIRST_WAIT * int(2 ** min(failures - 1, 10)), LONGEST_WAIT)


def _reread(race_end: datetime, now: datetime) -> str | None:
    """When the results of a race's weekend are read again next."""
    ahead = [race_end + after for after in REREAD_AFTER if race_end + after > now]
    return format_utc(ahead[0]) if ahead else None
