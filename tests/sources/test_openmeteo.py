"""Open-Meteo: the lead of what is asked for, units, reach, and what is missing staying missing."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from f1lib.errors import RateLimited, SourceBlocked, SourceError
from f1lib.sources.calls import Politeness
from f1lib.sources.http import session
from f1lib.sources.openmeteo import OpenMeteoSource, lead_days
from f1lib.sources.protocols import FORECAST_UNITS
from tests.support.replay_server import Answer, ReplayServer, open_meteo, serve_open_meteo

NOW = datetime(2026, 11, 6, 12, 0, tzinfo=UTC)  # the Friday before São Paulo
EVENT = {"event_partition_key": "2026_São_Paulo_Grand_Prix", "latitude": -23.7036, "longitude": -46.6997}
HOST_OF = {
    "forecast": "https://api.open-meteo.com",
    "previous": "https://previous-runs-api.open-meteo.com",
    "historical": "https://historical-forecast-api.open-meteo.com",
    "archive": "https://archive-api.open-meteo.com",
}


def race_at(start: datetime, sprint: datetime | None = None) -> list[dict[str, Any]]:
    rows = [{"session": "R", "session_start_utc": start, "session_end_utc": start + timedelta(hours=2)}]
    if sprint:
        rows.append({"session": "S", "session_start_utc": sprint, "session_end_utc": sprint + timedelta(hours=1)})
    return rows


@pytest.fixture
def server() -> Iterator[ReplayServer]:
    with ReplayServer(None) as running:
        serve_open_meteo(running)
        yield running


@pytest.fixture
def source(server: ReplayServer) -> OpenMeteoSource:
    quick = Politeness(read=1.0, attempts=2, longest_wait=1.0)
    return OpenMeteoSource(session(server.base, politeness=quick, sleep=lambda _seconds: None), now=NOW)


def asked(server: ReplayServer) -> dict[str, str]:
    (url,) = server.count
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


SUNDAY = datetime(2026, 11, 8, 17, 0, tzinfo=UTC)


def test_a_coming_race_is_one_call_to_the_forecast_with_every_unit_spelled_out(
    server: ReplayServer, source: OpenMeteoSource
) -> None:
    document = source.forecast(EVENT, race_at(SUNDAY), NOW)
    assert document is not None
    assert server.requests == 1
    assert server.asked(HOST_OF["forecast"]) == 1
    query = asked(server)
    assert (query["wind_speed_unit"], query["temperature_unit"], query["precipitation_unit"]) == (
        "kmh",
        "celsius",
        "mm",
    )
    assert (query["timezone"], query["start_date"], query["end_date"]) == ("UTC", "2026-11-08", "2026-11-08")
    assert (query["latitude"], query["longitude"]) == ("-23.7036", "-46.6997")
    assert document["f1lib"]["provenance"] == "forecast"
    assert document["f1lib"]["issued_utc"] == "2026-11-06T12:00:00Z"
    assert document["hourly"]["time"][17] == "2026-11-08T17:00:00Z"
    assert document["hourly_units"]["wind_speed_10m"] == "km/h"
    assert set(FORECAST_UNITS) < set(document["hourly"])


def test_a_sprint_the_day_before_is_in_the_same_call(server: ReplayServer, source: OpenMeteoSource) -> None:
    source.forecast(EVENT, race_at(SUNDAY, SUNDAY - timedelta(days=1)), NOW)
    assert server.requests == 1
    assert asked(server)["start_date"] == "2026-11-07"


def test_a_race_that_ends_at_midnight_has_the_hour_after_it(server: ReplayServer, source: OpenMeteoSource) -> None:
    document = source.forecast(EVENT, race_at(datetime(2026, 11, 8, 21, 30, tzinfo=UTC)), NOW)
    assert document is not None
    assert document["hourly"]["time"][-1] == "2026-11-09T23:00:00Z"


@pytest.mark.parametrize(("days", "is_there"), [(15, True), (16, False), (40, False)])
def test_the_forecast_reaches_sixteen_days(
    server: ReplayServer, source: OpenMeteoSource, days: int, is_there: bool
) -> None:
    found = source.forecast(EVENT, race_at(NOW + timedelta(days=days)), NOW)
    assert (found is not None) is is_there
    assert server.requests == int(is_there)


def test_a_past_race_gets_the_forecast_of_the_moment_it_is_asked_for(
    server: ReplayServer, source: OpenMeteoSource
) -> None:
    race = datetime(2024, 7, 7, 14, 0, tzinfo=UTC)
    document = source.forecast(EVENT, race_at(race), race - timedelta(days=3))
    assert document is not None
    assert server.asked(HOST_OF["previous"]) == server.requests == 1
    truth = json.loads(open_meteo(next(iter(server.count))).body)["hourly"]
    at_15 = document["hourly"]["time"].index("2024-07-07T15:00:00Z")
    assert document["hourly"]["temperature_2m"][at_15] == truth["temperature_2m_previous_day4"][at_15]
    assert document["hourly"]["temperature_2m"][0] == truth["temperature_2m_previous_day3"][0]
    assert document["f1lib"]["lead_days"] == {"R": 4}
    assert document["f1lib"]["provenance"] == "historical_forecast"


def test_no_hour_of_a_past_forecast_comes_from_a_run_after_the_moment_and_one_call_answers_them_all(
    server: ReplayServer, source: OpenMeteoSource
) -> None:
    race = datetime(2025, 3, 16, 4, 0, tzinfo=UTC)
    for hours in range(1, 150, 7):
        as_of = race - timedelta(hours=hours)
        document = source.forecast(EVENT, race_at(race), as_of)
        assert document is not None
        truth = json.loads(open_meteo(next(iter(server.count))).body)["hourly"]
        for n, text in enumerate(document["hourly"]["time"]):
            at = datetime.fromisoformat(text)
            days = lead_days(at, as_of)
            assert at - timedelta(days=days) <= as_of
            assert document["hourly"]["wind_speed_10m"][n] == truth[f"wind_speed_10m_previous_day{days}"][n]
    assert server.requests == 1


def test_the_archived_runs_have_no_probability_and_none_is_made_up(source: OpenMeteoSource) -> None:
    race = datetime(2024, 7, 7, 14, 0, tzinfo=UTC)
    document = source.forecast(EVENT, race_at(race), race - timedelta(hours=1))
    assert document is not None
    assert set(document["hourly"]["precipitation_probability"]) == {None}


def test_a_lead_longer_than_the_archived_runs_is_missing(server: ReplayServer, source: OpenMeteoSource) -> None:
    race = datetime(2024, 7, 7, 14, 0, tzinfo=UTC)
    assert source.forecast(EVENT, race_at(race), race - timedelta(days=8)) is None
    assert server.requests == 0


@pytest.mark.parametrize(("hours", "is_there"), [(1, True), (3, True), (5, False), (20, False)])
def test_before_2024_only_the_last_hours_have_a_forecast_of_their_lead(
    server: ReplayServer, source: OpenMeteoSource, hours: int, is_there: bool
) -> None:
    race = datetime(2022, 7, 3, 14, 0, tzinfo=UTC)
    found = source.forecast(EVENT, race_at(race), race - timedelta(hours=hours))
    assert (found is not None) is is_there
    assert server.asked(HOST_OF["historical"]) == server.requests == int(is_there)


def test_before_the_forecasts_were_kept_there_is_none_and_the_archive_does_not_stand_in(
    server: ReplayServer, source: OpenMeteoSource
) -> None:
    race = datetime(2019, 7, 28, 13, 0, tzinfo=UTC)
    assert source.forecast(EVENT, race_at(race), race - timedelta(hours=1)) is None
    assert server.requests == 0


def test_the_archive_is_an_observation_once_it_is_complete(server: ReplayServer, source: OpenMeteoSource) -> None:
    race = datetime(2024, 7, 7, 14, 0, tzinfo=UTC)
    assert source.observed(EVENT, race_at(race), race + timedelta(days=3)) is None
    assert server.requests == 0
    document = source.observed(EVENT, race_at(race), race + timedelta(days=6))
    assert document is not None
    assert server.asked(HOST_OF["archive"]) == 1
    assert document["f1lib"]["provenance"] == "archive"
    assert "precipitation_probability" not in asked(server)["hourly"]


def test_missing_values_stay_missing(server: ReplayServer, source: OpenMeteoSource) -> None:
    def with_holes(url: str) -> Answer:
        document = json.loads(open_meteo(url).body)
        document["hourly"]["precipitation"][3] = None
        return Answer(200, json.dumps(document).encode())

    server.routes = {HOST_OF["forecast"]: with_holes}
    document = source.forecast(EVENT, race_at(SUNDAY), NOW)
    assert document is not None
    assert document["hourly"]["precipitation"][3] is None
    assert document["hourly"]["precipitation"][4] is not None


def test_the_real_recorded_forecast_is_refused_because_it_is_in_miles_and_fahrenheit(
    server: ReplayServer, source: OpenMeteoSource, shared_data: Path
) -> None:
    body = gzip.decompress(
        (shared_data / "recordings/api.open-meteo.com/v1/forecast@sample-2026-03-05.gz").read_bytes()
    )
    document = json.loads(body)
    document["utc_offset_seconds"] = 0
    document["hourly"]["relative_humidity_2m"] = document["hourly"]["precipitation_probability"]
    server.routes = {HOST_OF["forecast"]: lambda _url: Answer(200, json.dumps(document).encode())}
    with pytest.raises(SourceError, match="temperature_2m is in °F, not °C"):
        source.forecast(EVENT, race_at(SUNDAY), NOW)
    server.routes = {HOST_OF["forecast"]: lambda _url: Answer(200, body)}
    with pytest.raises(SourceError, match="not in UTC but America"):
        source.forecast(EVENT, race_at(SUNDAY), NOW)


def test_the_real_recorded_archive_is_refused_because_its_wind_is_in_metres(
    server: ReplayServer, source: OpenMeteoSource, shared_data: Path
) -> None:
    text = (shared_data / "recordings/archive-api.open-meteo.com/v1/archive@sample-2025-01-12").read_text("utf-8")
    document = json.loads(text) | {"utc_offset_seconds": 0}
    document["hourly"]["wind_direction_10m"] = document["hourly"]["temperature_2m"]
    server.routes = {HOST_OF["archive"]: lambda _url: Answer(200, json.dumps(document).encode())}
    race = datetime(2025, 1, 11, 5, 0, tzinfo=UTC)
    with pytest.raises(SourceError, match="wind_speed_10m is in m/s, not km/h"):
        source.observed(EVENT, race_at(race), NOW)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"[]", "has not Open-Meteo's shape"),
        (b'{"hourly": {"time": []}}', "has not Open-Meteo's shape"),
        (b'{"hourly": {"time": ["2026-11-08T00:00"]}, "hourly_units": {}}', "temperature_2m has 0 values for 1 hours"),
    ],
)
def test_an_answer_of_another_shape_is_an_error(
    server: ReplayServer, source: OpenMeteoSource, body: bytes, message: str
) -> None:
    server.routes = {HOST_OF["forecast"]: lambda _url: Answer(200, body)}
    with pytest.raises(SourceError, match=message):
        source.forecast(EVENT, race_at(SUNDAY), NOW)


def test_an_event_without_coordinates_is_an_error_that_says_what_to_do(source: OpenMeteoSource) -> None:
    for nothing in (None, float("nan")):
        with pytest.raises(SourceError, match=r"circuits\.csv"):
            source.forecast(EVENT | {"latitude": nothing}, race_at(SUNDAY), NOW)


def test_a_limit_and_a_refusal_come_out_as_what_they_are(server: ReplayServer, source: OpenMeteoSource) -> None:
    server.misbehave("429", retry_after="90", times=1)
    with pytest.raises(RateLimited) as caught:
        source.forecast(EVENT, race_at(SUNDAY), NOW)
    assert caught.value.retry_after_seconds == 90.0
    server.behave()
    server.misbehave("403")
    with pytest.raises(SourceBlocked, match="as told"):
        source.forecast(EVENT, race_at(SUNDAY), NOW)


def test_two_fetches_of_one_forecast_are_equal(source: OpenMeteoSource) -> None:
    assert source.forecast(EVENT, race_at(SUNDAY), NOW) == source.forecast(EVENT, race_at(SUNDAY), NOW)
