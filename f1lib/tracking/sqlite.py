"""Tracking table in one SQLite file, the default of a local lake.

The attributes listed in docs/lake.md are columns, so that they can be queried; all others are JSON in ``attributes``.
Claims are made inside an immediate transaction: one writer at a time.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, unquote

from f1lib.domain.moments import format_utc
from f1lib.errors import AlreadyRunning, BadParameters, StorageError
from f1lib.lake.store import make_folder
from f1lib.tracking.rows import (
    FREED,
    PREDICTION_SORT_KEY,
    PREDICTIONS_TABLE,
    SESSION_TABLE,
    Claim,
    claim_row,
    claimed_message,
    clipped,
    is_claimed,
    lost_message,
    merged,
    moving,
    prediction_sort_key,
    renewed,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import datetime, timedelta

    from f1lib.tracking.rows import StageRow, TrackingRow

_COLUMNS = (
    "event_year event_name event_number event_format session_date_utc session_type circuit latitude longitude "
    "status bronze_path silver_path gold_path source attempts last_error updated_at_utc "
    "owner lease_expires_utc run_id input_hash"
).split()
_NAMES = ["event_partition_key", "session_name_abr", *_COLUMNS, "attributes"]
_SELECT = f"SELECT {', '.join(_NAMES)} FROM {SESSION_TABLE}"
SYNCHRONOUS = "EXTRA"  # file and folder are written when a transaction ends: what is told done stays done
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS {SESSION_TABLE} (
    event_partition_key TEXT NOT NULL, session_name_abr TEXT NOT NULL,
    {", ".join(_COLUMNS)}, attributes TEXT NOT NULL DEFAULT '{{}}',
    PRIMARY KEY (event_partition_key, session_name_abr)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS {PREDICTIONS_TABLE} (
    event_partition_key TEXT NOT NULL, "{PREDICTION_SORT_KEY}" TEXT NOT NULL, attributes TEXT NOT NULL,
    PRIMARY KEY (event_partition_key, "{PREDICTION_SORT_KEY}")) WITHOUT ROWID;
"""


class SqliteTracking:
    """See `f1lib.tracking.table.TrackingTable`. The file is created by the first write."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()
        self.url = f"sqlite:///{quote(self.path.as_posix(), safe='/:')}"

    @classmethod
    def from_url(cls, url: str) -> SqliteTracking:
        """Open ``sqlite:///relative/path`` or ``sqlite:////absolute/path``: the path follows the third slash."""
        path = unquote(url.removeprefix("sqlite:///"))
        if not path or path == url:
            raise BadParameters(f"tracking {url!r}: use sqlite:///path/to/file.db")
        return cls(Path(path))

    @contextmanager
    def _transaction(self, *, write: bool) -> Iterator[sqlite3.Connection]:
        try:
            if write:
                make_folder(self.path.parent)
            with closing(sqlite3.connect(self.path, timeout=30, isolation_level=None)) as connection:
                connection.row_factory = sqlite3.Row
                if write:
                    connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS}")
                    connection.executescript(_SCHEMA)
                connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
                yield connection
                connection.execute("COMMIT")
        except (sqlite3.OperationalError, OSError) as error:
            raise StorageError(f"tracking table {self.path}: {error}") from error
        except sqlite3.Error as error:
            remedy = "`f1 doctor --repair` sets the file aside and rebuilds the table from the lake"
            raise StorageError(f"tracking table {self.path} is damaged ({error}): {remedy}") from error

    def _read(self, statement: str, values: tuple[str, ...]) -> list[sqlite3.Row]:
        """Return the rows that a statement selects; none while the file or its tables do not exist yet."""
        try:
            if not self.path.exists():
                return []
        except OSError as error:
            raise StorageError(f"tracking table {ascii(str(self.path))[:100]}: {error.strerror}") from error
        with self._transaction(write=False) as connection:
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (PREDICTIONS_TABLE,)).fetchone():
                return []
            return connection.execute(statement, values).fetchall()

    def set_aside_if_damaged(self) -> str:
        """Rename a file that SQLite finds damaged, and return its new name; empty when it is sound or absent."""
        if not self.path.exists():
            return ""
        try:
            with closing(sqlite3.connect(self.path, timeout=30)) as connection:
                found = str(connection.execute("PRAGMA integrity_check").fetchone()[0])
        except sqlite3.OperationalError as error:
            raise StorageError(f"tracking table {self.path}: {error}") from error
        except sqlite3.DatabaseError as error:
            found = str(error)
        if found == "ok":
            return ""
        number = 1
        while (aside := self.path.with_name(f"{self.path.name}.damaged-{number}")).exists():
            number += 1
        self.path.replace(aside)
        for name in ("-journal", "-wal", "-shm"):  # they belong to the damaged file
            self.path.with_name(self.path.name + name).unlink(missing_ok=True)
        return aside.name

    def put_rows(self, rows: Iterable[StageRow]) -> None:
        """See `TrackingTable.put_rows`."""
        with self._transaction(write=True) as connection:
            for row in rows:
                found = _select(connection, row["event_partition_key"], row["session_name_abr"])
                _replace(connection, merged(found or {}, clipped(row)))

    def get(self, event_partition_key: str, session_name_abr: str) -> TrackingRow | None:
        """See `TrackingTable.get`."""
        statement = f"{_SELECT} WHERE event_partition_key = ? AND session_name_abr = ?"
        found = self._read(statement, (event_partition_key, session_name_abr))
        return _load(found[0]) if found else None

    def rows(self, event_partition_key: str | None = None, *, status: str | None = None) -> list[TrackingRow]:
        """See `TrackingTable.rows`."""
        asked = {"event_partition_key": event_partition_key, "status": status}
        wanted = {name: value for name, value in asked.items() if value is not None}
        where = f" WHERE {' AND '.join(f'{name} = ?' for name in wanted)}" if wanted else ""
        statement = f"{_SELECT}{where} ORDER BY event_partition_key, session_name_abr"
        return [_load(found) for found in self._read(statement, tuple(wanted.values()))]

    def refresh(self, rows: list[TrackingRow], events: Collection[str] = ()) -> list[TrackingRow]:
        """See `TrackingTable.refresh`."""
        read = sorted({*moving(rows), *events})
        statement = f"{_SELECT} WHERE event_partition_key IN (SELECT value FROM json_each(?))"
        return renewed(rows, read, map(_load, self._read(statement, (json.dumps(read),))))

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
        """See `TrackingTable.claim`."""
        claim = Claim(event_partition_key, session_name_abr, owner, run_id, now + lease)
        key: TrackingRow = {"event_partition_key": event_partition_key, "session_name_abr": session_name_abr}
        with self._transaction(write=True) as connection:
            row = _select(connection, event_partition_key, session_name_abr) or key
            if is_claimed(row, now):
                raise AlreadyRunning(claimed_message(row))
            _replace(connection, merged(row, claim_row(claim)))
        return claim

    def renew(self, claim: Claim, expires: datetime) -> None:
        """See `TrackingTable.renew`."""
        self._change_claimed(claim, {"lease_expires_utc": format_utc(expires)})

    def release(self, claim: Claim, attributes: StageRow) -> None:
        """See `TrackingTable.release`."""
        self._change_claimed(claim, {**attributes, **FREED})

    def _change_claimed(self, claim: Claim, changes: Mapping[str, Any]) -> None:
        with self._transaction(write=True) as connection:
            row = _select(connection, claim.event_partition_key, claim.session_name_abr) or {}
            if row.get("claim_token") != claim.token:
                raise AlreadyRunning(lost_message(claim, row))
            _replace(connection, merged(row, clipped(changes)))

    def owner_died(self, row: StageRow) -> bool:
        """See `TrackingTable.owner_died`; all users of one SQLite file are on one machine."""
        host, _, process = str(row.get("owner", "")).rpartition(":")
        return host == socket.gethostname() and process.isdigit() and not _is_alive(int(process))

    def check_predictions(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """See `TrackingTable.check_predictions`."""
        for row in rows:
            _dump(row)

    def put_predictions(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """See `TrackingTable.put_predictions`."""
        statement = f"INSERT OR REPLACE INTO {PREDICTIONS_TABLE} VALUES (?, ?, ?)"
        with self._transaction(write=True) as connection:
            for row in rows:
                values = (row["event_partition_key"], prediction_sort_key(row), _dump(row))
                connection.execute(statement, values)

    def predictions(self, event_partition_key: str) -> list[dict[str, Any]]:
        """See `TrackingTable.predictions`."""
        statement = f'SELECT * FROM {PREDICTIONS_TABLE} WHERE event_partition_key = ? ORDER BY "{PREDICTION_SORT_KEY}"'
        found = self._read(statement, (event_partition_key,))
        return [{**_attributes(row), PREDICTION_SORT_KEY: row[PREDICTION_SORT_KEY]} for row in found]

    def delete(self, keys: Iterable[tuple[str, str]]) -> None:
        """See `TrackingTable.delete`."""
        statement = f"DELETE FROM {SESSION_TABLE} WHERE event_partition_key = ? AND session_name_abr = ?"
        with self._transaction(write=True) as connection:
            connection.executemany(statement, keys)

    def delete_predictions(self, event_partition_key: str, sort_keys: Iterable[str]) -> None:
        """See `TrackingTable.delete_predictions`."""
        statement = f'DELETE FROM {PREDICTIONS_TABLE} WHERE event_partition_key = ? AND "{PREDICTION_SORT_KEY}" = ?'
        with self._transaction(write=True) as connection:
            connection.executemany(statement, ((event_partition_key, key) for key in sort_keys))


def _select(connection: sqlite3.Connection, event_partition_key: str, session_name_abr: str) -> TrackingRow | None:
    statement = f"{_SELECT} WHERE event_partition_key = ? AND session_name_abr = ?"
    found = connection.execute(statement, (event_partition_key, session_name_abr)).fetchone()
    return None if found is None else _load(found)


def _load(found: sqlite3.Row) -> TrackingRow:
    row = {name: value for name, value in zip(_NAMES, found, strict=True) if value is not None}
    row.update(_attributes(found))
    row.pop("attributes", None)
    return cast("TrackingRow", row)


def _attributes(found: sqlite3.Row) -> dict[str, Any]:
    """Return a row's further attributes; raises `StorageError` when their column holds no JSON object."""
    try:
        return dict(json.loads(found["attributes"]))  # ours; `from_json` takes 3 ms of a tick
    except (ValueError, TypeError, RecursionError) as error:
        row = f"{found[0]} {found[1]}"
        raise StorageError(
            f"row {row} of the tracking table is damaged: its attributes are no JSON ({error})"
        ) from error


def _replace(connection: sqlite3.Connection, row: TrackingRow) -> None:
    extra = {key: value for key, value in row.items() if key not in _NAMES}
    _dump(row)  # a NaN in a column would silently become NULL
    values = [row.get(name) for name in _NAMES[:-1]]
    marks = ", ".join("?" * len(_NAMES))
    statement = f"INSERT OR REPLACE INTO {SESSION_TABLE} ({', '.join(_NAMES)}) VALUES ({marks})"
    connection.execute(statement, [*values, _dump(extra)])


def _dump(row: Mapping[str, Any]) -> str:
    try:
        return json.dumps(dict(row), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise StorageError(f"row {dict(row)!r}: the table takes what JSON has ({error})") from error


def _is_alive(process: int) -> bool:
    """Return whether a process of this machine is running; True where that cannot be found out safely."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # a running process of another user
        return True
    return True
