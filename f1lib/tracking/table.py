"""Tracking table: the state of each session and stage, claims on them, and the issued predictions.

>>> table = open_tracking("sqlite:///lake/tracking.db")
>>> table = open_tracking("dynamodb://f1_session_tracking?predictions=f1_predictions")

A row is a flat dict (`rows.TrackingRow`) with ``event_partition_key``, ``session_name_abr`` and further attributes:
strings, numbers, booleans, lists or dicts. Times are texts of `format_utc`, whose order is the order in time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlparse

from f1lib.errors import BadParameters

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime, timedelta

    from f1lib.tracking.rows import Claim, StageRow, TrackingRow


class TrackingTable(Protocol):
    """Tracking table of the pipeline; every method raises `StorageError` when the table cannot be read or written."""

    url: str

    def put_rows(self, rows: Iterable[StageRow]) -> None:
        """Insert rows, or merge their attributes into the rows of the same key; None removes an attribute."""

    def get(self, event_partition_key: str, session_name_abr: str) -> TrackingRow | None:
        """Return one row with a consistent read, None when there is none."""

    def rows(self, event_partition_key: str | None = None, *, status: str | None = None) -> list[TrackingRow]:
        """Return all rows, or those of one event or one status, sorted by key.

        An expired claim is returned as it is stored.
        """

    def refresh(self, rows: list[TrackingRow], events: Collection[str] = ()) -> list[TrackingRow]:
        """Update ``rows``, read a moment ago: those of ``events``, and of events that stages move, are read again.

        An event moves while a row of it is unsettled, unless all such rows are still scheduled. Changes of other events
        are not seen.
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
        """Claim a row, which is inserted when it is absent.

        Parameters
        ----------
        event_partition_key : str
            Partition key of the row.
        session_name_abr : str
            Sort key of the row.
        owner : str
            Who claims it: ``<host>:<process id>``.
        run_id : str
            Id of the owner's run.
        now : datetime
            The present time, aware UTC; a claim that has expired by then is free.
        lease : timedelta
            How long the claim is valid.

        Returns
        -------
        Claim
            The claim, to be given to `release`.

        Raises
        ------
        AlreadyRunning
            While another claim has not expired; the message names its owner and expiry.
        """

    def renew(self, claim: Claim, expires: datetime) -> None:
        """Let a claim be valid until ``expires``; it is known by its token, so `release` takes the claim as it was.

        Raises `AlreadyRunning` when the claim has ended: it had expired, and another owner has claimed the row since.
        """

    def release(self, claim: Claim, attributes: StageRow) -> None:
        """End a claim and merge ``attributes`` into its row in the same step.

        Raises `AlreadyRunning` when the claim has ended already; nothing is written then.
        """

    def owner_died(self, row: StageRow) -> bool:
        """Return whether the claim on a row is of a dead process of this machine.

        Otherwise the row of a process that was killed stays claimed until its lease expires. Always False where
        machines share the table: two containers may have the same host name and process id.
        """

    def check_predictions(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Raise `StorageError` for a row that `put_predictions` would refuse, whose prediction must not be issued."""

    def put_predictions(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Store prediction rows, one for each driver; a row with the key of another replaces it."""

    def predictions(self, event_partition_key: str) -> list[dict[str, Any]]:
        """Return all prediction rows of an event, sorted by their sort key."""

    def delete(self, keys: Iterable[tuple[str, str]]) -> None:
        """Delete rows by their event and session; one that is absent is no error."""

    def delete_predictions(self, event_partition_key: str, sort_keys: Iterable[str]) -> None:
        """Delete prediction rows of an event by their sort keys."""


def open_tracking(url: str) -> TrackingTable:
    """Open the table at ``url``, ``sqlite:///path/to/file`` or ``dynamodb://table``; no I/O is done.

    Raises `BadParameters` for any other scheme.
    """
    scheme = urlparse(url).scheme
    if scheme == "sqlite":
        from f1lib.tracking.sqlite import SqliteTracking

        return SqliteTracking.from_url(url)
    if scheme == "dynamodb":
        from f1lib.tracking.dynamodb import DynamoTracking

        return DynamoTracking.from_url(url)
    raise BadParameters(f"tracking {url!r}: use sqlite:///path/to/file.db or dynamodb://table")
