"""Silver: bronze typed, deduplicated and understood; one file a table and season.

Each table is one SQL file over bronze and the tables before it. What a season's bronze holds decides what
its silver holds: building twice gives the same bytes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pandas as pd

from f1lib import silver_inputs
from f1lib.bronze import GRID_ROWS, SCHEDULE_ROW, Unit, grid_note, session_note
from f1lib.drivers import lineages
from f1lib.errors import TableError
from f1lib.tables import conform, connect, empty, read_parquet, sql_text, write_parquet
from f1lib.terms import SessionCode, format_utc
from f1lib.tracking import PIPELINE
from f1lib.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from f1lib.storage import ObjectStore
    from f1lib.tracking import Row

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
WEATHER_ROW = "STAGE#02_weather"


def build(ws: Workspace, seasons: list[int]) -> pd.DataFrame:
    """Build the silver tables of ``seasons`` (empty: all in bronze); one row a table and season: ``table season rows``.

    Input rows of the tracking table move from ``ingested`` to ``silver``; one whose bronze is gone goes back
    to ``due``. Raises `StorageError` for a season without a calendar in bronze, `TableError` for a file that
    cannot be read.
    """
    wanted = sorted(set(seasons)) or silver_inputs.seasons_in_bronze(ws.store)
    waiting = [row for row in ws.tracking.rows(status="ingested") if row.get("event_year") in wanted]
    frames = build_frames(ws.store, wanted, ws.settings.threads) if wanted else {}
    written = []
    for season in wanted:
        for name, frame in frames.items():
            part = frame[frame["event_year"] == season].reset_index(drop=True)
            write_parquet(ws.store, key(name, season), part)
            written.append({"table": name, "season": season, "rows": len(part)})
    ws.tracking.put_rows(_moved(ws, waiting))
    return pd.DataFrame(written, columns=["table", "season", "rows"])


def build_frames(store: ObjectStore, seasons: list[int], threads: int) -> dict[str, pd.DataFrame]:
    """Every table of `TABLES` over ``seasons`` of bronze, conformed; nothing is written."""
    inputs: dict[str, Any] = silver_inputs.schedule_tables(store, seasons)
    inputs |= silver_inputs.session_tables(store, seasons, threads)
    hours = silver_inputs.forecast_hours(store, seasons)
    samples = inputs.get("bronze_weather", silver_inputs.no_samples())
    inputs |= {"bronze_hours": hours, "bronze_weather": samples, "team_lineages": _lineages()}
    frames: dict[str, pd.DataFrame] = {}
    with connect() as connection:
        connection.execute("SET threads = 1")  # a season is little: two of them got in each other's way
        for name, rows in inputs.items():
            connection.register(name, rows)
        for name, (_, needed) in TABLES.items():
            has_rows = len(inputs.get(needed, ())) > 0 or (name == "weather_observed" and len(hours) > 0)
            found = connection.execute(sql_text(f"silver/{name}")).fetch_df() if has_rows else None
            frames[name] = empty(name) if found is None else conform(found, name)
            connection.register(name, frames[name])
    return frames


def key(table: str, season: int) -> str:
    """``silver/sessions/results/season=2025/results.parquet``.

    Raises `TableError` for a name that is no silver table.
    """
    folder = _folder(table)
    return f"silver/{folder}/season={season}/{folder.rpartition('/')[2]}.parquet"


def read(ws_or_store: Workspace | ObjectStore, table: str, seasons: list[int] | None = None) -> pd.DataFrame:
    """A silver table over ``seasons`` (None: all there are), in order of season; no rows where there is none.

    Raises `TableError` for a name that is no silver table or a file that breaks the contract.
    """
    store = ws_or_store.store if isinstance(ws_or_store, Workspace) else ws_or_store
    keys = store.list(f"silver/{_folder(table)}/season=")
    years = {int(found[1]): name for name in keys if (found := re.search(r"/season=(\d{4})/", name))}
    parts = [read_parquet(store, years[year]) for year in sorted(years) if seasons is None or year in seasons]
    filled = [part for part in parts if len(part)]
    return conform(pd.concat(filled, ignore_index=True), table, where=store.url) if filled else empty(table)


def _folder(table: str) -> str:
    try:
        return TABLES[table][0]
    except KeyError:
        raise TableError(f"{table!r} is no silver table; there are {', '.join(TABLES)}") from None


def _lineages() -> pd.DataFrame:
    return pd.DataFrame({"team_id": list(lineages()), "team_lineage": list(lineages().values())})


def _moved(ws: Workspace, rows: list[Row]) -> list[Row]:
    """What becomes of the input rows that were ``ingested`` before bronze was read."""
    moment = format_utc(ws.as_of)
    held = silver_inputs.notes(ws.store, sorted({int(row["event_year"]) for row in rows}))
    moved = []
    for row in rows:
        name = row["session_name_abr"]
        change = {"event_partition_key": row["event_partition_key"], "session_name_abr": name, "updated_at_utc": moment}
        note = _note(row)
        if note is None:
            continue
        if note and note not in held:
            lost = f"bronze has no {note}; it is fetched again"
            moved.append({**change, "status": "due", "last_error": lost, "content_hash": None})
        else:
            table = "starting_grid" if name in GRID_ROWS.values() else "results"
            path = key(table, int(row["event_year"])) if note else None
            moved.append({**change, "status": "silver", "silver_path": path})
    return moved


def _note(row: Mapping[str, Any]) -> str | None:
    """The bronze note an input row stands for: empty when it has none of its own, None when it is no input."""
    name = row["session_name_abr"]
    if name in list(SessionCode) or name in GRID_ROWS.values():
        unit = Unit.of_row(row)
        return grid_note(unit.event, unit.session) if unit.is_grid else session_note(unit.event, unit.session)
    is_stage = name == WEATHER_ROW or (row["event_partition_key"] == PIPELINE and name.startswith(SCHEDULE_ROW))
    return "" if is_stage else None
