"""History in multiples: the simulator's seasons put one after another, each time with new drivers, teams and circuits.

Once is `RACES` races, as many as were held from 2010 to 2025. As in a history without timing there are no laps. A copy
begins where the one before ends, so the rows of a season are those of a real one, and there are ever more seasons. The
clock runs `FASTER` times as fast: the nanoseconds of pandas end in 2262, and a hundred histories take 1,600 years.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

RACES, FASTER, BEGINS = 329, 8, datetime(2010, 1, 1, tzinfo=UTC)
_RENAMED = ("driver_id", "team_id", "team_lineage", "circuit_id")
_KEY = "event_partition_key"


@dataclass(frozen=True)
class History:
    """Silver tables by name, as of the moment after the last race but with the calendar of the one to come."""

    silver: dict[str, pa.Table]
    as_of: datetime
    rows: int


def multiplied(silver: dict[str, pa.Table], times: int) -> History:
    """Multiply the whole seasons of ``silver`` up to ``times`` times `RACES` races."""
    raced = silver["results"].filter(pc.equal(silver["results"]["session"], "R"))
    first, last = (int(f(raced["event_year"]).as_py()) for f in (pc.min, pc.max))
    years = last - first + 1
    held = len(pc.unique(raced[_KEY]))
    copies = math.ceil((times * RACES + 1) / held)
    kept = {name: _of_seasons(table, first, last) for name, table in silver.items() if name != "laps"}
    tables = {name: pa.concat_tables([_copy(t, n, n * years) for n in range(copies)]) for name, t in kept.items()}
    results = tables["results"].filter(pc.equal(tables["results"]["session"], "R"))
    ended = sorted(results.group_by(_KEY).aggregate([("available_utc", "max")])["available_utc_max"].to_pylist())
    as_of = ended[times * RACES - 1]
    seen = {n: t.filter(pc.less_equal(t["available_utc"], as_of)) if _dated(n, t) else t for n, t in tables.items()}
    whole = {name: table.combine_chunks() for name, table in seen.items()}
    return History({**whole, "laps": silver["laps"].slice(0, 0)}, as_of, len(whole["results"]))


def _dated(name: str, table: pa.Table) -> bool:
    """Whether the rows of a table become known with time; those of the calendar are known before."""
    return name not in ("events", "sessions") and "available_utc" in table.column_names


def _of_seasons(table: pa.Table, first: int, last: int) -> pa.Table:
    return table.filter(pc.and_(pc.greater_equal(table["event_year"], first), pc.less_equal(table["event_year"], last)))


def _copy(table: pa.Table, number: int, years: int) -> pa.Table:
    """One copy: later by whole years, with names of its own."""
    for name in table.column_names:
        column = table[name]
        made: Any = None
        if name == _KEY:
            year = pc.cast(pc.add(pc.cast(pc.utf8_slice_codeunits(column, 0, 4), pa.int64()), years), pa.string())
            made = pc.binary_join_element_wise(year, pc.utf8_slice_codeunits(column, 4), "")
        elif name == "event_year":
            made = pc.add(column, years)
        elif pa.types.is_timestamp(column.type):
            made = pc.add(pc.divide(pc.cast(column, pa.int64()), FASTER), _later(years))
        elif name in _RENAMED and number:
            made = pc.binary_join_element_wise(column, pa.scalar(f"-{number}"), "")
        if made is not None:
            table = table.set_column(table.column_names.index(name), name, made.cast(column.type))
    return table


def _later(years: int) -> int:
    """The microseconds by which a copy is later; history begins in `BEGINS`."""
    return int(BEGINS.timestamp() * 1e6) + math.ceil(years * 365.25 / FASTER) * 86_400_000_000
