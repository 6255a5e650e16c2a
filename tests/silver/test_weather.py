"""The SQL of silver's weather: which samples and hours count, and when it was wet."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from f1lib.lake.tables import conform, empty
from f1lib.silver.read_bronze import HOURLY, no_samples
from f1lib.sources.protocols import WEATHER_COLUMNS
from tests.support.sql import run_sql

EVENT = "2025_Australian_Grand_Prix"
START = pd.Timestamp("2025-03-16T04:00Z")
HOUR = pd.Timedelta(hours=1)


def sessions(start: pd.Timestamp = START) -> pd.DataFrame:
    row = {"event_partition_key": EVENT, "event_year": 2025, "event_number": 1, "event_name": "Australian Grand Prix"}
    times = {"session_start_utc": start, "session_end_utc": start + 2 * HOUR, "available_utc": start + 2.5 * HOUR}
    return pd.DataFrame([{**row, "session": "R", **times}])


def hours(values: list[dict[str, Any]], kind: str, issued: pd.Timestamp) -> pd.DataFrame:
    """Hourly rows from 04:00 on; what a row does not give is null."""
    base = {"event_partition_key": EVENT, "kind": kind, "provenance": kind, "source": "openmeteo", "issued_utc": issued}
    rows = [{**base, "hour_utc": START + n * HOUR, **row} for n, row in enumerate(values)]
    frame = pd.DataFrame(rows).reindex(columns=[*base, "hour_utc", *HOURLY.values()])
    moments = dict.fromkeys(["issued_utc", "hour_utc"], "datetime64[us, UTC]")
    return frame.astype({**dict.fromkeys(HOURLY.values(), "float64"), **moments})


def forecast(values: list[dict[str, Any]], issued: pd.Timestamp = START - 20 * HOUR, **more: Any) -> pd.DataFrame:
    inputs = {"bronze_hours": hours(values, "forecast", issued), "sessions": sessions(**more)}
    return conform(run_sql("silver/weather_forecast", inputs), "weather_forecast")


def observed(
    samples: list[dict[str, Any]], laps: list[dict[str, Any]], archive: pd.DataFrame | None = None
) -> pd.DataFrame:
    columns = [*WEATHER_COLUMNS, "event_partition_key", "session", "source"]
    base = {"event_partition_key": EVENT, "session": "R", "source": "fastf1"}
    lap = {**base, "driver_id": "a", "lap_number": 1}
    timed = pd.DataFrame([{**lap, **row} for row in laps]) if laps else empty("laps")
    measured = pd.DataFrame([{**base, **row} for row in samples]).reindex(columns=columns)
    inputs: dict[str, Any] = {"laps": timed, "sessions": sessions()}
    inputs["bronze_weather"] = measured.astype({"rainfall": "boolean"}) if samples else no_samples()
    inputs["bronze_hours"] = archive if archive is not None else hours([{}], "forecast", START)
    return conform(run_sql("silver/weather_observed", inputs), "weather_observed")


def test_a_session_takes_the_hours_it_is_held_in_and_rain_of_the_hours_before_them() -> None:
    temperatures, rain = [10.0, 20.0, 30.0, 40.0], [8.0, 0.5, 0.25, 16.0]
    rows = [{"temperature_c": t, "precipitation_mm": r} for t, r in zip(temperatures, rain, strict=True)]
    [row] = forecast(rows).to_dict("records")
    assert row["air_temp_c"] == 15.0, "04:00 and 05:00; 06:00 is after the end"
    assert row["precipitation_mm"] == 0.75, "the sums at 05:00 and 06:00 fell between 04:00 and 06:00"
    assert row["lead_hours"] == 20.0
    assert row["available_utc"] == row["issued_utc"] == START - 20 * HOUR


def test_a_session_between_the_full_hours_takes_all_it_touches() -> None:
    rows = [{"temperature_c": float(n), "precipitation_mm": 1.0} for n in range(5)]
    [row] = forecast(rows, start=START + pd.Timedelta(minutes=30)).to_dict("records")
    assert (row["air_temp_c"], row["precipitation_mm"]) == (1.0, 3.0)


def test_a_session_that_the_document_does_not_cover_whole_has_no_forecast() -> None:
    assert forecast([{"temperature_c": 10.0}]).empty


def test_what_was_issued_after_the_start_is_no_forecast() -> None:
    rows = [{"temperature_c": 10.0}] * 3
    assert len(forecast(rows, START)) == 1
    assert forecast(rows, START + pd.Timedelta(seconds=1)).empty


@pytest.mark.parametrize(
    ("millimetres", "probability", "condition"),
    [
        (0.0, 0.0, "dry"),
        (0.04, 29.0, "dry"),
        (0.05, 0.0, "mixed"),
        (0.0, 30.0, "mixed"),
        (0.5, 0.0, "wet"),
        (0.0, 70.0, "wet"),
        (None, 10.0, "dry"),
        (0.0, None, "dry"),
        (None, None, None),
    ],
)
def test_a_forecast_is_dry_mixed_or_wet_and_never_dry_for_want_of_one(
    millimetres: float | None, probability: float | None, condition: str | None
) -> None:
    row = {"temperature_c": 20.0, "precipitation_mm": millimetres, "precipitation_probability_pct": probability}
    found = forecast([row] * 3)["condition"].iloc[0]
    assert found == condition if condition else pd.isna(found)


def test_wind_from_either_side_of_north_is_from_the_north() -> None:
    found = forecast([{"wind_direction_deg": d} for d in (350.0, 10.0, 90.0)])["wind_direction_deg"].iloc[0]
    assert min(found, 360 - found) == pytest.approx(0, abs=1e-9)


def test_samples_before_the_first_lap_and_after_the_last_do_not_count() -> None:
    laps = [{"session_time_seconds": s, "compound": "SOFT"} for s in (3600.0, 7200.0)]
    moments = [(3000.0, 0.0), (3480.0, 20.0), (7200.0, 30.0), (7201.0, 99.0)]
    samples = [{"time_seconds": t, "air_temp_c": c, "rainfall": False} for t, c in moments]
    assert observed(samples, laps)["air_temp_c"].tolist() == [25.0]
    assert observed(samples, [])["air_temp_c"].tolist() == [pytest.approx(37.25)]


@pytest.mark.parametrize(
    ("rain", "wet_laps", "condition"),
    [(0, 0, "dry"), (0, 10, "mixed"), (0, 60, "wet"), (10, 0, "dry"), (50, 0, "dry"), (90, 5, "mixed"), (1, 1, "dry")],
)
def test_rain_is_what_the_tyres_say_whatever_the_sensor_sees(rain: int, wet_laps: int, condition: str) -> None:
    compounds = ["INTERMEDIATE"] * wet_laps + ["HARD"] * (100 - wet_laps)
    laps = [{"session_time_seconds": 100.0 + n, "compound": c, "lap_number": n} for n, c in enumerate(compounds)]
    samples = [{"time_seconds": 100.0 + n % 90, "rainfall": n < rain} for n in range(100)]
    [row] = observed(samples, laps).to_dict("records")
    assert (row["condition"], row["rain_share"]) == (condition, rain / 100)
    assert row["provenance"] == "track"


@pytest.mark.parametrize(("rain", "condition"), [(0, "dry"), (10, "mixed"), (60, "wet")])
def test_where_no_tyres_are_known_the_sensor_counts(rain: int, condition: str) -> None:
    laps = [{"session_time_seconds": 100.0 + n, "compound": "UNKNOWN", "lap_number": n} for n in range(100)]
    samples = [{"time_seconds": 100.0 + n % 90, "rainfall": n < rain} for n in range(100)]
    assert observed(samples, laps)["condition"].tolist() == [condition]


def test_tyres_that_nobody_recorded_say_nothing() -> None:
    laps: list[dict[str, Any]] = [
        {"session_time_seconds": 100.0, "compound": None},
        {"session_time_seconds": 160.0, "compound": "UNKNOWN"},
    ]
    samples: list[dict[str, Any]] = [{"time_seconds": 120.0, "rainfall": None}]
    assert observed(samples, laps)["condition"].isna().all()


def test_an_archive_counts_from_the_day_it_was_fetched() -> None:
    fetched = START + 100 * HOUR
    rows = [{"temperature_c": 20.0, "precipitation_mm": 0.3}] * 3
    [row] = observed([], [], hours(rows, "archive", fetched)).to_dict("records")
    assert (row["provenance"], row["condition"], row["precipitation_mm"]) == ("archive", "mixed", 0.6)
    assert row["available_utc"] == fetched


def test_track_and_archive_of_one_session_are_two_rows() -> None:
    archive = hours([{"temperature_c": 20.0}] * 3, "archive", START + 3 * HOUR)
    found = observed([{"time_seconds": 1.0, "air_temp_c": 25.0}], [], archive)
    assert found["provenance"].tolist() == ["archive", "track"]
    assert found["condition"].isna().all()


@pytest.mark.parametrize("known", [{}, {"precipitation_probability_pct": 80.0}])
def test_an_hour_whose_rain_nobody_knows_makes_the_session_s_rain_unknown_and_not_less(known: dict[str, float]) -> None:
    dry = {"temperature_c": 20.0, "precipitation_mm": 0.0, "precipitation_probability_pct": 0.0}
    unknown: dict[str, Any] = {"temperature_c": 20.0, "precipitation_mm": None, **known}
    cases: list[list[dict[str, Any]]] = [[dry, unknown, dry], [dry, dry, unknown], [dry, dry]]
    for rows in cases:
        [row] = forecast(rows).to_dict("records")
        assert pd.isna(row["precipitation_mm"])
        [past] = observed([], [], hours(rows, "archive", START + 100 * HOUR)).to_dict("records")
        assert pd.isna(past["precipitation_mm"])
        assert pd.isna(past["condition"])
        assert row["condition"] == "wet" if known and len(rows) == 3 else pd.isna(row["condition"])
