"""Grid penalties announced for an event: one document in bronze, from which gold makes the provisional grid."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from f1lib.domain.moments import format_utc
from f1lib.domain.starting_grid import BACK, PIT_LANE, Penalty
from f1lib.domain.weekend import EventKey
from f1lib.errors import Damaged
from f1lib.lake import fingerprint, integrity, paths
from f1lib.lake.store import find_json, update_json

if TYPE_CHECKING:
    from f1lib.lake.store import ObjectStore

_REMEDY = "restore it from a backup, or `f1 doctor --repair` gives it up and `f1 penalty add` enters them again"
_WORDS = {PIT_LANE: "start from the pit lane", BACK: "start from the back of the grid"}


@dataclass(frozen=True)
class Announced:
    """One penalty: whose (canonical id), for which session (R or S), what, and between which moments it is known.

    ``entered_utc`` and ``entered_by`` say when and how it came into the lake; moments are texts of `format_utc`.
    """

    driver_id: str
    session: str
    penalty: Penalty
    announced_utc: str
    entered_utc: str
    entered_by: str
    withdrawn_utc: str = ""

    @property
    def words(self) -> str:
        """What it is: ``10 places``, ``start from the pit lane``."""
        places = self.penalty
        return _WORDS[places] if isinstance(places, str) else f"{places} place{'s' if places != 1 else ''}"

    @property
    def identity(self) -> tuple[str, str, Penalty, str]:
        """What tells it from another one."""
        return self.driver_id, self.session, self.penalty, self.announced_utc


def read(store: ObjectStore, event: EventKey) -> list[Announced]:
    """Return all penalties of an event, withdrawn ones too; raises `Damaged` when the document is another one."""
    return _penalties(store, event, find_json(store, paths.penalties_key(event)))


def lost(store: ObjectStore, event: EventKey) -> Damaged:
    """Return the error for penalties that were known and whose document is gone."""
    return integrity.damaged(store, {paths.penalties_key(event): integrity.MISSING}, _REMEDY)


def known(penalties: Iterable[Announced], session: str, as_of: datetime) -> list[Announced]:
    """Select the penalties that are known at a moment.

    Parameters
    ----------
    penalties : iterable of Announced
        Those of an event.
    session : {"R", "S"}
        The race or the sprint.
    as_of : datetime
        The moment, aware UTC: those announced later are not known, nor are those withdrawn by then.

    Returns
    -------
    list of Announced
        In the order of ``penalties``.
    """
    moment = format_utc(as_of)
    return [
        p
        for p in penalties
        if p.session == session and p.announced_utc <= moment and (not p.withdrawn_utc or moment < p.withdrawn_utc)
    ]


def update(store: ObjectStore, event: EventKey, change: Callable[[list[Announced]], list[Announced]]) -> None:
    """Replace the penalties of an event; no other change of them is lost.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    event : EventKey
        The event.
    change : callable
        Takes the present penalties and returns the new ones; may be called more than once.

    Raises
    ------
    Damaged
        The present document is not the one that was written.
    """

    def changed(document: Any) -> dict[str, Any]:
        rows = [asdict(p) for p in change(_penalties(store, event, document))]
        return {"event_partition_key": event.partition_key, "penalties": rows, "sha256": fingerprint.of_json(rows)}

    update_json(store, paths.penalties_key(event), changed)


def _penalties(store: ObjectStore, event: EventKey, document: Any) -> list[Announced]:
    if document is None:
        return []
    rows = document.get("penalties") if isinstance(document, dict) else None
    if not isinstance(rows, list) or fingerprint.of_json(rows) != document.get("sha256"):
        raise integrity.damaged(store, {paths.penalties_key(event): integrity.CHANGED}, _REMEDY)
    return [Announced(**row) for row in rows]
