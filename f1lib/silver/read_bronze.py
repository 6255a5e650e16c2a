"""Read the bronze files of some seasons as one Arrow table per kind, with the event and session of every row."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from f1lib.domain.moments import parse_utc
from f1lib.errors import BadParameters, StorageError, TableError
from f1lib.lake import fingerprint, integrity, paths
from f1lib.lake.cache import Cache
from f1lib.lake.parquet import parquet_table
from f1lib.lake.store import ObjectStore, each, find
from f1lib.sources.protocols import WEATHER_COLUMNS

if TYPE_CHECKING:
    import pyarrow as pa


REMEDY = "`f1 doctor --repair` asks for it again; the last silver of the season stays"
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


def schedule_tables(store: ObjectStore, seasons: list[int], hashes: Mapping[str, str]) -> dict[str, pa.Table]:
    """Read the calendars and entry lists of some seasons.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    seasons : list[int]
        Years.
    hashes : mapping
        The SHA-256 of the files by key, see `f1lib.silver.bronze_files`.

    Returns
    -------
    dict[str, pa.Table]
        ``bronze_events``, ``bronze_sessions`` and, where any season has them, ``bronze_entries``.

    Raises
    ------
    StorageError
        For a season whose calendar is not in bronze.
    Damaged
        For files that do not have their hash.
    """
    keys = {n: [paths.schedule_table(season, n) for season in seasons] for n in ("events", "sessions", "entries")}
    absent = [season for season, key in zip(seasons, keys["events"], strict=True) if key not in hashes]
    if absent:
        raise StorageError(f"the lake has no calendar of {', '.join(map(str, absent))}: run 00_schedule first")
    keys["entries"] = [key for key in keys["entries"] if key in hashes]
    wrong = integrity.wrong_files(store, {key: hashes[key] for named in keys.values() for key in named})
    if wrong:
        raise integrity.damaged(store, wrong, REMEDY)
    return {f"bronze_{n}": _concatenated([_read(store, key) for key in named]) for n, named in keys.items() if named}


def session_tables(store: ObjectStore, hashes: Mapping[str, str], threads: int, cache: Cache) -> dict[str, pa.Table]:
    """Read session files.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    hashes : mapping
        The SHA-256 of the files by key, see `f1lib.silver.bronze_files`.
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
    Damaged
        For files that do not have their hash.
    TableError
        For a file that is not Parquet although it has its hash.
    """
    found = {key: file for key in hashes if (file := paths.parse_session_file(key)) and file.frame in FRAMES}
    wrong: dict[str, str] = {}

    def checked(key: str) -> bytes:
        data = find(store, key)
        if data is None or fingerprint.of_bytes(data) != hashes[key]:
            wrong[key] = integrity.MISSING if data is None else integrity.CHANGED
        return data or b""

    def parsed(key: str, data: bytes) -> pa.Table:
        return None if key in wrong else _with_session(_parsed(data, f"{key} in lake {store.url}"), found[key])

    # Only the current season is rebuilt after each session: caching the others would waste memory.
    newest = max((file.season for file in found.values()), default=0)
    recent = [key for key, file in found.items() if file.season == newest]
    others = [key for key, file in found.items() if file.season != newest]
    contents = dict(zip(recent, each(store, checked, recent, threads), strict=True))
    read = zip(others, each(store, lambda key: parsed(key, checked(key)), others, threads), strict=True)
    if wrong:
        raise integrity.damaged(store, wrong, REMEDY)
    prints = {key: hashes[key] for key in recent}
    # Saves 5 % of a tick, 11 % where sessions have laps.
    tables = cache.many("silver: bronze files", prints, lambda key: parsed(key, contents[key]), threads) | dict(read)
    grouped: dict[str, list[pa.Table]] = {}
    for key, file in found.items():
        grouped.setdefault(f"bronze_{file.frame}", []).append(tables[key])
    return {name: _concatenated(parts) for name, parts in grouped.items()}


def forecast_keys(store: ObjectStore, seasons: Collection[int]) -> dict[str, str]:
    """Return the keys of the weather documents of some seasons, each with its kind."""
    documents = {key: paths.parse_forecast(key) for key in store.list(paths.FORECASTS_PREFIX)}
    return {key: found[0] for key, found in documents.items() if found and found[1] in seasons}


def wrong_forecasts(store: ObjectStore, seasons: Collection[int]) -> dict[str, str]:
    """Return what is wrong with each weather document of some seasons that is damaged, by key."""
    return _weather(store, seasons)[1]


def _weather(store: ObjectStore, seasons: Collection[int]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the rows of the whole weather documents of some seasons, and what is wrong with each other one."""
    rows, wrong = list[dict[str, Any]](), dict[str, str]()
    kinds = forecast_keys(store, seasons)
    documents = each(store, lambda key: integrity.readable_json(store, key), kinds)
    for (key, kind), document in zip(kinds.items(), documents, strict=True):
        try:
            rows += hours_of(document, kind)
        except TableError as error:
            wrong[key] = str(error)
    return rows, wrong


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
    Damaged
        For documents that do not have Open-Meteo's form, or not the hours they were written with.
    """
    import pyarrow as pa

    rows, wrong = _weather(store, seasons)
    if wrong:
        raise integrity.damaged(store, wrong, REMEDY)
    moment = pa.timestamp("us", tz="UTC")
    texts = [(name, pa.string()) for name in ("event_partition_key", "kind", "provenance", "source")]
    moments = [(name, moment) for name in ("issued_utc", "hour_utc")]
    return pa.Table.from_pylist(
        rows, pa.schema([*texts, *moments, *((name, pa.float64()) for name in HOURLY.values())])
    )


def hours_of(document: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return the rows of one weather document; raises `TableError` for one of another form or with other hours."""
    try:
        envelope, hourly = document["f1lib"], document["hourly"]
        common = {name: envelope[name] for name in ("event_partition_key", "provenance", "source")}
        common |= {"kind": kind, "issued_utc": parse_utc(envelope["issued_utc"])}
        moments = [parse_utc(text) for text in hourly["time"]]
        columns = {ours: hourly.get(theirs) or [None] * len(moments) for theirs, ours in HOURLY.items()}
        values = zip(*columns.values(), strict=True)
        rows = [
            {**common, "hour_utc": moment, **dict(zip(columns, row, strict=True))}
            for moment, row in zip(moments, values, strict=True)
        ]
    except (KeyError, TypeError, ValueError, AttributeError, BadParameters) as error:
        raise TableError(f"is no Open-Meteo document ({error!r})") from error
    if not integrity.is_sealed(document):
        raise TableError(integrity.CHANGED)
    return rows


def _read(store: ObjectStore, key: str) -> pa.Table:
    return _parsed(store.read(key), f"{key} in lake {store.url}")


def _parsed(data: bytes, where: str) -> pa.Table:
    return parquet_table(data, where, remedy="delete its folder and ingest it")


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
