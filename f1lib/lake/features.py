"""The features: one documented row each in ``features.csv``, read by the code and checked by a test.

A feature is a column of one of ``sql/gold/<group>.sql``. Adding one is a line here and a column there.
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
    """One feature: the SQL file (group) that computes it, its unit, and what it means and when it is null.

    ``known_from`` is the first horizon at which it can have a value; before, it is null in every row.
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
    """Every feature in the order of its column in gold.

    Raises `TableError` for a horizon or dtype nobody knows, or a name that stands twice.
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
    """The feature columns of gold, in order."""
    return [f.name for f in features()]


def groups() -> list[str]:
    """The feature groups in order of appearance: each is a file in ``sql/gold``."""
    return list(dict.fromkeys(f.group for f in features()))


def unknown_at(horizon: str) -> list[str]:
    """The features that cannot have a value yet at ``horizon``."""
    reached = HORIZONS.index(horizon)
    return [f.name for f in features() if HORIZONS.index(f.known_from) > reached]


def group_words(group: str) -> str:
    """A group's name as a reader says it: ``race_history`` -> race history."""
    return group.replace("_", " ")


def columns_by_group(columns: Iterable[str]) -> dict[str, list[str]]:
    """Group -> those of the feature ``columns`` that it computes, both in their order."""
    group_of = {f.name: f.group for f in features()}
    found: dict[str, list[str]] = {}
    for column in columns:
        found.setdefault(group_of[column], []).append(column)
    return found
