"""Which texts are keys of the lake: relative paths that cannot leave it."""

from __future__ import annotations

import re

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
