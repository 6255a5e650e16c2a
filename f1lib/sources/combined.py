"""Combine F1DB's history with live weekends in one lake.

>>> source = CombinedSource(F1dbSource(release), TimingInOrder(fastf1, [fastf1, openf1]))

Both name events, drivers and teams alike, so a session known from both is one session. Seasons that are over are taken
from F1DB: seconds instead of hours of downloads. The running season is taken from timing, and from F1DB where timing
has nothing: ``provenance["source"]`` names the source of the answer, ``provenance["tried"]`` those that had none. Where
both have a session the answer is timing's, because it has the laps, but results computed from it are replaced by
F1DB's official ones; values that differ between the two are kept in ``provenance["conflicts"]``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from f1lib.domain.moments import format_utc
from f1lib.domain.weekend import EventKey
from f1lib.errors import ClosedForNow, NotPublishedYet, RateLimited, SourceBlocked, SourceError
from f1lib.sources.identity import identity_of
from f1lib.sources.protocols import BLOCKED, LATER, UNAVAILABLE, Schedule, SessionData, SessionSource

# Results of the last races of a year are read again for a month, and corrected: the season is still running.
SEASON_SETTLED = timedelta(days=60)
# Results are read again up to 90 days after a race; what is older than this is asked of history first.
SESSION_SETTLED = timedelta(days=35)
COMPARED = ("position", "points", "grid_position", "best_lap_seconds", "team_id", "driver_number")
_TOLERANCE = 0.0005  # half a millisecond
# Of several errors the first in this order is raised; `NotPublishedYet` comes last.
_BY_URGENCY = (RateLimited, SourceBlocked, SourceError, NotPublishedYet)


class CombinedSource:
    """See `protocols.SessionSource`.

    ``history`` answers for past seasons, ``live`` for the running one. A session of the running season that is older
    than ``live_for`` is taken from ``history`` too: a lake that is begun in November need not download the year. With
    ``live_for`` None everything is asked of ``live`` first (a backfill of laps).
    """

    def __init__(
        self, history: SessionSource, live: SessionSource, *, live_for: timedelta | None = SESSION_SETTLED
    ) -> None:
        self._history = history
        self._live = live
        self._live_for = live_for
        self.name = f"{history.name}+{live.name}"
        self.attribution = f"{history.attribution}; {live.attribution}"

    def is_live(self, season: int, as_of: datetime) -> bool:
        """Whether ``season`` is asked of ``live`` first at ``as_of``."""
        return self._live_for is None or season >= (as_of - SEASON_SETTLED).year

    def seasons(self, as_of: datetime) -> list[int]:
        """Return the seasons either source knows; of the live ones only those that are still running."""
        running = (as_of - SEASON_SETTLED).year
        live = [season for season in self._live.seasons(as_of) if season >= running]
        return sorted({*self._history.seasons(as_of), *live})

    def schedule(self, season: int, as_of: datetime) -> Schedule:
        """See `SessionSource.schedule`; raises `SourceError` when neither source has the calendar."""
        tried: list[dict[str, str]] = []
        errors: list[SourceError] = []
        for source in self._order(season, as_of):
            try:
                found = source.schedule(season, as_of)
            except SourceError as error:
                errors.append(error)
                tried.append({"source": source.name, "error": str(error)})
                continue
            more: dict[str, Any] = {"tried": tried}
            if found.entries is None and (known := self._of_history(season, as_of)):
                found = replace(found, entries=known.entries)  # live timing has no entry list
                more["history"] = {name: known.provenance.get(name) for name in ("source", "sha256")}
            return replace(found, provenance=found.provenance | more)
        raise _most_actionable(errors)

    def session(self, key: EventKey, session: str, as_of: datetime) -> SessionData:
        """See `SessionSource.session`.

        Raises `RateLimited` before any other error, so that the upstream is not asked again before the time it names.
        """
        if not self.is_live(key.season, as_of):
            return self._history.session(key, session, as_of)
        visible = self._wait_until("available_utc", key, session, as_of)
        if self._live_for is not None and as_of - visible > self._live_for:
            try:
                return self._ask_history(self._history.session, key, session, as_of)
            except SourceError as error:
                return _with_tried(self._live.session(key, session, as_of), self._history.name, error)
        try:
            live = self._live.session(key, session, as_of)
        except SourceError as error:
            return self._from_history(key, session, as_of, error)
        try:
            history = self._ask_history(self._history.session, key, session, as_of)
        except SourceError:
            return _with(live, conflicts=[])
        ours = str(live.provenance.get("sources", {}).get("results", live.provenance["source"]))
        conflicts = differences(live.frames["results"], history.frames["results"], ours, self._history.name)
        facts = live.provenance.get("facts", {})
        if "official_results" not in facts:
            return _with(live, conflicts=conflicts)
        frames = live.frames | {"results": history.frames["results"]}
        return replace(
            _with(
                live,
                conflicts=conflicts,
                results=history.provenance,
                sources=live.provenance.get("sources", {}) | {"results": self._history.name},
            ),
            frames=frames,
            warnings=[*live.warnings, f"results are {self._history.name}'s: {facts['official_results']}"],
        )

    def starting_grid(self, key: EventKey, session: str, as_of: datetime) -> SessionData:
        """See `SessionSource.starting_grid`; ``history`` first: it has the official grid as such."""
        if self.is_live(key.season, as_of):
            self._wait_until("grid_available_utc", key, session, as_of)
        errors: list[SourceError] = []
        sources = (self._history, self._live) if self.is_live(key.season, as_of) else (self._history,)
        for source in sources:
            try:
                if source is self._history:
                    return self._ask_history(source.starting_grid, key, session, as_of)
                return source.starting_grid(key, session, as_of)
            except SourceError as error:
                errors.append(error)
        raise _most_actionable(errors)

    def _wait_until(self, moment: str, key: EventKey, session: str, as_of: datetime) -> datetime:
        """Return when a session becomes available in the calendar in force; raise `NotPublishedYet` before.

        Each source goes by its own calendar, and F1DB's hours are estimates before 2024: falling back on it would show
        a session early.
        """
        rows = self.schedule(key.season, as_of).sessions
        found = rows.loc[(rows["event_partition_key"] == key.partition_key) & (rows["session"] == session), moment]
        if found.empty or pd.isna(found.iloc[0]):
            raise SourceError(f"the calendar of {key.season} has no session {session} of {key}, or none with a grid")
        if as_of < found.iloc[0]:
            visible = format_utc(found.iloc[0])
            raise NotPublishedYet(f"{key} {session} is visible from {visible}, not yet at {format_utc(as_of)}")
        visible_from: datetime = found.iloc[0].to_pydatetime()
        return visible_from

    def _of_history(self, season: int, as_of: datetime) -> Schedule | None:
        """Return history's calendar; None for a season that it does not know yet."""
        return self._history.schedule(season, as_of) if season in self._history.seasons(as_of) else None

    def _ask_history(
        self, ask: Callable[[EventKey, str, datetime], SessionData], key: EventKey, session: str, as_of: datetime
    ) -> SessionData:
        """Ask history by the name that it has for the event, should it be another one."""
        try:
            return ask(key, session, as_of)
        except NotPublishedYet:
            raise
        except SourceError:
            own = self._key_of_history(key, as_of) if self.is_live(key.season, as_of) else key
            if own == key:
                raise
            return ask(own, session, as_of)

    def _key_of_history(self, key: EventKey, as_of: datetime) -> EventKey:
        """Return the key by which history knows an event of the live calendar, if it calls it otherwise (law 8)."""
        try:
            known = self._history.schedule(key.season, as_of)
        except SourceError:
            return key  # it does not know the season
        if key.partition_key in set(known.events["event_partition_key"]):
            return key
        events = self._live.schedule(key.season, as_of).events
        for asked in events[events["event_partition_key"] == key.partition_key].to_dict("records"):
            for event in known.events.to_dict("records"):
                if identity_of(event).is_same(identity_of(asked)):
                    return EventKey(key.season, event["event_name"])
        return key

    def _order(self, season: int, as_of: datetime) -> tuple[SessionSource, ...]:
        return (self._live, self._history) if self.is_live(season, as_of) else (self._history, self._live)

    def _from_history(self, key: EventKey, session: str, as_of: datetime, error: SourceError) -> SessionData:
        """Return history's answer in place of the live one that failed with ``error``; incomplete: it has no laps."""
        try:
            found = self._ask_history(self._history.session, key, session, as_of)
        except SourceError as other:
            raise _most_actionable([error, other]) from error
        tried = [{"source": self._live.name, "error": str(error)}]
        is_absent = isinstance(error, NotPublishedYet) and not isinstance(error, ClosedForNow)
        word = BLOCKED if isinstance(error, SourceBlocked) else UNAVAILABLE if is_absent else LATER
        facts = {"laps": f"{word}: {error}"}
        return replace(
            _with(found, tried=tried, facts=facts, complete=False),
            warnings=[*found.warnings, f"{self._live.name} has it not: {error}"],
        )


def differences(live: pd.DataFrame, history: pd.DataFrame, live_name: str, history_name: str) -> list[dict[str, Any]]:
    """Compare two results of one session.

    A value that only one of them has is no difference; a driver that only one of them has is one (``present``).

    Parameters
    ----------
    live, history : pandas.DataFrame
        Results with `RESULT_COLUMNS`, one row a driver; of several rows of a driver the first counts.
    live_name, history_name : str
        Names of the two sources.

    Returns
    -------
    list of dict
        One entry a driver and column of `COMPARED`: ``driver_id``, ``column``, and the value of each source under its
        name. Missing drivers first, then by driver.

    Notes
    -----
    Numbers that differ by less than 0.0005 (half a millisecond) are equal.
    """
    one, other = (frame.drop_duplicates("driver_id").set_index("driver_id") for frame in (live, history))
    found = [
        {"driver_id": driver, "column": "present", live_name: driver in one.index, history_name: driver in other.index}
        for driver in sorted(set(one.index) ^ set(other.index))
    ]
    for driver in sorted(set(one.index) & set(other.index)):
        for column in COMPARED:
            mine, theirs = one.loc[driver, column], other.loc[driver, column]
            if not (pd.isna(mine) or pd.isna(theirs) or _is_same(mine, theirs)):
                found.append(
                    {
                        "driver_id": driver,
                        "column": column,
                        live_name: _json_value(mine),
                        history_name: _json_value(theirs),
                    }
                )
    return found


def _with_tried(data: SessionData, name: str, error: SourceError) -> SessionData:
    return _with(data, tried=[{"source": name, "error": str(error)}])


def _with(data: SessionData, **more: Any) -> SessionData:
    return replace(data, provenance=data.provenance | more)


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return bool(one == other)
    return abs(float(one) - float(other)) < _TOLERANCE


def _json_value(value: Any) -> Any:
    """Return a value as JSON has it."""
    return value if isinstance(value, str) else float(value)


def _most_actionable(errors: list[SourceError]) -> SourceError:
    """Return the error that says most about what to do: wait, get access, look into it, or ask later."""

    def rank(error: SourceError) -> int:
        if isinstance(error, NotPublishedYet):
            return len(_BY_URGENCY)
        return next(place for place, kind in enumerate(_BY_URGENCY) if isinstance(error, kind))

    return min(errors, key=rank)
