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

from f1lib.gold import read_silver
from f1lib.gold import targets as gold_targets
from f1lib.lake import fingerprint, parquet, paths, sql
from f1lib.lake.cache import Memory
from f1lib.lake.store import read_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import pandas as pd
    import pyarrow as pa

    from f1lib.lake.store import ObjectStore

# What the recipe of gold reads beside its own package: contracts of tables and features, the words of a weekend.
_READ_ELSEWHERE = (
    "lake/features.py", "lake/features.csv", "lake/gold_tables.py", "domain/weekend.py", "domain/moments.py",
)  # fmt: skip
# Files of which every row counts, whenever it is of.
_CALENDAR = tuple(map(paths.silver_prefix, ("events", "sessions")))


@dataclass(frozen=True)
class Past:
    """The targets of every race and sprint whose result is visible, and `input_digests` of each event of theirs.

    ``basis``: the recipe, and when the last of these results became visible; ``parts``: the silver files they were
    computed from.
    """

    targets: pd.DataFrame
    digests: dict[str, str]
    basis: tuple[str, datetime | None]
    parts: Mapping[str, pa.Table]


_LAST: list[Past] = []


def past(silver: read_silver.Silver, as_of: datetime) -> Past:
    """The past as ``silver`` has it at ``as_of``.

    From one result to the next sessions come in that it cannot depend on; it is taken again while the calendar,
    and all that was visible with the newest result, is the same, cell by cell.
    """
    newest = _newest_result(silver.tables["results"], as_of)
    basis = (recipe(), newest)
    if not (_LAST and _LAST[0].basis == basis and _are_same(_LAST[0].parts, silver.parts, newest)):
        events, sessions, results = (silver.frame(name) for name in ("events", "sessions", "results"))
        targets = gold_targets.past_targets(events, sessions, results, as_of)
        _LAST[:] = [Past(targets, input_digests(silver.tables, targets, as_of), basis, silver.parts)]
    return _LAST[0]


def _newest_result(results: pa.Table, as_of: datetime) -> datetime | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    is_raced = pc.is_in(results["session"], pa.array(gold_targets.RACED))
    seen = pc.less_equal(results["available_utc"], pa.scalar(as_of, results["available_utc"].type))
    moment: datetime | None = pc.max(results["available_utc"].filter(pc.and_(is_raced, seen))).as_py()
    return moment


def _are_same(before: Mapping[str, pa.Table], now: Mapping[str, pa.Table], newest: datetime | None) -> bool:
    """Whether files hold the same up to ``newest``; most are the very tables that were read before."""
    return before.keys() == now.keys() and all(
        part is before[key] or _visible(key, part, newest).equals(_visible(key, before[key], newest))
        for key, part in now.items()
    )


def _visible(key: str, part: pa.Table, newest: datetime | None) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    if key.startswith(_CALENDAR):
        return part
    moments = part["available_utc"]
    return part.filter(pc.less_equal(moments, pa.scalar(newest, moments.type)))


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


_ROWS: Memory[pd.DataFrame] = Memory()  # a session comes in and the dataset stays what it is


def kept_rows(store: ObjectStore, key: str, digests: Mapping[str, str]) -> Kept | None:
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
    parsed = _ROWS.of({key: sha256}, lambda key: parquet.parquet_frame(content, f"{key} in lake {store.url}"))
    rows = parsed[key].copy()  # whoever changes them in place changes his own
    if events == set(digests) == set(note["digests"]):
        return Kept(rows, events, True, sha256)
    return Kept(rows[rows["event_partition_key"].isin(events)], events, False, sha256)
