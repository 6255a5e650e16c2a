"""Rows of the tracking table, claims and prediction rows: types and functions that both backends share."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypedDict, cast

from f1lib.domain.moments import format_utc, parse_utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

SESSION_TABLE = "f1_session_tracking"
PREDICTIONS_TABLE = "f1_predictions"
PREDICTION_SORT_KEY = "as_of_utc#horizon#driver_id"
# Partition key of the rows of stages that belong to no single event.
PIPELINE = "PIPELINE"
NO_SEASON = "none"
# Attributes that people read, and how long one may be.
_TEXTS = frozenset({"last_error", "missing", "notice"})
LONGEST_TEXT = 600


class Status(StrEnum):
    """State of a session's row, and of a stage's row the result of its last run."""

    SCHEDULED = "scheduled"  # in the future
    DUE = "due"  # available, not asked for yet or not published
    INGESTED = "ingested"
    SILVER = "silver"
    GOLD = "gold"
    UNAVAILABLE = "unavailable"  # not published in time, or the session was never held
    BLOCKED = "blocked"  # the source refuses access
    FAILED = "failed"  # the source or the stage raised an error


# Stored in the lake.
STORED = frozenset({Status.INGESTED, Status.SILVER, Status.GOLD})
# Changed only when the source revises final data.
SETTLED = frozenset({Status.GOLD, Status.UNAVAILABLE, Status.BLOCKED})
# Nothing is known but the calendar.
TO_COME = frozenset({Status.SCHEDULED, Status.DUE})
# Asked for as soon as they are available.
OPEN = TO_COME | {Status.FAILED}
# The source refused or failed.
TROUBLED = frozenset({Status.BLOCKED, Status.FAILED})


class Outcome(StrEnum):
    """Result of a step of a tick, or of an attempt to ingest that did not change the `Status` of its row."""

    FINISHED = "finished"
    FAILED = "failed"
    TAKEN = "taken"  # claimed by another run
    WAITING = "waiting"  # the source limits requests
    WITHOUT_LAPS = "without laps"  # asked for laps, and there are none, or only results came


class StageRow(TypedDict, total=False):
    """Attributes that every row may have: its key, its claim and its last result.

    Times are texts of `format_utc`. A row that was read has no None; in a change, None removes an attribute. The status
    of a row that was read is plain text, equal to its `Status`.
    """

    event_partition_key: str
    session_name_abr: str
    event_year: int
    event_name: str
    status: Status
    attempts: int | None
    last_error: str | None
    updated_at_utc: str
    finished_utc: str  # when a stage last succeeded
    next_attempt_utc: str | None  # not asked for again before
    content_hash: str | None  # of what the lake holds
    input_hash: str | None  # of the inputs of the stage's last run
    notice: str | None  # a notice of the source when the calendar was read
    owner: str
    lease_expires_utc: str
    claim_token: str
    run_id: str


class SessionRow(StageRow, total=False):
    """Row of a session or a starting grid: its place in the calendar and its files in the lake."""

    event_number: int
    event_format: str
    session_type: str
    session_date_utc: str
    session_end_utc: str
    available_utc: str  # when its data is expected at the source
    circuit: str
    latitude: float | None
    longitude: float | None
    is_cancelled: bool | None
    asked_as: str | None  # the source's present name of a renamed event
    source: str
    bronze_path: str | None
    silver_path: str | None
    gold_path: str
    is_partial: bool | None  # in the lake, but some of it may still be published
    missing: str | None  # what is missing and why
    conflicts: int | None  # number of values on which its sources disagree, or that were refused
    failures: int | None  # consecutive
    failing_since_utc: str | None
    reread_utc: str | None  # when it is read again, for revisions
    backfilled_utc: str  # when its laps were requested by a backfill


class WeatherRow(StageRow, total=False):
    """Row of the forecasts of an event."""

    acted_on: dict[str, dict[str, float | None]]  # session -> values that predictions were last made from
    changes: list[str]  # differences from the previous values
    past_asked_utc: str
    forecasts: int


class TrackingRow(SessionRow, WeatherRow, total=False):
    """Any row as the table returns it; its sort key tells which attributes to expect."""

    release: str  # of a season's calendar: SHA-256 of the release that it was read with


@dataclass(frozen=True)
class Claim:
    """Exclusive right to work on one row until ``expires``; ended by `TrackingTable.release`.

    ``token`` tells it from every other claim on the row: what is written under a claim is written only while the row
    has its token.
    """

    event_partition_key: str
    session_name_abr: str
    owner: str
    run_id: str
    expires: datetime
    token: str = field(default_factory=lambda: uuid.uuid4().hex)


def key_of(row: StageRow) -> tuple[str, str]:
    """Return a row's key: partition key of the event, and sort key."""
    return row["event_partition_key"], row["session_name_abr"]


def claim_row(claim: Claim) -> dict[str, str]:
    """Return the attributes that a claim sets on its row."""
    row = {"owner": claim.owner, "run_id": claim.run_id, "lease_expires_utc": format_utc(claim.expires)}
    return row | {"claim_token": claim.token}


def claim_of(row: StageRow) -> Claim:
    """Return the claim on a claimed row."""
    expires = parse_utc(row["lease_expires_utc"])
    return Claim(*key_of(row), row["owner"], row["run_id"], expires, row.get("claim_token", ""))


def is_claimed(row: StageRow, now: datetime) -> bool:
    """Return whether ``row`` has a claim that has not expired at ``now``."""
    expires = row.get("lease_expires_utc")
    return bool(row.get("owner")) and expires is not None and expires > format_utc(now)


# For the message of a refused claim when the row was free again by the time it was read.
NOBODY = {"owner": "somebody who has just given it back", "lease_expires_utc": "a moment ago"}
# What a release removes from its row.
FREED: dict[str, None] = {"owner": None, "lease_expires_utc": None, "claim_token": None}


def lost_message(claim: Claim, row: Mapping[str, Any]) -> str:
    """Return the message of `AlreadyRunning` for a claim whose row has another token, or none."""
    return f"the lease of {claim.owner} ran out: {claimed_message({**vars(claim), **NOBODY, **row})}"


def claimed_message(row: Mapping[str, Any]) -> str:
    """Return the message of `AlreadyRunning` for a claimed row."""
    return (
        f"{row['event_partition_key']} {row['session_name_abr']} is being worked on by {row.get('owner')} "
        f"(run {row.get('run_id')}) until {row.get('lease_expires_utc')}; wait, or let the lease run out"
    )


def clipped(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the changes of a row with texts for people cut to `LONGEST_TEXT`: a table refuses a row that is too large.

    A source's message may hold the page it answered with.
    """
    return {k: v[:LONGEST_TEXT] if k in _TEXTS and isinstance(v, str) else v for k, v in changes.items()}


def merged(row: Mapping[str, Any], changes: Mapping[str, Any]) -> TrackingRow:
    """Return ``row`` updated by ``changes``; attributes set to None are removed."""
    return cast("TrackingRow", {key: value for key, value in {**row, **changes}.items() if value is not None})


def season_of(event_partition_key: str) -> str:
    """Return the season of an event's partition key, `NO_SEASON` for one without, such as `PIPELINE`."""
    match = re.match(r"\d{4}(?=_)", event_partition_key)
    return match[0] if match else NO_SEASON


def unsettled(rows: Iterable[StageRow]) -> list[str]:
    """Return the events with a row that may still change, sorted; rows without a season always may."""
    return sorted({row["event_partition_key"] for row in rows if not _is_settled(row)})


def _is_settled(row: StageRow) -> bool:
    is_done = row.get("status") in SETTLED and not row.get("owner")
    return is_done and season_of(row["event_partition_key"]) != NO_SEASON


def moving(rows: Iterable[StageRow]) -> list[str]:
    """Return the events with a row that a stage may move, sorted: unsettled ones, but for those wholly to come."""
    return unsettled(row for row in rows if row.get("status") != Status.SCHEDULED or row.get("owner"))


def renewed(rows: Iterable[TrackingRow], events: Iterable[str], fresh: Iterable[TrackingRow]) -> list[TrackingRow]:
    """Replace the rows of some events.

    Parameters
    ----------
    rows : Iterable[TrackingRow]
        Rows of any events.
    events : Iterable[str]
        Partition keys of the events whose rows are replaced.
    fresh : Iterable[TrackingRow]
        The new rows of ``events``.

    Returns
    -------
    list[TrackingRow]
        Rows of the other events and ``fresh``, sorted by key.
    """
    gone = set(events)
    return sorted([*(row for row in rows if row["event_partition_key"] not in gone), *fresh], key=key_of)


def brought_to(rows: Iterable[StageRow]) -> str:
    """Return the latest ``finished_utc`` among ``rows``, up to which the lake is complete; empty for a new lake."""
    return max((row.get("finished_utc", "") for row in rows), default="")


def prediction_sort_key(row: Mapping[str, Any]) -> str:
    """Return ``2025-12-06T16:00:00Z#post_qualifying#max-verstappen``; for a sprint ``...#pre_race_sprint#...``."""
    horizon = f"{row['horizon']}_sprint" if row.get("session") == "S" else row["horizon"]
    return f"{row['as_of_utc']}#{horizon}#{row['driver_id']}"
