"""What it costs that a power cut loses nothing: files and rows written with and without waiting for the disk.

    python benchmarks/durability.py [FOLDER]

Both sides are written in turns in one run, into FOLDER (by default here, on the disk of the checkout). Prints the
milliseconds a file and a row, their ratios, and what the `FILES` files and `ROWS` rows of a tick of a race weekend take
more. With one kernel a notebook such a tick takes some 20 s.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, cast
from unittest.mock import patch

from f1lib.lake.store import LocalStore
from f1lib.tracking.sqlite import SqliteTracking
from f1lib.tracking.table import TrackingTable

ROUNDS, FILES, ROWS, BYTES = 15, 60, 30, 20_000


def files(store: LocalStore, number: int) -> float:
    """Write the files of a tick into a dozen folders; milliseconds a file."""
    started = perf_counter()
    for file in range(FILES):
        store.write(f"bronze/{number}/{file // 5}/{file}.parquet", os.urandom(BYTES))
    return (perf_counter() - started) * 1000 / FILES


def rows(table: TrackingTable) -> float:
    """Write the rows of a tick, each in a transaction of its own; milliseconds a row."""
    started = perf_counter()
    for number in range(ROWS):
        row: Any = {"event_partition_key": "2025_Qatar_Grand_Prix", "session_name_abr": f"P{number}", "status": "gold"}
        table.put_rows([row])
    return (perf_counter() - started) * 1000 / ROWS


class Unsynced(sqlite3.Connection):
    """A connection that does not wait for the disk, whatever it is asked."""

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        """Turn every wish for safety into none."""
        return super().execute(statement.replace("synchronous = EXTRA", "synchronous = OFF"), *values)


def main() -> None:
    """Measure and print."""
    folder = sys.argv[1] if len(sys.argv) > 1 else "."
    measured: dict[str, list[float]] = {"file": [], "file unsynced": [], "row": [], "row unsynced": []}
    connect = sqlite3.connect
    with tempfile.TemporaryDirectory(dir=folder) as root:
        store, table = LocalStore(Path(root)), SqliteTracking(Path(root) / "tracking.db")
        for number in range(ROUNDS):
            measured["file"].append(files(store, 2 * number))
            measured["row"].append(rows(table))
            with patch("os.fsync"), patch("sqlite3.connect", lambda *a, **k: connect(*a, **k, factory=Unsynced)):
                measured["file unsynced"].append(files(store, 2 * number + 1))
                measured["row unsynced"].append(rows(cast("TrackingTable", table)))
    cost = {name: median(values) for name, values in measured.items()}
    for name in ("file", "row"):
        synced, unsynced = cost[name], cost[f"{name} unsynced"]
        print(f"a {name}: {synced:.2f} ms on the disk, {unsynced:.2f} ms in the cache; ratio {synced / unsynced:.1f}")
    more = (cost["file"] - cost["file unsynced"]) * FILES + (cost["row"] - cost["row unsynced"]) * ROWS
    print(f"{FILES} files and {ROWS} rows of a tick: {more:.0f} ms more")


if __name__ == "__main__":
    main()
