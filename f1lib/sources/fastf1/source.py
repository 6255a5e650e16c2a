"""FastF1: live weekends. Schedule, results, laps, weather and race control under canonical ids.

>>> source = FastF1Source(Path(".cache/fastf1"))
>>> source.session(EventKey(2025, "Australian Grand Prix"), "Q", as_of).frames["laps"]

For each session the order is: live timing, its mirror, then Jolpica for the results of qualifying, sprint and race
(``provenance["route"]`` says which gave what; F1DB comes after, in the combined source). Why a part of a session is
missing is in ``provenance["facts"]``; ``provenance["complete"]`` is False where more can be had later. A fault that may
pass fails the whole session, so that no half answer is stored, except from `PARTIAL_FROM` to `PARTIAL_UNTIL` after it
became visible, when a prediction is waiting for it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from f1lib.domain.moments import format_utc
from f1lib.domain.weekend import SESSION_NAMES, EventKey
from f1lib.errors import NotPublishedYet, OtherEvent, SourceBlocked, SourceError
from f1lib.sources.failures import readable
from f1lib.sources.fastf1 import jolpica
from f1lib.sources.fastf1 import results as fastf1_results
from f1lib.sources.fastf1.assemble import session_frames
from f1lib.sources.fastf1.calendar import calendar
from f1lib.sources.fastf1.client import Wire, versions
from f1lib.sources.fastf1.load import Loaded, Verdict, judge, load, route
from f1lib.sources.identity import EventIdentity
from f1lib.sources.once import OnceAMoment
from f1lib.sources.plausible import words as refused_words
from f1lib.sources.protocols import BLOCKED, UNAVAILABLE, Schedule, SessionData

ATTRIBUTION = f"FastF1, https://github.com/theOehrly/Fast-F1 (Formula One's live timing); {jolpica.ATTRIBUTION}"
FIRST_SEASON = 2018  # live timing begins there
# A calendar older than this is read again before a session is asked for.
SCHEDULE_KEPT = timedelta(hours=6)
PARTIAL_FROM, PARTIAL_UNTIL = timedelta(hours=4), timedelta(hours=48)
# Timing that does not reach the session's end is accepted after a day.
UNFINISHED_UNTIL = timedelta(hours=24)
_NEXT_CALENDAR_MONTH = 12


@dataclass(frozen=True)
class _Season:
    raw: Any
    events: pd.DataFrame
    sessions: pd.DataFrame
    odd: list[str]
    calls: list[dict[str, Any]]


class FastF1Source:
    """See `protocols.SessionSource`.

    Parameters
    ----------
    cache : Path
        FastF1's cache folder.
    base : str
        Address that stands for every upstream; empty for none.
    account : tuple of str, optional
        User name and password of an F1 account.
    first_season : int
        First year that can be asked for; 2018 at the earliest, when live timing begins.
    cache_bytes : int
        Bytes that f1lib's downloads may take in ``cache``.
    entered_teams : callable
        Season and ``as_of`` -> ids of the teams that are entered by another source, for a team that `is_team` does not
        know yet.
    **options
        Fields of `http.Upstream` (politeness, sleep, chance).
    """

    name = "fastf1"
    attribution = ATTRIBUTION
    first_season = FIRST_SEASON

    def __init__(
        self,
        cache: Path,
        *,
        base: str = "",
        account: tuple[str, str] | None = None,
        first_season: int = FIRST_SEASON,
        cache_bytes: int = 500_000_000,
        entered_teams: Callable[[int, datetime], Collection[str]] = lambda _season, _as_of: (),
        **options: Any,
    ) -> None:
        self._entered_teams = entered_teams
        self._wire = Wire(
            cache, base=base, account=account, cache_bytes=cache_bytes, keep=frozenset([jolpica.HOST]), **options
        )
        self._first_season = max(first_season, FIRST_SEASON)
        self._seasons = OnceAMoment[_Season]()

    def seasons(self, as_of: datetime) -> list[int]:
        """Return the seasons up to the year of ``as_of``; in December the next one too, once its calendar is out."""
        years = list(range(self._first_season, as_of.year + 1))
        if as_of.month >= _NEXT_CALENDAR_MONTH and self._is_out(as_of.year + 1, as_of):
            years.append(as_of.year + 1)
        return years

    def schedule(self, season: int, as_of: datetime) -> Schedule:
        """See `SessionSource.schedule`; the calendar is FastF1's current one."""
        found = self._read_season(season, as_of)
        provenance = {"source": self.name, "attribution": ATTRIBUTION, "versions": versions(), "calls": found.calls}
        return Schedule(found.events.copy(), found.sessions.copy(), provenance | {"warnings": found.odd})

    def session(self, key: EventKey, session: str, as_of: datetime) -> SessionData:
        """See `SessionSource.session`: ``results``, and ``laps``, ``pit_stops``, ``weather``, ``race_control``.

        Raises `RateLimited` with the time to wait, `SourceBlocked` when nothing is left after a refusal.
        """
        row, event = self._visible(key, session, "available_utc", as_of)
        with self._wire.talk() as said:
            with readable(f"FastF1's {key} {session}"):
                asked = event.get_session(row["fastf1_name"])
            self._wire.folder.claim(asked.api_path)
            loaded = load(asked, is_qualifying=session in fastf1_results.QUALIFYING_LIKE)
            rows, trouble, is_other = self._official(row, session, loaded)
            if is_other:  # FastF1 requests by round number, too
                loaded = loaded.without_official()
            verdict = judge(self._wire.upstream.calls)
            late = as_of - row["available_utc"]
            self._require_content(f"{key} {session}", loaded, rows, verdict, late)
            if not loaded.is_over and late < UNFINISHED_UNTIL:
                self._wire.folder.drop(asked.api_path)
                raise NotPublishedYet(f"{key} {session}: live timing does not reach the end of the session yet")
            warnings = [*said, *trouble, *([loaded.failure] if loaded.failure else [])]
            season = int(row["event_year"])
            teams = self._entered_teams(season, as_of)
            with readable(f"FastF1's {key} {session}"):
                frames, refused = session_frames(loaded, rows, session, season, teams)
            provenance = self._provenance(session, frames, rows, verdict) | ({"refused": refused} if refused else {})
            return SessionData(frames, provenance, [*warnings, *refused_words(refused)])

    def starting_grid(self, key: EventKey, session: str, as_of: datetime) -> SessionData:
        """See `SessionSource.starting_grid`.

        No upstream here publishes the grid before the race: it comes with the race's results.
        """
        if session not in fastf1_results.RACE_LIKE:
            raise SourceError(f"{key} {session}: only R and S have a starting grid")
        row, _ = self._visible(key, session, "grid_available_utc", as_of)
        with self._wire.talk():
            trouble: SourceError | None = None
            try:
                rows = jolpica.ask(int(row["event_year"]), int(row["event_number"]), session, _identity(row))
            except SourceError as error:
                rows, trouble = [], error
            verdict = judge(self._wire.upstream.calls)
        if verdict.faults:
            verdict.raise_fault()
        if jolpica.HOST in verdict.refused_hosts:
            raise SourceBlocked(f"{key} starting grid of {session}: {jolpica.HOST} refuses us")
        if trouble:
            raise trouble
        if not rows:
            raise NotPublishedYet(f"{key} starting grid of {session}: Jolpica has it with the results only, not yet")
        frames = {"starting_grid": fastf1_results.starting_grid(rows)}
        provenance = self._origin() | {"route": {"starting_grid": "jolpica"}, "complete": True}
        provenance |= {"sources": {"starting_grid": "jolpica"}}
        return SessionData(frames, provenance)

    def _is_out(self, season: int, as_of: datetime) -> bool:
        try:
            self._read_season(season, as_of)
        except SourceError:
            return False
        return True

    def _read_season(self, season: int, as_of: datetime, age: timedelta = timedelta(0)) -> _Season:
        """Read the current calendar, or one that was read up to ``age`` before ``as_of``; raise `SourceError`."""
        return self._seasons.get(season, as_of, lambda: self._ask_season(season), age)

    def _ask_season(self, season: int) -> _Season:
        import fastf1

        what = f"FastF1's schedule of {season}"
        with self._wire.talk():
            try:
                raw = fastf1.get_event_schedule(season, include_testing=True, backend="fastf1")
            except (ValueError, SystemExit) as error:
                verdict = judge(self._wire.upstream.calls)
                if verdict.faults:
                    verdict.raise_fault()
                if verdict.refused_hosts:
                    raise SourceBlocked(f"{what}: {', '.join(verdict.refused_hosts)} refuses us") from error
                raise SourceError(f"{what} cannot be had: {error}") from error
            calls = [call.record() for call in self._wire.upstream.calls]
        with readable(what):
            events, sessions, odd = calendar(raw, season)
        return _Season(raw, events, sessions, odd, calls)

    def _visible(self, key: EventKey, session: str, moment: str, as_of: datetime) -> tuple[dict[str, Any], Any]:
        """Return the session's row of the calendar and FastF1's event; raise `NotPublishedYet` before its time."""
        known = self._read_season(key.season, as_of, SCHEDULE_KEPT)
        rows = known.sessions
        found = rows[(rows["event_partition_key"] == key.partition_key) & (rows["session"] == session)]
        if found.empty:
            raise SourceError(f"FastF1's schedule has no session {session} of {key}")
        row: dict[str, Any] = {str(name): value for name, value in found.iloc[0].to_dict().items()}
        if as_of < row[moment]:
            visible = format_utc(row[moment])
            raise NotPublishedYet(f"{key} {session} is visible from {visible}, not yet at {format_utc(as_of)}")
        event = known.raw[known.raw["RoundNumber"] == row["event_number"]].iloc[0]
        names = [event[f"Session{n}"] for n in range(1, 6)]
        name = SESSION_NAMES[session] if SESSION_NAMES[session] in names else "Sprint Qualifying"
        own = known.events[known.events["event_partition_key"] == key.partition_key].iloc[0]
        place = {"circuit_id": str(own["circuit_id"]), "race_start_utc": own["race_start_utc"]}
        return row | place | {"fastf1_name": name}, event

    def _official(self, row: dict[str, Any], session: str, loaded: Loaded) -> tuple[list[jolpica.Row], list[str], bool]:
        """Return Jolpica's rows: read from FastF1's own request, or fetched where FastF1 did not make one.

        With them come the warnings, and whether the answer is of another event, because Jolpica counts rounds
        differently.
        """
        if session not in jolpica.ENDPOINTS:
            return [], [], False
        season, number = int(row["event_year"]), int(row["event_number"])
        path = f"/{season}/{number}/{jolpica.ENDPOINTS[session]}.json"
        try:
            for url, body in self._wire.upstream.bodies.items():
                if url.split("?")[0].endswith(path):
                    return jolpica.official(body, season, session, _identity(row)), [], False
            if loaded.failure:
                return jolpica.ask(season, number, session, _identity(row)), [], False
        except OtherEvent as error:
            return [], [str(error)], True
        except SourceError as error:
            return [], [str(error)], False
        return [], [], False

    def _require_content(self, what: str, loaded: Loaded, rows: list[Any], verdict: Verdict, late: timedelta) -> None:
        """Raise unless the answer is worth storing."""
        something = bool(rows) or loaded.laps is not None
        if verdict.faults and not (something and PARTIAL_FROM <= late <= PARTIAL_UNTIL):
            verdict.raise_fault()
        if something:
            return
        if verdict.is_blocked or verdict.refused_hosts:
            raise SourceBlocked(f"{what}: live timing refuses us, and no other upstream has it")
        if loaded.failure:
            raise SourceError(f"{what}: {loaded.failure}")
        raise NotPublishedYet(f"{what}: no laps ({verdict.fact('laps')}) and no results yet")

    def _origin(self) -> dict[str, Any]:
        calls = [call.record() for call in self._wire.upstream.calls]
        return {"source": self.name, "attribution": ATTRIBUTION, "versions": versions(), "calls": calls}

    def _provenance(
        self, session: str, frames: dict[str, pd.DataFrame], rows: list[Any], verdict: Verdict
    ) -> dict[str, Any]:
        timing = route(verdict)
        parts = {name: timing for name in frames if name != "results"}
        results = "jolpica" if rows and "laps" not in frames else f"jolpica and {timing}" if rows else timing
        missing = {name: verdict.fact(name) for name in ("laps", "weather", "race_control") if name not in frames}
        if session in jolpica.ENDPOINTS and not rows:
            refused = jolpica.HOST in verdict.refused_hosts
            missing["official_results"] = f"{BLOCKED if refused else UNAVAILABLE}: Jolpica; computed from timing"
        whole = "laps" in frames and "official_results" not in missing and not verdict.faults
        found = self._origin() | {"route": {"results": results, **parts}, "facts": missing, "complete": whole}
        return found | {"sources": {"results": "jolpica"}} if results == "jolpica" else found


def _identity(row: dict[str, Any]) -> EventIdentity:
    return EventIdentity(str(row["event_name"]), row["circuit_id"], row["race_start_utc"].date())
