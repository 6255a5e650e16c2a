"""What every upstream looks like from inside: two small protocols and the answer they share.

A source turns an upstream's answer into frames with FastF1's meaning under canonical ids. It never writes
to the lake and never reads a clock: ``as_of`` says what may be seen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from f1lib.domain.weekend import EventKey

RESULT_COLUMNS = (
    "driver_id driver_number abbreviation full_name team_id team_name position position_text grid_position grid_text "
    "status_text points laps race_time_seconds gap_seconds gap_laps best_lap_seconds q1_seconds q2_seconds q3_seconds "
    "pit_stop_count"
).split()
GRID_COLUMNS = (
    "driver_id driver_number abbreviation full_name team_id team_name position position_text grid_penalty_positions"
).split()
ENTRY_COLUMNS = "driver_id abbreviation full_name team_id team_name".split()
PIT_STOP_COLUMNS = ["driver_id", "stop", "lap", "duration_seconds"]
WEATHER_COLUMNS = (
    "time_seconds air_temp_c humidity_pct pressure_mbar rainfall track_temp_c wind_direction_deg wind_speed_kmh"
).split()
RACE_CONTROL_COLUMNS = "time_utc lap category flag scope sector driver_number message".split()
# How a fact of a provenance begins: the part that an answer lacks was refused to us, or is not to be had.
BLOCKED, UNAVAILABLE = "blocked", "unavailable"
_TEXTS = (
    "driver_id driver_number abbreviation full_name team_id team_name position_text grid_text status_text category "
    "flag scope message"
).split()
_COUNTS = "position grid_position laps gap_laps pit_stop_count grid_penalty_positions stop lap sector".split()


@dataclass(frozen=True)
class Schedule:
    """A season's calendar: ``events`` (a row an event) and ``sessions`` (a row an event and session).

    ``entries``: who is entered for the season's first race, a row a driver (`ENTRY_COLUMNS`); None when the upstream
    does not say.
    """

    events: pd.DataFrame
    sessions: pd.DataFrame
    provenance: dict[str, Any] = field(default_factory=dict)
    entries: pd.DataFrame | None = None


@dataclass(frozen=True)
class SessionData:
    """One session's answer.

    ``frames`` maps ``results``, ``pit_stops``, ``laps``, ``weather``, ``race_control`` or
    ``starting_grid`` to a frame; what the upstream does not know is absent. ``provenance`` says which
    calls or files gave it and their hashes; ``warnings`` what was odd.
    """

    frames: dict[str, pd.DataFrame]
    provenance: dict[str, Any]
    warnings: list[str] = field(default_factory=list)


def dtype_of(column: str) -> str:
    """The pandas dtype of a column of the lists above, but for those of weather."""
    if column == "time_utc":
        return "datetime64[us, UTC]"
    return "string" if column in _TEXTS else "Int64" if column in _COUNTS else "float64"


def shaped(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """``columns`` of ``frame`` in order and in one dtype each, however many of their values are null or not there."""
    return frame.reindex(columns=columns).astype({name: dtype_of(name) for name in columns})


class SessionSource(Protocol):
    """Schedules and sessions of one upstream."""

    name: str
    attribution: str

    def seasons(self, as_of: datetime) -> list[int]:
        """The seasons this source knows at ``as_of``, ascending."""

    def schedule(self, season: int, as_of: datetime) -> Schedule:
        """The season's calendar, future events included.

        Raises `SourceError` for a season the source does not know.
        """

    def session(self, key: EventKey, session: str, as_of: datetime) -> SessionData:
        """The answer of one session.

        Raises `NotPublishedYet` before it is visible or while the upstream has no rows for it, and another
        `SourceError` when the upstream fails.
        """

    def starting_grid(self, key: EventKey, session: str, as_of: datetime) -> SessionData:
        """The official starting grid of ``R`` or ``S``, visible from its own time; errors as `session`."""


class WeatherSource(Protocol):
    """Forecasts of one upstream."""

    name: str
    attribution: str

    def forecast(self, event: dict[str, Any], sessions: list[dict[str, Any]], as_of: datetime) -> dict[str, Any] | None:
        """The newest forecast visible at ``as_of`` for the event's race and sprint hours.

        ``event`` is a row of table ``events``, ``sessions`` its rows of ``sessions``. The document has
        Open-Meteo's shape (``hourly`` lists in UTC) plus an ``f1lib`` envelope with ``provenance`` and
        ``issued_utc``. None when the event is out of the forecast's reach.
        """
