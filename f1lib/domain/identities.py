"""Canonical ids of drivers and teams, which are F1DB's, from the names and ids of every source.

Each function is a rule and a table of the names that the rule gets wrong; both are tested against real answers of the
sources. Car numbers do not identify drivers: they change hands.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from functools import cache
from importlib import resources

# Slug of a source's full name -> F1DB's id, where the two differ.
_BY_NAME = {
    "carlos-sainz": "carlos-sainz-jr",
    "andrea-kimi-antonelli": "kimi-antonelli",
    "zhou-guanyu": "guanyu-zhou",
    "alex-albon": "alexander-albon",
    "alfonso-celis": "alfonso-celis-jr",
    "ollie-bearman": "oliver-bearman",
    "robert-schwartzman": "robert-shwartzman",
    "robert-schwarzman": "robert-shwartzman",
    "nicolas-latifi": "nicholas-latifi",
    "pato-oward": "patricio-oward",
    "patricio-o-ward": "patricio-oward",
    "zak-o-sullivan": "zak-osullivan",
    "jerome-d-ambrosio": "jerome-dambrosio",
    "alex-dunne": "alexander-dunne",
    "qing-hua-ma": "ma-qinghua",
    "qinghua-ma": "ma-qinghua",
    "ma-qing-hua": "ma-qinghua",
    "daniel-clos": "dani-clos",
    "sergei-sirotkin": "sergey-sirotkin",
    "nyck-devries": "nyck-de-vries",
}

# Slug of a team's name or Ergast id -> F1DB's constructor id, where the two differ and the year does not matter.
_TEAMS = {
    "alfa": "alfa-romeo",
    "alfa-romeo-racing": "alfa-romeo",
    "alpha-tauri": "alphatauri",
    "scuderia-alphatauri": "alphatauri",
    "alpine-f1-team": "alpine",
    "aston-martin-racing": "aston-martin",
    "audi-f1-team": "audi",
    "cadillac-f1-team": "cadillac",
    "cadillac-formula-1-team": "cadillac",
    "haas-f1-team": "haas",
    "lotus": "lotus-f1",
    "manor-marussia": "marussia",
    "red-bull-racing": "red-bull",
    "scuderia-toro-rosso": "toro-rosso",
    "stake-f1-team-kick-sauber": "kick-sauber",
    "visa-cash-app-rb": "rb",
    "rb-f1-team": "rb",
}

# Slugs whose meaning depends on the year: (slug, first season, last season) -> F1DB's constructor id.
_TEAMS_BY_SEASON = {
    ("sauber", 2024, 2025): "kick-sauber",
    ("rb", 2025, 9999): "racing-bulls",
    ("racing-point", 2018, 2018): "force-india",
    ("manor", 2015, 2015): "marussia",
    ("lotus-f1", 2010, 2011): "lotus-racing",
    ("lotus-racing", 2012, 2015): "lotus-f1",
}


def is_team(team_id: str) -> bool:
    """Whether an id is that of a Formula 1 team, raced since 2010 or entered (F1DB's constructors)."""
    return team_id in _teams()


@cache
def _teams() -> frozenset[str]:
    text = resources.files("f1lib.domain").joinpath("data", "teams.csv").read_text(encoding="utf-8")
    return frozenset(row["team_id"] for row in csv.DictReader(text.splitlines()))


def driver_id(full_name: str) -> str:
    """Return the canonical id of a driver's full name, in any case and with or without accents.

    ``Max VERSTAPPEN`` is ``max-verstappen``, ``ZHOU Guanyu`` is ``guanyu-zhou``. An unknown name gets its slug, which
    is how F1DB makes its own ids.
    """
    name = _slug(full_name)
    return _BY_NAME.get(name, name)


def driver_id_from_ergast(ergast_id: str, full_name: str) -> str:
    """Return the canonical id of an Ergast or Jolpica driver id; ``full_name`` decides for an id not in the table.

    ``sainz`` is ``carlos-sainz-jr``. Either may be empty, not both.
    """
    return ergast_drivers().get(ergast_id) or driver_id(full_name or ergast_id)


def team_id(name: str, season: int) -> str:
    """Return the canonical id of a team's name or Ergast id in a season.

    ``("Sauber", 2018)`` is ``sauber``, ``("sauber", 2024)`` is ``kick-sauber``.
    """
    slug = _slug(name)
    slug = _TEAMS.get(slug, slug)
    for (known, first, last), canonical in _TEAMS_BY_SEASON.items():
        if slug == known and first <= season <= last:
            return canonical
    return slug


def lineages() -> dict[str, str]:
    """Return team id -> the id of its last name, for each team renamed since 2010.

    ``toro-rosso`` is ``racing-bulls`` (after F1DB's constructor chronology).
    """
    return _table("team_lineage.csv")


def ergast_drivers() -> dict[str, str]:
    """Return Ergast's driver id -> F1DB's; most are bare surnames, for which the rule would need the given name."""
    return _table("ergast_drivers.csv")


@cache
def _table(file: str) -> dict[str, str]:
    text = resources.files("f1lib.domain").joinpath("data", file).read_text(encoding="utf-8")
    return dict(row for row in list(csv.reader(text.splitlines()))[1:])


def _slug(name: str) -> str:
    """Return a name in lower case, without accents or apostrophes, words joined by ``-``, which is F1DB's rule."""
    text = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", text.replace("'", "")).strip("-")
