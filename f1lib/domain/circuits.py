"""Circuits and event names, keyed by circuit and never by event name.

``circuits.csv`` holds every circuit since 2010 (coordinates: F1DB; time zones: IANA). ``event_names.csv`` turns F1DB's
Grand Prix ids into FastF1's event names, which changed over the years.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from f1lib.domain.csv_files import in_force, rows
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
    found: dict[str, Circuit] = {}
    for row in rows("domain/data/circuits.csv"):
        known, name, country, latitude, longitude, timezone, street, ergast_id, localities = row.values()
        place = (country, float(latitude), float(longitude), timezone, street == "yes")
        found[known] = Circuit(known, name, *place, ergast_id, tuple(localities.split(";")))
    return found


def find_circuit(name: str) -> Circuit | None:
    """Return the circuit that FastF1 or Ergast mean by a locality, a circuit id or a circuit's name; None when unknown.

    ``Montréal``, ``villeneuve`` and ``Gilles Villeneuve`` are all ``montreal``.
    """
    return _names().get(plain(name))


def event_name(grand_prix_id: str, season: int) -> str | None:
    """Return FastF1's event name of an F1DB Grand Prix id in a season; None for an unknown id.

    ``("mexico", 2020)`` is ``Mexican Grand Prix``, ``("mexico", 2021)`` is ``Mexico City Grand Prix``.
    """
    for row in rows("domain/data/event_names.csv"):
        if row["grand_prix_id"] == grand_prix_id and in_force(row, season):
            return row["event_name"]
    return None


@cache
def _names() -> dict[str, Circuit]:
    names: dict[str, Circuit] = {}
    for known in circuits().values():
        for name in (known.circuit_id, known.ergast_id, known.name, *known.localities):
            names.setdefault(plain(name), known)
    return names
