"""Port 2: the tracking table (what is known of each session and stage, who works on it) and the predictions.

>>> table = open_tracking("sqlite:///lake/tracking.db")
>>> table = open_tracking("dynamodb://f1_session_tracking?predictions=f1_predictions")

A row is a flat dict: ``event_partition_key``, ``session_name_abr`` and any further attributes, all strings,
numbers, booleans, lists or dicts. Moments are written by `terms.format_utc`, so they compare as text.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlparse

from f1lib.errors import StorageError
from f1lib.terms import format_utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Row = dict[str, Any]

SESSION_TABLE = "f1_session_tracking"
PREDICTIONS_TABLE = "f1_predictions"
PREDICTION_SORT_KEY = "as_of_utc#horizon#driver_id"
STATUSES = ("scheduled", "due", "ingested", "silver", "gold", "unavailable", "blocked", "failed")
# Stages that belong to no single event are kept under this partition key.
PIPELINE = "PIPELINE"


@dataclass(frozen=True)
class Claim:
    """The right to work on one row until ``expires``; given back by `TrackingTable.release`."""

    event_partition_key: str
    session_name_abr: str
    owner: str
    run_id: str
    expires: datetime


class TrackingTable(Protocol):
    """What the pipeline needs of a table; every method raises `StorageError` when the table fails."""

    url: str

    def put_rows(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Insert rows, or merge their attributes into the rows of the same key; None removes an attribute."""

    def get(self, event_partition_key: str, session_name_abr: str) -> Row | None:
        """One row, read consistently."""

    def rows(self, event_partition_key: str | None = None) -> list[Row]:
        """All rows, or those of one event, sorted by key; expired claims are shown as they stand."""

    def claim(
        self,
        event_partition_key: str,
        session_name_abr: str,
        *,
        owner: str,
        run_id: str,
        now: datetime,
        lease: timedelta,
    ) -> Claim:
        """Take the row for ``owner`` until ``now + lease``; the row is made when it is absent.

        Raises `AlreadyRunning`, naming the owner and the expiry, while another claim is alive.
        """

    def release(self, claim: Claim, attributes: Mapping[str, Any]) -> None:
        """Give the claim back and merge ``attributes`` in the same step.

        Raises `AlreadyRunning` when the lease had expired and somebody else took the row.
        """

    def put_predictions(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Store prediction rows, one a driver; the same key again replaces the row by an equal one."""

    def predictions(self, event_partition_key: str) -> list[Row]:
        """Every prediction row of an event, sorted by its sort key."""


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


def prediction_sort_key(row: Mapping[str, Any]) -> str:
    """``2025-12-06T16:00:00Z#post_qualifying#max-verstappen``."""
    return f"{row['as_of_utc']}#{row['horizon']}#{row['driver_id']}"


def open_tracking(url: str) -> TrackingTable:
    """The table behind ``url``: ``sqlite:///path/to/file`` or ``dynamodb://table``.

    Raises `StorageError` for any other scheme.
    """
    scheme = urlparse(url).scheme
    if scheme == "sqlite":
        from f1lib.tracking_sqlite import SqliteTracking

        return SqliteTracking.from_url(url)
    if scheme == "dynamodb":
        from f1lib.tracking_dynamodb import DynamoTracking

        return DynamoTracking.from_url(url)
    raise StorageError(f"tracking {url!r}: use sqlite:///path/to/file.db or dynamodb://table")
