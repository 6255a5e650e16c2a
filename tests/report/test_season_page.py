"""The index of a season: every race with favourite and winner, every driver with the forecasts' error."""

from __future__ import annotations

from f1lib.report.season_page import driver_rows, race_row, season_page
from tests.support.site_lake import round_of

RESULT = ["driver-01", "driver-00", "driver-05"]


def test_a_race_says_our_favourite_the_winner_and_the_chance_that_he_was_given() -> None:
    row = race_row(round_of(result=RESULT, score={"mae": 2.5}), None)
    assert (row["favourite"], row["winner"], row["mae"]) == ("Driver Number 0", "Driver Number 1", 2.5)
    assert (round(row["p_favourite"], 2), round(row["p_winner"], 2)) == (0.43, 0.30)
    assert (row["day"], row["sprint"]) == ("7 December", "")


def test_a_race_without_forecast_and_result_has_neither() -> None:
    row = race_row(round_of(forecast=False, is_cancelled=True), None)
    assert (row["favourite"], row["winner"], row["p_winner"], row["page"]) == (None, None, None, "")
    assert row["is_cancelled"]


def test_the_drivers_stand_by_wins_with_the_mean_error_of_our_forecasts() -> None:
    first, second, third, *_ = driver_rows([round_of(result=RESULT)])
    assert [(d["driver_id"], d["wins"], d["podiums"], d["off"]) for d in (first, second, third)] == [
        ("driver-01", 1, 1, 1.0),
        ("driver-00", 0, 1, 1.0),
        ("driver-05", 0, 1, 3.0),
    ]
    assert first["page"] == "drivers/driver-01.html"


def test_before_the_first_race_the_drivers_are_those_of_the_forecast() -> None:
    rows = driver_rows([round_of()])
    assert (len(rows), rows[0]["off"]) == (10, None)


def test_the_page_counts_the_races_run_and_links_other_seasons_and_the_titles() -> None:
    shown = season_page(2025, [round_of(result=RESULT)], [2024, 2025], True, "f1db")
    assert shown["lead"] == "1 of 1 races run."
    assert shown["others"] == [("seasons/2024.html", "2024")]
    assert shown["championship"] == "championship/2025.html"
    assert season_page(2025, [], [2025], False, "f1db")["championship"] == ""
