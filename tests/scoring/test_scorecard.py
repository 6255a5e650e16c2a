"""The scorecard: systems compared on the same races."""

from __future__ import annotations

import pytest

from f1lib.evaluation import backtest
from f1lib.model.config import parse_config
from f1lib.scoring import scorecard
from tests.support.made_up_training import CONFIG, training


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
