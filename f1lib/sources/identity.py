"""Check that an upstream's answer is of the event that was asked for (law 8).

Upstreams count rounds differently once a race is cancelled or postponed, so a round number does not identify an event.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from f1lib.domain.circuits import find_circuit
from f1lib.domain.weekend import plain

# Dates are local in one source and UTC in the other, and a race is at times run a day late.
SAME_WEEKEND = timedelta(days=2)


@dataclass(frozen=True)
class EventIdentity:
    """Event name, circuit and local date of the race, which together identify an event.

    ``circuit`` is any name that `find_circuit` knows; an unknown one is compared as it is written.
    """

    event_name: str
    circuit: str
    race_date: date

    def is_same(self, other: EventIdentity) -> bool:
        """Whether both are the same event.

        That is so when two of the three agree: an event is renamed, or moved to another date or circuit, but not all at
        once. Two events at one circuit in one season share neither name nor date.
        """
        agree = [
            plain(self.event_name) == plain(other.event_name),
            _circuit_id(self.circuit) == _circuit_id(other.circuit),
            abs(self.race_date - other.race_date) <= SAME_WEEKEND,
        ]
        return sum(agree) >= 2

    def __str__(self) -> str:
        return f"{self.event_name} at {self.circuit} on {self.race_date.isoformat()}"


def identity_of(event: Mapping[Hashable, Any]) -> EventIdentity:
    """Return the identity of a row of table ``events``; its race's date is the UTC one."""
    return EventIdentity(event["event_name"], event["circuit_id"], event["race_start_utc"].date())


def _circuit_id(name: str) -> str:
    known = find_circuit(name)
    return known.circuit_id if known else plain(name)
