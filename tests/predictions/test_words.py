"""Sentences about a prediction and its result."""

from __future__ import annotations

import pytest

from f1lib.predictions import words

ROWS = [
    {"driver_id": "max", "full_name": "Max Verstappen", "p_win": 0.558, "predicted_rank": 1, "session": "R"},
    {"driver_id": "lando", "full_name": "Lando Norris", "p_win": 0.227, "predicted_rank": 2, "session": "R"},
    {"driver_id": "nyck", "full_name": "Nyck de Vries", "p_win": 0.104, "predicted_rank": 3, "session": "R"},
    {"driver_id": "carlos", "full_name": "Carlos Sainz Jr.", "p_win": 0.004, "predicted_rank": 4, "session": "R"},
]


def test_a_forecast_says_who_with_what_chance_and_when() -> None:
    said = words.forecast_sentence(ROWS, "Sunday 7 December 2025 at 14:00 CET")
    assert said == (
        "Verstappen wins with a chance of 56 %, Norris 23 %, de Vries 10 %. "
        "The race starts on Sunday 7 December 2025 at 14:00 CET."
    )
    assert words.forecast_sentence([{**row, "session": "S"} for row in ROWS], "x").endswith("The sprint starts on x.")


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (["max", "lando", "nyck"], "Verstappen won (given 56 %), 3 of 3 on the podium"),
        (["carlos", "max", "oscar"], "Sainz won (given <1 %), 1 of 3 on the podium"),
        (["oscar", "carlos", "charles"], "oscar won (not predicted), 0 of 3 on the podium"),
    ],
)
def test_an_outcome_says_who_won_what_he_was_given_and_the_podium(order: list[str], said: str) -> None:
    assert words.outcome_sentence(ROWS, {driver: n for n, driver in enumerate(order, 1)}) == said


@pytest.mark.parametrize(
    ("chance", "text"), [(0, "0 %"), (0.001, "<1 %"), (0.558, "56 %"), (0.999, ">99 %"), (1, "100 %")]
)
def test_a_chance_is_never_rounded_to_certainty(chance: float, text: str) -> None:
    assert words.percent(chance) == text
