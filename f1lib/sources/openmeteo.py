"""Open-Meteo (https://open-meteo.com, CC BY 4.0): what was forecast for a race weekend, and what was measured.

>>> source = OpenMeteoSource(session(base), now=now)
>>> source.forecast(event, sessions, as_of)["hourly"]["precipitation"]

Training must see a forecast of the lead that serving will have. A moment that is now is answered by the
forecast of now. A past one is answered by the forecasts of its own days (Previous Runs, from 2024): for an
hour that lay h hours ahead, the run of ceil(h / 24) days before it, at least one day, so that nothing issued
after that moment is in it. Before 2024 only the last hours before an event have a match (Historical Forecast,
stitched from the first hours of each run); for longer leads the forecast is missing, never the archive in its
place. The archive (ERA5) is an observation and nothing else.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from f1lib.domain.moments import format_utc, parse_utc
from f1lib.errors import SourceError
from f1lib.sources.http import get_json, upstream_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import requests

ATTRIBUTION = "Open-Meteo, https://open-meteo.com (CC BY 4.0)"
FORECAST = "https://api.open-meteo.com/v1/forecast"
PREVIOUS_RUNS = "https://previous-runs-api.open-meteo.com/v1/forecast"
HISTORICAL_FORECAST = "https://historical-forecast-api.open-meteo.com/v1/forecast"
ARCHIVE = "https://archive-api.open-meteo.com/v1/archive"

# Variable -> unit; asked for and checked, since the same numbers in m/s or Fahrenheit look as good.
UNITS = {
    "temperature_2m": "°C",
    "relative_humidity_2m": "%",
    "precipitation": "mm",
    "precipitation_probability": "%",
    "wind_speed_10m": "km/h",
    "wind_direction_10m": "°",
}
_NO_PROBABILITY = tuple(name for name in UNITS if name != "precipitation_probability")
REACH_DAYS = 15  # the forecast covers 16 days, today included
# A moment this close to the clock is now: its forecast is the one that is online.
PRESENT = timedelta(hours=3)
PREVIOUS_RUNS_FROM = date(2024, 1, 1)  # most models are archived from then on
LONGEST_LEAD_DAYS = 7  # `_previous_day7` is the last
HISTORICAL_FROM = date(2021, 3, 23)
HISTORICAL_LEAD = timedelta(hours=6)  # models run every 1 to 6 hours; a stitched series is no older than that
ARCHIVE_LAG = timedelta(days=5)  # ERA5 comes that late
_RACES = ("R", "S")


class OpenMeteoSource:
    """See `sources.base.WeatherSource`. ``web`` is a session of `transport.session`.

    ``now`` is the clock's time when the source was opened: it tells a moment that is now from one that is
    being replayed.
    """

    name = "openmeteo"
    attribution = ATTRIBUTION

    def __init__(self, web: requests.Session, *, now: datetime) -> None:
        self._web = web
        self._now = now
        self._runs: dict[Any, dict[str, Any]] = {}

    def forecast(self, event: dict[str, Any], sessions: list[dict[str, Any]], as_of: datetime) -> dict[str, Any] | None:
        """See `WeatherSource.forecast`: whole days in UTC that hold the race and sprint; None out of reach.

        Missing values are null. The envelope ``f1lib`` adds ``lead_days`` (session -> age of the run in days,
        0 for the forecast of now). Raises `SourceError` when Open-Meteo fails or answers in other units, and
        for an event without coordinates.
        """
        hours = race_hours(sessions)
        first, last = min(hours.values()), max(hours.values())
        if as_of >= self._now - PRESENT:
            if (last.date() - as_of.date()).days > REACH_DAYS or first.date() < as_of.date() - timedelta(days=1):
                return None
            return self._live(event, hours, as_of)
        if first.date() >= PREVIOUS_RUNS_FROM:
            return self._previous(event, hours, as_of)
        if first.date() >= HISTORICAL_FROM and timedelta(0) <= last - as_of <= HISTORICAL_LEAD:
            document = self._ask(HISTORICAL_FORECAST, event, hours, tuple(UNITS))
            return _envelope(document, "historical_forecast", event, as_of, dict.fromkeys(hours, 0))
        return None

    def observed(self, event: dict[str, Any], sessions: list[dict[str, Any]], as_of: datetime) -> dict[str, Any] | None:
        """The archive's values of the race and sprint days: an observation; None until it is complete.

        Raises as `forecast` does.
        """
        hours = race_hours(sessions)
        if as_of < max(hours.values()) + ARCHIVE_LAG:
            return None
        document = self._ask(ARCHIVE, event, hours, _NO_PROBABILITY)
        return _envelope(document, "archive", event, as_of, dict.fromkeys(hours, 0))

    def _live(self, event: Mapping[str, Any], hours: Mapping[str, datetime], as_of: datetime) -> dict[str, Any]:
        document = self._ask(FORECAST, event, hours, tuple(UNITS))
        return _envelope(document, "forecast", event, as_of, dict.fromkeys(hours, 0))

    def _previous(
        self, event: Mapping[str, Any], hours: Mapping[str, datetime], as_of: datetime
    ) -> dict[str, Any] | None:
        """The forecast as it stood at ``as_of``, put together hour by hour from the runs of the days before."""
        leads = {session: lead_days(last, as_of) for session, last in hours.items()}
        if max(leads.values()) > LONGEST_LEAD_DAYS:
            return None
        days = sorted({lead_days(moment, as_of) for moment in _asked_hours(hours)})
        document = self._runs_of(event, hours)
        times = [parse_utc(text) for text in document["hourly"]["time"]]
        hourly: dict[str, list[Any]] = {"time": document["hourly"]["time"]}
        for name in _NO_PROBABILITY:
            runs = {n: document["hourly"].get(f"{name}_previous_day{n}") for n in days}
            hourly[name] = [(runs.get(lead_days(at, as_of)) or {i: None})[i] for i, at in enumerate(times)]
        hourly["precipitation_probability"] = [None] * len(times)
        whole = {**document, "hourly": hourly, "hourly_units": {"time": "iso8601"} | UNITS}
        return _envelope(whole, "historical_forecast", event, as_of, leads)

    def _runs_of(self, event: Mapping[str, Any], hours: Mapping[str, datetime]) -> dict[str, Any]:
        """Every run of the week before an event in one call; the moments of its weekend are all read from it."""
        key = (str(event["event_partition_key"]), tuple(sorted(hours.items())))
        if key not in self._runs:
            days = range(1, LONGEST_LEAD_DAYS + 1)
            names = tuple(f"{name}_previous_day{n}" for name in _NO_PROBABILITY for n in days)
            self._runs = {key: self._ask(PREVIOUS_RUNS, event, hours, names)}  # events come one after another
        return self._runs[key]

    def _ask(
        self, url: str, event: Mapping[str, Any], hours: Mapping[str, datetime], names: Sequence[str]
    ) -> dict[str, Any]:
        """One call; the answer's units and length checked."""
        where = f"{event['event_partition_key']} at {url.split('/')[2]}"
        latitude, longitude = event.get("latitude"), event.get("longitude")
        if not _is_number(latitude) or not _is_number(longitude):
            raise SourceError(f"{where}: the event has no coordinates; add its circuit to circuits.csv")
        days = sorted(moment.date() for moment in _asked_hours(hours))
        params = {
            "latitude": f"{latitude:.4f}",
            "longitude": f"{longitude:.4f}",
            "hourly": ",".join(names),
            "start_date": days[0].isoformat(),
            "end_date": days[-1].isoformat(),
            "timezone": "UTC",
            "temperature_unit": "celsius",
            "wind_speed_unit": "kmh",
            "precipitation_unit": "mm",
        }
        upstream_of(self._web).forget()
        document: dict[str, Any] = get_json(self._web, url, params)
        _check(document, names, where)
        return document | {"_calls": [call.record() for call in upstream_of(self._web).calls]}


def race_hours(sessions: list[dict[str, Any]]) -> dict[str, datetime]:
    """Session -> its scheduled end in UTC, of race and sprint; raises `SourceError` for an event without a race."""
    ends = {str(row["session"]): row["session_end_utc"] for row in sessions if row["session"] in _RACES}
    if "R" not in ends:
        raise SourceError("a forecast is asked for an event without a race")
    return {session: end.to_pydatetime() if hasattr(end, "to_pydatetime") else end for session, end in ends.items()}


def lead_days(moment: datetime, as_of: datetime) -> int:
    """How many days old a run must be at ``moment`` so that it was issued by ``as_of``: 1 at least."""
    return max(1, math.ceil((moment - as_of).total_seconds() / 86400))


def _asked_hours(hours: Mapping[str, datetime]) -> list[datetime]:
    """Every hour of the UTC days from the first session's start (three hours before its end at most) to the hour
    after the last one, in whose sum the last rain of the session stands."""
    first = min(hours.values()) - timedelta(hours=3)
    start = first.replace(hour=0, minute=0, second=0, microsecond=0)
    stop = (max(hours.values()) + timedelta(hours=1)).replace(hour=23, minute=0, second=0, microsecond=0)
    return [start + timedelta(hours=n) for n in range(int((stop - start).total_seconds() // 3600) + 1)]


def _check(document: Any, names: Sequence[str], where: str) -> None:
    """Raise `SourceError` unless the answer has every variable for every hour, in the units asked for."""
    try:
        hourly, units = document["hourly"], document["hourly_units"]
        hours = len(hourly["time"])
    except (KeyError, TypeError) as error:
        raise SourceError(f"{where}: the answer has not Open-Meteo's shape ({error!r})") from error
    if document.get("utc_offset_seconds", 0) != 0:
        raise SourceError(f"{where}: the hours are not in UTC but {document.get('timezone')}")
    for name in names:
        plain = name.partition("_previous_day")[0]
        if len(hourly.get(name, [])) != hours:
            raise SourceError(f"{where}: {name} has {len(hourly.get(name, []))} values for {hours} hours")
        if units.get(name) not in (UNITS[plain], "undefined", None):
            raise SourceError(f"{where}: {name} is in {units.get(name)}, not {UNITS[plain]}")


def _envelope(
    document: dict[str, Any], provenance: str, event: Mapping[str, Any], as_of: datetime, leads: dict[str, int]
) -> dict[str, Any]:
    """The document as the lake keeps it: Open-Meteo's shape, every variable, aware hours, our envelope."""
    hourly = document["hourly"]
    times = [parse_utc(text) for text in hourly["time"]]
    empty = [None] * len(times)
    values = {name: hourly.get(name) or empty for name in UNITS}
    return {
        "latitude": document.get("latitude"),
        "longitude": document.get("longitude"),
        "timezone": "UTC",
        "hourly_units": {"time": "iso8601"} | UNITS,
        "hourly": {"time": [format_utc(at) for at in times]} | values,
        "f1lib": {
            "provenance": provenance,
            "issued_utc": format_utc(as_of.astimezone(UTC)),
            "event_partition_key": event["event_partition_key"],
            "source": "openmeteo",
            "attribution": ATTRIBUTION,
            "lead_days": leads,
            "calls": document["_calls"],
        },
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not math.isnan(value)
