"""What is wrong with a lake, one finding a fault, and how the tracking table asks for work to be done again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from f1lib.domain.moments import format_utc
from f1lib.tracking.rows import PIPELINE, SessionRow, StageRow, Status, key_of
from f1lib.tracking.stage_keys import Stage, StageKey, suffix_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from f1lib.lake.store import ObjectStore
    from f1lib.tracking.rows import TrackingRow
    from f1lib.tracking.table import TrackingTable


@dataclass(frozen=True)
class Finding:
    """One fault of a lake.

    Attributes
    ----------
    area : str
        ``lake``, ``table``, ``bronze``, ``silver``, ``gold``, ``models``, ``predictions``, ``reports``, ``leftovers``.
    key : str
        What it is about: a key of the lake, or a row of the tracking table.
    what : str
        What is wrong with it.
    remedy : str
        What to do.
    mend : callable or None
        Mends it and returns what was done, empty when nothing could be. Called with true it may give up what is lost
        for good, such as an unreadable forecast that no source has any more.
    unit : tuple of str
        The session or grid that it is about, as its row's key; empty for anything else.
    """

    area: str
    key: str
    what: str
    remedy: str
    mend: Callable[[bool], str] | None = field(default=None, compare=False, repr=False)
    unit: tuple[str, ...] = ()


def drop(store: ObjectStore, key: str, give_up: bool) -> str:
    """Delete ``key`` where it may be given up.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    key : str
        What is lost for good.
    give_up : bool
        Whether it may be deleted.

    Returns
    -------
    str
        What was done; empty when nothing was.
    """
    if not give_up:
        return ""
    store.delete(key)
    return f"{key}: deleted"


def is_stage(row: TrackingRow, stage: Stage) -> bool:
    """Return whether a row is the one of a stage that belongs to no event."""
    return key_of(row) == (PIPELINE, StageKey(stage).sort_key)


def build_again(tracking: TrackingTable, as_of: datetime, seasons: Iterable[int], status: Status) -> None:
    """Have layers built again for some seasons.

    Parameters
    ----------
    tracking : TrackingTable
        Is changed.
    as_of : datetime
        The moment of the change.
    seasons : iterable of int
        Years; the row of each one's calendar gets the status.
    status : Status
        ``ingested``: silver is due, then gold. ``silver``: gold is due; a calendar that waits for silver stays.
    """
    waiting = {Status.INGESTED} if status == Status.SILVER else set()
    known = {key_of(row): row for row in tracking.rows(PIPELINE)}
    rows: list[StageRow] = []
    for season in sorted(set(seasons)):
        key = StageKey(Stage.SCHEDULE, str(season)).sort_key
        if known.get((PIPELINE, key), {}).get("status") not in waiting:
            row: StageRow = {"event_partition_key": PIPELINE, "session_name_abr": key, "event_year": season}
            rows.append({**row, "status": status, "updated_at_utc": format_utc(as_of)})
    tracking.put_rows(rows)


def build_gold_again(tracking: TrackingTable, as_of: datetime) -> None:
    """Have gold built again, by the calendar of the newest season in it."""
    rows = tracking.rows(PIPELINE)
    names = [suffix_of(Stage.SCHEDULE, row["session_name_abr"]) for row in rows if row.get("status") == Status.GOLD]
    newest = max((int(name) for name in names if name), default=as_of.year)
    build_again(tracking, as_of, [newest], Status.SILVER)


def run_again(tracking: TrackingTable, as_of: datetime, stage: Stage) -> None:
    """Make a stage that belongs to no event due: what it was last run for is forgotten.

    Parameters
    ----------
    tracking : TrackingTable
        Is changed.
    as_of : datetime
        The moment from which the calendar is due.
    stage : Stage
        The stage.
    """
    change: StageRow = {"event_partition_key": PIPELINE, "session_name_abr": StageKey(stage).sort_key}
    if stage == Stage.SCHEDULE:
        change["next_attempt_utc"] = format_utc(as_of)
    else:
        change |= {"input_hash": None, "attempts": None, "next_attempt_utc": None}
    tracking.put_rows([change])


def read_again(tracking: TrackingTable, as_of: datetime, row: TrackingRow, why: str) -> None:
    """Have a session or starting grid asked for again; until then it keeps its status.

    Parameters
    ----------
    tracking : TrackingTable
        Is changed.
    as_of : datetime
        It is asked for at the first tick from this moment on.
    row : TrackingRow
        The row.
    why : str
        Its ``last_error``.
    """
    event, name = key_of(row)
    change: SessionRow = {"event_partition_key": event, "session_name_abr": name}
    change |= {"last_error": why, "reread_utc": format_utc(as_of)}
    tracking.put_rows([change])
