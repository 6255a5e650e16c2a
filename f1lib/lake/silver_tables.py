"""A silver table over seasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from f1lib.lake import paths
from f1lib.lake.parquet import read_parquet
from f1lib.lake.tables import conform, empty

if TYPE_CHECKING:
    from f1lib.lake.store import ObjectStore


def read_table(store: ObjectStore, table: str, seasons: list[int] | None = None) -> pd.DataFrame:
    """A silver table over ``seasons`` (None: all there are), in order of season; no rows where there is none.

    Raises `TableError` for a name that is no silver table or a file that breaks the contract.
    """
    keys = store.list(paths.silver_prefix(table))
    years = {found[1]: key for key in keys if (found := paths.parse_silver(key))}
    parts = [read_parquet(store, years[year]) for year in sorted(years) if seasons is None or year in seasons]
    filled = [part for part in parts if len(part)]
    return conform(pd.concat(filled, ignore_index=True), table, where=store.url) if filled else empty(table)
