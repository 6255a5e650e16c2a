"""The silver tables: their folders, and how one is read over seasons."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pandas as pd

from f1lib.errors import TableError
from f1lib.lake.parquet import read_parquet
from f1lib.lake.tables import conform, empty

if TYPE_CHECKING:
    from f1lib.lake.store import ObjectStore


# Table -> its folder in the lake, and the bronze table without which it has no rows.
TABLES = {
    "events": ("sessions/events", "bronze_events"),
    "sessions": ("sessions/sessions", "bronze_sessions"),
    "entries": ("sessions/entries", "bronze_entries"),
    "results": ("sessions/results", "bronze_results"),
    "starting_grid": ("sessions/starting_grid", "bronze_starting_grid"),
    "pit_stops": ("sessions/pit_stops", "bronze_pit_stops"),
    "laps": ("sessions/laps", "bronze_laps"),
    "weather_observed": ("weather/observed", "bronze_weather"),
    "weather_forecast": ("weather/forecast", "bronze_hours"),
}


def silver_key(table: str, season: int) -> str:
    """``silver/sessions/results/season=2025/results.parquet``.

    Raises `TableError` for a name that is no silver table.
    """
    folder = silver_folder(table)
    return f"silver/{folder}/season={season}/{folder.rpartition('/')[2]}.parquet"


def read_table(store: ObjectStore, table: str, seasons: list[int] | None = None) -> pd.DataFrame:
    """A silver table over ``seasons`` (None: all there are), in order of season; no rows where there is none.

    Raises `TableError` for a name that is no silver table or a file that breaks the contract.
    """
    keys = store.list(f"silver/{silver_folder(table)}/season=")
    years = {int(found[1]): name for name in keys if (found := re.search(r"/season=(\d{4})/", name))}
    parts = [read_parquet(store, years[year]) for year in sorted(years) if seasons is None or year in seasons]
    filled = [part for part in parts if len(part)]
    return conform(pd.concat(filled, ignore_index=True), table, where=store.url) if filled else empty(table)


def silver_folder(table: str) -> str:
    try:
        return TABLES[table][0]
    except KeyError:
        raise TableError(f"{table!r} is no silver table; there are {', '.join(TABLES)}") from None
