"""Whether an upstream's answer is of the event that was asked for, and of its entrants (law 8).

Upstreams number rounds differently once a race is cancelled or put back, and a session's list of drivers can hold
those of a support race: neither a round number nor a place in a list says whom or what an answer is about.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from f1lib.domain.circuits import find_circuit
from f1lib.domain.weekend import plain

# Dates are local in one source and UTC in the other, and a race is at times run a day late.
SAME_WEEKEND = timedelta(days=2)


@dataclass(frozen=True)
class EventIdentity:
    """What tells one event from another: its name, its circuit and the local date of its race.

    ``circuit`` is any name that `find_circuit` knows, an unknown one is compared as it is written.
    """

    event_name: str
    circuit: str
    race_date: date

    def is_same(self, other: EventIdentity) -> bool:
        """Whether both are the same event.

        Two of the three agree: an event is renamed, moved to another date or to another circuit, but not all at
        once; two events at one circuit in one season share neither name nor date.
        """
        agree = [
            plain(self.event_name) == plain(other.event_name),
            _circuit_id(self.circuit) == _circuit_id(other.circuit),
            abs(self.race_date - other.race_date) <= SAME_WEEKEND,
        ]
        return sum(agree) >= 2

    def __str__(self) -> str:
        return f"{self.event_name} at {self.circuit} on {self.race_date.isoformat()}"


def _circuit_id(name: str) -> str:
    known = find_circuit(name)
    return known.circuit_id if known else plain(name)
