"""What a prediction says of rain: the chance, what it does, and how far a new forecast moved whom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from f1lib.lake.paths import METADATA, run_key
from f1lib.lake.store import open_store, write_json
from f1lib.predictions import rain
from f1lib.predictions.changes import why_changed
from tests.support.made_up_predictions import prediction_frame

LEARNED = {"learned": True, "wet_races": 20, "fewest_wet_races": 8, "width": 1.69, "hazard": 1.2}
RIGHT = {"races": 40, "said": 0.15, "wet": 0.14, "se": 0.05}


def _said(folder: Path, learned: dict[str, Any] | None, p: float) -> str:
    store, frame = open_store(str(folder)), prediction_frame().assign(p_rain=p)
    if learned is not None:
        write_json(store, run_key(str(frame["model_run_id"].iloc[0]), METADATA), {"rain": learned} if learned else {})
    return rain.in_words(store, frame)


def test_the_chance_and_what_it_does_are_said(tmp_path: Path) -> None:
    said = _said(tmp_path, LEARNED | {"forecasts": RIGHT}, 0.71)
    assert said == (
        "Chance of a wet race 71 %. In the wet performances spread 1.30 times as wide as in the dry and retirements "
        "are 1.20 times as likely (20 wet races); the order stays."
    )


@pytest.mark.parametrize(("wet", "word"), [(0.14, "high"), (0.6, "low")])
def test_forecasts_that_run_high_or_low_are_named(tmp_path: Path, wet: float, word: str) -> None:
    said = _said(tmp_path, LEARNED | {"forecasts": {"races": 40, "said": 0.31, "wet": wet, "se": 0.05}}, 0.5)
    assert f"run {word}, which is made up for: they said 31 % on average, and {100 * wet:.0f} % of 40 races" in said


def test_what_is_not_known_is_said_and_a_model_without_rain_says_nothing(tmp_path: Path) -> None:
    assert "missing is not dry" in _said(tmp_path, LEARNED | {"forecasts": {"races": 0}}, float("nan"))
    few = {"learned": False, "wet_races": 3, "fewest_wet_races": 8}
    assert _said(tmp_path, few, float("nan")) == (
        "Rain changes nothing: the model has seen 3 wet races, and learns from 8 on."
    )
    assert _said(tmp_path, {}, float("nan")) == ""
    assert _said(tmp_path / "lost", None, float("nan")) == ""


def _flatter(frame: pd.DataFrame, share: float) -> pd.DataFrame:
    n = len(frame)
    matrix = np.array(frame["position_probabilities"].tolist()) * (1 - share) + share / n
    lists: Any = matrix.tolist()
    return frame.assign(position_probabilities=lists, p_win=matrix[:, 0])


def test_a_renewed_prediction_says_how_far_a_new_chance_of_rain_moved_whom() -> None:
    before = prediction_frame().assign(p_rain=0.05, forecast_hash="dry")
    after = _flatter(before, 0.3).assign(p_rain=0.8, forecast_hash="wet")
    assert rain.spread(after) > rain.spread(before)
    first = before.iloc[0]
    said = why_changed(before, after)[-1]
    assert said == (
        f"Chance of a wet race 80 % after 5 %: a driver's place is uncertain by {rain.spread(after):.2f} places after "
        f"{rain.spread(before):.2f}; most moved is {first['full_name']}, who wins in "
        f"{100 * after['p_win'].iloc[0]:.0f} % after {100 * first['p_win']:.0f} %."
    )
    assert "after unknown" in why_changed(before.assign(p_rain=np.nan), after)[-1]
    assert rain.change_in_words(before, before.assign(p_rain=0.051)) == []
    assert rain.change_in_words(*(before.assign(p_rain=np.nan),) * 2) == []
