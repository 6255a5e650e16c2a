"""What a person means by a name: of a driver, a circuit or an event. Case, accents, blanks and hyphens do not matter.

Of the names that something bears, one that is the text itself counts before one that begins with it, and that before
one that contains it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from f1lib.domain.circuits import circuit
from f1lib.domain.csv_files import rows
from f1lib.domain.weekend import EventKey, plain
from f1lib.errors import BadParameters

_LISTED = 30  # events that are named in an error: those of a season
_SEASON = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")


@dataclass(frozen=True)
class Event:
    """An event as it is looked up: partition key, start of the race as sortable text, circuit, and if it is preferred.

    An event that the circuit is not known of has an empty one.
    """

    key: str
    start: str
    circuit_id: str = ""
    is_preferred: bool = False

    @property
    def own_names(self) -> list[str]:
        """Partition key and name, with and without Grand Prix."""
        name = EventKey.parse(self.key).event_name
        return [self.key, name, name.removesuffix(" Grand Prix")]

    @property
    def names(self) -> list[str]:
        """Names of the event and of its circuit, country and localities, and nicknames."""
        return [*self.own_names, *circuit_names(self.circuit_id)]


def circuit_names(circuit_id: str) -> list[str]:
    """Return every name of a circuit: its ids, name, localities, country and nicknames; none of an unknown one."""
    known = circuit(circuit_id)
    if known is None:
        return [circuit_id] if circuit_id else []
    nicknames = [row["name"] for row in rows("domain/data/nicknames.csv") if row["circuit_id"] == circuit_id]
    return [known.circuit_id, known.name, *known.localities, known.ergast_id, known.country, *nicknames]


def matches(text: str, names: Mapping[str, Iterable[str]]) -> list[str]:
    """Find the ids that a text fits best.

    Parameters
    ----------
    text : str
        What the person wrote.
    names : Mapping[str, Iterable[str]]
        Id -> its names.

    Returns
    -------
    list[str]
        In the order of ``names``; empty when the text fits none, or has no letter or digit.
    """
    wanted = plain(text)
    known = {key: [plain(name) for name in of_key] for key, of_key in names.items()}
    for fits in (str.__eq__, str.startswith, str.__contains__):
        if found := [key for key, of_key in known.items() if wanted and any(fits(name, wanted) for name in of_key)]:
            return found
    return []


def did_you_mean(text: str, names: Iterable[str]) -> str:
    """Return ``: did you mean Zandvoort?`` with the name that is most like ``text``; empty when none is like it."""
    by_plain = {plain(name): name for name in names}
    found = get_close_matches(plain(text), by_plain, n=1, cutoff=0.7)
    return f": did you mean {by_plain[found[0]]}?" if found else ""


def find_event(events: Iterable[Event], text: str, where: str) -> str:
    """Find the event that a person means.

    Parameters
    ----------
    events : Iterable[Event]
        The known events.
    text : str
        Partition key, name, circuit, locality, country or nickname, or a part of one; with a season or without.
    where : str
        Where the events are from, for the message of the error.

    Returns
    -------
    str
        The partition key. Of several events that fit, the newest of those preferred, or of all when none is;
        within a season one whose own name it is counts before others at the circuit or in the country.

    Raises
    ------
    BadParameters
        No event fits; the message has the name that is most like ``text``.
    """
    season = _SEASON.search(text)
    name = _SEASON.sub(" ", text).strip(" _-") if season else text
    known = [event for event in events if not season or event.key.startswith(f"{season[0]}_")]
    found = matches(name, {event.key: event.names for event in known})
    if not found:
        like = did_you_mean(name, [one for event in known for one in event.names[1:]])
        names = f"; it has {', '.join(event.key for event in known)}" if 0 < len(known) <= _LISTED else ""
        raise BadParameters(f"no event {text!r} in {where}{like or names or '; `f1 status` shows the next one'}")
    fitting = [event for event in known if event.key in found]

    def rank(event: Event) -> tuple[str, bool, str]:
        return event.key[:4], plain(name) in map(plain, event.own_names), event.start

    return max([event for event in fitting if event.is_preferred] or fitting, key=rank).key
