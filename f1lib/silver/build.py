"""Build the silver tables from bronze: typed, deduplicated, one file per table and season.

Each table is one SQL file over bronze and the tables before it. The silver of a season depends on the bronze of that
season only, and building twice gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from datetime import datetime
from functools import partial
from typing import Any

import pandas as pd

from f1lib.domain.identities import lineages
from f1lib.domain.moments import format_utc
from f1lib.errors import Damaged
from f1lib.lake import fingerprint, integrity, paths
from f1lib.lake.cache import Cache
from f1lib.lake.parquet import parquet_bytes
from f1lib.lake.paths import SILVER_TABLES, silver_key
from f1lib.lake.sql import connect, sql_text
from f1lib.lake.store import ObjectStore, find, in_bulk, update_json
from f1lib.lake.tables import conform, empty
from f1lib.silver import read_bronze
from f1lib.silver.bronze_files import BronzeFiles, bronze_files, stored_seasons
from f1lib.tracking.index import is_input, is_session
from f1lib.tracking.rows import SessionRow, Status, TrackingRow
from f1lib.tracking.stage_keys import GRID_ROWS
from f1lib.workspace.forks import in_forks
from f1lib.workspace.workspace import Workspace

# Silver table, in the order of building -> the bronze table without which it has no rows.
BUILT_FROM = {table: f"bronze_{table}" for table in SILVER_TABLES} | {
    "weather_observed": "bronze_weather",
    "weather_forecast": "bronze_hours",
}

# More seasons are built in two processes.
_ALONE = 4


def build_silver(ws: Workspace, seasons: list[int]) -> pd.DataFrame:
    """Build and write the silver tables of some seasons.

    Input rows of the tracking table move from ``ingested`` to ``silver``. A season of which a file is lost or damaged
    is not built, while the others are: its last silver stays, and the error names the file.

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
    Damaged
        For files of bronze that are lost or damaged.
    StorageError
        For a season without a calendar in bronze.
    """
    rows = ws.tracking.rows()
    wanted = sorted(set(seasons)) or sorted({*read_bronze.seasons_in_bronze(ws.store), *stored_seasons(rows)})
    known = bronze_files(ws.store, wanted, rows)
    wrong = {key: what for files in known.values() for key, what in files.wrong.items()}
    written: list[dict[str, Any]] | None = None
    while written is None:
        hit = {paths.season_of_key(key) for key in wrong}
        sound = {season: files for season, files in known.items() if season not in hit}
        try:
            with in_bulk(ws.store) if len(sound) > 1 else nullcontext():
                written = _build(ws, sound)
        except Damaged as found:
            if hit.issuperset(map(paths.season_of_key, found.wrong)):
                raise
            wrong |= found.wrong
    waiting = [row for row in rows if row.get("status") == Status.INGESTED and row.get("event_year") in sound]
    ws.hold()
    ws.tracking.put_rows(_changes(waiting, ws.as_of))
    if wrong:
        raise integrity.damaged(ws.store, wrong, read_bronze.REMEDY)
    return pd.DataFrame(written, columns=["table", "season", "rows"])


def _build(ws: Workspace, known: Mapping[int, BronzeFiles]) -> list[dict[str, Any]]:
    """Build and write the silver of sound seasons, then the hashes of its files; return a row a file."""
    if not known:
        return []
    seasons = list(known)
    half = len(seasons) // 2 if len(seasons) > _ALONE else 0
    parts = [{season: known[season] for season in part} for part in (seasons[:half], seasons[half:]) if part]
    built = in_forks(partial(_written, ws), parts, connected=ws.is_connected)
    written = [row for rows in built for row in rows]
    _note_files(ws.store, seasons, {silver_key(row["table"], row["season"]): row.pop("sha256") for row in written})
    return written


def _written(ws: Workspace, known: Mapping[int, BronzeFiles]) -> list[dict[str, Any]]:
    """Build and write the silver of sound seasons, and return a row a file, with its hash."""
    hashes = {key: value for files in known.values() for key, value in files.hashes.items()}
    frames = build_frames(ws.store, list(known), ws.settings.threads, ws.cache, hashes)
    written = []
    for season in known:
        ws.hold()
        for name, frame in frames.items():
            part = frame[frame["event_year"] == season].reset_index(drop=True)
            content = parquet_bytes(part)
            ws.store.write(silver_key(name, season), content)
            row = {"table": name, "season": season, "rows": len(part), "sha256": fingerprint.of_bytes(content)}
            written.append(row)
    return written


def _note_files(store: ObjectStore, seasons: list[int], prints: Mapping[str, str]) -> None:
    """Write into ``silver/files.json`` the hashes of the files of ``seasons`` and their weather documents."""
    weather = read_bronze.forecast_keys(store, seasons)

    def noted(document: Any) -> dict[str, Any]:
        found: dict[str, Any] = {"seasons": {}, "weather": {}} | (document if isinstance(document, dict) else {})
        files = {str(s): {key: prints[key] for key in prints if paths.season_of_key(key) == s} for s in seasons}
        documents = {str(s): [key for key in weather if paths.season_of_key(key) == s] for s in seasons}
        return {
            "seasons": dict(sorted({**found["seasons"], **files}.items())),
            "weather": dict(sorted({**found["weather"], **documents}.items())),
        }

    if not integrity.silver_note(store):
        store.delete(paths.SILVER_NOTE)  # a damaged one: gold then has the other seasons built again
    update_json(store, paths.SILVER_NOTE, noted)


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


def build_frames(
    store: ObjectStore, seasons: list[int], threads: int, cache: Cache, hashes: Mapping[str, str] | None = None
) -> dict[str, pd.DataFrame]:
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
    hashes : mapping, optional
        The SHA-256 of the bronze files by key; by default what the notes say.

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
    if hashes is None:
        known = bronze_files(store, seasons, [])
        hashes = {key: value for files in known.values() for key, value in files.hashes.items()}
    inputs: dict[str, Any] = read_bronze.schedule_tables(store, seasons, hashes)
    inputs |= read_bronze.session_tables(store, hashes, threads, cache)
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


def _changes(rows: list[TrackingRow], as_of: datetime) -> list[SessionRow]:
    """Return the changes to the input rows that were ``ingested`` before bronze was read."""
    changes: list[SessionRow] = []
    for row in filter(is_input, rows):
        name = row["session_name_abr"]
        change: SessionRow = {"event_partition_key": row["event_partition_key"], "session_name_abr": name}
        change |= {"updated_at_utc": format_utc(as_of), "status": Status.SILVER, "silver_path": silver_path(row)}
        changes.append(change)
    return changes


def silver_path(row: TrackingRow) -> str | None:
    """Return the key of the silver file of a session's or starting grid's row; None for any other row."""
    table = "starting_grid" if row["session_name_abr"] in GRID_ROWS.values() else "results"
    return silver_key(table, int(row["event_year"])) if is_session(row) else None
