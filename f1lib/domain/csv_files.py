"""CSV files that ship with a package: facts that are data, not code."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources


@cache
def rows(file: str) -> tuple[dict[str, str], ...]:
    """Return the rows of a file of f1lib, by the names in its first line; an empty cell is ``""``."""
    text = resources.files("f1lib").joinpath(file).read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


@cache
def pairs(file: str) -> dict[str, str]:
    """Return a file of two columns as a mapping from the first to the second."""
    first, second = rows(file)[0]
    return {row[first]: row[second] for row in rows(file)}


def in_force(row: Mapping[str, str], season: int) -> bool:
    """Whether a row holds in ``season``: its ``first_season`` and ``last_season``, both included, may be empty."""
    return int(row["first_season"] or season) <= season <= int(row["last_season"] or season)
