"""The SQL of silver's results and grids over rows made up for one question each."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from f1lib.lake.tables import conform
from f1lib.sources.protocols import GRID_COLUMNS, RESULT_COLUMNS
from tests.support.sql import run_sql

EVENT = "2025_Australian_Grand_Prix"
START = pd.Timestamp("2025-03-16T04:00Z")


def sessions(*codes: str) -> pd.DataFrame:
    row = {"event_partition_key": EVENT, "event_year": 2025, "event_number": 1, "event_name": "Australian Grand Prix"}
    times = {"session_start_utc": START, "session_end_utc": START + pd.Timedelta(hours=2)}
    times |= {"available_utc": START + pd.Timedelta(hours=2.5), "grid_available_utc": START - pd.Timedelta(hours=1)}
    return pd.DataFrame([{**row, "session": code, **times} for code in codes])


def lineages() -> pd.DataFrame:
    return pd.DataFrame({"team_id": ["sauber"], "team_lineage": ["audi"]})


def results(rows: list[dict[str, Any]], session: str = "R") -> pd.DataFrame:
    """Silver's results of bronze rows; a row gives what matters, the rest is filled in."""
    kinds = dict.fromkeys(("driver_number", "grid_text", "status_text", "position_text"), "string")
    counts = dict.fromkeys(("position", "grid_position", "laps", "gap_laps", "pit_stop_count"), "Int64")
    floats = [c for c in RESULT_COLUMNS if c.endswith("_seconds") or c == "points"]
    filled = []
    for number, row in enumerate(rows, start=1):
        name = f"driver-{number}"
        base = {"driver_id": name, "full_name": name, "team_id": "haas", "team_name": "Haas", "position": number}
        filled.append({**base, "event_partition_key": EVENT, "session": session, "source": "f1db", **row})
    bronze = pd.DataFrame(filled).reindex(columns=[*RESULT_COLUMNS, "event_partition_key", "session", "source"])
    bronze = bronze.astype({**kinds, **counts, **dict.fromkeys(floats, "float64"), "abbreviation": "string"})
    inputs = {"bronze_results": bronze, "sessions": sessions("R", "S", "Q", "P1"), "team_lineages": lineages()}
    return conform(run_sql("silver/results", inputs), "results").set_index("driver_id")


@pytest.mark.parametrize(
    ("text", "status", "letter", "is_entrant"),
    [
        ("DNF", "retired", "R", True),
        ("R", "retired", "R", True),
        ("DSQ", "disqualified", "D", True),
        ("D", "disqualified", "D", True),
        ("NC", "not_classified", "N", True),
        ("N", "not_classified", "N", True),
        (None, "not_classified", "N", True),
        ("DNS", "did_not_start", "W", False),
        ("DNP", "did_not_start", "W", False),
        ("W", "did_not_start", "W", False),
        ("DNQ", "did_not_qualify", "F", False),
        ("F", "did_not_qualify", "F", False),
        ("EX", "excluded", "E", False),
        ("E", "excluded", "E", False),
    ],
)
def test_every_word_of_f1db_and_fastf1_has_one_meaning(
    text: str | None, status: str, letter: str, is_entrant: bool
) -> None:
    row = results([{"position_text": "1", "laps": 50}, {"position_text": text}]).loc["driver-2"]
    assert (row["status"], row["classified_position"], bool(row["is_entrant"])) == (status, letter, is_entrant)
    assert not row["is_classified"]
    assert pd.isna(row["finishing_position"]) != is_entrant
    assert pd.isna(row["gap_to_winner_laps"])


def test_a_non_starter_listed_before_the_disqualified_leaves_no_gap() -> None:
    order = results([{"position_text": t} for t in ("1", "DNF", "DNS", "DSQ")])["finishing_position"]
    assert order.fillna(0).tolist() == [1, 2, 0, 3]


def test_a_car_that_stopped_but_is_classified_counts_as_lapped_and_keeps_its_reason() -> None:
    found = results([{"position_text": "1", "laps": 50}, {"position_text": "2", "laps": 47, "status_text": "Engine"}])
    row = found.loc["driver-2"]
    assert (row["status"], row["status_reason"], row["gap_to_winner_laps"]) == ("lapped", "Engine", 3)
    assert row["is_classified"]


def test_laps_down_come_from_upstream_before_they_are_counted() -> None:
    found = results([{"position_text": "1", "laps": 50}, {"position_text": "2", "laps": 50, "gap_laps": 1}])
    assert found["status"].tolist() == ["finished", "lapped"]


def test_gaps_are_for_the_lead_lap_only_and_follow_from_the_times_when_not_given() -> None:
    rows: list[dict[str, Any]] = [
        {"position_text": "1", "laps": 50, "race_time_seconds": 5000.0},
        {"position_text": "2", "laps": 50, "race_time_seconds": 5004.5},
        {"position_text": "3", "laps": 50, "race_time_seconds": 5010.0, "gap_seconds": 9.9},
        {"position_text": "4", "laps": 49, "gap_laps": 1, "gap_seconds": 80.0, "race_time_seconds": 5080.0},
        {"position_text": "DNF", "laps": 10, "race_time_seconds": 900.0},
    ]
    found = results(rows)
    assert found["gap_to_winner_seconds"].fillna(-1).tolist() == [0, 4.5, 9.9, -1, -1]
    assert found["race_time_seconds"].isna().tolist() == [False, False, False, True, True]


@pytest.mark.parametrize(("session", "expected"), [("R", 0.0), ("S", 0.0), ("Q", None), ("P1", None)])
def test_points_not_given_are_none_scored_where_there_are_points_at_all(session: str, expected: float | None) -> None:
    points = results([{"position_text": "1"}], session)["points"].iloc[0]
    assert points == expected or (expected is None and pd.isna(points))


def test_pit_lane_starters_follow_the_last_slot_in_official_order() -> None:
    grids: list[dict[str, Any]] = [
        {"grid_text": "PL"},
        {"grid_position": 1, "grid_text": "1"},
        {"grid_position": 0},
        {"grid_position": 4, "grid_text": "4"},
        {},
    ]
    found = results([{"position_text": str(n), **grid} for n, grid in enumerate(grids, 1)])
    assert found["grid_position"].fillna(0).tolist() == [5, 1, 6, 4, 0]


@pytest.mark.parametrize("text", ["DSQ", "EX", "NC"])
def test_in_qualifying_everyone_who_took_part_has_a_place_whatever_became_of_it(text: str) -> None:
    found = results([{"position_text": "1"}, {"position_text": text}], "Q")
    assert found["finishing_position"].tolist() == [1, 2]
    assert found["is_entrant"].all()
    assert found["points"].isna().all()


def test_of_two_rows_of_one_driver_the_one_placed_first_stays_and_the_order_closes_up() -> None:
    rows = [{"position_text": "1"}, {"driver_id": "twin", "position_text": "2"}]
    rows += [{"driver_id": "twin", "position_text": "DSQ"}, {"position_text": "DNF"}]
    found = results(rows)
    assert found["finishing_position"].to_dict() == {"driver-1": 1, "twin": 2, "driver-4": 3}
    assert found.loc["twin", "status"] == "finished"


def test_positions_that_are_missing_stay_missing() -> None:
    found = results([{"position": None, "position_text": None}, {"position": None, "position_text": None}], "P1")
    assert found["finishing_position"].isna().all()


def test_rows_of_a_session_that_is_not_in_the_calendar_are_left_out() -> None:
    assert results([{"position_text": "1"}], "SQ").empty


def test_a_renamed_team_gets_its_lineage_and_any_other_keeps_its_id() -> None:
    found = results([{"position_text": "1", "team_id": "sauber"}, {"position_text": "2"}])
    assert found["team_lineage"].tolist() == ["audi", "haas"]


def grid(rows: list[dict[str, Any]]) -> pd.DataFrame:
    filled = []
    for number, row in enumerate(rows, start=1):
        name = f"driver-{number}"
        base = {"driver_id": name, "full_name": name, "team_id": "haas", "team_name": "Haas", "position": number}
        filled.append({**base, "event_partition_key": EVENT, "session": "R", "source": "f1db", **row})
    bronze = pd.DataFrame(filled).reindex(columns=[*GRID_COLUMNS, "event_partition_key", "session", "source"])
    counts = {"position": "Int64", "grid_penalty_positions": "Int64"}
    texts = dict.fromkeys(["driver_number", "abbreviation", "position_text"], "string")
    inputs = {"bronze_starting_grid": bronze.astype({**counts, **texts}), "sessions": sessions("R")}
    return conform(run_sql("silver/starting_grid", {**inputs, "team_lineages": lineages()}), "starting_grid")


def test_a_slot_left_empty_closes_up_and_the_pit_lane_stands_last() -> None:
    found = grid([{"position_text": t} for t in ("1", "PL", "3", "4")]).set_index("driver_id")
    assert found["grid_position"].to_dict() == {"driver-1": 1, "driver-3": 2, "driver-4": 3, "driver-2": 4}
    assert found["is_pit_lane"].to_dict()["driver-2"]
    assert (found["available_utc"] == START - pd.Timedelta(hours=1)).all()
