"""What a tracking row, a claim and a prediction row are: the words both backends of the port share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from f1lib.domain.moments import format_utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

Row = dict[str, Any]

SESSION_TABLE = "f1_session_tracking"
PREDICTIONS_TABLE = "f1_predictions"
PREDICTION_SORT_KEY = "as_of_utc#horizon#driver_id"
STATUSES = ("scheduled", "due", "ingested", "silver", "gold", "unavailable", "blocked", "failed")
# Stages that belong to no single event are kept under this partition key.
PIPELINE = "PIPELINE"
NO_SEASON = "none"
# A row in one of these states moves only when upstream revises what was final.
SETTLED = frozenset({"gold", "unavailable", "blocked", "cancelled"})


@dataclass(frozen=True)
class Claim:
    """The right to work on one row until ``expires``; given back by `TrackingTable.release`."""

    event_partition_key: str
    session_name_abr: str
    owner: str
    run_id: str
    expires: datetime


def claim_row(claim: Claim) -> Row:
    """The attributes that a claim leaves on its row."""
    return {"owner": claim.owner, "run_id": claim.run_id, "lease_expires_utc": format_utc(claim.expires)}


def is_claimed(row: Mapping[str, Any], now: datetime) -> bool:
    """Whether somebody holds a live claim on ``row`` at ``now``."""
    expires = row.get("lease_expires_utc")
    return bool(row.get("owner")) and expires is not None and expires > format_utc(now)


def claimed_message(row: Mapping[str, Any]) -> str:
    """What `AlreadyRunning` says of a row that is taken."""
    return (
        f"{row['event_partition_key']} {row['session_name_abr']} is being worked on by {row.get('owner')} "
        f"(run {row.get('run_id')}) until {row.get('lease_expires_utc')}; wait, or let the lease run out"
    )


def merged(row: Mapping[str, Any], changes: Mapping[str, Any]) -> Row:
    """``row`` with ``changes`` laid over it; attributes set to None disappear."""
    return {key: value for key, value in {**row, **changes}.items() if value is not None}


def season_of(event_partition_key: str) -> str:
    """The season an event's rows belong to; `NO_SEASON` for all that belongs to none, as the pipeline's own rows."""
    match = re.match(r"\d{4}(?=_)", event_partition_key)
    return match[0] if match else NO_SEASON


def unsettled(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The events of which any row is still moving, sorted; the pipeline's own rows always are."""
    return sorted({row["event_partition_key"] for row in rows if not _is_settled(row)})


def _is_settled(row: Mapping[str, Any]) -> bool:
    is_done = row.get("status") in SETTLED and not row.get("owner")
    return is_done and season_of(row["event_partition_key"]) != NO_SEASON


def renewed(rows: Iterable[Row], events: Iterable[str], fresh: Iterable[Row]) -> list[Row]:
    """``rows`` with those of ``events`` replaced by ``fresh``, sorted by key."""
    gone = set(events)
    found = [*(row for row in rows if row["event_partition_key"] not in gone), *fresh]
    return sorted(found, key=lambda row: (row["event_partition_key"], row["session_name_abr"]))


def brought_to(rows: Iterable[Mapping[str, Any]]) -> str:
    """The moment of the newest finished work among ``rows``: what the lake knows up to; empty for a new one."""
    return max((row.get("finished_utc", "") for row in rows), default="")


def prediction_sort_key(row: Mapping[str, Any]) -> str:
    """``2025-12-06T16:00:00Z#post_qualifying#max-verstappen``; of a sprint's prediction ``...#pre_race_sprint#...``."""
    horizon = f"{row['horizon']}_sprint" if row.get("session") == "S" else row["horizon"]
    return f"{row['as_of_utc']}#{horizon}#{row['driver_id']}"
