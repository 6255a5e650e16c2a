"""Forecasts in the lake: every one kept, only a material difference acted on, what fails said and asked again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from f1lib.bronze.schedule import refresh_schedule
from f1lib.bronze.weather import Material, fetch_forecasts, fetch_past, material_changes, past_events, race_weather
from f1lib.domain.moments import format_utc, parse_utc
from f1lib.errors import RateLimited, SourceError
from f1lib.tracking.rows import Status, TrackingRow
from f1lib.workspace.workspace import Workspace
from tests.support.f1db_zips import tiny, write
from tests.support.workspaces import make_workspace

AUSTRALIA, CHINA = "2025_Australian_Grand_Prix", "2025_Chinese_Grand_Prix"
EVE = "2025-03-15T12:00:00Z"


class Sky:
    """A weather source that says what it is told."""

    name = "openmeteo"
    attribution = ""

    def __init__(self, **values: Any) -> None:
        self.values = {"probability": 10.0, "rain": 0.0, "air": 20.0, "wind": 10.0} | values
        self.error: SourceError | None = None
        self.asked: list[str] = []

    def forecast(self, event: dict[str, Any], sessions: list[dict[str, Any]], as_of: Any) -> dict[str, Any] | None:
        self.asked.append(event["event_partition_key"])
        if self.error:
            raise self.error
        race = next(row for row in sessions if row["session"] == "R")
        start = race["session_start_utc"].to_pydatetime().replace(minute=0) - timedelta(hours=1)
        hours = [start + timedelta(hours=n) for n in range(6)]
        named = {"precipitation_probability": "probability", "precipitation": "rain"}
        named |= {"temperature_2m": "air", "wind_speed_10m": "wind"}
        hourly: dict[str, Any] = {"time": [format_utc(hour) for hour in hours]}
        hourly |= {name: [self.values[ours]] * len(hours) for name, ours in named.items()}
        own = {
            "event_partition_key": event["event_partition_key"],
            "issued_utc": format_utc(as_of),
            "source": "openmeteo",
        }
        return {"hourly": hourly, "f1lib": own | {"provenance": "forecast"}}


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    release = write(tmp_path / "f1db.zip", tiny())
    opened = make_workspace(tmp_path / "lake", EVE, f1db=str(release))
    refresh_schedule(opened, [])
    return opened


def look(ws: Workspace, sky: Sky, minutes: int = 0, event: str = AUSTRALIA) -> TrackingRow:
    later = ws.at(parse_utc(EVE) + timedelta(minutes=minutes))
    later.upstreams.weather_source = sky
    fetch_forecasts(later, [event])
    row = ws.tracking.get(event, "STAGE#02_weather")
    assert row is not None
    return row


def taken_in(ws: Workspace) -> None:
    status = Status.GOLD
    ws.tracking.put_rows([{"event_partition_key": AUSTRALIA, "session_name_abr": "STAGE#02_weather", "status": status}])


def test_every_forecast_is_kept_and_only_a_material_one_is_acted_on(ws: Workspace) -> None:
    assert look(ws, Sky())["status"] == "ingested"
    taken_in(ws)
    calm = look(ws, Sky(probability=20.0, air=22.0, wind=15.0, rain=0.2), 120)
    assert calm["status"] == "gold"
    storm = look(ws, Sky(probability=80.0, rain=4.0), 240)
    assert storm["status"] == "ingested"
    assert storm["changes"] == ["R: chance of rain 10 -> 80 %", "R: rain 0 -> 8 mm"]
    assert len(ws.store.list("bronze/weather/forecast/2025/Australian_Grand_Prix/")) == 3


def test_a_forecast_that_creeps_is_acted_on_when_it_has_come_far_enough(ws: Workspace) -> None:
    look(ws, Sky(probability=10.0))
    statuses = []
    for step, probability in enumerate((18.0, 24.0, 26.0, 33.0), start=1):
        taken_in(ws)
        statuses.append(look(ws, Sky(probability=probability), 120 * step)["status"])
    assert statuses == ["gold", "gold", "ingested", "gold"], "16 points from the one last acted on"


def test_a_value_that_appears_or_goes_is_material_and_missing_is_never_dry(ws: Workspace) -> None:
    look(ws, Sky(probability=None, rain=None))
    taken_in(ws)
    row = look(ws, Sky(rain=None), 120)
    assert row["changes"] == ["R: chance of rain unknown -> 10 %"]
    assert row["acted_on"]["R"]["precipitation_mm"] is None


def test_a_source_that_fails_is_asked_once_for_all_events_and_again_after_an_hour(ws: Workspace) -> None:
    sky = Sky()
    sky.error = RateLimited("600 calls a minute", 60)
    ws.upstreams.weather_source = sky
    rows = fetch_forecasts(ws, [AUSTRALIA, CHINA])
    assert sky.asked == [AUSTRALIA]
    assert rows["status"].tolist() == ["missing", "missing"]
    row = ws.tracking.get(CHINA, "STAGE#02_weather")
    assert row is not None
    assert (row["last_error"], row["next_attempt_utc"]) == ("600 calls a minute", "2025-03-15T13:00:00Z")
    assert "finished_utc" not in row
    good = look(ws, Sky(), 60)
    assert "last_error" not in good
    assert "next_attempt_utc" not in good


def test_an_event_without_coordinates_keeps_no_other_from_its_forecast(ws: Workspace) -> None:
    tables = ws.store.list("bronze/schedule/2025/events")
    from f1lib.lake.parquet import read_parquet, write_parquet

    events = read_parquet(ws.store, tables[0])
    write_parquet(ws.store, tables[0], events.assign(latitude=events["latitude"].where(events["event_number"] != 1)))
    sky = Sky()
    ws.upstreams.weather_source = sky
    rows = fetch_forecasts(ws, [AUSTRALIA, CHINA])
    assert rows["reason"].tolist() == ["no coordinates are known for its circuit", ""]
    assert sky.asked == [CHINA]


def test_the_weather_of_past_races_is_a_backfill_that_goes_on_where_it_stopped(ws: Workspace) -> None:
    later = ws.at(parse_utc("2025-04-01T00:00:00Z"))
    sky = Sky()
    later.upstreams.weather_source = sky
    assert past_events(later.tracking.rows(), [], later.as_of) == [AUSTRALIA, CHINA]
    told: list[str] = []
    sky.error = SourceError("down")
    assert fetch_past(later, past_events(later.tracking.rows(), [2025], later.as_of), told.append) == "down"
    sky.error = None
    assert fetch_past(later, past_events(later.tracking.rows(), [2025], later.as_of), told.append) == ""
    assert told == [AUSTRALIA, CHINA]
    assert past_events(later.tracking.rows(), [], later.as_of) == []
    assert len(ws.store.list("bronze/weather/historical_forecast/")) > 2


@given(st.floats(0, 100), st.floats(0, 100))
def test_a_difference_below_the_threshold_is_never_material_and_one_above_always(one: float, other: float) -> None:
    before, now = {"R": {"probability_points": one}}, {"R": {"probability_points": other}}
    assert bool(material_changes(before, now, Material())) == (one != other and abs(one - other) >= 15)


def test_the_hours_that_count_are_those_of_silver(ws: Workspace) -> None:
    start = parse_utc("2025-03-16T04:00:00Z")
    times = [start + timedelta(hours=n - 1) for n in range(5)]
    document: dict[str, dict[str, Any]] = {
        "hourly": {
            "time": [format_utc(t) for t in times],
            "temperature_2m": [0.0, 20.0, 22.0, 50.0, 50.0],
            "wind_speed_10m": [0.0, 10.0, 12.0, 50.0, 50.0],
            "precipitation": [9.0, 9.0, 1.0, 2.0, 9.0],
            "precipitation_probability": [99.0, 99.0, 10.0, 30.0, 99.0],
        }
    }
    sessions = [{"session": "R", "session_start_utc": start, "session_end_utc": start + timedelta(hours=2)}]
    assert race_weather(document, sessions)["R"] == {
        "probability_points": 30.0,
        "precipitation_mm": 3.0,
        "temperature_c": 21.0,
        "wind_kmh": 11.0,
    }
    for unknown in (2, 3):
        gap = {**document["hourly"], "precipitation": [None if n == unknown else 0.0 for n in range(5)]}
        assert race_weather({"hourly": gap}, sessions)["R"]["precipitation_mm"] is None
    short = {"hourly": {name: values[:3] for name, values in document["hourly"].items()}}
    assert race_weather(short, sessions)["R"]["precipitation_mm"] is None, "the last hour is missing"
