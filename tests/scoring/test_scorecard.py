"""The scorecard: systems compared on the same races."""

from __future__ import annotations

import pytest

from f1lib.evaluation import backtest
from f1lib.model.config import parse_config
from f1lib.scoring import scorecard
from tests.support.made_up_training import CONFIG, training


def test_wet_and_dry_races_are_those_that_were_and_not_those_that_were_forecast() -> None:
    rows = training(seasons=1).assign(weather_is_wet=1.0, is_wet=lambda f: f["event_number"].map({1: 1.0, 2: 0.0}))
    found = scorecard.phases(rows)
    assert found["wet"] == {"2015_Made_Up_1_Grand_Prix"}
    assert found["dry"] == {"2015_Made_Up_2_Grand_Prix"}
    assert "2015_Made_Up_2_Grand_Prix" in found["all_others"], "a dry race is like any other"


def test_a_system_stands_under_its_kind_and_horizon_with_the_means_of_its_races() -> None:
    walked = backtest.walk_forward(training(), parse_config(CONFIG, "test"), "pre_race", 2017, 2017, 1, 1)
    card, scores = scorecard.scorecard({("models", "small", "pre_race"): walked}, {})
    assert card["races"] == len(scores) == walked["event_partition_key"].nunique()
    assert card["models"]["small"]["pre_race"]["rps"] == pytest.approx(scores["rps"].mean())


def test_beside_each_mean_stands_what_a_forecast_of_its_own_sharpness_would_score() -> None:
    walked = backtest.walk_forward(training(), parse_config(CONFIG, "test"), "pre_race", 2017, 2017, 4, 1)
    card, scores = scorecard.scorecard({("models", "small", "pre_race"): walked}, {})
    figures = card["models"]["small"]["pre_race"]
    assert figures["expected"]["rps"] == pytest.approx(scores["expected_rps"].mean())
    difference = figures["real_minus_expected"]
    assert difference["rps"] == pytest.approx(figures["rps"] - figures["expected"]["rps"])
    assert difference["rps_se"] == pytest.approx((scores["rps"] - scores["expected_rps"]).sem())
