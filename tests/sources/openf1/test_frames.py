"""OpenF1's rows in FastF1's shape: names by number, the status of the track, laps that end in the pit lane."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from f1lib.sources.openf1.frames import loaded, named_drivers

ZERO = datetime(2025, 3, 14, 1, 30, tzinfo=UTC)
NOTHING: dict[str, Any] = {
    name: [] for name in ("drivers", "laps", "stints", "pit", "weather", "race_control", "session_result")
}


def at(seconds: float) -> str:
    return (pd.Timestamp(ZERO) + pd.Timedelta(seconds=seconds)).isoformat()


def lap(number: int, lap_number: int, **more: Any) -> dict[str, Any]:
    timed = {"date_start": at(100 * (lap_number - 1)), "lap_duration": 100.0, "is_pit_out_lap": False}
    return {"driver_number": number, "lap_number": lap_number, **timed, **more}


def driver(number: int, session_key: int, first: str | None = None, last: str | None = None) -> dict[str, Any]:
    return {"driver_number": number, "session_key": session_key, "first_name": first, "last_name": last}


def laps_of(**rows: Any) -> pd.DataFrame:
    found = loaded(NOTHING | rows, ZERO).laps
    assert found is not None
    return found


def test_a_row_without_a_name_takes_the_one_that_its_number_has_in_the_meeting() -> None:
    rows = [driver(1, 7), driver(1, 8, "Max", "Verstappen"), driver(4, 7, "Lando", "Norris"), driver(40, 8, "A", "B")]
    found = {row["driver_number"]: row["last_name"] for row in named_drivers(rows, 7)}
    assert found == {1: "Verstappen", 4: "Norris"}


def test_a_number_of_two_drivers_or_of_nobody_stays_without_a_name() -> None:
    rows = [driver(1, 7), driver(1, 8, "Max", "Verstappen"), driver(1, 9, "Lando", "Norris"), driver(99, 7)]
    assert [row["last_name"] for row in named_drivers(rows, 7)] == [None, None]
    assert loaded(NOTHING | {"drivers": named_drivers(rows, 7)}, ZERO).listed["FullName"].tolist() == [None, None]


def test_the_age_of_a_tyre_grows_from_that_at_the_start_of_its_stint() -> None:
    stints = [
        {"driver_number": 1, "stint_number": 2, "lap_start": 3, "compound": "HARD", "tyre_age_at_start": 4},
        {"driver_number": 1, "stint_number": 1, "lap_start": 1, "compound": "SOFT", "tyre_age_at_start": 0},
    ]
    found = laps_of(laps=[lap(1, n) for n in (1, 2, 3, 4)], stints=stints)
    assert found["TyreLife"].tolist() == [1, 2, 5, 6]
    assert found["Compound"].tolist() == ["SOFT", "SOFT", "HARD", "HARD"]
    assert found["FreshTyre"].tolist() == [True, True, False, False]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ({"laps": [lap(1, 1), lap(1, 2), lap(1, 3)]}, [False, False, False]),
        ({"laps": [lap(1, 1), lap(1, 2, is_pit_out_lap=True), lap(1, 3)]}, [True, False, False]),
        ({"laps": [lap(1, 1, segments_sector_3=[2049, 2064]), lap(1, 2), lap(1, 3)]}, [True, False, False]),
        (
            {
                "laps": [lap(1, 1), lap(1, 2), lap(1, 3)],
                "pit": [{"driver_number": 1, "lap_number": 2, "pit_duration": 22.5}],
            },
            [False, True, False],
        ),
        (
            {"laps": [lap(1, 1), lap(1, 2), lap(1, 3)], "session_result": [{"driver_number": 1, "dnf": True}]},
            [False, False, True],
        ),
        (
            {
                "laps": [lap(1, 1), lap(1, 2), lap(1, 3, lap_duration=None)],
                "session_result": [{"driver_number": 1, "dnf": True}],
            },
            [False, False, False],
        ),
    ],
    ids=["on track", "the next leaves the lane", "last segment", "timed stop", "retired", "stopped on the track"],
)
def test_a_lap_that_ends_in_the_pit_lane_is_known(rows: dict[str, Any], expected: list[bool]) -> None:
    assert laps_of(**rows)["PitInTime"].notna().tolist() == expected


def test_a_stop_takes_as_long_as_the_lane_was_driven_through() -> None:
    found = laps_of(
        laps=[lap(1, 1), lap(1, 2, is_pit_out_lap=True)],
        pit=[{"driver_number": 1, "lap_number": 1, "pit_duration": 22.5}],
    )
    assert (found["PitOutTime"].iloc[1] - found["PitInTime"].iloc[0]).total_seconds() == 22.5


def message(seconds: float, text: str, flag: str | None = None, sector: int | None = None) -> dict[str, Any]:
    scope = "Sector" if sector else "Track"
    return {"date": at(seconds), "message": text, "flag": flag, "scope": scope, "sector": sector}


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([message(110, "YELLOW", "YELLOW", 4), message(120, "CLEAR", "CLEAR", 4)], ["1", "121", "1"]),
        (
            [message(110, "Y", "YELLOW", 4), message(115, "Y", "DOUBLE YELLOW", 5), message(250, "C", "CLEAR", 4)],
            ["1", "12", "2"],
        ),
        ([message(150, "SAFETY CAR DEPLOYED"), message(250, "TRACK CLEAR", "CLEAR")], ["1", "14", "41"]),
        (
            [
                message(110, "VIRTUAL SAFETY CAR DEPLOYED"),
                message(150, "VIRTUAL SAFETY CAR ENDING"),
                message(160, "C", "CLEAR"),
            ],
            ["1", "167", "1"],
        ),
        ([message(150, "RED FLAG", "RED"), message(250, "GREEN LIGHT - PIT EXIT OPEN", "GREEN")], ["1", "15", "51"]),
        ([message(150, "SAFETY CAR DEPLOYED"), message(160, "Y", "YELLOW", 4)], ["1", "14", "4"]),
    ],
    ids=["yellow", "two sectors", "safety car", "virtual", "red", "yellow behind the safety car"],
)
def test_the_status_of_the_track_is_that_of_the_messages(messages: list[dict[str, Any]], expected: list[str]) -> None:
    found = laps_of(laps=[lap(1, n) for n in (1, 2, 3)], race_control=messages)["TrackStatus"].tolist()
    assert found == [text.replace("121", "12") for text in expected]


def test_a_deleted_time_is_marked_unless_it_was_reinstated() -> None:
    said = [
        message(1, "CAR 1 (VER) TIME 1:40.000 DELETED - TRACK LIMITS AT TURN 4 LAP 1 12:00:00"),
        message(2, "CAR 4 (NOR) TIME 1:40.000 DELETED - TRACK LIMITS AT TURN 4 LAP 1 12:00:00"),
        message(3, "CAR 4 (NOR) TIME 1:40.000 DELETED LAP REINSTATED"),
    ]
    found = laps_of(laps=[lap(1, 1), lap(4, 1), lap(16, 1)], race_control=said)
    assert found["Deleted"].tolist() == [True, False, False]
    assert laps_of(laps=[lap(1, 1)])["Deleted"].isna().all(), "without messages it is not known"


def test_a_session_is_over_when_the_flag_was_shown_or_nobody_says() -> None:
    assert loaded(NOTHING, ZERO).is_over
    assert not loaded(NOTHING | {"race_control": [message(1, "GREEN", "GREEN")]}, ZERO).is_over
    assert loaded(NOTHING | {"race_control": [message(1, "CHEQUERED FLAG", "CHEQUERED")]}, ZERO).is_over
