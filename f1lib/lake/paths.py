"""Which texts are keys of the lake: relative paths that cannot leave it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from f1lib.domain.weekend import EventKey
from f1lib.errors import StorageError

# Files of a model run, of a run's features, of an issued prediction: once written, their bytes never change.
_WRITTEN_ONCE = re.compile(
    r"models/run_id=[^/]+/(?!decision\.json$)|gold/gold_driver_event_features/run_id=|predictions/\d+/history/.*\.parquet$"
)


def is_written_once(key: str) -> bool:
    """Whether ``key`` is the name of bytes that never change once they are there."""
    return _WRITTEN_ONCE.match(key) is not None


def check_key(key: str) -> str:
    """``key`` itself when it names a place below the root; raises `StorageError` otherwise."""
    parts = key.split("/")
    if not key or any(part in ("", ".", "..") for part in parts) or re.search(r"[\x00-\x1f\\]", key):
        raise StorageError(f"{key!r} is no key of the lake: use relative paths with / and without . or ..")
    return key


def check_prefix(prefix: str) -> str:
    """``prefix`` itself when keys can start with it; raises `StorageError` otherwise."""
    if prefix:
        check_key(prefix.removesuffix("/"))
    return prefix


LAKE_MARKER = "lake.json"  # real or simulated data, and the format of the lake
SCHEDULES = "bronze/schedule/"


def seasons_of_schedules(keys: Iterable[str]) -> set[int]:
    """The seasons that the keys of schedules are of."""
    found = (re.match(rf"{SCHEDULES}(\d{{4}})/", key) for key in keys)
    return {int(match[1]) for match in found if match}


def session_folder(event: EventKey, session: str) -> str:
    """``bronze/sessions/2025/Australian_Grand_Prix/Q``."""
    return f"bronze/sessions/{event.season}/{event.folder}/{session}"


def session_note(event: EventKey, session: str) -> str:
    """The key of a session's ``source.json``."""
    return f"{session_folder(event, session)}/source.json"


def grid_note(event: EventKey, session: str) -> str:
    """The key of ``starting_grid.source.json`` beside the session's own."""
    return f"{session_folder(event, session)}/starting_grid.source.json"


def schedule_folder(season: int) -> str:
    """``bronze/schedule/2025``."""
    return f"bronze/schedule/{season}"


def note_of(key: str) -> str:
    """The note that makes a session's Parquet file count."""
    folder, _, name = key.rpartition("/")
    return f"{folder}/starting_grid.source.json" if name == "starting_grid.parquet" else f"{folder}/source.json"


TRAINING_KEY = "gold/training_dataset.parquet"
FEATURES_PREFIX = "gold/gold_driver_event_features/"
GRAPH, METADATA, SUCCESS = "onnx_model.onnx", "model_metadata.json", "_SUCCESS"


def run_key(run_id: str, file: str) -> str:
    """Where a file of a model run stands in the lake."""
    return f"models/run_id={run_id}/{file}"


def features_key(gold_run_id: str) -> str:
    """Where the features that a gold run made for a race to come stand."""
    return f"{FEATURES_PREFIX}run_id={gold_run_id}/gold_driver_event_features.parquet"
