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
        For an unknown table, a file that breaks the contract, or a season of which only this table has no file.
    StorageError
        When the lake cannot be read.
    """
    paths.silver_prefix(table)  # raises where there is no such table
    held = {found: key for key in store.list(paths.SILVER_PREFIX) if (found := paths.parse_silver(key))}
    years = sorted({year for _, year in held if seasons is None or year in seasons})
    if absent := [str(year) for year in years if (table, year) not in held]:
        what = f"silver of {', '.join(absent)} in lake {store.url} has no table {table}"
        raise TableError(f"{what}: run 03_silver again, or `f1 doctor --repair`")
    parts = [read_parquet(store, held[table, year]) for year in years]
    filled = [part for part in parts if len(part)]
    return conform(pd.concat(filled, ignore_index=True), table, where=store.url) if filled else empty(table)
