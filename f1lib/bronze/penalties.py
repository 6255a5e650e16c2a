"""Enter grid penalties before the grid is official: from ``parameters/penalties.yml``, the command or a Lambda event.

A penalty is known from when it was announced until it is withdrawn. At each tick from two days before a weekend on,
the tracking row of the race's penalties gets the digest of those known: when it changes, gold makes another
provisional grid, and the prediction is renewed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from f1lib.domain.moments import format_utc, parse_utc
from f1lib.domain.starting_grid import BACK, PIT_LANE, Penalty
from f1lib.domain.weekend import RACE_OR_SPRINT, EventKey, plain
from f1lib.errors import BadParameters
from f1lib.lake import fingerprint, penalties
from f1lib.lake.documents import from_yaml
from f1lib.lake.penalties import Announced
from f1lib.tracking.index import BEFORE_A_WEEKEND, Rows
from f1lib.tracking.rows import SessionRow, Status, TrackingRow
from f1lib.tracking.stage_keys import PENALTIES_ROW

if TYPE_CHECKING:
    from f1lib.lake.store import ObjectStore
    from f1lib.tracking.table import TrackingTable

FILE = "penalties.yml"
MOST = 100
_FIELDS = {"driver", "penalty", "event", "announced_at", "session"}


def parse_penalty(text: Any) -> Penalty:
    """Read ``10``, ``pit_lane`` or ``back_of_grid``; raises `BadParameters` for anything else."""
    value = str(text).strip().lower().replace("-", "_").replace(" ", "_")
    if value in (PIT_LANE, BACK):
        return value
    if value.isdecimal() and 1 <= int(value) <= MOST:
        return int(value)
    raise BadParameters(
        f"penalty {ascii(text)[:40]}: expected a number of places from 1 to {MOST}, {PIT_LANE} or {BACK}"
    )


def add(store: ObjectStore, event: EventKey, penalty: Announced) -> bool:
    """Enter a penalty.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    event : EventKey
        The event.
    penalty : Announced
        See `announced`.

    Returns
    -------
    bool
        False when it is there already and not withdrawn; nothing is changed then.

    Raises
    ------
    Damaged
        The document of the event's penalties is not the one that was written.
    """
    new: list[Announced] = []

    def added(old: list[Announced]) -> list[Announced]:
        new[:] = [] if any(p.identity == penalty.identity and not p.withdrawn_utc for p in old) else [penalty]
        return old + new

    penalties.update(store, event, added)
    return bool(new)


def announced(
    store: ObjectStore,
    row: SessionRow | None,
    driver: str,
    penalty: Any,
    announced_at: str,
    as_of: datetime,
    entered_by: str,
) -> Announced:
    """Read a penalty as a person or a file states it.

    Parameters
    ----------
    store : ObjectStore
        The lake, whose results tell the drivers.
    row : SessionRow or None
        The tracking row of the race or sprint.
    driver : str
        Abbreviation, full name, canonical id or car number.
    penalty : Any
        See `parse_penalty`.
    announced_at : str
        When it was made public, ISO 8601; empty: ``as_of``. It is not known before.
    as_of : datetime
        The moment at which it is entered, aware UTC.
    entered_by : str
        ``command``, ``event`` or ``file``.

    Returns
    -------
    Announced
        The penalty, not stored yet.

    Raises
    ------
    BadParameters
        There is no such session or driver, the session has started, or a value cannot be read.
    """
    if row is None:
        raise BadParameters("no such session is in the calendar of this lake; `f1 status` lists what is")
    event, session = row["event_partition_key"], row["session_name_abr"]
    if row["session_date_utc"] <= format_utc(as_of):
        name, start = RACE_OR_SPRINT[session], row["session_date_utc"]
        raise BadParameters(f"the {name} of {event} started at {start}: a penalty changes nothing now")
    who, what = driver_of(store, EventKey.parse(event).season, driver), parse_penalty(penalty)
    moment = format_utc(parse_utc(announced_at) if announced_at else as_of)
    return Announced(who, session, what, moment, format_utc(as_of), entered_by)


def withdraw(store: ObjectStore, event: EventKey, driver: str, as_of: datetime, session: str = "R") -> list[Announced]:
    """Withdraw the penalties of a driver; what was predicted with them before keeps them.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    event : EventKey
        The event.
    driver : str
        Abbreviation, full name, canonical id or car number.
    as_of : datetime
        From when on they are not known, aware UTC.
    session : {"R", "S"}
        The race or the sprint.

    Returns
    -------
    list of Announced
        What was withdrawn.

    Raises
    ------
    BadParameters
        The driver is not known, or has no penalty.
    """
    who, moment = driver_of(store, event.season, driver), format_utc(as_of)

    def is_meant(penalty: Announced) -> bool:
        return (penalty.driver_id, penalty.session, penalty.withdrawn_utc) == (who, session, "")

    gone = [penalty for penalty in penalties.read(store, event) if is_meant(penalty)]
    if not gone:
        raise BadParameters(
            f"{who} has no grid penalty for the {RACE_OR_SPRINT[session]} of {event}; see `f1 penalty list`"
        )
    penalties.update(store, event, lambda old: [replace(p, withdrawn_utc=moment) if is_meant(p) else p for p in old])
    return gone


def bring_in(
    store: ObjectStore, tracking: TrackingTable, rows: Iterable[TrackingRow], file: Path | None, as_of: datetime
) -> bool:
    """Take in the file's penalties of the next race, and note in its tracking row which are known now.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    tracking : TrackingTable
        Is changed when another set of penalties is known than before.
    rows : iterable of TrackingRow
        All of its rows.
    file : Path or None
        ``parameters/penalties.yml``; None takes none in.
    as_of : datetime
        The moment, aware UTC.

    Returns
    -------
    bool
        Whether the row changed, so that gold and the prediction are due.

    Raises
    ------
    BadParameters
        The file cannot be read, or an entry of it; the message says which.
    """
    index = Rows(rows)
    for number, entry in enumerate(entries(file) if file else [], 1):
        try:
            _take_in(store, index, entry, as_of)
        except BadParameters as error:
            raise BadParameters(f"{FILE}, entry {number}: {error}") from None
    race = index.next_race(as_of)
    if race is None:
        return False
    event = EventKey.parse(race["event_partition_key"])
    sessions = index.sessions[event.partition_key].values()
    if format_utc(as_of + BEFORE_A_WEEKEND) < min(row["session_date_utc"] for row in sessions):
        return False  # nothing is predicted from a grid yet: on most days a tick reads no document
    entered = penalties.read(store, event)
    now = [p.identity for session in ("R", "S") for p in penalties.known(entered, session, as_of)]
    before = index.by_key.get((event.partition_key, PENALTIES_ROW), {}).get("content_hash")
    if before and not entered:
        raise penalties.lost(store, event)
    digest = fingerprint.of_json(sorted(now, key=str))[: fingerprint.SHORT]
    if digest == before or not (now or before):
        return False
    row: SessionRow = {"event_partition_key": event.partition_key, "session_name_abr": PENALTIES_ROW}
    row |= {"event_year": event.season, "event_name": event.event_name, "content_hash": digest}
    row |= {"status": Status.SILVER, "updated_at_utc": format_utc(as_of)}  # gold reads the document itself
    tracking.put_rows([row])
    return True


def _take_in(store: ObjectStore, index: Rows, entry: dict[str, Any], as_of: datetime) -> None:
    """Enter one penalty of the file that has been announced, if its race is the next one."""
    event, session = EventKey.parse(str(entry["event"])), str(entry.get("session", "R"))
    moment, what = parse_utc(str(entry["announced_at"])), parse_penalty(entry["penalty"])
    if session not in ("R", "S"):
        raise BadParameters(f"session {ascii(session)[:20]} is neither R nor S")
    sessions, race = index.sessions.get(event.partition_key), index.next_race(as_of)
    if sessions is None and any(EventKey.parse(known).season == event.season for known in index.sessions):
        raise BadParameters(f"{event} is not in the calendar of this lake")
    if race is None or race["event_partition_key"] != event.partition_key or moment > as_of:
        return
    row = (sessions or {}).get(session)
    if row and row["session_date_utc"] > format_utc(as_of):
        penalty = announced(store, row, str(entry["driver"]), what, format_utc(moment), as_of, "file")
        if penalty.identity not in {p.identity for p in penalties.read(store, event)}:  # nor one that was withdrawn
            add(store, event, penalty)


def entries(file: Path) -> list[dict[str, Any]]:
    """Read ``penalties.yml``; empty without one. Raises `BadParameters` for a file of another form."""
    try:
        document = (from_yaml(file.read_text(encoding="utf-8")) if file.exists() else None) or {"penalties": []}
    except (OSError, ValueError) as error:
        raise BadParameters(f"cannot read {file}: {error}") from error
    found = document.get("penalties") if isinstance(document, dict) else None
    if not isinstance(document, dict) or set(document) != {"penalties"} or not isinstance(found or [], list):
        raise BadParameters(f"{file}: expected one list, `penalties:`")
    for number, entry in enumerate(found or [], 1):
        if not isinstance(entry, dict) or not _FIELDS - {"session"} <= set(entry) <= _FIELDS:
            wanted = ", ".join(sorted(_FIELDS - {"session"}))
            raise BadParameters(f"{file}, entry {number}: expected {wanted} and, for a sprint's, session: S")
    return found or []


def driver_of(store: ObjectStore, season: int, text: str) -> str:
    """Find a driver among those seen in a season, or else in the one before.

    Parameters
    ----------
    store : ObjectStore
        The lake; its results and entry lists in silver are read.
    season : int
        Year.
    text : str
        Abbreviation, full name, canonical id or car number, without regard to case and accents.

    Returns
    -------
    str
        The canonical id.

    Raises
    ------
    BadParameters
        Nobody is meant, or more than one driver.
    """
    from f1lib.lake.silver_tables import read_table

    columns = ["abbreviation", "driver_id", "full_name", "driver_number"]
    names: dict[int, list[list[Any]]] = {season: [], season - 1: []}
    for year, rows in names.items():
        for table in ("results", "entries"):
            seen = read_table(store, table, [year]).reindex(columns=columns).drop_duplicates()
            rows += seen.to_numpy(dtype=object).tolist()
        found = {str(row[1]) for row in rows if plain(text) in {plain(str(value)) for value in row}}
        if len(found) == 1:
            return found.pop()
        if found:
            raise BadParameters(f"driver {ascii(text)[:40]} may be {' or '.join(sorted(found))}: give the id")
    field = sorted({str(row[0]) for row in names[season] or names[season - 1] if isinstance(row[0], str)})
    there_are = ", ".join(field) or "none in this lake yet: `f1 run` brings them"
    raise BadParameters(f"driver {ascii(text)[:40]} is not known; there are {there_are}")
