"""Several upstreams of timing as one live source: the first that has the laps of a session gives them.

>>> source = TimingInOrder(fastf1, [fastf1, openf1])

The calendar is the first argument's. An upstream that fails, refuses us or has no laps is passed over for the next, and
the answer says so: ``provenance["tried"]``, and ``provenance["sources"]`` for each frame that another one than
``provenance["source"]`` gave. Official results of an upstream without laps are kept beside the laps of another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from f1lib.domain.weekend import EventKey
from f1lib.errors import ClosedForNow, NotPublishedYet, RateLimited, SourceBlocked, SourceError
from f1lib.sources.protocols import LATER, Schedule, SessionData, SessionSource

# Of several errors the first kind is raised. Where only some say that there is nothing, the others may have it later.
_BY_HOPE = (RateLimited, ClosedForNow, NotPublishedYet, SourceBlocked, SourceError)


class Timing(Protocol):
    """Sessions and starting grids of one upstream, as of `SessionSource`."""

    name: str
    attribution: str
    first_season: int

    def session(self, key: EventKey, session: str, as_of: datetime) -> SessionData:
        """See `SessionSource.session`."""

    def starting_grid(self, key: EventKey, session: str, as_of: datetime) -> SessionData:
        """See `SessionSource.starting_grid`."""


class TimingInOrder:
    """See `SessionSource`; ``timing`` is asked in its order."""

    def __init__(self, calendar: SessionSource, timing: Sequence[Timing]) -> None:
        self._calendar = calendar
        self._timing = timing
        self.name = "+".join(source.name for source in timing)
        self.attribution = "; ".join(source.attribution for source in timing)

    def seasons(self, as_of: datetime) -> list[int]:
        """See `SessionSource.seasons`."""
        return self._calendar.seasons(as_of)

    def schedule(self, season: int, as_of: datetime) -> Schedule:
        """See `SessionSource.schedule`."""
        return self._calendar.schedule(season, as_of)

    def session(self, key: EventKey, session: str, as_of: datetime) -> SessionData:
        """See `SessionSource.session`."""
        return self._first(key.season, lambda source: source.session(key, session, as_of), "laps")

    def starting_grid(self, key: EventKey, session: str, as_of: datetime) -> SessionData:
        """See `SessionSource.starting_grid`."""
        return self._first(key.season, lambda source: source.starting_grid(key, session, as_of), "starting_grid")

    def _first(self, season: int, ask: Callable[[Timing], SessionData], wanted: str) -> SessionData:
        """Return the first answer with a frame, with what those before it had, or the best without it."""
        best: SessionData | None = None
        failed: list[tuple[str, SourceError]] = []
        for source in (one for one in self._timing if one.first_season <= season):
            try:
                found = ask(source)
            except SourceError as error:
                failed.append((source.name, error))
                continue
            best = found if best is None else _joined(best, found)
            if wanted in best.frames:
                break
        if best is None:
            raise _all_in_one(failed) if failed else SourceError(f"no upstream of timing reaches back to {season}")
        if not failed:
            return best
        tried = [{"source": name, "error": str(error)} for name, error in failed]
        warnings = [f"{name} has it not: {error}" for name, error in failed]
        facts = _facts(best)
        if wanted in facts:
            is_final = all(_is_absent(error) or isinstance(error, SourceBlocked) for _, error in failed)
            later = "" if is_final else f"{LATER}: "
            facts = facts | {wanted: f"{later}{facts[wanted]}; {_told(failed)}"}
        provenance = best.provenance | {"tried": tried} | ({"facts": facts} if facts else {})
        return replace(best, provenance=provenance, warnings=[*best.warnings, *warnings])


def _joined(first: SessionData, second: SessionData) -> SessionData:
    """Return the answer of an upstream without laps, filled up by that of the next."""
    mine = {
        name: frame
        for name, frame in first.frames.items()
        if name != "results" or "official_results" not in _facts(first)
    }
    if not second.frames.keys() - mine.keys():
        return first
    frames = second.frames | mine
    of_first = first.provenance.get("sources", {})
    sources = {name: of_first.get(name, first.provenance["source"]) for name in mine}
    facts = {name: why for name, why in _facts(second).items() if name not in frames}
    if "results" in mine:
        facts.pop("official_results", None)
    route = second.provenance.get("route", {}) | {
        name: how for name, how in first.provenance.get("route", {}).items() if name in mine
    }
    more = {
        "sources": sources,
        "facts": facts,
        "route": route,
        "complete": not {"laps", "official_results"} & set(facts),
    }
    calls = [*first.provenance.get("calls", []), *second.provenance.get("calls", [])]
    provenance = second.provenance | more | {"calls": calls}
    return SessionData(frames, provenance, [*first.warnings, *second.warnings])


def _facts(data: SessionData) -> dict[str, Any]:
    found: dict[str, Any] = data.provenance.get("facts", {})
    return found


def _told(failed: list[tuple[str, SourceError]]) -> str:
    return "; ".join(f"{name}: {error}" for name, error in failed)


def _all_in_one(failed: list[tuple[str, SourceError]]) -> SourceError:
    """Return the error of the most hopeful kind; it says how each upstream failed."""
    kind = next(kind for kind in _BY_HOPE for _, error in failed if isinstance(error, kind))
    error = next(error for _, error in failed if isinstance(error, kind))
    if isinstance(error, RateLimited):
        return RateLimited(_told(failed), error.retry_after_seconds)
    if _is_absent(error) and not all(_is_absent(other) for _, other in failed):
        return ClosedForNow(_told(failed))
    return error if len(failed) == 1 else type(error)(_told(failed))


def _is_absent(error: SourceError) -> bool:
    """Whether an upstream that serves us says that it has nothing."""
    return isinstance(error, NotPublishedYet) and not isinstance(error, ClosedForNow)
