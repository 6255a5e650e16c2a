"""Feature contracts: one row each in ``features.csv``, with group, dtype, unit, meaning and first horizon.

A feature is a column that ``gold/sql/features/<group>.sql`` computes. To add one, add a row here and a column there.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources

from f1lib.domain.weekend import HORIZONS
from f1lib.errors import TableError


@dataclass(frozen=True)
class Feature:
    """One feature: the SQL file (group) that computes it, its unit, its meaning, and when it is null.

    ``known_from`` is the first horizon at which it can have a value; at earlier horizons it is null in every row.
    """

    name: str
    group: str
    dtype: str
    unit: str
    meaning: str
    null_when: str
    known_from: str


@cache
def features() -> tuple[Feature, ...]:
    """Return every feature in the order of its column in gold.

    Raises `TableError` for an unknown horizon or dtype, or a name that is listed twice.
    """
    text = resources.files("f1lib.lake").joinpath("features.csv").read_text(encoding="utf-8")
    found = tuple(Feature(**row) for row in csv.DictReader(text.splitlines()))
    seen: set[str] = set()
    for feature in found:
        if feature.known_from not in HORIZONS or feature.dtype != "float64" or feature.name in seen:
            raise TableError(f"features.csv: {feature.name} is listed twice, or has an unknown horizon or dtype")
        seen.add(feature.name)
    return found


def feature_names() -> list[str]:
    """Return the feature columns of gold, in order."""
    return [f.name for f in features()]


def groups() -> list[str]:
    """Return the feature groups in order of appearance; each is a file in ``gold/sql/features``."""
    return list(dict.fromkeys(f.group for f in features()))


def unknown_at(horizon: str) -> list[str]:
    """Return the features that cannot have a value yet at ``horizon``."""
    reached = HORIZONS.index(horizon)
    return [f.name for f in features() if HORIZONS.index(f.known_from) > reached]


def group_words(group: str) -> str:
    """Return a group's name for display: ``race_history`` -> race history."""
    return group.replace("_", " ")


def columns_by_group(columns: Iterable[str]) -> dict[str, list[str]]:
    """Group the feature ``columns`` by the group that computes them; groups and columns keep their order."""
    group_of = {f.name: f.group for f in features()}
    found: dict[str, list[str]] = {}
    for column in columns:
        found.setdefault(group_of[column], []).append(column)
    return found
