"""What a tracking row, a claim and a prediction row are: the words both backends of the port share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypedDict, cast

from f1lib.domain.moments import format_utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

SESSION_TABLE = "f1_session_tracking"
PREDICTIONS_TABLE = "f1_predictions"
PREDICTION_SORT_KEY = "as_of_utc#horizon#driver_id"
# Stages that belong to no single event are kept under this partition key.
PIPELINE = "PIPELINE"
NO_SEASON = "none"


class Status(StrEnum):
    """How far a row has come; of a stage's row, how its last run ended."""

    SCHEDULED = "scheduled"  # to come
    DUE = "due"  # visible, not asked for yet or not published
    INGESTED = "ingested"
    SILVER = "silver"
    GOLD = "gold"
    UNAVAILABLE = "unavailable"  # not published in time, or never held
    BLOCKED = "blocked"  # the source refuses us
    FAILED = "failed"  # the source, or the stage, gave an error


# Those that are in the lake.
STORED = frozenset({Status.INGESTED, Status.SILVER, Status.GOLD})
# Those that move only when upstream revises what was final.
SETTLED = frozenset({Status.GOLD, Status.UNAVAILABLE, Status.BLOCKED})
# Those of which nothing is known but the calendar.
TO_COME = frozenset({Status.SCHEDULED, Status.DUE})
# Those asked for as soon as they are visible.
OPEN = TO_COME | {Status.FAILED}
# Those in trouble with their source.
TROUBLED = frozenset({Status.BLOCKED, Status.FAILED})


class Outcome(StrEnum):
    """What became of a step of a tick, or of an attempt to ingest that gave its row no new `Status`."""

    FINISHED = "finished"
    FAILED = "failed"
    TAKEN = "taken"  # somebody else is at it
    WAITING = "waiting"  # the upstream asked to be left alone


class StageRow(TypedDict, total=False):
    """What every row may have: its key, its claim and its last outcome.

    Moments are texts of `format_utc`. A row that was read has no None: in a change, None removes an attribute. The
    status of a row that was read is plain text, equal to its `Status`.
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
    input_hash: str  # of what a stage was last run on
    notice: str | None  # what a source said of itself when the calendar was read
    owner: str
    lease_expires_utc: str
    run_id: str


class SessionRow(StageRow, total=False):
    """A session, or a starting grid: where it stands in the calendar and in the lake."""

    event_number: int
    event_format: str
    session_type: str
    session_date_utc: str
    session_end_utc: str
    available_utc: str  # when its answer is taken to be visible
    circuit: str
    latitude: float | None
    longitude: float | None
    is_cancelled: bool | None
    source: str
    bronze_path: str
    silver_path: str | None
    gold_path: str
    is_partial: bool | None  # in the lake, but without something that may still come
    missing: str | None  # what it lacks and why
    conflicts: int | None  # values that its sources state differently
    failures: int | None  # in a row
    failing_since_utc: str | None
    reread_utc: str | None  # read again then, for revisions
    backfilled_utc: str  # when its laps were asked for by hand


class WeatherRow(StageRow, total=False):
    """The forecasts of an event."""

    acted_on: dict[str, dict[str, float | None]]  # session -> the values that predictions were last made from
    changes: list[str]  # how these differ from the ones before
    past_asked_utc: str
    forecasts: int


class TrackingRow(SessionRow, WeatherRow, total=False):
    """Any row, as the table gives it; its sort key tells which attributes to expect."""


@dataclass(frozen=True)
class Claim:
    """The right to work on one row until ``expires``; given back by `TrackingTable.release`."""

    event_partition_key: str
    session_name_abr: str
    owner: str
    run_id: str
    expires: datetime


def key_of(row: StageRow) -> tuple[str, str]:
    """A row's key: event and sort key."""
    return row["event_partition_key"], row["session_name_abr"]


def claim_row(claim: Claim) -> dict[str, str]:
    """The attributes that a claim leaves on its row."""
    return {"owner": claim.owner, "run_id": claim.run_id, "lease_expires_utc": format_utc(claim.expires)}


def is_claimed(row: StageRow, now: datetime) -> bool:
    """Whether somebody holds a live claim on ``row`` at ``now``."""
    expires = row.get("lease_expires_utc")
    return bool(row.get("owner")) and expires is not None and expires > format_utc(now)


def claimed_message(row: Mapping[str, Any]) -> str:
    """What `AlreadyRunning` says of a row that is taken."""
    return (
        f"{row['event_partition_key']} {row['session_name_abr']} is being worked on by {row.get('owner')} "
        f"(run {row.get('run_id')}) until {row.get('lease_expires_utc')}; wait, or let the lease run out"
    )


def merged(row: Mapping[str, Any], changes: Mapping[str, Any]) -> TrackingRow:
    """``row`` with ``changes`` laid over it; attributes set to None disappear."""
    return cast("TrackingRow", {key: value for key, value in {**row, **changes}.items() if value is not None})


def season_of(event_partition_key: str) -> str:
    """The season an event's rows belong to; `NO_SEASON` for all that belongs to none, as the pipeline's own rows."""
    match = re.match(r"\d{4}(?=_)", event_partition_key)
    return match[0] if match else NO_SEASON


def unsettled(rows: Iterable[StageRow]) -> list[str]:
    """The events of which any row is still moving, sorted; the pipeline's own rows always are."""
    return sorted({row["event_partition_key"] for row in rows if not _is_settled(row)})


def _is_settled(row: StageRow) -> bool:
    is_done = row.get("status") in SETTLED and not row.get("owner")
    return is_done and season_of(row["event_partition_key"]) != NO_SEASON


def renewed(rows: Iterable[TrackingRow], events: Iterable[str], fresh: Iterable[TrackingRow]) -> list[TrackingRow]:
    """``rows`` with those of ``events`` replaced by ``fresh``, sorted by key."""
    gone = set(events)
    return sorted([*(row for row in rows if row["event_partition_key"] not in gone), *fresh], key=key_of)


def brought_to(rows: Iterable[StageRow]) -> str:
    """The moment of the newest finished work among ``rows``: what the lake knows up to; empty for a new one."""
    return max((row.get("finished_utc", "") for row in rows), default="")


def prediction_sort_key(row: Mapping[str, Any]) -> str:
    """``2025-12-06T16:00:00Z#post_qualifying#max-verstappen``; of a sprint's prediction ``...#pre_race_sprint#...``."""
    horizon = f"{row['horizon']}_sprint" if row.get("session") == "S" else row["horizon"]
    return f"{row['as_of_utc']}#{horizon}#{row['driver_id']}"
