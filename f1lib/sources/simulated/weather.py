"""Weather of the simulated world by the hour and by the minute, and forecasts of it.

Rain comes from a standard normal process z over the hours of a weekend (part of it shared by the whole weekend, the
rest with a memory of some ten hours); it rains while z is above the circuit's threshold. A forecast of lead L hours
knows z by a correlation that falls with L; the rest of it is another such process that changes slowly from issue to
issue, so that forecasts are revised and not redrawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from functools import cache, lru_cache
from math import cos, erf, exp, pi, sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f1lib.domain import moments as domain_moments
from f1lib.domain import weekend as domain_weekend
from f1lib.errors import SourceError
from f1lib.sources.protocols import FORECAST_UNITS
from f1lib.sources.simulated.calendar import Weekend, find
from f1lib.sources.simulated.world import World

Floats = NDArray[np.floating[Any]]
HOURS = 120  # from midnight UTC three days before the race day
ISSUE_EVERY = timedelta(hours=6)
REACH = timedelta(days=16)
_ROWS = ("rain", "temperature", "wind", "direction", "humidity")
_PERSISTENCE = 0.8  # how much of an issue's error the next one keeps
_MEMORY = 12  # issues whose errors are still felt


def rain_skill(lead_hours: Floats) -> Floats:
    """Return the correlation of the forecast rain process with the true one.

    That is .95 at once, .76 a day ahead and .19 a week ahead.
    """
    return np.asarray(0.95 * np.exp(-np.maximum(lead_hours, 0.0) / 105.0), dtype=np.float64)


def temperature_error(lead_hours: Floats) -> Floats:
    """Return the standard deviation of the forecast temperature in degrees.

    That is .6 at once, 1.5 three days ahead, and at most 4.
    """
    return np.asarray(np.minimum(0.6 + 0.0125 * np.maximum(lead_hours, 0.0), 4.0), dtype=np.float64)


class Sky:
    """True weather of one weekend, by the hour.

    ``rain_mm`` millimetres an hour, ``temperature_c``, ``humidity_pct``, ``wind_kmh``, ``direction_deg`` and
    ``pressure_mbar``, each of `HOURS` values from ``start`` on.
    """

    def __init__(self, world: World, weekend: Weekend) -> None:
        place = weekend.circuit
        race_day = datetime.combine(weekend.starts["R"].date(), time(), UTC)
        self.start = race_day - timedelta(days=3)
        self.latent = dict(zip(_ROWS, _process(world.dice("weather", weekend.key), len(_ROWS)), strict=True))
        self.threshold = NormalDist().inv_cdf(1 - world.circuit(weekend.circuit).rain)
        solar_noon = 12 - place.longitude / 15
        hour = np.arange(HOURS) % 24
        self.daily = 4.5 * np.cos((hour - solar_noon - 2.5) * pi / 12)
        self.mean = climate(place.latitude, weekend.starts["R"])
        self.light = np.maximum(0.0, np.cos((hour - solar_noon) * pi / 12))
        self.rain_mm = rain_rate(self.latent["rain"], self.threshold)
        self.temperature_c = self.mean + self.daily + 2.8 * self.latent["temperature"] - 2.5 * (self.rain_mm > 0)
        self.humidity_pct = humidity(self.temperature_c - self.mean, self.rain_mm, self.latent["humidity"])
        self.wind_kmh = wind(self.latent["wind"])
        self.direction_deg = (200 + 70 * self.latent["direction"]) % 360
        altitude = float(world.dice("altitude", place.circuit_id).gamma(1, 20))
        self.pressure_mbar = 1013 - 4 * self.latent["rain"] - altitude

    def at(self, moments: Sequence[datetime] | Floats, row: Floats) -> Floats:
        """Interpolate ``row`` at ``moments``: datetimes, or hours since ``start``."""
        hours = [(m - self.start) / timedelta(hours=1) if isinstance(m, datetime) else m for m in moments]
        return np.asarray(np.interp(np.array(hours, dtype=float), np.arange(HOURS), row))


def climate(latitude: float, moment: datetime) -> float:
    """Return a plausible mean temperature in degrees at a latitude and time of year.

    It is highest in late July in the north.
    """
    season = cos(2 * pi * (moment.timetuple().tm_yday - 205) / 365.25)
    return 29.0 - 0.007 * latitude**2 + 0.17 * latitude * season - 2.0


def rain_rate(latent: Floats, threshold: float) -> Floats:
    """Return millimetres an hour, proportional to the excess over the threshold."""
    return np.asarray(np.maximum(0.0, latent - threshold) * 3.5, dtype=np.float64)


def wind(latent: Floats) -> Floats:
    """Return kilometres an hour, log-normal about 8."""
    return np.asarray(8.0 * np.exp(0.5 * latent), dtype=np.float64)


def humidity(warmer: Floats, rain_mm: Floats, latent: Floats) -> Floats:
    """Return the relative humidity: lower in the warm hours, higher in rain.

    Parameters
    ----------
    warmer : numpy.ndarray
        Degrees above the mean temperature.
    rain_mm : numpy.ndarray
        Rain in millimetres an hour.
    latent : numpy.ndarray
        Standard normal process of the humidity.

    Returns
    -------
    numpy.ndarray
        Percent, from 8 to 99.
    """
    return np.asarray(np.clip(56 - 2.2 * warmer + 25 * (rain_mm > 0) + 8 * latent, 8, 99), dtype=np.float64)


def minutes(world: World, weekend: Weekend, sky: Sky, session: str, lead_seconds: float) -> dict[str, Any]:
    """Return the session's weather by the minute, as a station at the track measures it.

    Parameters
    ----------
    world : World
        The world.
    weekend : Weekend
        The event.
    sky : Sky
        Its true weather.
    session : str
        Code of the session.
    lead_seconds : float
        Session time at the session's start: the feed begins that long before it.

    Returns
    -------
    dict
        `WEATHER_COLUMNS` -> array, one value a minute until the session's scheduled end.
    """
    rng = world.dice("station", weekend.key, session)
    length = domain_weekend.SESSION_LENGTH[session].total_seconds() + lead_seconds
    seconds = np.arange(0.0, length + 1, 60.0) + round(float(rng.uniform(0, 50)), 3)
    begin = (weekend.starts[session] - sky.start).total_seconds() - lead_seconds
    hours = (begin + seconds) / 3600
    rain = sky.at(hours, sky.rain_mm)
    air = sky.at(hours, sky.temperature_c) + rng.normal(0, 0.15, len(hours))
    sun = sky.at(hours, sky.light) * np.where(rain > 0, 0.15, 1.0)
    return {
        "time_seconds": seconds,
        "air_temp_c": np.round(air, 1),
        "humidity_pct": np.round(np.clip(sky.at(hours, sky.humidity_pct) + rng.normal(0, 1, len(hours)), 5, 100), 0),
        "pressure_mbar": np.round(sky.at(hours, sky.pressure_mbar) + rng.normal(0, 0.2, len(hours)), 1),
        "rainfall": rain > 0.1,
        "track_temp_c": np.round(air + 3 + 15 * sun + rng.normal(0, 0.3, len(hours)), 1),
        "wind_direction_deg": np.round(sky.at(hours, sky.direction_deg) + rng.normal(0, 15, len(hours)), 0) % 360,
        "wind_speed_kmh": np.round(sky.at(hours, sky.wind_kmh) * np.exp(rng.normal(0, 0.25, len(hours))), 1),
    }


class SimulatedWeather:
    """See `protocols.WeatherSource`; a new issue every six hours, sixteen days ahead."""

    name = "simulated"
    attribution = "Simulated weather: not real, not for the real world"

    def __init__(self, source: Any) -> None:
        self.world: World = source.world
        self._sky = lru_cache(maxsize=64)(lambda weekend: Sky(self.world, weekend))

    def forecast(self, event: dict[str, Any], sessions: list[dict[str, Any]], as_of: datetime) -> dict[str, Any] | None:
        """See `WeatherSource.forecast`; whole days of the sprint and the race.

        The last issue is that before the race's start. None when the first of the two starts more than sixteen days
        after the issue. Raises `SourceError` for an event that this world does not have.
        """
        key = str(event["event_partition_key"])
        weekend = find(domain_weekend.EventKey.parse(key))
        if weekend is None:
            raise SourceError(f"the simulated world has no event {key}; was its schedule made by another source?")
        raced = [weekend.starts[code] for code in ("S", "R") if code in weekend.starts]
        every = ISSUE_EVERY.total_seconds()
        issued = datetime.fromtimestamp(min(as_of, weekend.starts["R"]).timestamp() // every * every, UTC)
        first = datetime.combine(min(raced).date(), time(), UTC)
        if min(raced) - issued > REACH:
            return None
        sky = self._sky(weekend)
        offset = round((first - sky.start) / timedelta(hours=1))
        hours = np.arange(offset, offset + 24 * ((weekend.starts["R"].date() - first.date()).days + 1))
        values = self._predict(weekend, sky, issued, hours)
        times = [(sky.start + timedelta(hours=int(h))).strftime("%Y-%m-%dT%H:%M") for h in hours]
        return {
            "latitude": weekend.circuit.latitude,
            "longitude": weekend.circuit.longitude,
            "timezone": "UTC",
            "hourly_units": {"time": "iso8601"} | FORECAST_UNITS,
            "hourly": {"time": times, **{name: row.tolist() for name, row in values.items()}},
            "f1lib": {
                "provenance": "simulated",
                "issued_utc": domain_moments.format_utc(issued),
                "event_partition_key": weekend.key.partition_key,
                "source": self.name,
            },
        }

    def _predict(self, weekend: Weekend, sky: Sky, issued: datetime, hours: NDArray[np.int64]) -> dict[str, Floats]:
        lead = hours - (issued - sky.start) / timedelta(hours=1)
        error = dict(zip(_ROWS, self._errors(weekend, issued)[:, hours], strict=True))
        skill = rain_skill(lead)
        noise = np.sqrt(1 - skill**2)
        rain = skill * sky.latent["rain"][hours] + noise * error["rain"]
        above = (skill * rain - sky.threshold) / noise
        likely = [0.5 * (1 + erf(z / sqrt(2))) for z in above.tolist()]
        precipitation = rain_rate(rain, sky.threshold)
        temperature = sky.temperature_c[hours] + temperature_error(lead) * error["temperature"]
        blown = {row: skill * sky.latent[row][hours] + noise * error[row] for row in ("wind", "direction", "humidity")}
        return {
            "temperature_2m": np.round(temperature, 1),
            "relative_humidity_2m": np.round(humidity(temperature - sky.mean, precipitation, blown["humidity"])),
            "precipitation": np.round(precipitation, 2),
            "precipitation_probability": np.round(100 * np.array(likely)),
            "wind_speed_10m": np.round(wind(blown["wind"]), 1),
            "wind_direction_10m": np.round((200 + 70 * blown["direction"]) % 360),
        }

    def _errors(self, weekend: Weekend, issued: datetime) -> Floats:
        """Return the standard normal errors of one issue, a row a quantity: mostly those of the issue before."""
        number = int(issued.timestamp() // ISSUE_EVERY.total_seconds())
        weights = np.array([_PERSISTENCE**age for age in range(_MEMORY)])
        weights /= np.sqrt((weights**2).sum())
        fresh = [_process(self.world.dice("forecast", weekend.key, number - age), len(_ROWS)) for age in range(_MEMORY)]
        return np.asarray(np.tensordot(weights, np.array(fresh), axes=1), dtype=np.float64)


@cache
def _mixing() -> Floats:
    """Return the matrix that turns white noise into hours of weather; 40 % of the variance lasts the weekend."""
    apart = np.abs(np.subtract.outer(np.arange(HOURS), np.arange(HOURS)))
    return np.linalg.cholesky(0.4 + 0.6 * exp(-0.1) ** apart + 1e-9 * np.eye(HOURS))


def _process(rng: np.random.Generator, rows: int) -> Floats:
    return np.asarray(rng.normal(0, 1, (rows, HOURS)) @ _mixing().T, dtype=np.float64)
