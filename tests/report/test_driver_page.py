"""The page of a driver: forecast and result race by race, the duel with the team-mate, the race to come."""

from __future__ import annotations

from typing import Any

from f1lib.report.driver_page import driver_page, duel_of, race_rows
from f1lib.report.rounds import Round
from tests.support.site_lake import round_of

TITLE: dict[str, Any] = {"rank": 2, "points_now": 396.0, "p_title": 0.12}


def _season() -> list[Round]:
    """Two races of the past and the one to come; drivers 0 and 1 share a team."""
    past = [round_of(result=order) for order in (["driver-01", "driver-00"], ["driver-00", "driver-01", "driver-02"])]
    named = [
        Round(f"2025_{name}_Grand_Prix", "R", {**one.calendar, "event_name": f"{name} Grand Prix"},
              one.forecast, one.result, one.score)
        for name, one in zip("AB", past, strict=True)
    ]  # fmt: skip
    return [*named, round_of()]


def test_a_row_joins_what_was_said_with_what_came_newest_first() -> None:
    rows = race_rows(_season())["driver-01"]
    assert [(r["name"], r["predicted_rank"], r["place"], r["off"]) for r in rows] == [
        ("Abu Dhabi Grand Prix", 2, None, None),
        ("B Grand Prix", 2, 2, 0),
        ("A Grand Prix", 2, 1, -1),
    ]
    assert [r["is_ahead"] for r in rows] == [True, False, False]


def test_who_was_not_classified_is_marked_and_keeps_the_place() -> None:
    one = round_of(result=["driver-01", "driver-00"])
    result = (one.result[0], {**one.result[1], "status": "retired"})
    retired = Round(one.event, "R", one.calendar, one.forecast, result, {})
    (row,) = race_rows([retired])["driver-00"]
    assert (row["place"], row["is_dnf"]) == (2, True)


def test_the_duel_counts_the_races_that_both_of_a_team_ran() -> None:
    rows = race_rows(_season())
    duel = duel_of("driver-00", rows)
    assert duel == {"full_name": "Driver Number 1", "run": 2, "was": 1, "said": 2}
    assert duel_of("driver-01", rows)["said"] == 0


def test_a_driver_without_a_team_mate_has_no_duel() -> None:
    one = round_of(result=["driver-00"], forecast=False)
    assert duel_of("driver-00", race_rows([one])) == {}


def test_the_page_begins_with_the_race_to_come_and_sums_up_the_season() -> None:
    rows = race_rows(_season())
    shown = driver_page(rows["driver-00"], duel_of("driver-00", rows), TITLE, "f1db")
    assert shown["ahead"]["name"] == "Abu Dhabi Grand Prix"
    assert {tile["label"]: tile["value"] for tile in shown["tiles"]} == {
        "races": 2, "wins": 1, "our error": "0.5", "championship": "12 %", "ahead of Driver Number 1": "1 of 2",
    }  # fmt: skip
    assert [row["name"] for row in shown["drawn"]] == ["A Grand Prix", "B Grand Prix", "Abu Dhabi Grand Prix"]


def test_after_the_last_race_nothing_is_ahead() -> None:
    shown = driver_page(race_rows([round_of(result=["driver-00"])])["driver-00"], {}, {}, "f1db")
    assert (shown["ahead"], shown["tiles_ahead"]) == (None, [])
