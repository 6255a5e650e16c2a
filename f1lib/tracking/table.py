"""Port 2: the tracking table (what is known of each session and stage, who works on it) and the predictions.

>>> table = open_tracking("sqlite:///lake/tracking.db")
>>> table = open_tracking("dynamodb://f1_session_tracking?predictions=f1_predictions")

A row is a flat dict (`rows.TrackingRow`): ``event_partition_key``, ``session_name_abr`` and further attributes, all
strings, numbers, booleans, lists or dicts. Moments are written by `format_utc`, so they compare as text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlparse

from f1lib.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime, timedelta

    from f1lib.tracking.rows import Claim, StageRow, TrackingRow


class TrackingTable(Protocol):
    """What the pipeline needs of a table; every method raises `StorageError` when the table fails."""

    url: str

    def put_rows(self, rows: Iterable[StageRow]) -> None:
        """Insert rows, or merge their attributes into the rows of the same key; None removes an attribute."""

    def get(self, event_partition_key: str, session_name_abr: str) -> TrackingRow | None:
        """One row, read consistently."""

    def rows(self, event_partition_key: str | None = None, *, status: str | None = None) -> list[TrackingRow]:
        """All rows, of one event or in one status only, sorted by key; expired claims are shown as they stand."""

    def refresh(self, rows: list[TrackingRow], events: Collection[str] = ()) -> list[TrackingRow]:
        """``rows``, all of a moment ago, brought up to date: ``events``, and those with unsettled rows, are read anew.

        For a caller who knows that nothing else has changed, or does not mind to learn of it later.
        """

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

    def release(self, claim: Claim, attributes: StageRow) -> None:
        """Give the claim back and merge ``attributes`` in the same step.

        Raises `AlreadyRunning` when the lease had expired and somebody else took the row.
        """

    def release_stale_claim(self, event_partition_key: str, session_name_abr: str) -> bool:
        """Give back a claim whose owner is a process of this machine that has died; whether there was one.

        Without it a run that was killed, or could not write its last word, keeps everybody waiting for its lease.
        False where machines share the table: two containers may bear one name and one process number.
        """

    def put_predictions(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Store prediction rows, one a driver; the same key again replaces the row by an equal one."""

    def predictions(self, event_partition_key: str) -> list[dict[str, Any]]:
        """Every prediction row of an event, sorted by its sort key."""


def open_tracking(url: str) -> TrackingTable:
    """The table behind ``url``: ``sqlite:///path/to/file`` or ``dynamodb://table``.

    Raises `StorageError` for any other scheme.
    """
    scheme = urlparse(url).scheme
    if scheme == "sqlite":
        from f1lib.tracking.sqlite import SqliteTracking

        return SqliteTracking.from_url(url)
    if scheme == "dynamodb":
        from f1lib.tracking.dynamodb import DynamoTracking

        return DynamoTracking.from_url(url)
    raise StorageError(f"tracking {url!r}: use sqlite:///path/to/file.db or dynamodb://table")
