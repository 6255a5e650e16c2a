"""DuckDB connections, and the SQL files that each package keeps in its folder ``sql``."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

from f1lib.errors import TableError

_SHUT = (
    "enable_external_access",
    "python_enable_replacements",
    "autoinstall_known_extensions",
    "autoload_known_extensions",
)


@cache
def sql_text(name: str) -> str:
    """Read an SQL file: ``silver/results`` is ``f1lib/silver/sql/results.sql``.

    Raises `TableError` when there is none.
    """
    package, _, file = name.partition("/")
    path = resources.files("f1lib").joinpath(package, "sql", f"{file}.sql")
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise TableError(f"there is no SQL file {file}.sql in f1lib/{package}/sql") from None


def connect() -> Any:
    """Open a DuckDB connection in memory: time zone UTC, no file, network, extension or Python variable within reach.

    Rows come in by ``register`` alone. The settings are locked, but for ``threads``.
    """
    import duckdb

    connection = duckdb.connect(":memory:", config=dict.fromkeys(_SHUT, "false"))
    connection.execute("SET TimeZone = 'UTC'")
    # A progress bar that is on is drawn into the terminal after two seconds. Where it is off, in a notebook without
    # ipywidgets, DuckDB 2 raises even for the statement that turns it off.
    if connection.execute("SELECT current_setting('enable_progress_bar')").fetchall() == [(True,)]:
        connection.execute("PRAGMA disable_progress_bar")
    connection.execute("SET allowed_configs = ['threads']")
    connection.execute("SET lock_configuration = true")
    return connection
