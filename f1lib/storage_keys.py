"""Which texts are keys of the lake: relative paths that cannot leave it."""

from __future__ import annotations

import re

from f1lib.errors import StorageError


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
