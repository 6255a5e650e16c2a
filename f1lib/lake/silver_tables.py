"""Reading of silver tables over seasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from f1lib.errors import TableError
from f1lib.lake import paths
from f1lib.lake.parquet import read_parquet
from f1lib.lake.tables import conform, empty

if TYPE_CHECKING:
    from f1lib.lake.store import ObjectStore


def read_table(store: ObjectStore, table: str, seasons: list[int] | None = None) -> pd.DataFrame:
    """Read a silver table over seasons.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    table : str
        Name of a silver table, one of `paths.SILVER_TABLES`.
    seasons : list[int], optional
        Seasons to read; those without a file are left out. Default: all.

    Returns
    -------
    pd.DataFrame
        Rows that fulfil the table's contract (grain, columns and units in ``tables.csv``), by season and within a
        season in the order of its file; no rows where nothing is stored.

    Raises
    ------
    TableError
        For an unknown table, a file that breaks the contract, or a season that silver has but for this table.
    StorageError
        When the lake cannot be read.
    """
    held = _by_season(store, table)
    beside = "sessions" if table == "events" else "events"  # of which a season that is built has a file, too
    if seasons is None:
        built = set(_by_season(store, beside))
    else:
        built = {year for year in seasons if year not in held and store.exists(paths.silver_key(beside, year))}
    if absent := [str(year) for year in sorted(built - held.keys())]:
        what = f"silver of {', '.join(absent)} in lake {store.url} has no table {table}"
        raise TableError(f"{what}: run 03_silver again, or `f1 doctor --repair`")
    parts = [read_parquet(store, held[year]) for year in sorted(held) if seasons is None or year in seasons]
    filled = [part for part in parts if len(part)]
    return conform(pd.concat(filled, ignore_index=True), table, where=store.url) if filled else empty(table)


def _by_season(store: ObjectStore, table: str) -> dict[int, str]:
    keys = store.list(paths.silver_prefix(table))
    return {found[1]: key for key in keys if (found := paths.parse_silver(key))}
