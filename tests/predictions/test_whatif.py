"""What-if: what a change takes with it, and what is refused with a word that helps."""

from __future__ import annotations

import pandas as pd
import pytest

from f1lib.errors import BadParameters
from f1lib.predictions import whatif

READ = ["grid_position", "qualifying_position", "practice_rank", "form_points_3"]


@pytest.fixture
def field() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "driver_id": ["max-verstappen", "lando-norris", "oscar-piastri", "george-russell"],
            "abbreviation": ["VER", "NOR", "PIA", "RUS"],
            "full_name": ["Max Verstappen", "Lando Norris", "Oscar Piastri", "George Russell"],
            "driver_number": pd.array([1, 4, 81, 63], dtype="Int64"),
            "grid_position": [1.0, 2.0, 3.0, 4.0],
            "qualifying_position": [1.0, 2.0, 3.0, 4.0],
            "grid_minus_qualifying": 0.0,
            "is_odd_slot": [1.0, 0.0, 1.0, 0.0],
            "qualifying_gap_to_pole_pct": [0.0, 0.1, 0.2, 0.3],
            "practice_rank": [1.0, 2.0, 3.0, 4.0],
            "form_points_3": [25.0, 18.0, 15.0, 12.0],
            "weather_is_wet": float("nan"),
            "weather_is_mixed": float("nan"),
            "weather_precipitation_mm": float("nan"),
        }
    )


def _apply(field: pd.DataFrame, text: str, read: list[str] | None = None) -> pd.DataFrame:
    return whatif.apply(field, whatif.parse_change(text), READ if read is None else read)


@pytest.mark.parametrize("name", ["VER", "ver", "max-verstappen", "Max Verstappen", "1"])
def test_a_driver_sent_to_the_back_lets_the_others_move_up(field: pd.DataFrame, name: str) -> None:
    changed = _apply(field, f"{name}.grid_position=4")
    assert changed["grid_position"].tolist() == [4.0, 1.0, 2.0, 3.0]
    assert changed["grid_minus_qualifying"].tolist() == [3.0, -1.0, -1.0, -1.0]
    assert changed["is_odd_slot"].tolist() == [0.0, 1.0, 0.0, 1.0]
    assert changed["qualifying_gap_to_pole_pct"].tolist() == field["qualifying_gap_to_pole_pct"].tolist()
    assert field["grid_position"].tolist() == [1.0, 2.0, 3.0, 4.0]  # the caller's frame is left alone


def test_a_driver_put_in_front_pushes_the_others_back(field: pd.DataFrame) -> None:
    assert _apply(field, "RUS.grid_position=2")["grid_position"].tolist() == [1.0, 3.0, 4.0, 2.0]


def test_the_weather_is_everybodys(field: pd.DataFrame) -> None:
    wet = _apply(field, "weather=wet", ["weather_is_wet"])
    assert wet[["weather_is_wet", "weather_is_mixed"]].to_numpy().tolist() == [[1.0, 0.0]] * 4
    assert _apply(field, "weather=dry", ["weather_is_wet"])["weather_precipitation_mm"].tolist() == [0.0] * 4


@pytest.mark.parametrize(
    ("text", "chance"), [("rain=0.7", 0.7), ("weather=dry", 0), ("weather=mixed", 0.5), ("weather=wet", 1)]
)
def test_a_chance_of_rain_is_supposed_for_everybody(field: pd.DataFrame, text: str, chance: float) -> None:
    assert whatif.chance_of_rain(whatif.parse_change(text)) == chance
    assert _apply(field, text, ["weather_is_wet"])["grid_position"].tolist() == [1.0, 2.0, 3.0, 4.0]


def test_a_feature_without_a_driver_changes_for_all_and_with_one_for_him(field: pd.DataFrame) -> None:
    assert _apply(field, "form_points_3=7.5")["form_points_3"].tolist() == [7.5] * 4
    assert _apply(field, "NOR.form_points_3=0")["form_points_3"].tolist() == [25.0, 0.0, 15.0, 12.0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("HAM.grid_position=3", "no driver 'HAM' in this race; it has NOR, PIA, RUS, VER"),
        ("VER.grid=3", "no feature 'grid'; perhaps grid_position"),
        ("VER.grid_position=5", "whole number from 1 to 4"),
        ("VER.grid_position=1.5", "whole number from 1 to 4"),
        ("VER.grid_position=last", "'last' is no number"),
        ("grid_position=3", "whose"),
        ("VER.career_win_rate=1", "does not read career_win_rate"),
        ("weather=snow", "one of dry, mixed, wet"),
        ("VER.weather=wet", "everybody's"),
        ("VER.rain=0.5", "everybody's"),
        ("rain=70", "a chance from 0 to 1"),
        ("rain=nan", "a chance from 0 to 1"),
        ("rain=much", "a chance from 0 to 1"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(field: pd.DataFrame, text: str, said: str) -> None:
    with pytest.raises(BadParameters, match=said) as refused:
        _apply(field, text)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["wet", "VER.grid_position", "=3", ".grid_position=3", "VER.=3", "VER.grid_position="])
def test_what_is_no_change_says_what_one_looks_like(text: str) -> None:
    with pytest.raises(BadParameters, match=r"VER\.grid_position=20"):
        whatif.parse_change(text)
