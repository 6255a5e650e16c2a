"""The provisional grid, by Article 42.3 of the sporting regulations."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from f1lib.domain.starting_grid import BACK, PIT_LANE, Penalty, added_up, provisional_grid
from tests.support.examples import examples

QUALIFIED = list("abcdefghij")
_PENALTIES = st.integers(1, 30) | st.sampled_from([BACK, PIT_LANE])


@pytest.mark.parametrize(
    ("penalties", "grid"),
    [
        ({}, "abcdefghij"),
        ({"a": 3}, "bcdaefghij"),
        ({"a": 15}, "bcdefghija"),  # beyond the back: the gap closes
        ({"i": 5, "a": 12}, "bcdefghjai"),  # temporary places 13 and 14
        ({"a": 3, "b": 2}, "cdabefghij"),  # both on 4: the slower keeps it
        ({"a": 3, "b": 2, "c": 1}, "dabcefghij"),
        ({"a": BACK, "d": BACK, "b": 15}, "cefghijbad"),
        ({"a": 16}, "bcdefghija"),
        ({"a": PIT_LANE, "j": 5}, "bcdefghija"),
        ({"a": PIT_LANE, "b": BACK}, "cdefghijba"),
    ],
)
def test_penalties_compose_as_the_regulations_say(penalties: dict[str, Penalty], grid: str) -> None:
    assert "".join(provisional_grid(QUALIFIED, [], added_up(penalties.items()))) == grid


def test_who_was_not_classified_starts_behind_all_who_were_and_before_the_pit_lane() -> None:
    assert provisional_grid(list("abc"), list("xy"), {"a": BACK, "b": PIT_LANE, "x": 5}) == list("caxyb")


def test_the_belgian_grid_of_2024_comes_out() -> None:
    """Verstappen was fastest and lost ten places, Zhou three from the last; Tsunoda started from the back."""
    qualified = "VER LEC PER HAM NOR PIA RUS SAI ALO OCO ALB GAS RIC BOT STR HUL MAG TSU SAR ZHO".split()
    official = "LEC PER HAM NOR PIA RUS SAI ALO OCO ALB VER GAS RIC BOT STR HUL MAG SAR ZHO TSU".split()
    assert provisional_grid(qualified, [], {"VER": 10, "TSU": BACK, "ZHO": 3}) == official


def test_penalties_of_a_driver_add_up() -> None:
    stated: list[tuple[str, Penalty]] = [
        ("a", 10),
        ("a", 5),
        ("b", 10),
        ("b", 6),
        ("c", 3),
        ("c", PIT_LANE),
        ("d", BACK),
        ("d", 1),
    ]
    assert added_up(stated) == {"a": 15, "b": BACK, "c": PIT_LANE, "d": BACK}


@given(st.dictionaries(st.sampled_from(QUALIFIED), _PENALTIES), st.integers(0, 3))
@settings(max_examples=examples(300))
def test_nobody_is_lost_and_who_has_no_penalty_loses_no_place(penalties: dict[str, Penalty], others: int) -> None:
    unclassified = list("xyz")[:others]
    summed = added_up(penalties.items())
    grid = provisional_grid(QUALIFIED, unclassified, summed)
    assert sorted(grid) == sorted([*QUALIFIED, *unclassified])
    clean = [driver for driver in QUALIFIED if driver not in penalties]
    assert [driver for driver in grid if driver in clean] == clean
    assert all(grid.index(driver) <= QUALIFIED.index(driver) for driver in clean)
    behind = [driver for driver in grid if summed.get(driver) == PIT_LANE]
    assert grid[len(grid) - len(behind) :] == behind


@given(st.dictionaries(st.sampled_from(QUALIFIED), _PENALTIES), st.sampled_from(QUALIFIED), st.integers(1, 14))
@settings(max_examples=examples(300))
def test_a_harder_penalty_never_gains_a_place(penalties: dict[str, Penalty], driver: str, places: int) -> None:
    def slot(penalty: Penalty) -> int:
        return provisional_grid(QUALIFIED, [], added_up({**penalties, driver: penalty}.items())).index(driver)

    assert slot(places) <= slot(places + 1) <= slot(BACK) <= slot(PIT_LANE)
