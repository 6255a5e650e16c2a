"""Protocols that every upstream implements, and the answers they give.

A source turns an upstream's answer into frames with FastF1's meaning under canonical ids. It never writes to the lake
and never reads a clock: ``as_of`` says what may be seen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from f1lib.domain.weekend import EventKey

if TYPE_CHECKING:
    import pandas as pd

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
# Open-Meteo's variables and units; both are checked, since numbers in m/s or Fahrenheit look plausible too.
FORECAST_UNITS = {
    "temperature_2m": "°C",
    "relative_humidity_2m": "%",
    "precipitation": "mm",
    "precipitation_probability": "%",
    "wind_speed_10m": "km/h",
    "wind_direction_10m": "°",
}
# First word of a fact in a provenance: why a part of an answer is missing.
BLOCKED, UNAVAILABLE, LATER = "blocked", "unavailable", "later"
_TEXTS = (
    "driver_id driver_number abbreviation full_name team_id team_name position_text grid_text status_text category "
    "flag scope message"
).split()
_COUNTS = "position grid_position laps gap_laps pit_stop_count grid_penalty_positions stop lap sector".split()


@dataclass(frozen=True)
class Schedule:
    """Calendar of a season: ``events`` (a row an event) and ``sessions`` (a row an event and session).

    ``entries``: the drivers entered for the season's first race, a row a driver (`ENTRY_COLUMNS`); None when the
    upstream does not say.
    """

    events: pd.DataFrame
    sessions: pd.DataFrame
    provenance: dict[str, Any] = field(default_factory=dict)
    entries: pd.DataFrame | None = None


@dataclass(frozen=True)
class SessionData:
    """Answer of one session.

    ``frames`` maps ``results``, ``pit_stops``, ``laps``, ``weather``, ``race_control`` or ``starting_grid`` to a frame;
    what the upstream does not know is absent. ``provenance`` names the ``source``, that of single frames where it is
    another (``sources``), the calls or files and their hashes; ``warnings`` what was unusual.
    """

    frames: dict[str, pd.DataFrame]
    provenance: dict[str, Any]
    warnings: list[str] = field(default_factory=list)


def dtype_of(column: str) -> str:
    """Return the pandas dtype of a column of the lists above, except those of weather."""
    if column == "time_utc":
        return "datetime64[us, UTC]"
    return "string" if column in _TEXTS else "Int64" if column in _COUNTS else "float64"


def shaped(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Give a frame the columns and dtypes of a source's frames.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of one grain, with some of ``columns``.
    columns : list of str
        Such as `RESULT_COLUMNS`.

    Returns
    -------
    pandas.DataFrame
        The same rows with ``columns``, in order, each in the dtype of `dtype_of` even where all its values are null or
        the column was missing.
    """
    return frame.reindex(columns=columns).astype({name: dtype_of(name) for name in columns})


class SessionSource(Protocol):
    """Schedules and sessions of one upstream."""

    name: str
    attribution: str

    def seasons(self, as_of: datetime) -> list[int]:
        """Return the seasons that this source knows at ``as_of``, ascending."""

    def schedule(self, season: int, as_of: datetime) -> Schedule:
        """Return the season's calendar, future events included.

        Raises `SourceError` for a season that the source does not know.
        """

    def session(self, key: EventKey, session: str, as_of: datetime) -> SessionData:
        """Return the answer of one session.

        Parameters
        ----------
        key : EventKey
            The event.
        session : str
            Code of the session, such as ``Q``.
        as_of : datetime
            Time of the request, aware UTC.

        Returns
        -------
        SessionData
            At least ``results``, one row a driver in the order of the classification, with `RESULT_COLUMNS`: times and
            gaps in seconds.

        Raises
        ------
        NotPublishedYet
            Before the session is visible, and while the upstream has no rows of it.
        RateLimited, SourceBlocked
            When the upstream limits the rate or refuses us.
        SourceError
            When the event has no such session, and when the upstream fails otherwise.
        """

    def starting_grid(self, key: EventKey, session: str, as_of: datetime) -> SessionData:
        """Return the official starting grid of a race or sprint.

        Parameters
        ----------
        key : EventKey
            The event.
        session : str
            ``R`` or ``S``.
        as_of : datetime
            Time of the request, aware UTC. The grid becomes visible at a time of its own, before the start.

        Returns
        -------
        SessionData
            ``starting_grid``, one row a driver in grid order, pit-lane starters last, with `GRID_COLUMNS`.

        Raises
        ------
        NotPublishedYet, RateLimited, SourceBlocked, SourceError
            As `session` does.
        """


class WeatherSource(Protocol):
    """Forecasts of one upstream."""

    name: str
    attribution: str

    def forecast(self, event: dict[str, Any], sessions: list[dict[str, Any]], as_of: datetime) -> dict[str, Any] | None:
        """Return the newest forecast visible at ``as_of`` for the hours of an event's race and sprint.

        Parameters
        ----------
        event : dict
            Row of table ``events``.
        sessions : list of dict
            Its rows of table ``sessions``.
        as_of : datetime
            Time for which the forecast is asked, aware UTC.

        Returns
        -------
        dict or None
            A document of Open-Meteo's shape (``hourly`` lists in UTC: C, %, mm, km/h, degrees) with an envelope
            ``f1lib`` that has ``provenance`` and ``issued_utc``. None when no forecast reaches the event.

        Raises
        ------
        SourceError
            When the upstream fails, and for an event that it cannot locate.
        """
