"""Sessions, event formats, horizons and event keys.

Pure values: nothing here reads a clock, a file or a network.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from f1lib.errors import BadParameters


class SessionCode(StrEnum):
    """FastF1's session abbreviations (FP1 is ``P1`` in the lake's paths and keys)."""

    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    Q = "Q"
    SQ = "SQ"
    SS = "SS"
    S = "S"
    R = "R"


SESSION_NAMES: dict[str, str] = {
    "P1": "Practice 1",
    "P2": "Practice 2",
    "P3": "Practice 3",
    "Q": "Qualifying",
    "SQ": "Sprint Qualifying",
    "SS": "Sprint Shootout",
    "S": "Sprint",
    "R": "Race",
}
# What is predicted and scored, in words.
RACE_OR_SPRINT = {"R": "race", "S": "sprint"}
# Scheduled length of a session. FIA Sporting Regulations: practice and qualifying take an hour, sprint
# qualifying 44 minutes with its breaks, the sprint about half an hour (at most one), a race at most two
# hours of racing; `PUBLICATION_LAG` allows for red flags.
SESSION_LENGTH: dict[str, timedelta] = dict.fromkeys(SESSION_NAMES, timedelta(hours=1)) | {
    "SQ": timedelta(minutes=45),
    "SS": timedelta(minutes=45),
    "R": timedelta(hours=2),
}
# Time after a session's scheduled end from which its answer is taken to be visible.
PUBLICATION_LAG = timedelta(minutes=30)
# The final starting grid is published at the latest one hour before the formation lap
# (FIA Sporting Regulations, article on the starting grid).
GRID_LEAD = timedelta(hours=1)


class EventFormat(StrEnum):
    """FastF1's ``EventFormat`` values."""

    CONVENTIONAL = "conventional"
    SPRINT = "sprint"  # 2021-22: Friday's qualifying grids the sprint, the sprint grids the race
    SPRINT_SHOOTOUT = "sprint_shootout"  # 2023
    SPRINT_QUALIFYING = "sprint_qualifying"  # 2024 on


# Sessions in the order they are run: days before the race, and hour of local time. The usual timetable of those years
# (Formula One's own event schedules); a race at night or on a Saturday keeps the shape, not the hour.
LOCAL: dict[str, dict[str, tuple[int, float]]] = {
    "conventional": {"P1": (2, 10), "P2": (2, 14), "P3": (1, 11), "Q": (1, 14), "R": (0, 14)},
    "sprint": {"P1": (2, 11), "Q": (2, 17), "P2": (1, 11), "S": (1, 16), "R": (0, 14)},
    "sprint_shootout": {"P1": (2, 12), "Q": (2, 16), "SS": (1, 11), "S": (1, 15.5), "R": (0, 14)},
    "sprint_qualifying": {"P1": (2, 11), "SQ": (2, 15), "S": (1, 11), "Q": (1, 15), "R": (0, 14)},
}
FORMAT_SESSIONS: dict[str, tuple[str, ...]] = {name: tuple(sessions) for name, sessions in LOCAL.items()}


def session_columns(session: str, start: datetime, *, is_estimated: bool) -> dict[str, Any]:
    """Return the row of table ``sessions`` of one session, without the keys of its event.

    Parameters
    ----------
    session : str
        Code of the session.
    start : datetime
        Its scheduled start, aware UTC.
    is_estimated : bool
        Whether the start is estimated.

    Returns
    -------
    dict
        Code, name, start and end of the session, and when its results and (of ``R`` and ``S``) its grid are visible.
    """
    end = start + SESSION_LENGTH[session]
    return {
        "session": session,
        "session_name": SESSION_NAMES[session],
        "time_is_estimated": is_estimated,
        "session_start_utc": start,
        "session_end_utc": end,
        "available_utc": end + PUBLICATION_LAG,
        "grid_available_utc": start - GRID_LEAD if session in ("R", "S") else None,
    }


def gridding_session(event_format: str, session: str) -> str:
    """Return the qualifying session of ``R`` or ``S``: ``Q``, ``SS`` or ``SQ``.

    In 2021-22 Friday's qualifying set the grid of the sprint and the sprint that of the race. ``Q`` is returned for
    both: it is the order of pace over one lap, and the official grid is known for itself.
    """
    if session == "R" or event_format == EventFormat.SPRINT:
        return "Q"
    return "SS" if event_format == EventFormat.SPRINT_SHOOTOUT else "SQ"


class Horizon(StrEnum):
    """How much of a weekend a prediction knows, in the order in which the weekend reveals it."""

    PRE_WEEKEND = "pre_weekend"
    POST_PRACTICE = "post_practice"
    POST_QUALIFYING = "post_qualifying"
    PRE_RACE = "pre_race"


HORIZONS: tuple[str, ...] = tuple(h.value for h in Horizon)
# Completes "the forecast ...".
HORIZON_WORDS: dict[str, str] = {
    Horizon.PRE_WEEKEND: "before the weekend",
    Horizon.POST_PRACTICE: "after practice",
    Horizon.POST_QUALIFYING: "after qualifying",
    Horizon.PRE_RACE: "with the official grid",
}


@dataclass(frozen=True, order=True)
class EventKey:
    """One race weekend, named as FastF1 names it: ``EventKey(2025, "Australian Grand Prix")``."""

    season: int
    event_name: str

    @property
    def folder(self) -> str:
        """The name in the lake's paths: ``Australian_Grand_Prix``."""
        return slug(self.event_name)

    @property
    def partition_key(self) -> str:
        """The key of the tracking table: ``2025_Australian_Grand_Prix``."""
        return f"{self.season}_{self.folder}"

    @classmethod
    def parse(cls, partition_key: str) -> EventKey:
        """Read ``2025_Australian_Grand_Prix`` back.

        Raises `BadParameters` for anything that does not start with a year and an underscore.
        """
        match = re.fullmatch(r"(\d{4})_(\S+)", unicodedata.normalize("NFC", partition_key.strip()))
        if not match:
            raise BadParameters(
                f"event {partition_key!r} is not of the form 2025_Australian_Grand_Prix; "
                "`f1 status` lists the known ones"
            )
        return cls(int(match[1]), match[2].replace("_", " "))

    def __str__(self) -> str:
        return self.partition_key


def slug(event_name: str) -> str:
    """Return an event's name as one path segment: ``São Paulo Grand Prix`` -> ``São_Paulo_Grand_Prix``.

    Separators and control characters from upstream become ``-``, so that no name can leave its folder.
    """
    name = unicodedata.normalize("NFC", event_name).strip()
    name = re.sub(r"[/\\\x00-\x1f:*?\"<>|#]+", "-", name)
    return re.sub(r"\s+", "_", name).lstrip(".") or "-"


def plain(text: str) -> str:
    """Return a name in lower case without accents, blanks, hyphens or underscores, for comparison."""
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[\s_\-']+", "", ascii_only).lower()


def before_race(event_format: str, session: str) -> timedelta:
    """Return how long before the race a session usually starts, after `LOCAL`; also that of a race at night."""
    (days, hour), (_, race) = LOCAL[event_format][session], LOCAL[event_format]["R"]
    return timedelta(days=days, hours=race - hour)
