"""Canonical ids of drivers and teams, which are F1DB's, from the names and ids of every source.

Each function is a rule and a table of the names that the rule gets wrong; both are tested against real answers of the
sources. ``driver_names.csv`` has the slugs of full names, ``team_names.csv`` those of team names and Ergast ids, some
in certain seasons only: its rows apply one after the other. Car numbers do not identify drivers: they change hands.
"""

from __future__ import annotations

import re
import unicodedata

from f1lib.domain.csv_files import in_force, pairs, rows


def is_team(team_id: str) -> bool:
    """Whether an id is that of a Formula 1 team, raced since 2010 or entered (F1DB's constructors)."""
    return any(row["team_id"] == team_id for row in rows("domain/data/teams.csv"))


def driver_id(full_name: str) -> str:
    """Return the canonical id of a driver's full name, in any case and with or without accents.

    ``Max VERSTAPPEN`` is ``max-verstappen``, ``ZHOU Guanyu`` is ``guanyu-zhou``. An unknown name gets its slug, which
    is how F1DB makes its own ids.
    """
    name = _slug(full_name)
    return pairs("domain/data/driver_names.csv").get(name, name)


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
    for row in rows("domain/data/team_names.csv"):
        if row["name"] == slug and in_force(row, season):
            slug = row["team_id"]
    return slug


def lineages() -> dict[str, str]:
    """Return team id -> the id of its last name, for each team renamed since 2010.

    ``toro-rosso`` is ``racing-bulls`` (after F1DB's constructor chronology).
    """
    return pairs("domain/data/team_lineage.csv")


def ergast_drivers() -> dict[str, str]:
    """Return Ergast's driver id -> F1DB's; most are bare surnames, for which the rule would need the given name."""
    return pairs("domain/data/ergast_drivers.csv")


def _slug(name: str) -> str:
    """Return a name in lower case, without accents or apostrophes, words joined by ``-``, which is F1DB's rule."""
    text = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", text.replace("'", "")).strip("-")
