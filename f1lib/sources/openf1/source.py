"""OpenF1: live timing since 2023 from a host of its own, without an account and not refused to cloud addresses.

>>> source = OpenF1Source(session(politeness=politeness()), calendar)
>>> source.session(EventKey(2025, "Australian Grand Prix"), "P1", as_of).frames["laps"]

It has no calendar here: an event is found in its lists by name, circuit and date (law 8), and drivers by the list of
their own session. Cars are numbers in every other row. `session` gives the frames that FastF1's timing gives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from f1lib.domain.moments import format_utc, parse_utc
from f1lib.domain.weekend import SESSION_NAMES, EventKey, gridding_session
from f1lib.errors import BadParameters, NotPublishedYet, SourceError
from f1lib.sources.failures import readable
from f1lib.sources.fastf1 import results as fastf1_results
from f1lib.sources.fastf1.assemble import session_frames
from f1lib.sources.http import upstream_of
from f1lib.sources.identity import EventIdentity, identity_of
from f1lib.sources.once import OnceAMoment
from f1lib.sources.openf1.client import ATTRIBUTION, HOST, ask
from f1lib.sources.openf1.frames import listed, loaded, named_drivers
from f1lib.sources.openf1.results import grid, official
from f1lib.sources.plausible import words
from f1lib.sources.protocols import UNAVAILABLE, Schedule, SessionData

if TYPE_CHECKING:
    import requests

FIRST_SEASON = 2023
# Its lists of a season, older than this, are read again before a session is asked for.
LISTS_KEPT = timedelta(hours=6)
# A session whose flag was not shown yet is accepted after a day.
UNFINISHED_UNTIL = timedelta(hours=24)
_OF_A_SESSION = ("laps", "stints", "pit", "weather", "race_control", "session_result")
Row = dict[str, Any]


class OpenF1Source:
    """Sessions and starting grids as of `protocols.SessionSource`.

    Parameters
    ----------
    web : requests.Session
        As of `f1lib.sources.http.session`, with `client.politeness`.
    calendar : callable
        Season and ``as_of`` -> the calendar in force.
    """

    name = "openf1"
    attribution = ATTRIBUTION
    first_season = FIRST_SEASON

    def __init__(self, web: requests.Session, calendar: Callable[[int, datetime], Schedule]) -> None:
        self._web = web
        self._calendar = calendar
        self._lists = OnceAMoment[dict[str, list[Row]]]()

    def session(self, key: EventKey, session: str, as_of: datetime) -> SessionData:
        """See `SessionSource.session`: ``results``, and ``laps``, ``pit_stops``, ``weather``, ``race_control``.

        Raises `ClosedForNow` while a session is in progress: everybody without an account waits then.
        """
        upstream_of(self._web).forget()
        what = f"{key} {session}"
        own, event = self._visible(key, session, "available_utc", as_of)
        with readable(f"OpenF1's {what}"):
            found = self._found(event, session, as_of, what)
            rows = {name: ask(self._web, name, session_key=found["session_key"]) for name in _OF_A_SESSION}
            if not rows["laps"] and not rows["session_result"]:
                raise NotPublishedYet(f"{what}: no laps and no results yet")
            rows["drivers"] = self._drivers(found)
            timing = loaded(rows, parse_utc(found["date_start"]))
            if not timing.is_over and as_of - own["available_utc"] < UNFINISHED_UNTIL:
                raise NotPublishedYet(f"{what}: its rows do not reach the end of the session yet")
            who = self._people(timing.listed, key.season, as_of)
            placed = official(rows["session_result"], who, session)
            frames, refused = session_frames(timing, placed, session, key.season, self._teams(key.season, as_of))
        unknown = sorted({str(row.get("driver_number")) for row in rows["laps"]} - set(who))
        odd = [f"OpenF1 gives car {', '.join(unknown)} to nobody"] if unknown else []
        missing = {
            name: f"{UNAVAILABLE}: OpenF1 has none"
            for name in ("laps", "weather", "race_control")
            if name not in frames
        }
        if session in fastf1_results.RACE_LIKE or (session == "Q" and not placed):
            missing["official_results"] = f"{UNAVAILABLE}: OpenF1 has no grid and no status of drivers"
        provenance = self._origin(frames) | {
            "facts": missing,
            "complete": not {"laps", "official_results"} & set(missing),
        }
        provenance |= {"refused": refused} if refused else {}
        return SessionData(frames, provenance, [*odd, *words(refused)])

    def starting_grid(self, key: EventKey, session: str, as_of: datetime) -> SessionData:
        """See `SessionSource.starting_grid`; OpenF1 files it under the session that sets it."""
        upstream_of(self._web).forget()
        what = f"{key} starting grid of {session}"
        if session not in fastf1_results.RACE_LIKE:
            raise SourceError(f"{what}: only R and S have a starting grid")
        _, event = self._visible(key, session, "grid_available_utc", as_of)
        with readable(f"OpenF1's {what}"):
            setting = gridding_session(event["event_format"], session)
            found = [self._found(event, name, as_of, what) for name in (setting, session)]
            rows = ask(self._web, "starting_grid", meeting_key=found[0]["meeting_key"])
            mine = [row for row in rows if row["session_key"] in [one["session_key"] for one in found]]
            who = self._people(listed(self._drivers(found[0])), key.season, as_of)
            slots = grid(mine, who)
        if not slots:
            raise NotPublishedYet(f"{what}: none yet")
        frames = {"starting_grid": fastf1_results.starting_grid(slots)}
        return SessionData(frames, self._origin(frames) | {"complete": True})

    def _visible(self, key: EventKey, session: str, moment: str, as_of: datetime) -> tuple[Row, Row]:
        """Return the rows of a session and of its event in the calendar; raise `NotPublishedYet` before its time."""
        if key.season < FIRST_SEASON:
            raise SourceError(f"OpenF1 begins in {FIRST_SEASON}: it has nothing of {key}")
        known = self._calendar(key.season, as_of)
        sessions, events = known.sessions.to_dict("records"), known.events.to_dict("records")
        mine = [r for r in sessions if (r["event_partition_key"], r["session"]) == (key.partition_key, session)]
        if not mine:
            raise SourceError(f"the calendar of {key.season} has no session {session} of {key}")
        if as_of < mine[0][moment]:
            raise NotPublishedYet(f"{key} {session} is visible from {format_utc(mine[0][moment])}")
        event = next(row for row in events if row["event_partition_key"] == key.partition_key)
        return {str(k): v for k, v in mine[0].items()}, {str(k): v for k, v in event.items()}

    def _found(self, event: Mapping[Any, Any], session: str, as_of: datetime, what: str) -> Row:
        """Return OpenF1's row of a session of the event with this name, circuit and date."""

        def read() -> dict[str, list[Row]]:
            return {name: ask(self._web, name, year=event["event_year"]) for name in ("meetings", "sessions")}

        lists = self._lists.get(event["event_year"], as_of, read, LISTS_KEPT)
        for meeting in lists["meetings"]:
            held = [row for row in lists["sessions"] if row["meeting_key"] == meeting["meeting_key"]]
            found = [row for row in held if row["session_name"] == SESSION_NAMES[session]]
            if found and _identity(meeting, held).is_same(identity_of(event)):
                return found[0]
        raise NotPublishedYet(f"{what}: OpenF1 does not list it yet")

    def _drivers(self, found: Row) -> list[Row]:
        return named_drivers(ask(self._web, "drivers", meeting_key=found["meeting_key"]), found["session_key"])

    def _people(self, named: Any, season: int, as_of: datetime) -> dict[str, Row]:
        return fastf1_results.people(named, [], season, self._teams(season, as_of))

    def _teams(self, season: int, as_of: datetime) -> set[str]:
        entries = self._calendar(season, as_of).entries
        return set() if entries is None else set(entries["team_id"])

    def _origin(self, frames: Mapping[str, Any]) -> Row:
        calls = [call.record() for call in upstream_of(self._web).calls]
        return {"source": self.name, "attribution": ATTRIBUTION, "calls": calls, "route": dict.fromkeys(frames, HOST)}


def _identity(meeting: Row, held: list[Row]) -> EventIdentity:
    return EventIdentity(meeting["meeting_name"], meeting["location"], _race_day(held))


def _race_day(held: list[Row]) -> date:
    try:
        return max(parse_utc(row["date_start"]) for row in held).date()
    except BadParameters as error:
        raise SourceError(f"OpenF1's list of sessions: {error}") from error
