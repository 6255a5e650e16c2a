"""Race history: one row per past race and entrant, and the ratings of drivers and cars after each race.

It changes only when a race or sprint result does, while practice and qualifying sessions arrive in between. It is
therefore cached, and reused while every input table is equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from f1lib.gold import ratings as gold_ratings
from f1lib.gold.targets import RACED
from f1lib.lake import sql, tables
from f1lib.lake.cache import Cache

if TYPE_CHECKING:
    import pyarrow as pa

# The only silver tables registered for ``race_history.sql`` and ``rating_history.sql``.
_READ = ("events", "results", "starting_grid", "weather_observed")


@dataclass(frozen=True)
class History:
    """Rows of ``race_history.sql`` (``races``) and the ratings over the rows of ``rating_history.sql``.

    ``past`` holds the silver rows they were computed from.
    """

    past: dict[str, pa.Table]
    races: pa.Table
    ratings: gold_ratings.Ratings


def history(silver: Mapping[str, Any], cache: Cache) -> History:
    """Compute the history of the ``silver`` tables (as in `f1lib.gold.build.compute`), or take it from ``cache``."""
    past = _past(silver)
    # Saves 8 % of a tick: the past stays the same between two results, and for both builders of one run.
    return cache.one("gold: history", "", past, lambda: _computed(past))


def _past(silver: Mapping[str, Any]) -> dict[str, pa.Table]:
    """Select the silver rows visible with the newest race or sprint result; later rows cannot change the history."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = {name: _arrow(silver[name] if name in silver else tables.empty(name)) for name in _READ}
    results = found["results"]
    newest = pc.max(results.filter(pc.is_in(results["session"], pa.array(RACED)))["available_utc"])
    for name in found.keys() - {"events"}:
        seen = pc.less_equal(found[name]["available_utc"], newest)
        if not pc.all(seen, skip_nulls=False).as_py():  # a filter copies, also where it leaves nothing out
            found[name] = found[name].filter(seen)
    return found


def _arrow(table: Any) -> pa.Table:
    import pyarrow as pa

    if isinstance(table, pa.Table):
        return table
    return pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)


def _computed(past: dict[str, pa.Table]) -> History:
    with sql.connect() as connection:
        connection.execute("SET threads = 1")  # a fixed order of summation makes the result reproducible
        for name, table in past.items():
            connection.register(name, table)
        for name in ("regulation_eras", "race_history", "rating_history"):
            connection.sql(sql.sql_text(f"gold/steps/{name}")).create(name)
        races, rated = (connection.table(name) for name in ("race_history", "rating_history"))
        return History(past, races.fetch_arrow_table(), gold_ratings.Ratings(rated.df()))
