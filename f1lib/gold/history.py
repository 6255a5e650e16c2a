"""The past: what each race says about its entrants, and what is thought of drivers and cars after it.

It is the same from one race's result to the next, while sessions come in between. So it is kept, and taken again
only while everything it was computed from is the same, cell by cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from f1lib.gold import ratings as gold_ratings
from f1lib.gold.targets import RACED
from f1lib.lake import sql, tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from f1lib.lake.cache import Cache

# All that ``race_history.sql`` and ``rating_history.sql`` may read; they find nothing else.
_READ = ("events", "results", "starting_grid", "weather_observed")


@dataclass(frozen=True)
class History:
    """``races``: the rows of ``race_history.sql``; ``ratings`` over those of ``rating_history.sql``.

    ``past``: the silver rows they were computed from.
    """

    past: dict[str, pa.Table]
    races: pa.Table
    ratings: gold_ratings.Ratings


def history(silver: Mapping[str, Any], cache: Cache) -> History:
    """The history in ``silver`` (see `gold.compute`)."""
    past = _past(silver)
    return cache.one("gold: history", "", past, lambda: _computed(past))


def _past(silver: Mapping[str, Any]) -> dict[str, pa.Table]:
    """The rows visible with the newest result of a race or sprint: what came later says nothing about what is over."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = {name: _arrow(silver[name] if name in silver else tables.empty(name)) for name in _READ}
    results = found["results"]
    newest = pc.max(results.filter(pc.is_in(results["session"], pa.array(RACED)))["available_utc"])
    return {
        name: table if name == "events" else table.filter(pc.less_equal(table["available_utc"], newest))
        for name, table in found.items()
    }


def _arrow(table: Any) -> pa.Table:
    import pyarrow as pa

    if isinstance(table, pa.Table):
        return table
    return pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)


def _computed(past: dict[str, pa.Table]) -> History:
    with sql.connect() as connection:
        connection.execute("SET threads = 1")  # one order of summing, one result
        for name, table in past.items():
            connection.register(name, table)
        for name in ("regulation_eras", "race_history", "rating_history"):
            connection.sql(sql.sql_text(f"gold/steps/{name}")).create(name)
        races, rated = (connection.table(name) for name in ("race_history", "rating_history"))
        return History(past, races.fetch_arrow_table(), gold_ratings.Ratings(rated.df()))
