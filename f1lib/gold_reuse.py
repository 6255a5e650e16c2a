"""Which rows of the training dataset still hold: those whose inputs are what they were when they were computed.

The rows of a past event depend on silver rows visible before its cut-offs only (law 6), so a new session leaves
them alone and a corrected result touches its own event and later ones. For each event the note beside the dataset
keeps a digest of all its inputs (``sql/gold/inputs_seen.sql``); an event with another digest is computed again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from f1lib import gold_lake, tables
from f1lib.storage import read_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import pandas as pd

    from f1lib.storage import ObjectStore


def input_digests(silver: Mapping[str, Any], targets: pd.DataFrame, as_of: datetime) -> dict[str, str]:
    """Event -> digest of everything that the rows and labels of its ``targets`` can depend on, `recipe` included.

    ``silver`` and ``targets`` are those of `gold.compute`; labels are of results visible at ``as_of``.
    """
    with tables.connect() as connection:
        connection.register("wanted", targets)
        for name in silver:
            connection.register(name, silver[name])
        rows = connection.execute(tables.sql_text("gold/inputs_seen"), {"as_of": as_of}).fetchall()
    parts: dict[str, list[str]] = {}
    for event, *part in rows:
        parts.setdefault(event, [recipe()]).append(" ".join(part))
    return {event: hashlib.sha256("\n".join(part).encode()).hexdigest()[:16] for event, part in parts.items()}


@cache
def recipe() -> str:
    """A digest of the code that turns silver into gold and of the libraries that run it."""
    import duckdb
    import pandas as pd

    package = resources.files("f1lib")
    files = [*package.iterdir(), *package.joinpath("sql", "gold").iterdir()]
    code = [f for f in files if f.name.startswith("gold") or f.name.endswith((".sql", "features.csv", "terms.py"))]
    texts = sorted((file.name, file.read_text(encoding="utf-8")) for file in code)
    return hashlib.sha256(repr((duckdb.__version__, pd.__version__, texts)).encode()).hexdigest()


@dataclass(frozen=True)
class Kept:
    """Rows that still hold and their events; whether these are all there are in the file and all that are wanted."""

    rows: pd.DataFrame
    events: frozenset[str]
    is_all: bool
    sha256: str


# Hash of the file that was read last -> the rows in it: a session comes in and the dataset stays what it is.
_ROWS: dict[str, pd.DataFrame] = {}


def kept_rows(store: ObjectStore, key: str, digests: Mapping[str, str]) -> Kept | None:
    """What still holds of the rows under ``key``: those of events with the digest of ``digests``.

    None when there is no file to rely on: none at all, or one without a note, or beside the note of other bytes
    (somebody was interrupted between the two).
    """
    note_key = gold_lake.note_key(key)
    if not (store.exists(key) and store.exists(note_key)):
        return None
    content = store.read(key)
    note, sha256 = read_json(store, note_key), hashlib.sha256(content).hexdigest()
    if note.get("sha256") != sha256:
        return None
    events = frozenset(event for event, digest in note["digests"].items() if digests.get(event) == digest)
    if sha256 not in _ROWS:
        _ROWS.clear()
        _ROWS[sha256] = tables.parquet_frame(content, f"{key} in lake {store.url}")
    rows = _ROWS[sha256].copy()  # whoever changes them in place changes his own
    if events == set(digests) == set(note["digests"]):
        return Kept(rows, events, True, sha256)
    return Kept(rows[rows["event_partition_key"].isin(events)], events, False, sha256)
