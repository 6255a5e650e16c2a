"""Silver: bronze typed, deduplicated and understood; one file a table and season.

Each table is one SQL file over bronze and the tables before it. What a season's bronze holds decides what
its silver holds: building twice gives the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from f1lib.domain.identities import lineages
from f1lib.domain.moments import format_utc
from f1lib.lake.parquet import write_parquet
from f1lib.lake.paths import SILVER_TABLES, grid_note, session_note, silver_key
from f1lib.lake.sql import connect, sql_text
from f1lib.lake.tables import conform, empty
from f1lib.silver import read_bronze
from f1lib.tracking.index import is_input, is_session
from f1lib.tracking.rows import SessionRow, Status, TrackingRow
from f1lib.tracking.stage_keys import GRID_ROWS
from f1lib.tracking.units import Unit
from f1lib.workspace.workspace import Workspace

if TYPE_CHECKING:
    from f1lib.lake.cache import Cache
    from f1lib.lake.store import ObjectStore


# Table, in the order of building, and the bronze table without which it has no rows.
BUILT_FROM = {table: f"bronze_{table}" for table in SILVER_TABLES} | {
    "weather_observed": "bronze_weather",
    "weather_forecast": "bronze_hours",
}


def build_silver(ws: Workspace, seasons: list[int]) -> pd.DataFrame:
    """Build the silver tables of ``seasons`` (empty: all in bronze); one row a table and season: ``table season rows``.

    Input rows of the tracking table move from ``ingested`` to ``silver``; one whose bronze is gone goes back
    to ``due``. Raises `StorageError` for a season without a calendar in bronze, `TableError` for a file that
    cannot be read.
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
    ws.tracking.put_rows(_moved(ws, waiting))
    return pd.DataFrame(written, columns=["table", "season", "rows"])


def build_frames(store: ObjectStore, seasons: list[int], threads: int, cache: Cache) -> dict[str, pd.DataFrame]:
    """Every table of `BUILT_FROM` over ``seasons`` of bronze, conformed; nothing is written."""
    inputs: dict[str, Any] = read_bronze.schedule_tables(store, seasons)
    inputs |= read_bronze.session_tables(store, seasons, threads, cache)
    hours = read_bronze.forecast_hours(store, seasons)
    samples = inputs.get("bronze_weather", read_bronze.no_samples())
    inputs |= {"bronze_hours": hours, "bronze_weather": samples, "team_lineages": _lineages()}
    frames: dict[str, pd.DataFrame] = {}
    with connect() as connection:
        connection.execute("SET threads = 1")  # a season is little: two of them got in each other's way
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


def _moved(ws: Workspace, rows: list[TrackingRow]) -> list[SessionRow]:
    """What becomes of the input rows that were ``ingested`` before bronze was read."""
    moment = format_utc(ws.as_of)
    held = read_bronze.notes(ws.store, sorted({int(row["event_year"]) for row in rows}))
    moved: list[SessionRow] = []
    for row in rows:
        name = row["session_name_abr"]
        change: SessionRow = {"event_partition_key": row["event_partition_key"], "session_name_abr": name}
        change["updated_at_utc"] = moment
        note = _note(row)
        if note is None:
            continue
        if note and note not in held:
            lost = f"bronze has no {note}; it is fetched again"
            moved.append({**change, "status": Status.DUE, "last_error": lost, "content_hash": None})
        else:
            table = "starting_grid" if name in GRID_ROWS.values() else "results"
            path = silver_key(table, int(row["event_year"])) if note else None
            moved.append({**change, "status": Status.SILVER, "silver_path": path})
    return moved


def _note(row: TrackingRow) -> str | None:
    """The bronze note an input row stands for: empty when it has none of its own, None when it is no input."""
    if is_session(row):
        unit = Unit.of_row(row)
        return grid_note(unit.event, unit.session) if unit.is_grid else session_note(unit.event, unit.session)
    return "" if is_input(row) else None
