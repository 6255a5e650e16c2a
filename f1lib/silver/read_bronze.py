"""Read the bronze files of some seasons as one Arrow table per kind, with the event and session of every row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from f1lib.domain.moments import parse_utc
from f1lib.errors import StorageError, TableError
from f1lib.lake import fingerprint, paths
from f1lib.lake.store import each, read_json
from f1lib.sources.protocols import WEATHER_COLUMNS

if TYPE_CHECKING:
    import pyarrow as pa

    from f1lib.lake.cache import Cache
    from f1lib.lake.store import ObjectStore


FRAMES = ("results", "starting_grid", "pit_stops", "laps", "weather")
# Open-Meteo's hourly variable -> column of ``bronze_hours``.
HOURLY = {
    "temperature_2m": "temperature_c",
    "relative_humidity_2m": "humidity_pct",
    "precipitation": "precipitation_mm",
    "precipitation_probability": "precipitation_probability_pct",
    "wind_speed_10m": "wind_speed_kmh",
    "wind_direction_10m": "wind_direction_deg",
}


def seasons_in_bronze(store: ObjectStore) -> list[int]:
    """List the seasons whose calendar is in bronze, ascending."""
    held = set(store.list(paths.SCHEDULES_PREFIX))
    return sorted(season for season in paths.seasons_of_schedules(held) if paths.schedule_note(season) in held)


def complete_files(store: ObjectStore, season: int) -> list[str]:
    """List the Parquet files of a season's sessions whose folder has a note; without one the write was interrupted."""
    keys = set(store.list(paths.sessions_prefix(season)))
    return [key for key in sorted(keys) if key.endswith(".parquet") and paths.note_of(key) in keys]


def notes(store: ObjectStore, seasons: list[int]) -> set[str]:
    """List the keys of the notes of all complete sessions and grids of the seasons."""
    keys = (key for season in seasons for key in store.list(paths.sessions_prefix(season)))
    return {key for key in keys if paths.is_note(key)}


def schedule_tables(store: ObjectStore, seasons: list[int]) -> dict[str, pa.Table]:
    """Read the calendars and entry lists of some seasons.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    seasons : list[int]
        Years.

    Returns
    -------
    dict[str, pa.Table]
        ``bronze_events``, ``bronze_sessions`` and, where any season has them, ``bronze_entries``.

    Raises
    ------
    StorageError
        For a season whose calendar is not in bronze.
    TableError
        For a file that is not Parquet.
    """
    known = seasons_in_bronze(store)
    absent = [season for season in seasons if season not in known]
    if absent:
        raise StorageError(f"the lake has no calendar of {', '.join(map(str, absent))}: run 00_schedule first")
    held = set(store.list(paths.SCHEDULES_PREFIX))
    keys = {n: [paths.schedule_table(season, n) for season in seasons] for n in ("events", "sessions", "entries")}
    keys["entries"] = [key for key in keys["entries"] if key in held]
    return {f"bronze_{n}": _concatenated([_read(store, key) for key in named]) for n, named in keys.items() if named}


def session_tables(store: ObjectStore, seasons: list[int], threads: int, cache: Cache) -> dict[str, pa.Table]:
    """Read all complete session files of some seasons.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    seasons : list[int]
        Years.
    threads : int
        How many files are read at once.
    cache : Cache
        Holds the parsed files of the newest season by their SHA-256.

    Returns
    -------
    dict[str, pa.Table]
        ``bronze_results``, ``bronze_laps`` and so on for each of `FRAMES` that has files; rows carry
        ``event_partition_key`` and ``session``, taken from the path.

    Raises
    ------
    TableError
        For a file that is not Parquet.
    """
    keys = [key for season in seasons for key in complete_files(store, season)]
    found = {key: file for key in keys if (file := paths.parse_session_file(key)) and file.frame in FRAMES}

    def parsed(key: str, data: bytes) -> pa.Table:
        return _with_session(_parsed(data, f"{key} in lake {store.url}"), found[key])

    # Only the current season is rebuilt after each session: caching the others would waste memory.
    newest = [key for key, file in found.items() if file.season == max(seasons)]
    contents = dict(zip(newest, each(store, store.read, newest, threads), strict=True))
    others = [key for key in found if key not in contents]
    prints = fingerprint.of_files(contents)
    # Saves 5 % of a tick, 11 % where sessions have laps.
    tables = cache.many("silver: bronze files", prints, lambda key: parsed(key, contents[key]), threads)
    tables |= zip(others, each(store, lambda key: parsed(key, store.read(key)), others, threads), strict=True)
    grouped: dict[str, list[pa.Table]] = {}
    for key, file in found.items():
        grouped.setdefault(f"bronze_{file.frame}", []).append(tables[key])
    return {name: _concatenated(parts) for name, parts in grouped.items()}


def forecast_hours(store: ObjectStore, seasons: list[int]) -> pa.Table:
    """Read every weather document of some seasons as hourly rows.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    seasons : list[int]
        Years.

    Returns
    -------
    pa.Table
        One row per document and hour: ``event_partition_key kind provenance source issued_utc hour_utc`` and the
        columns of `HOURLY` as float64; times are aware UTC.

    Raises
    ------
    TableError
        For a document that does not have Open-Meteo's form.
    """
    import pyarrow as pa

    rows: list[dict[str, Any]] = []
    documents = {key: paths.parse_forecast(key) for key in store.list(paths.FORECASTS_PREFIX)}
    kinds = {key: found[0] for key, found in documents.items() if found and found[1] in seasons}
    for key, document in zip(kinds, each(store, lambda key: read_json(store, key), kinds), strict=True):
        rows += _hours(document, kinds[key], key)
    moment = pa.timestamp("us", tz="UTC")
    texts = [(name, pa.string()) for name in ("event_partition_key", "kind", "provenance", "source")]
    moments = [(name, moment) for name in ("issued_utc", "hour_utc")]
    return pa.Table.from_pylist(
        rows, pa.schema([*texts, *moments, *((name, pa.float64()) for name in HOURLY.values())])
    )


def _hours(document: dict[str, Any], kind: str, key: str) -> list[dict[str, Any]]:
    try:
        envelope, hourly = document["f1lib"], document["hourly"]
        common = {name: envelope[name] for name in ("event_partition_key", "provenance", "source")}
        common |= {"kind": kind, "issued_utc": parse_utc(envelope["issued_utc"])}
        moments = [parse_utc(text) for text in hourly["time"]]
        columns = {ours: hourly.get(theirs) or [None] * len(moments) for theirs, ours in HOURLY.items()}
        values = zip(*columns.values(), strict=True)
        return [
            {**common, "hour_utc": moment, **dict(zip(columns, row, strict=True))}
            for moment, row in zip(moments, values, strict=True)
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TableError(f"{key} is no Open-Meteo document ({error!r}): delete it and run 02_weather") from error


def _read(store: ObjectStore, key: str) -> pa.Table:
    return _parsed(store.read(key), f"{key} in lake {store.url}")


def _parsed(data: bytes, where: str) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(pa.BufferReader(data)).read(use_threads=False)
    except (pa.ArrowInvalid, OSError) as error:
        raise TableError(f"{where} is no Parquet file: {error}; delete its folder and ingest it") from error


def _with_session(table: pa.Table, file: paths.SessionFile) -> pa.Table:
    import pyarrow as pa

    table = table.append_column("event_partition_key", pa.repeat(pa.scalar(file.event), len(table)))
    return table.append_column("session", pa.repeat(pa.scalar(file.session), len(table)))


def _concatenated(tables: list[pa.Table]) -> pa.Table:
    """Concatenate tables; a column that is all null in one file takes its type from the others."""
    import pyarrow as pa

    bare = [table.replace_schema_metadata(None) for table in tables]
    return pa.concat_tables(bare, promote_options="permissive").combine_chunks()


def no_samples() -> pa.Table:
    """Return ``bronze_weather`` without rows, for a lake whose sources bring no weather samples.

    Returns
    -------
    pa.Table
        ``event_partition_key session source`` and `WEATHER_COLUMNS`, no rows.
    """
    import pyarrow as pa

    numbers = [name for name in WEATHER_COLUMNS if name != "rainfall"]
    texts = [(name, pa.string()) for name in ("event_partition_key", "session", "source")]
    return pa.schema([*texts, ("rainfall", pa.bool_()), *((name, pa.float64()) for name in numbers)]).empty_table()
