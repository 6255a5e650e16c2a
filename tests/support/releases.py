"""Releases of F1DB that are changed: rows left out or other values in them."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Collection
from pathlib import Path

Rows = list[dict[str, str]]


def edited(release: Path, path: Path, change: Callable[[str, Rows], Rows], only: Collection[str] = ()) -> Path:
    """Write a copy of a release whose tables are what ``change`` makes of them.

    Parameters
    ----------
    release
        The zip that is copied.
    path
        The zip that is written.
    change
        Called with the name of a table, such as ``races-race-results``, and its rows.
    only
        The tables that are changed; empty: all.
    """
    with zipfile.ZipFile(release) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
        for member in old.namelist():
            name, text = member.removeprefix("f1db-").removesuffix(".csv"), old.read(member).decode("utf-8-sig")
            if not only or name in only:
                reader = csv.DictReader(io.StringIO(text))
                rows, written = list(reader), io.StringIO()
                writer = csv.DictWriter(written, reader.fieldnames or (), lineterminator="\n")
                writer.writeheader()
                writer.writerows(change(name, rows))
                text = written.getvalue()
            new.writestr(member, text)
    return path


def without(release: Path, path: Path, races: Collection[int], tables: Collection[str]) -> Path:
    """Write a copy of a release whose ``tables`` have no rows of some races, by their ids."""
    return edited(release, path, lambda _name, rows: [r for r in rows if int(r["raceId"]) not in races], tables)


def since(release: Path, path: Path, first: int) -> Path:
    """Write a copy of a release that begins with season ``first``."""
    return edited(release, path, lambda _name, rows: [row for row in rows if int(row.get("year") or first) >= first])
