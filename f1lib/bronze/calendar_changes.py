"""What a new calendar or release means for known sessions: renamed events, put-off sessions, comparisons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from f1lib.bronze.answers import set_aside
from f1lib.bronze.ingest import note_key
from f1lib.domain.moments import format_utc, parse_utc
from f1lib.domain.weekend import EventKey
from f1lib.lake.paths import session_folder
from f1lib.lake.store import ObjectStore
from f1lib.sources.identity import EventIdentity, identity_of
from f1lib.sources.protocols import Schedule
from f1lib.tracking.index import is_session
from f1lib.tracking.rows import PIPELINE, STORED, TrackingRow, key_of
from f1lib.tracking.stage_keys import Stage, StageKey
from f1lib.tracking.units import Unit


def renamed(events: pd.DataFrame, known: Mapping[tuple[str, str], TrackingRow]) -> dict[str, tuple[str, str]]:
    """Find the events that the source calls otherwise now.

    An event that the lake does not know is a renamed one when one that the source no longer names has its circuit and
    date (`EventIdentity.is_same`).

    Parameters
    ----------
    events : pandas.DataFrame
        The source's calendar of a season, columns of table ``events``.
    known : mapping of tuple to TrackingRow
        The season's tracking rows by key.

    Returns
    -------
    dict of str to tuple of str
        The source's partition key of each renamed event -> its key in the lake, and the name to ask the source by.
    """
    named = set(events["event_partition_key"])
    gone = [row for (event, session), row in known.items() if session == "R" and event not in named]
    found = {}
    for event in events.to_dict("records") if gone else ():
        key, name = event["event_partition_key"], event["event_name"]
        same = (row for row in gone if identity_of(event).is_same(_identity(row)))
        if (key, "R") not in known and (row := next(same, None)):
            found[key] = (row["event_partition_key"], name)
    return found


def _identity(race: TrackingRow) -> EventIdentity:
    return EventIdentity(race["event_name"], race["circuit"], parse_utc(race["session_date_utc"]).date())


def with_known_keys(schedule: Schedule, names: Mapping[str, tuple[str, str]]) -> Schedule:
    """Return ``schedule`` with the lake's keys and names of renamed events."""
    if not names:
        return schedule
    keys = {new: old for new, (old, _) in names.items()}
    frames = []
    for frame in (schedule.events, schedule.sessions):
        own = frame["event_partition_key"].isin(keys)
        frame = frame.assign(event_partition_key=frame["event_partition_key"].replace(keys))
        known = frame["event_partition_key"].map(lambda key: EventKey.parse(key).event_name)
        frames.append(frame.assign(event_name=frame["event_name"].where(~own, known)))
    return replace(schedule, events=frames[0], sessions=frames[1])


def set_aside_put_off(
    store: ObjectStore, moved: list[TrackingRow], known: Mapping[tuple[str, str], TrackingRow]
) -> None:
    """Make revisions of the stored answers of sessions that are still to be held.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    moved : list of TrackingRow
        The new and changed rows of a season.
    known : mapping of tuple to TrackingRow
        Its rows before, by key.
    """
    for row in moved:
        if row.get("status") not in STORED and known.get(key_of(row), {}).get("status") in STORED:
            unit = Unit.of_row(row)
            set_aside(store, session_folder(unit.event, unit.session), note_key(unit))


def to_compare(
    season: int, provenance: Mapping[str, Any], known: Mapping[tuple[str, str], TrackingRow], as_of: datetime
) -> list[TrackingRow]:
    """Have past sessions read again because the release they come from has changed.

    The season's row names the release that was read last. Sessions that another source gave follow
    `due.REREAD_AFTER`; those that nobody gave are asked for, too.

    Parameters
    ----------
    season : int
        Its year; older ones than the last season are left alone.
    provenance : mapping
        The calendar's provenance: ``source`` and ``sha256`` of the release, of ``history`` where two sources combine.
    known : mapping of tuple to TrackingRow
        The season's tracking rows by key.
    as_of : datetime
        Time of the reading, aware UTC.

    Returns
    -------
    list of TrackingRow
        A change with ``reread_utc`` for each session and grid to be read again.
    """
    release = provenance.get("history", provenance)
    before = known.get((PIPELINE, StageKey(Stage.SCHEDULE, str(season)).sort_key), {}).get("release")
    if before in (None, release.get("sha256")) or season < as_of.year - 1:
        return []
    moment = format_utc(as_of)
    return [
        {
            "event_partition_key": row["event_partition_key"],
            "session_name_abr": row["session_name_abr"],
            "reread_utc": moment,
        }
        for row in known.values()
        if is_session(row)
        and not row.get("is_cancelled")
        and row.get("available_utc", moment) <= moment
        and (row.get("status") not in STORED or row.get("source") == release.get("source"))
    ]


def is_put_off(row: TrackingRow, known: TrackingRow, moment: str) -> bool:
    """Whether a session that was held is to be held on another day, so that its answer is another session's.

    A difference of hours is none: sources estimate the hour of a session.

    Parameters
    ----------
    row, known : TrackingRow
        The session's row by the new calendar, and as it was.
    moment : str
        Now, as text of `format_utc`.

    Returns
    -------
    bool
        Also False for a session that is moved to an earlier time.
    """
    start, was = row["session_date_utc"], known["session_date_utc"]
    return start > moment and parse_utc(start) - parse_utc(was) > timedelta(days=1)
