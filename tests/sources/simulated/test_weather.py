"""Simulated weather and its forecasts: issued every six hours, better the nearer, never from the future."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from f1lib.domain.moments import parse_utc
from f1lib.domain.weekend import EventKey
from f1lib.errors import SourceError
from f1lib.sources.simulated.calendar import Weekend, calendar, find
from f1lib.sources.simulated.source import SimulatedSource
from f1lib.sources.simulated.weather import SimulatedWeather, Sky, climate, rain_skill, temperature_error
from f1lib.sources.simulated.world import WorldOptions
from tests.support.examples import examples

SOURCE = SimulatedSource(seed=2, options=WorldOptions(laps=False))
WEATHER = SimulatedWeather(SOURCE)
WEEKENDS = [weekend for season in range(2019, 2027) for weekend in calendar(season)]
BRITAIN = next(w for w in WEEKENDS if w.key == EventKey(2024, "British Grand Prix"))


def _event(weekend: Weekend) -> dict[str, Any]:
    schedule = SOURCE.schedule(weekend.key.season, weekend.starts["R"])
    events = schedule.events
    row = events[events["event_partition_key"] == weekend.key.partition_key].iloc[0]
    return {str(k): v for k, v in row.to_dict().items()}


def _forecast(weekend: Weekend, lead: timedelta) -> dict[str, Any] | None:
    return WEATHER.forecast({"event_partition_key": weekend.key.partition_key}, [], weekend.starts["R"] - lead)


def test_a_document_has_open_meteos_shape_and_covers_race_and_sprint() -> None:
    weekend = find(EventKey(2024, "Miami Grand Prix"))
    assert weekend is not None
    sessions: Any = SOURCE.schedule(2024, weekend.starts["R"]).sessions.to_dict("records")
    document = WEATHER.forecast(_event(weekend), sessions, weekend.starts["R"] - timedelta(days=2))
    assert document is not None
    assert document["timezone"] == "UTC"
    assert (document["latitude"], document["longitude"]) == (weekend.circuit.latitude, weekend.circuit.longitude)
    hourly = document["hourly"]
    assert set(document["hourly_units"]) == set(hourly)
    times = [parse_utc(text) for text in hourly["time"]]
    assert times == [times[0] + timedelta(hours=h) for h in range(len(times))]
    assert times[0] <= weekend.starts["S"] < weekend.starts["R"] + timedelta(hours=2) <= times[-1]
    assert {len(values) for values in hourly.values()} == {48}
    assert all(0 <= p <= 100 for p in hourly["precipitation_probability"])
    assert all(0 <= d <= 360 for d in hourly["wind_direction_10m"])
    assert min(hourly["precipitation"]) >= 0
    assert document["f1lib"]["provenance"] == document["f1lib"]["source"] == "simulated"


@settings(deadline=None, max_examples=examples(80))
@given(weekend=st.sampled_from(WEEKENDS), hours=st.floats(-200, 500))
def test_the_newest_issue_is_never_from_the_future_nor_six_hours_old(weekend: Weekend, hours: float) -> None:
    as_of = weekend.starts["R"] - timedelta(hours=hours)
    document = WEATHER.forecast({"event_partition_key": weekend.key.partition_key}, [], as_of)
    if document is None:
        assert hours > 15 * 24
        return
    issued = parse_utc(document["f1lib"]["issued_utc"])
    assert issued <= as_of
    assert issued <= weekend.starts["R"]
    assert min(as_of, weekend.starts["R"]) - issued < timedelta(hours=6)
    assert issued.hour % 6 == 0


def test_between_two_issues_the_answer_stays_the_same_and_then_is_revised() -> None:
    start = BRITAIN.starts["R"].replace(hour=12) - timedelta(days=3)
    at = [_forecast(BRITAIN, BRITAIN.starts["R"] - start - timedelta(hours=h)) for h in (0, 5.9, 6)]
    assert at[0] == at[1] != at[2]


def test_there_is_no_forecast_beyond_sixteen_days() -> None:
    assert _forecast(BRITAIN, timedelta(days=16, hours=7)) is None
    assert _forecast(BRITAIN, timedelta(days=15)) is not None


def test_an_event_of_another_source_is_refused() -> None:
    with pytest.raises(SourceError, match="2024_Moon_Grand_Prix"):
        WEATHER.forecast({"event_partition_key": "2024_Moon_Grand_Prix"}, [], datetime(2024, 7, 1, tzinfo=UTC))


def _misses(lead: timedelta) -> tuple[float, float]:
    """Mean absolute error of the temperature, and the Brier score of rain, over the races of four worlds."""
    temperature, rain = [], []
    worlds = [SimulatedSource(seed=seed) for seed in range(4)]
    for source, weekend in [(s, w) for s in worlds for w in WEEKENDS[::2]]:
        sky = Sky(source.world, weekend)
        event = {"event_partition_key": weekend.key.partition_key}
        document = SimulatedWeather(source).forecast(event, [], weekend.starts["R"] - lead)
        assert document is not None
        hour = document["hourly"]["time"].index(weekend.starts["R"].strftime("%Y-%m-%dT%H:00"))
        at = round((weekend.starts["R"].replace(minute=0) - sky.start) / timedelta(hours=1))
        temperature.append(abs(document["hourly"]["temperature_2m"][hour] - sky.temperature_c[at]))
        likely = document["hourly"]["precipitation_probability"][hour] / 100
        rain.append((likely - (sky.rain_mm[at] > 0)) ** 2)
    return float(np.mean(temperature)), float(np.mean(rain))


def test_the_error_of_the_forecast_grows_with_its_lead() -> None:
    near, middle, far = (_misses(timedelta(days=days)) for days in (0.25, 4, 12))
    assert near[0] < middle[0] < far[0]
    assert near[0] < 1.0 < 2.0 < far[0]
    assert near[1] < 0.8 * far[1]


def test_the_stated_errors_grow_with_lead() -> None:
    leads = np.array([0.0, 24.0, 96.0, 384.0])
    assert np.all(np.diff(rain_skill(leads)) < 0)
    assert np.all(np.diff(temperature_error(leads)) > 0)


def test_the_stated_probability_of_rain_is_honest() -> None:
    """Over the race days of eight seasons, rain falls about as often as was said."""
    said, fell = [], []
    for weekend in WEEKENDS:
        sky, document = Sky(SOURCE.world, weekend), _forecast(weekend, timedelta(days=1))
        assert document is not None
        begin = round((parse_utc(document["hourly"]["time"][0]) - sky.start) / timedelta(hours=1))
        said += [p / 100 for p in document["hourly"]["precipitation_probability"]]
        fell += (sky.rain_mm[begin : begin + len(document["hourly"]["time"])] > 0).tolist()
    probability, rain = np.array(said), np.array(fell)
    assert abs(probability.mean() - rain.mean()) < 0.03
    assert rain[probability > 0.6].mean() > 0.5
    assert rain[probability < 0.05].mean() < 0.06


def test_forecasts_are_revised_rather_than_redrawn() -> None:
    def temperatures(days: float) -> np.ndarray[Any, Any]:
        documents = [_forecast(w, timedelta(days=days)) for w in WEEKENDS]
        return np.array([d["hourly"]["temperature_2m"][12] for d in documents if d])

    truth_like = temperatures(0.3)
    errors = [temperatures(days) - truth_like for days in (8, 7.75, 2)]
    assert np.corrcoef(errors[0], errors[1])[0, 1] > 0.5 > np.corrcoef(errors[0], errors[2])[0, 1]


def test_the_station_at_the_track_sees_the_weather_of_the_place() -> None:
    seen = SimulatedSource(seed=2, options=WorldOptions(laps=False, missing=False))
    for weekend in WEEKENDS[:40]:
        sky = Sky(SOURCE.world, weekend)
        weather = seen.session(weekend.key, "R", datetime(2027, 1, 1, tzinfo=UTC)).frames["weather"]
        true = sky.at([weekend.starts["R"] + timedelta(hours=1)], sky.temperature_c)[0]
        assert abs(weather["air_temp_c"].mean() - true) < 2
        if weather["rainfall"].mean() > 0.5:
            assert weather["track_temp_c"].mean() - weather["air_temp_c"].mean() < 8


def test_it_is_warmer_near_the_equator_and_in_the_summer_of_the_hemisphere() -> None:
    july, january = datetime(2024, 7, 20, tzinfo=UTC), datetime(2024, 1, 20, tzinfo=UTC)
    assert climate(1.3, july) > climate(52, july) > climate(52, january)
    assert climate(-37, january) > climate(-37, july)
    assert abs(climate(1.3, july) - climate(1.3, january)) < 2
