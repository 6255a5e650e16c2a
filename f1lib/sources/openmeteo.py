"""Open-Meteo (https://open-meteo.com, CC BY 4.0): weather forecasts of race weekends, and observations.

>>> source = OpenMeteoSource(session(base), now=now)
>>> source.forecast(event, sessions, as_of)["hourly"]["precipitation"]

Training must see forecasts of the same lead as serving. An ``as_of`` of now gets the current forecast. A past one gets
the forecasts of its own days (Previous Runs, from 2024): for an hour that lay h hours ahead, the run of ceil(h / 24)
days before it, at least one day, so that nothing issued after ``as_of`` is in it. Before 2024 only the last hours
before an event have a match (Historical Forecast, stitched from the first hours of each run); for longer leads the
forecast is missing and never replaced by the archive. The archive (ERA5) is an observation only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import requests

from f1lib.domain.moments import PRESENT, format_utc, parse_utc
from f1lib.errors import BadParameters, SourceError
from f1lib.sources.http import get_json, upstream_of
from f1lib.sources.protocols import FORECAST_UNITS

ATTRIBUTION = "Open-Meteo, https://open-meteo.com (CC BY 4.0)"
FORECAST = "https://api.open-meteo.com/v1/forecast"
PREVIOUS_RUNS = "https://previous-runs-api.open-meteo.com/v1/forecast"
HISTORICAL_FORECAST = "https://historical-forecast-api.open-meteo.com/v1/forecast"
ARCHIVE = "https://archive-api.open-meteo.com/v1/archive"

_NO_PROBABILITY = tuple(name for name in FORECAST_UNITS if name != "precipitation_probability")
REACH_DAYS = 15  # the forecast covers 16 days, today included
PREVIOUS_RUNS_FROM = date(2024, 1, 1)  # most models are archived from then on
LONGEST_LEAD_DAYS = 7  # `_previous_day7` is the last
HISTORICAL_FROM = date(2021, 3, 23)
HISTORICAL_LEAD = timedelta(hours=6)  # models run every 1 to 6 hours; a stitched series is no older than that
ARCHIVE_LAG = timedelta(days=5)  # delay of ERA5
_RACES = ("R", "S")


class OpenMeteoSource:
    """See `protocols.WeatherSource`.

    ``web`` is a session of `http.session`. ``now`` is the time when the source was opened: it tells the present from a
    time that is replayed.
    """

    name = "openmeteo"
    attribution = ATTRIBUTION

    def __init__(self, web: requests.Session, *, now: datetime) -> None:
        self._web = web
        self._now = now
        self._runs: dict[Any, dict[str, Any]] = {}

    def forecast(self, event: dict[str, Any], sessions: list[dict[str, Any]], as_of: datetime) -> dict[str, Any] | None:
        """See `WeatherSource.forecast`.

        The document has whole days in UTC that hold race and sprint; missing values are null. Its envelope ``f1lib``
        also has ``lead_days`` (session -> age of the run in days, 0 for the current forecast).
        """
        hours = race_hours(sessions)
        first, last = min(hours.values()), max(hours.values())
        if as_of >= self._now - PRESENT:
            if (last.date() - as_of.date()).days > REACH_DAYS or first.date() < as_of.date() - timedelta(days=1):
                return None
            document = self._ask(FORECAST, event, hours, tuple(FORECAST_UNITS))
            return _envelope(document, "forecast", event, as_of, dict.fromkeys(hours, 0))
        if first.date() >= PREVIOUS_RUNS_FROM:
            return self._previous(event, hours, as_of)
        if first.date() >= HISTORICAL_FROM and timedelta(0) <= last - as_of <= HISTORICAL_LEAD:
            document = self._ask(HISTORICAL_FORECAST, event, hours, tuple(FORECAST_UNITS))
            return _envelope(document, "historical_forecast", event, as_of, dict.fromkeys(hours, 0))
        return None

    def observed(self, event: dict[str, Any], sessions: list[dict[str, Any]], as_of: datetime) -> dict[str, Any] | None:
        """Return the archive's values of the race and sprint days, which are an observation.

        Parameters
        ----------
        event : dict
            Row of table ``events``.
        sessions : list of dict
            Its rows of table ``sessions``.
        as_of : datetime
            Time of the request, aware UTC.

        Returns
        -------
        dict or None
            A document as of `forecast`, without probabilities; None until the archive is complete, five days after the
            race.

        Raises
        ------
        SourceError
            When Open-Meteo fails or answers in other units, and for an event without coordinates or without a race.
        RateLimited
            When it limits the rate.
        """
        hours = race_hours(sessions)
        if as_of < max(hours.values()) + ARCHIVE_LAG:
            return None
        document = self._ask(ARCHIVE, event, hours, _NO_PROBABILITY)
        return _envelope(document, "archive", event, as_of, dict.fromkeys(hours, 0))

    def _previous(
        self, event: Mapping[str, Any], hours: Mapping[str, datetime], as_of: datetime
    ) -> dict[str, Any] | None:
        """Return the forecast as it stood at ``as_of``, put together hour by hour from the runs of the days before."""
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
        whole = {**document, "hourly": hourly, "hourly_units": {"time": "iso8601"} | FORECAST_UNITS}
        return _envelope(whole, "historical_forecast", event, as_of, leads)

    def _runs_of(self, event: Mapping[str, Any], hours: Mapping[str, datetime]) -> dict[str, Any]:
        """Return every run of the week before an event, from one call that serves all requests for its weekend."""
        key = (str(event["event_partition_key"]), tuple(sorted(hours.items())))
        if key not in self._runs:
            days = range(1, LONGEST_LEAD_DAYS + 1)
            names = tuple(f"{name}_previous_day{n}" for name in _NO_PROBABILITY for n in days)
            self._runs = {key: self._ask(PREVIOUS_RUNS, event, hours, names)}  # one event at a time
        return self._runs[key]

    def _ask(
        self, url: str, event: Mapping[str, Any], hours: Mapping[str, datetime], names: Sequence[str]
    ) -> dict[str, Any]:
        """Fetch one document and check its units and length."""
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
    """Return session code -> scheduled end of race and sprint in UTC; raise `SourceError` when there is no race."""
    ends = {str(row["session"]): row["session_end_utc"] for row in sessions if row["session"] in _RACES}
    if "R" not in ends:
        raise SourceError("a forecast is asked for an event without a race")
    return {session: end.to_pydatetime() if hasattr(end, "to_pydatetime") else end for session, end in ends.items()}


def lead_days(moment: datetime, as_of: datetime) -> int:
    """Return how many days before ``moment`` a run must be so that it was issued by ``as_of``: at least 1."""
    return max(1, math.ceil((moment - as_of).total_seconds() / 86400))


def _asked_hours(hours: Mapping[str, datetime]) -> list[datetime]:
    """Return every hour of the UTC days that hold the sessions.

    They begin at the first session's start, at most three hours before its end, and end with the hour after the last
    one, whose precipitation sum has the session's last rain.
    """
    first = min(hours.values()) - timedelta(hours=3)
    start = first.replace(hour=0, minute=0, second=0, microsecond=0)
    stop = (max(hours.values()) + timedelta(hours=1)).replace(hour=23, minute=0, second=0, microsecond=0)
    return [start + timedelta(hours=n) for n in range(int((stop - start).total_seconds() // 3600) + 1)]


def _check(document: Any, names: Sequence[str], where: str) -> None:
    """Raise `SourceError` unless the answer has every variable for every hour, in the units asked for."""
    try:
        hourly, units = dict(document["hourly"]), dict(document["hourly_units"])
        hours = len({parse_utc(text) for text in hourly["time"]})
        values = {name: list(hourly.get(name, [])) for name in ("time", *names)}
    except (KeyError, TypeError, ValueError, BadParameters) as error:
        raise SourceError(f"{where}: the answer has not Open-Meteo's shape ({error!r})") from error
    if document.get("utc_offset_seconds", 0) != 0:
        raise SourceError(f"{where}: the hours are not in UTC but {document.get('timezone')}")
    for name, found in values.items():
        plain = name.partition("_previous_day")[0]
        if len(found) != hours:
            raise SourceError(f"{where}: {name} has {len(found)} values for {hours} hours")
        if name == "time":
            continue
        if units.get(name) not in (FORECAST_UNITS[plain], "undefined", None):
            raise SourceError(f"{where}: {name} is in {units.get(name)}, not {FORECAST_UNITS[plain]}")
        if odd := [value for value in found if value is not None and not _is_number(value)]:
            raise SourceError(f"{where}: {name} has {str(odd[0])[:60]!r}, which is no number")


def _envelope(
    document: dict[str, Any], provenance: str, event: Mapping[str, Any], as_of: datetime, leads: dict[str, int]
) -> dict[str, Any]:
    """Return the document as the lake keeps it: Open-Meteo's shape, every variable, UTC hours, and the envelope."""
    hourly = document["hourly"]
    times = [parse_utc(text) for text in hourly["time"]]
    empty = [None] * len(times)
    values = {name: hourly.get(name) or empty for name in FORECAST_UNITS}
    return {
        "latitude": document.get("latitude"),
        "longitude": document.get("longitude"),
        "timezone": "UTC",
        "hourly_units": {"time": "iso8601"} | FORECAST_UNITS,
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
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
