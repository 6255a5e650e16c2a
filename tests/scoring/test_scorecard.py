"""The scorecard: systems compared on the same races."""

from __future__ import annotations

from f1lib.evaluation import backtest
from f1lib.model.config import parse_config
from f1lib.scoring import scorecard
from tests.support.made_up_training import CONFIG, training


def test_paired_differences_of_a_system_with_itself_are_nothing() -> None:
    walked = backtest.walk_forward(training(), parse_config(CONFIG, "test"), "pre_race", 2017, 2017, 1, 1)
    made = {("models", "small", "pre_race"): walked}
    _, scores = scorecard.scorecard(made, {})
    assert scorecard.paired(scores, "pre_race", "small", "small")["rps"] == (0.0, 0.0)
