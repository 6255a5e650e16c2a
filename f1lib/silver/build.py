"""Build the silver tables from bronze: typed, deduplicated, one file per table and season.

Each table is one SQL file over bronze and the tables before it. The silver of a season depends on the bronze of that
season only, and building twice gives the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from f1lib.domain.identities import lineages
from f1lib.domain.moments import format_utc
from f1lib.lake.parquet import parquet_bytes, write_parquet
from f1lib.lake.paths import SILVER_TABLES, grid_note, session_note, silver_key
from f1lib.lake.sql import connect, sql_text
from f1lib.lake.store import find
from f1lib.lake.tables import conform, empty
from f1lib.silver import read_bronze
from f1lib.tracking.index import is_input, is_session
from f1lib.tracking.rows import SessionRow, Status, TrackingRow
from f1lib.tracking.stage_keys import GRID_ROWS
from f1lib.tracking.units import Unit
from f1lib.workspace.workspace import Workspace

if TYPE_CHECKING:
    from datetime import datetime

    from f1lib.lake.cache import Cache
    from f1lib.lake.store import ObjectStore


# Silver table, in the order of building -> the bronze table without which it has no rows.
BUILT_FROM = {table: f"bronze_{table}" for table in SILVER_TABLES} | {
    "weather_observed": "bronze_weather",
    "weather_forecast": "bronze_hours",
}


def build_silver(ws: Workspace, seasons: list[int]) -> pd.DataFrame:
    """Build and write the silver tables of some seasons.

    Input rows of the tracking table move from ``ingested`` to ``silver``; a row whose bronze note is gone goes back to
    ``due``.

    Parameters
    ----------
    ws : Workspace
        Lake, tracking table, settings and cache.
    seasons : list[int]
        Years; empty for all seasons in bronze.

    Returns
    -------
    pd.DataFrame
        One row per file written, by season and table: ``table season rows``.

    Raises
    ------
    StorageError
        For a season without a calendar in bronze.
    TableError
        For a bronze file that cannot be read.
    """
    wanted = sorted(set(seasons)) or read_bronze.seasons_in_bronze(ws.store)
    waiting = [row for row in ws.tracking.rows(status=Status.INGESTED) if row.get("event_year") in wanted]
    frames = build_frames(ws.store, wanted, ws.settings.threads, ws.cache) if wanted else {}
    written = []
    for season in wanted:
        for name, frame in frames.items():
            part = frame[frame["event_year"] == season].reset_index(drop=True)
            write_parquet(ws.store, silver_key(name, season), part)
            written.append({"table": name, "season": season, "rows": len(part)})
    ws.tracking.put_rows(_changes(ws.store, waiting, ws.as_of))
    return pd.DataFrame(written, columns=["table", "season", "rows"])


def is_built(store: ObjectStore, season: int, threads: int, cache: Cache) -> bool:
    """Tell whether the silver files of a season are what its bronze gives now, to the byte.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    season : int
        A season whose calendar is in bronze.
    threads : int
        How many files are read at once.
    cache : Cache
        As in `build_frames`.

    Returns
    -------
    bool
        False as well when a file is missing.

    Raises
    ------
    TableError
        For a bronze file that cannot be read.
    """
    frames = build_frames(store, [season], threads, cache)
    parts = {name: frame[frame["event_year"] == season].reset_index(drop=True) for name, frame in frames.items()}
    return all(find(store, silver_key(name, season)) == parquet_bytes(part) for name, part in parts.items())


def build_frames(store: ObjectStore, seasons: list[int], threads: int, cache: Cache) -> dict[str, pd.DataFrame]:
    """Compute every silver table of some seasons; nothing is written.

    Parameters
    ----------
    store : ObjectStore
        The lake with bronze.
    seasons : list[int]
        Years.
    threads : int
        How many files are read at once.
    cache : Cache
        Holds the parsed files of the newest season between calls.

    Returns
    -------
    dict[str, pd.DataFrame]
        Table name -> rows of all ``seasons``, columns, dtypes, grain and order of the table's contract; a table without
        bronze rows is empty.

    Raises
    ------
    StorageError
        For a season without a calendar in bronze.
    TableError
        For a bronze file that cannot be read.
    """
    inputs: dict[str, Any] = read_bronze.schedule_tables(store, seasons)
    inputs |= read_bronze.session_tables(store, seasons, threads, cache)
    hours = read_bronze.forecast_hours(store, seasons)
    samples = inputs.get("bronze_weather", read_bronze.no_samples())
    inputs |= {"bronze_hours": hours, "bronze_weather": samples, "team_lineages": _lineages()}
    frames: dict[str, pd.DataFrame] = {}
    with connect() as connection:
        connection.execute("SET threads = 1")  # faster than two for the few rows of a season
        for name, rows in inputs.items():
            connection.register(name, rows)
        for name, needed in BUILT_FROM.items():
            has_rows = len(inputs.get(needed, ())) > 0 or (name == "weather_observed" and len(hours) > 0)
            found = connection.execute(sql_text(f"silver/{name}")).fetch_df() if has_rows else None
            frames[name] = empty(name) if found is None else conform(found, name)
            connection.register(name, frames[name])
    return frames


def _lineages() -> pd.DataFrame:
    return pd.DataFrame({"team_id": list(lineages()), "team_lineage": list(lineages().values())})


def _changes(store: ObjectStore, rows: list[TrackingRow], as_of: datetime) -> list[SessionRow]:
    """Return the changes to the input rows that were ``ingested`` before bronze was read."""
    moment = format_utc(as_of)
    held = read_bronze.notes(store, sorted({int(row["event_year"]) for row in rows}))
    changes: list[SessionRow] = []
    for row in rows:
        name = row["session_name_abr"]
        change: SessionRow = {"event_partition_key": row["event_partition_key"], "session_name_abr": name}
        change["updated_at_utc"] = moment
        note = _note(row)
        if note is None:
            continue
        if note and note not in held:
            lost = f"bronze has no {note}; it is fetched again"
            changes.append({**change, "status": Status.DUE, "last_error": lost, "content_hash": None})
        else:
            changes.append({**change, "status": Status.SILVER, "silver_path": silver_path(row)})
    return changes


def silver_path(row: TrackingRow) -> str | None:
    """Return the key of the silver file of a session's or starting grid's row; None for any other row."""
    table = "starting_grid" if row["session_name_abr"] in GRID_ROWS.values() else "results"
    return silver_key(table, int(row["event_year"])) if is_session(row) else None


def _note(row: TrackingRow) -> str | None:
    """Return the key of an input row's bronze note: empty when it has none of its own, None when it is not an input."""
    if is_session(row):
        unit = Unit.of_row(row)
        return grid_note(unit.event, unit.session) if unit.is_grid else session_note(unit.event, unit.session)
    return "" if is_input(row) else None
