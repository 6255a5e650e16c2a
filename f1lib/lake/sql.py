"""DuckDB: the connection, and SQL files, which stand in the folder ``sql`` of the package that runs them."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

from f1lib.errors import TableError


@cache
def sql_text(name: str) -> str:
    """The text of ``f1lib/<package>/sql/<file>.sql`` for ``<package>/<file>``, for example ``silver/results``."""
    package, _, file = name.partition("/")
    path = resources.files("f1lib").joinpath(package, "sql", f"{file}.sql")
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise TableError(f"there is no SQL file {file}.sql in f1lib/{package}/sql") from None


def connect() -> Any:
    """A DuckDB connection in memory: UTC, nothing on disk, no extensions fetched."""
    import duckdb

    connection = duckdb.connect(
        ":memory:", config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    )
    connection.execute("SET TimeZone = 'UTC'")
    # Where a bar is on it draws into the terminal after two seconds; where it is off, in a notebook without ipywidgets,
    # DuckDB 2 refuses even to be told so.
    if connection.execute("SELECT current_setting('enable_progress_bar')").fetchall() == [(True,)]:
        connection.execute("PRAGMA disable_progress_bar")
    return connection
