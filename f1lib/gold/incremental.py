"""Which rows of the training dataset still hold: those whose inputs are what they were when they were computed.

The rows of a past event depend on silver rows visible before its cut-offs only (law 6), so a new session leaves
them alone and a corrected result touches its own event and later ones. For each event the note beside the dataset
keeps a digest of all its inputs (``sql/steps/inputs_seen.sql``); an event with another digest is computed again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from f1lib.lake import fingerprint, parquet, paths, sql
from f1lib.lake.store import read_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import pandas as pd

    from f1lib.lake.cache import Cache
    from f1lib.lake.store import ObjectStore

# What the recipe of gold reads beside its own package: contracts of tables and features, the words of a weekend.
_READ_ELSEWHERE = (
    "lake/features.py", "lake/features.csv", "lake/gold_tables.py", "domain/weekend.py", "domain/moments.py",
)  # fmt: skip


def input_digests(silver: Mapping[str, Any], targets: pd.DataFrame, as_of: datetime) -> dict[str, str]:
    """Event -> digest of everything that the rows and labels of its ``targets`` can depend on, `recipe` included.

    ``silver`` and ``targets`` are those of `gold.compute`; labels are of results visible at ``as_of``.
    """
    with sql.connect() as connection:
        connection.register("wanted", targets)
        for name in silver:
            connection.register(name, silver[name])
        rows = connection.execute(sql.sql_text("gold/steps/inputs_seen"), {"as_of": as_of}).fetchall()
    parts: dict[str, list[str]] = {}
    for event, *part in rows:
        parts.setdefault(event, [recipe()]).append(" ".join(part))
    return {event: fingerprint.of_text("\n".join(part))[: fingerprint.SHORT] for event, part in parts.items()}


@cache
def recipe() -> str:
    """A digest of the code that turns silver into gold and of the libraries that run it."""
    import duckdb
    import pandas as pd

    texts = sorted((str(file), file.read_text(encoding="utf-8")) for file in recipe_files())
    return fingerprint.of_text(repr((duckdb.__version__, pd.__version__, texts)))


def recipe_files() -> list[Path]:
    """The files of f1lib whose text decides what gold holds: this package, and the contracts and words it reads."""
    package = Path(str(resources.files("f1lib")))
    own = [path for path in package.joinpath("gold").rglob("*") if path.suffix in (".py", ".sql")]
    return [*own, *(package / name for name in _READ_ELSEWHERE)]


@dataclass(frozen=True)
class Kept:
    """Rows that still hold and their events; whether these are all there are in the file and all that are wanted."""

    rows: pd.DataFrame
    events: frozenset[str]
    is_all: bool
    sha256: str


def kept_rows(store: ObjectStore, key: str, digests: Mapping[str, str], cache: Cache) -> Kept | None:
    """What still holds of the rows under ``key``: those of events with the digest of ``digests``.

    None when there is no file to rely on: none at all, or one without a note, or beside the note of other bytes
    (somebody was interrupted between the two).
    """
    note_key = paths.gold_note(key)
    if not (store.exists(key) and store.exists(note_key)):
        return None
    content = store.read(key)
    note, sha256 = read_json(store, note_key), fingerprint.of_bytes(content)
    if note.get("sha256") != sha256:
        return None
    events = frozenset(event for event, digest in note["digests"].items() if digests.get(event) == digest)
    parsed = cache.one("gold: rows", key, sha256, lambda: parquet.parquet_frame(content, f"{key} in lake {store.url}"))
    rows = parsed.copy()  # whoever changes them in place changes his own
    if events == set(digests) == set(note["digests"]):
        return Kept(rows, events, True, sha256)
    return Kept(rows[rows["event_partition_key"].isin(events)], events, False, sha256)
