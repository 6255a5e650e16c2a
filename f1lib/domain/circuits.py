"""Circuits and event names, keyed by circuit and never by event name.

``circuits.csv`` holds every circuit since 2010 (coordinates: F1DB; time zones: IANA). ``event_names.csv`` turns F1DB's
Grand Prix ids into FastF1's event names, which changed over the years.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

from f1lib.domain.weekend import plain


@dataclass(frozen=True)
class Circuit:
    """One circuit: coordinates in degrees (north and east positive), ``timezone`` an IANA name.

    ``localities`` are the place names that FastF1 and Ergast have used for it.
    """

    circuit_id: str
    name: str
    country: str
    latitude: float
    longitude: float
    timezone: str
    is_street: bool
    ergast_id: str
    localities: tuple[str, ...]


def circuit(circuit_id: str) -> Circuit | None:
    """Return the circuit of an F1DB id; None for an unknown id."""
    return circuits().get(circuit_id)


@cache
def circuits() -> dict[str, Circuit]:
    """Return every known circuit by id."""
    return {
        row["circuit_id"]: Circuit(
            row["circuit_id"],
            row["name"],
            row["country"],
            float(row["latitude"]),
            float(row["longitude"]),
            row["timezone"],
            row["is_street"] == "yes",
            row["ergast_id"],
            tuple(row["localities"].split(";")),
        )
        for row in _rows("circuits.csv")
    }


def find_circuit(name: str) -> Circuit | None:
    """Return the circuit that FastF1 or Ergast mean by a locality, a circuit id or a circuit's name; None when unknown.

    ``Montréal``, ``villeneuve`` and ``Gilles Villeneuve`` are all ``montreal``.
    """
    return _names().get(plain(name))


def event_name(grand_prix_id: str, season: int) -> str | None:
    """Return FastF1's event name of an F1DB Grand Prix id in a season; None for an unknown id.

    ``("mexico", 2020)`` is ``Mexican Grand Prix``, ``("mexico", 2021)`` is ``Mexico City Grand Prix``.
    """
    for first, last, name in _event_names().get(grand_prix_id, ()):
        if first <= season <= last:
            return name
    return None


@cache
def _names() -> dict[str, Circuit]:
    names: dict[str, Circuit] = {}
    for known in circuits().values():
        for name in (known.circuit_id, known.ergast_id, known.name, *known.localities):
            names.setdefault(plain(name), known)
    return names


@cache
def _event_names() -> dict[str, list[tuple[int, int, str]]]:
    names: dict[str, list[tuple[int, int, str]]] = {}
    for row in _rows("event_names.csv"):
        span = (int(row["first_season"]), int(row["last_season"] or 9999), row["event_name"])
        names.setdefault(row["grand_prix_id"], []).append(span)
    return names


def _rows(file: str) -> list[dict[str, str]]:
    text = resources.files("f1lib.domain").joinpath("data", file).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
