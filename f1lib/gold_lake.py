"""Gold's dealings with the lake: silver in, as Arrow tables with the hashes of their files; rows out, with a note.

Silver is read as Arrow because DuckDB then takes it without a copy: half a million laps as Python strings would
cost more memory than everything else together.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from f1lib import __version__, gold_features
from f1lib.errors import RunError, TableError
from f1lib.memory import Memory
from f1lib.storage import each, read_json, write_json
from f1lib.tables import contract, empty, parquet_bytes
from f1lib.terms import format_utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd
    import pyarrow as pa

    from f1lib.storage import ObjectStore
    from f1lib.workspace import Workspace

# Silver table -> its folder in the lake (LAKE.md).
FOLDERS = {
    "events": "sessions/events",
    "sessions": "sessions/sessions",
    "entries": "sessions/entries",
    "results": "sessions/results",
    "starting_grid": "sessions/starting_grid",
    "pit_stops": "sessions/pit_stops",
    "laps": "sessions/laps",
    "weather_observed": "weather/observed",
    "weather_forecast": "weather/forecast",
}
TRAINING_KEY = "gold/training_dataset.parquet"
FEATURES_PREFIX = "gold/gold_driver_event_features/"
# Columns of laps that no feature reads stay on disk.
_LAPS = (
    "event_partition_key session driver_id lap_number lap_time_seconds sector1_seconds sector2_seconds "
    "sector3_seconds speed_st_kmh compound tyre_life stint track_status is_deleted is_pit_in is_pit_out available_utc"
).split()


@dataclass(frozen=True)
class Silver:
    """The silver tables as Arrow, which sources they came from, and each file's SHA-256 and rows by its key."""

    tables: dict[str, pa.Table]
    hashes: dict[str, str] = field(default_factory=dict)
    sources: list[str] = field(default_factory=list)
    parts: dict[str, pa.Table] = field(default_factory=dict)

    def frame(self, name: str) -> pd.DataFrame:
        """One table as a frame."""
        return self.tables[name].to_pandas()  # type: ignore[no-any-return]


_PARSED: Memory[pa.Table] = Memory()


def read_silver(store: ObjectStore) -> Silver:
    """Every silver table of every season in the lake.

    Raises `RunError` when there is no calendar in silver yet, `TableError` for a file that is not Parquet or
    lacks a column.
    """
    held = store.list("silver/")
    keys = [key for name in FOLDERS for key in _keys(name, held)]
    data = dict(zip(keys, each(store, store.read, keys), strict=True))
    hashes = {key: hashlib.sha256(content).hexdigest() for key, content in data.items()}
    parts = _PARSED.of(hashes, lambda key: _parsed(data[key], key, f"{key} in lake {store.url}"))
    tables = {name: _together(name, [parts[key] for key in _keys(name, keys)]) for name in FOLDERS}
    if not len(tables["events"]):
        raise RunError(f"lake {store.url} has no events in silver: run 03_silver first")
    sources = {str(s) for name in ("events", "results") for s in tables[name].column("source").unique().to_pylist()}
    return Silver(tables, hashes, sorted(sources), parts)


def _keys(name: str, held: Iterable[str]) -> list[str]:
    """The files of one table among ``held``."""
    return [key for key in held if key.startswith(f"silver/{FOLDERS[name]}/season=")]


def _columns(name: str) -> list[str]:
    return _LAPS if name == "laps" else contract(name).names


def _together(name: str, parts: list[pa.Table]) -> pa.Table:
    import pyarrow as pa

    if not parts:
        return pa.Table.from_pandas(empty(name)[_columns(name)], preserve_index=False).replace_schema_metadata(None)
    table = pa.concat_tables(parts, promote_options="permissive")
    # DuckDB starts anew at each chunk: one a season took a fifth longer. A copy of all laps would take too much memory.
    return table if name == "laps" else table.combine_chunks()


def _parsed(data: bytes, key: str, where: str) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    name = next(name for name in FOLDERS if _keys(name, [key]))
    try:
        part = pq.ParquetFile(pa.BufferReader(data)).read(use_threads=False).select(_columns(name))
    except (pa.ArrowInvalid, OSError, KeyError) as error:
        raise TableError(f"{where} is no table {name}: {error}; run 03_silver again") from error
    return part.replace_schema_metadata(None)


def write_rows(
    ws: Workspace, key: str, rows: pd.DataFrame, silver: Silver, digests: Mapping[str, str] | None = None
) -> None:
    """Put gold rows under ``key`` and, beside them, where they come from; ``digests`` as in `write_note`."""
    content = parquet_bytes(rows)
    ws.store.write(key, content)
    write_note(ws, key, rows, silver, hashlib.sha256(content).hexdigest(), digests)


def write_note(
    ws: Workspace, key: str, rows: pd.DataFrame, silver: Silver, sha256: str, digests: Mapping[str, str] | None = None
) -> None:
    """Say beside the gold rows under ``key`` (their bytes have ``sha256``) that they reflect ``silver`` (law 7).

    ``digests`` are those of `gold_reuse.input_digests`, for rows that the next run may keep.
    """
    note = {
        "rows": len(rows),
        "events": int(rows["event_partition_key"].nunique()),
        "seasons": sorted({int(year) for year in rows["event_year"]}),
        "horizons": sorted(rows["horizon"].unique().tolist()),
        "sources": silver.sources,
        "as_of_utc": format_utc(ws.as_of),
        "run_id": ws.run_id,
        "code_version": __version__,
        "features": gold_features.feature_names(),
        "inputs": silver.hashes,
        "sha256": sha256,
        "digests": dict(digests or {}),
    }
    write_json(ws.store, note_key(key), note)


def note_key(key: str) -> str:
    """Where the note of the rows under ``key`` stands."""
    return key.removesuffix(".parquet") + ".json"


def is_current(store: ObjectStore, key: str, silver: Silver) -> bool:
    """Whether the rows under ``key`` are what exactly this ``silver`` gives, be they made from it or kept."""
    return store.exists(note_key(key)) and read_json(store, note_key(key))["inputs"] == silver.hashes


def mark_taken_in(ws: Workspace, waiting: list[dict[str, Any]], path: str) -> None:
    """Move tracking rows that were ``silver`` before silver was read to ``gold``."""
    moment = format_utc(ws.as_of)
    names = ("event_partition_key", "session_name_abr")
    ws.tracking.put_rows(
        {**{n: row[n] for n in names}, "status": "gold", "gold_path": path, "updated_at_utc": moment} for row in waiting
    )
