"""Keys of the lake: the rules for a key, and every key of bronze, silver, gold and the models.

Keys of predictions and reports are in `f1lib.lake.paths_published`; no other module builds or parses a key.
``..._PREFIX`` and ``..._prefix`` are the beginnings of keys, for listing; ``parse_...`` parses a key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from f1lib.domain.moments import is_utc, stamp
from f1lib.domain.weekend import EventKey
from f1lib.errors import StorageError, TableError

# Layers that may have another prefix in a bucket (S3_BRONZE_PATH and its like).
LAYERS = ("bronze", "silver", "gold", "models", "predictions", "reports")
LAKE_MARKER = "lake.json"  # real or simulated data, and the format of the lake

# Files of a model run, features of a gold run, issued predictions: their bytes never change once written.
_WRITTEN_ONCE = re.compile(
    r"models/run_id=[^/]+/(?!decision\.json$)|gold/gold_driver_event_features/run_id=|predictions/\d+/history/.*\.parquet$"
)


def is_written_once(key: str) -> bool:
    """Return whether the bytes under ``key`` never change once they are written."""
    return _WRITTEN_ONCE.match(key) is not None


def check_key(key: str) -> str:
    """Return ``key`` when it is a path below the root; raises `StorageError` otherwise."""
    parts = key.split("/")
    if not key or any(part in ("", ".", "..") for part in parts) or re.search(r"[\x00-\x1f\\]", key):
        raise StorageError(f"{key!r} is no key of the lake: use relative paths with / and without . or ..")
    return key


def check_prefix(prefix: str) -> str:
    """Return ``prefix`` when keys can start with it; raises `StorageError` otherwise."""
    if prefix:
        check_key(prefix.removesuffix("/"))
    return prefix


# Bronze -------------------------------------------------------------------------------------------------------------

SCHEDULES_PREFIX = "bronze/schedule/"
FORECASTS_PREFIX = "bronze/weather/"
PENALTIES_PREFIX = "bronze/penalties/"
_NOTE, _GRID_NOTE = "source.json", "starting_grid.source.json"
_SESSION_FILE = re.compile(r"bronze/sessions/(\d{4})/([^/]+)/([^/]+)/([a-z_]+)\.parquet")
_FORECAST = re.compile(r"bronze/weather/([a-z_]+)/(\d{4})/([^/]+)/(\d{8}T\d{6}Z)\.json")


def schedule_table(season: int, table: str) -> str:
    """Return ``bronze/schedule/2025/events.parquet``."""
    return f"{SCHEDULES_PREFIX}{season}/{table}.parquet"


def schedule_note(season: int) -> str:
    """Return ``bronze/schedule/2025/source.json``; without it the tables beside it are not read."""
    return f"{SCHEDULES_PREFIX}{season}/{_NOTE}"


def seasons_of_schedules(keys: Iterable[str]) -> set[int]:
    """Return the seasons that have a file of the calendar among ``keys``."""
    found = (re.match(rf"{SCHEDULES_PREFIX}(\d{{4}})/", key) for key in keys)
    return {int(match[1]) for match in found if match}


def sessions_prefix(season: int) -> str:
    """Return ``bronze/sessions/2025/``."""
    return f"bronze/sessions/{season}/"


def session_folder(event: EventKey, session: str) -> str:
    """Return ``bronze/sessions/2025/Australian_Grand_Prix/Q``, the folder of a session's files."""
    return f"{sessions_prefix(event.season)}{event.folder}/{session}"


def parse_session_folder(folder: str) -> tuple[str, str]:
    """Return the event's partition key and the session of a `session_folder`."""
    _, _, season, event, session = folder.split("/")
    return f"{season}_{event}", session


def session_note(event: EventKey, session: str) -> str:
    """Return the key of a session's ``source.json``."""
    return f"{session_folder(event, session)}/{_NOTE}"


def grid_note(event: EventKey, session: str) -> str:
    """Return the key of ``starting_grid.source.json``, beside the session's own note."""
    return f"{session_folder(event, session)}/{_GRID_NOTE}"


def note_of(key: str) -> str:
    """Return the key of the note that belongs to a session's Parquet file; without its note a file is not read."""
    folder, _, name = key.rpartition("/")
    return f"{folder}/{_GRID_NOTE if name == 'starting_grid.parquet' else _NOTE}"


def is_note(key: str) -> bool:
    """Return whether ``key`` is the note of a calendar, a session or a starting grid that counts: of no revision."""
    return key.endswith(_NOTE) and "/revisions/" not in key


def files_of_note(note_key: str, names: Iterable[str]) -> dict[str, str]:
    """Return the keys of the files ``names`` of a note, each with its name; they stand in the note's folder."""
    folder = note_key.rpartition("/")[0]
    return {f"{folder}/{name}": name for name in names}


def revision_of(key: str, fetched: datetime) -> str:
    """Return the key of an older revision of a session's file, by the time at which it was ``fetched``."""
    return f"{revisions_prefix(key)}{stamp(fetched)}/{key.rpartition('/')[2]}"


def revisions_prefix(key: str) -> str:
    """Return the prefix of all older revisions of the files in a session's folder, of which ``key`` is one."""
    return f"{key.rpartition('/')[0]}/revisions/"


def season_of_key(key: str) -> int | None:
    """Return the season of a key of bronze or silver; None for one that has none."""
    match = re.search(r"[/=](\d{4})/", key)
    return int(match[1]) if match else None


class SessionFile(NamedTuple):
    """Parts of the key of a session's Parquet file: ``event`` is the partition key, ``frame`` the table in it."""

    season: int
    event: str
    session: str
    frame: str


def parse_session_file(key: str) -> SessionFile | None:
    """Parse the key of a Parquet file in a `session_folder`; None for a note, a revision or any other key."""
    match = _SESSION_FILE.fullmatch(key)
    return SessionFile(int(match[1]), f"{match[1]}_{match[2]}", match[3], match[4]) if match else None


def forecast_key(kind: str, event: EventKey, moment: datetime) -> str:
    """Return ``bronze/weather/forecast/2025/Australian_Grand_Prix/20250316T030000Z.json``.

    Parameters
    ----------
    kind : str
        ``forecast``, ``historical_forecast`` or ``archive`` (observed weather).
    event : EventKey
        The event that the document is for.
    moment : datetime
        Aware UTC time that names the document.

    Returns
    -------
    str
        Key of the weather document.
    """
    return f"{FORECASTS_PREFIX}{kind}/{event.season}/{event.folder}/{stamp(moment)}.json"


def penalties_key(event: EventKey) -> str:
    """Return ``bronze/penalties/2025/Australian_Grand_Prix.json``, the grid penalties announced for an event."""
    return f"{PENALTIES_PREFIX}{event.season}/{event.folder}.json"


def parse_penalties(key: str) -> str | None:
    """Return the partition key of the event whose penalties stand under ``key``; None for any other key."""
    match = re.fullmatch(rf"{PENALTIES_PREFIX}(\d{{4}})/([^/]+)\.json", key)
    return f"{match[1]}_{match[2]}" if match else None


class Forecast(NamedTuple):
    """Parts of the key of a weather document: ``event`` is the partition key."""

    kind: str
    season: int
    event: str


def parse_forecast(key: str) -> Forecast | None:
    """Parse the key of a weather document; None for any other key."""
    match = _FORECAST.fullmatch(key)
    if not match or not is_utc(match[4]):
        return None
    return Forecast(match[1], int(match[2]), f"{match[2]}_{match[3]}")


# Silver -------------------------------------------------------------------------------------------------------------

SILVER_PREFIX = "silver/"
SILVER_NOTE = "silver/files.json"  # the SHA-256 of every silver file, by season
_BY_SESSION = ("events", "sessions", "entries", "results", "starting_grid", "pit_stops", "laps")
_SILVER_PATHS = {table: f"sessions/{table}" for table in _BY_SESSION} | {
    "weather_observed": "weather/observed",
    "weather_forecast": "weather/forecast",
}
SILVER_TABLES = tuple(_SILVER_PATHS)


def silver_prefix(table: str) -> str:
    """Return ``silver/sessions/results/``; raises `TableError` for an unknown silver table."""
    if table not in _SILVER_PATHS:
        raise TableError(f"{table!r} is no silver table; there are {', '.join(SILVER_TABLES)}")
    return f"{SILVER_PREFIX}{_SILVER_PATHS[table]}/"


def silver_key(table: str, season: int) -> str:
    """Return ``silver/sessions/results/season=2025/results.parquet``; raises `TableError` for an unknown table."""
    prefix = silver_prefix(table)
    return f"{prefix}season={season}/{prefix.split('/')[-2]}.parquet"


def parse_silver(key: str) -> tuple[str, int] | None:
    """Return the table and season of a silver file's key; None for any other key."""
    match = re.fullmatch(rf"{SILVER_PREFIX}([^/]+/([^/]+))/season=(\d{{4}})/\2\.parquet", key, re.ASCII)
    tables = [table for table, path in _SILVER_PATHS.items() if match and path == match[1]]
    return (tables[0], int(match[3])) if match and tables else None


# Gold and models ----------------------------------------------------------------------------------------------------

TRAINING_KEY = "gold/training_dataset.parquet"
FEATURES_PREFIX = "gold/gold_driver_event_features/"
CHAMPION_KEY = "models/champion.json"
MODEL_RUNS_PREFIX = "models/run_id="
# Files of a model run; a run without _SUCCESS is ignored by every reader.
BOOSTER, PREPROCESSOR, GRAPH = "xgb_model.ubj", "preprocessor.joblib", "onnx_model.onnx"
METADATA, DECISION, SUCCESS = "model_metadata.json", "decision.json", "_SUCCESS"


def features_key(gold_run_id: str) -> str:
    """Return the key of the features that a gold run computed for an upcoming race."""
    return f"{FEATURES_PREFIX}run_id={gold_run_id}/gold_driver_event_features.parquet"


def gold_note(key: str) -> str:
    """Return the key of the note beside gold rows, such as ``gold/training_dataset.json``."""
    return key.removesuffix(".parquet") + ".json"


def gold_runs(keys: Iterable[str]) -> list[str]:
    """Return the ids of the gold runs whose features are among ``keys``, in the order of ``keys``."""
    found = (re.match(rf"{FEATURES_PREFIX}run_id=([^/]+)/", key) for key in keys if key.endswith(".parquet"))
    return [match[1] for match in found if match]


def run_key(run_id: str, file: str) -> str:
    """Return the key of a file of a model run."""
    return f"{MODEL_RUNS_PREFIX}{run_id}/{file}"


def run_of(key: str) -> str:
    """Return the id of the model run of a key below `MODEL_RUNS_PREFIX`."""
    return key.removeprefix(MODEL_RUNS_PREFIX).partition("/")[0]


def finished_runs(keys: Iterable[str]) -> list[str]:
    """Return the ids of the model runs whose ``_SUCCESS`` is among ``keys``, in the order of ``keys``."""
    found = (re.fullmatch(rf"{MODEL_RUNS_PREFIX}([^/]+)/{SUCCESS}", key) for key in keys)
    return [match[1] for match in found if match]
