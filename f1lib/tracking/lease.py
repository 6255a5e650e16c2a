"""Leases: a claim is renewed while its work goes on, and is checked before what cannot be taken back is written."""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING

from f1lib.errors import AlreadyRunning, StorageError
from f1lib.tracking.rows import PIPELINE, claim_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime, timedelta

    from f1lib.tracking.rows import Claim, TrackingRow
    from f1lib.tracking.table import TrackingTable

_log = logging.getLogger(__name__)
# A renewal may fail twice in a row before the lease runs out.
RENEWALS_PER_LEASE = 3
_NAMED_BY_A_TICK = re.compile(r"\d{8}T\d{6}Z")


@contextmanager
def renewed(table: TrackingTable, claim: Claim, now: Callable[[], datetime], lease: timedelta) -> Iterator[None]:
    """Renew a claim as long as the block lasts, in a thread; one that is lost is left to its new owner.

    Parameters
    ----------
    table : TrackingTable
        Where it was claimed.
    claim : Claim
        The claim.
    now : callable
        Returns the present time, aware UTC.
    lease : timedelta
        How long the claim is valid after each renewal.
    """
    over = Event()

    def renew() -> None:
        while not over.wait(lease.total_seconds() / RENEWALS_PER_LEASE):
            try:
                table.renew(claim, now() + lease)
            except AlreadyRunning as lost:
                _log.warning("%s", lost)
                return
            except StorageError as error:
                _log.warning("a lease could not be renewed: %s", error)

    thread = Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def hold(table: TrackingTable, event: str, run_id: str, expires: datetime) -> None:
    """Renew the claim that a run works under, right before it writes what another run must not write as well.

    Parameters
    ----------
    table : TrackingTable
        Where it was claimed.
    event : str
        Partition key of the event that the run works for; rows of the pipeline are looked at as well.
    run_id : str
        The run. One whose name does not begin with a moment, as those of ticks do, is work by hand: it has no claim.
    expires : datetime
        Until when the claim is valid, aware UTC; it is never shortened.

    Raises
    ------
    AlreadyRunning
        The run has no claim any more: its lease ran out, and another run has taken over.
    """
    if not _NAMED_BY_A_TICK.match(run_id):
        return
    rows = [row for key in dict.fromkeys((event, PIPELINE)) for row in table.rows(key)]
    # A stage on request claims the row of what it was asked for, which the writer need not know.
    mine = _claims(rows, run_id) or _claims(table.rows(), run_id)
    if not mine:
        raise AlreadyRunning(f"run {run_id} holds no claim on {event} any more: its lease ran out; nothing is written")
    for claim in mine:
        table.renew(claim, max(claim.expires, expires))


def _claims(rows: Iterable[TrackingRow], run_id: str) -> list[Claim]:
    return [claim_of(row) for row in rows if row.get("owner") and row.get("run_id") == run_id]
