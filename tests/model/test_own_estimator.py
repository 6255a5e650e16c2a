"""An estimator of one's own is backtested, put before the gate, and kept where it can be converted."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from f1lib.errors import BadParameters, RunError
from f1lib.evaluation import backtest, gate
from f1lib.model import fit, registry, serving, train
from f1lib.model.config import ModelConfig, parse_config
from f1lib.predictions import explain
from tests.support.made_up_training import CONFIG, training, training_workspace

NOON = datetime(2018, 1, 1, 12, tzinfo=UTC)


def _config(estimator: str, settings: str = "{}", columns: str = "all") -> ModelConfig:
    lines = CONFIG[: CONFIG.index("linear:")] + CONFIG[CONFIG.index("dnf:") :]
    own = f"own: {{estimator: {estimator}, settings: {settings}, columns: {columns}, weight: 1.0}}\n"
    return parse_config(lines + own, "test.yml")


FOREST = ("sklearn.ensemble.ExtraTreesRegressor", "{n_estimators: 20, max_depth: 4, random_state: 7}")
MINE = "tests.support.own_estimators.LeastSquares"


def test_a_class_with_fit_and_predict_is_walked_through_the_backtest_and_beats_chance() -> None:
    rows = training()
    walked = backtest.walk_forward(rows, _config(MINE, columns="[grid_score]"), "pre_race", 2017, 2017, 4, 1)
    assert len(walked) == 10 * 12
    assert np.corrcoef(walked["predicted_rank"], walked["finishing_position"])[0, 1] > 0.5


def test_one_that_cannot_be_converted_is_not_kept_and_said_to_be_fit_for_a_backtest(tmp_path: Path) -> None:
    ws = training_workspace(tmp_path / "lake", NOON)
    with pytest.raises(RunError, match="can be backtested but not kept") as refused:
        train.train(ws, _config(MINE), "pre_race")
    assert "LeastSquares" in str(refused.value)
    assert ws.store.list("models/") == []


def test_one_of_scikit_learns_is_kept_serves_and_goes_before_the_gate(tmp_path: Path) -> None:
    ws = training_workspace(tmp_path / "lake", NOON)
    run = train.train(ws, _config(*FOREST), "pre_race")
    assert run.metadata["parity"]["max_abs_difference"] <= 1e-4
    race = training().query("horizon == 'pre_race' and event_year == 2017 and event_number == 4")
    native = fit.fit(fit.labelled(training(), "pre_race"), _config(*FOREST), train.feature_columns(training()))
    served = serving.load_serving(ws.store, run.run_id)
    np.testing.assert_allclose(served.forecast(race)["p_win"], native.serving().forecast(race)["p_win"], atol=1e-5)
    gate.promote(ws.store, run.run_id, NOON)
    assert registry.champion_of(ws.store, "pre_race")["run_id"] == run.run_id
    explain.keep(ws.store, "predictions/2018/history/X/20180101T120000Z_pre_race.parquet", served, race)
    assert ws.store.list("predictions/") == []  # a forest has no contributions of columns


def test_the_same_settings_give_the_same_digest_however_the_class_is_named() -> None:
    named = _config("sklearn.ensemble._forest.ExtraTreesRegressor", FOREST[1])
    assert named.digest() == _config(*FOREST).digest() != _config(FOREST[0]).digest()


@pytest.mark.parametrize(
    ("estimator", "settings", "said"),
    [
        ("nobodys.Model", "{}", "own.estimator: .*nobodys"),
        ("sklearn.ensemble.NoSuchForest", "{}", "own.estimator: .*NoSuchForest"),
        (FOREST[0], "{depth: 3}", "own: .*depth"),
        ("tests.support.own_estimators.Silent", "{}", "own: .*fit.*predict"),
    ],
)
def test_an_estimator_that_is_not_there_or_cannot_be_made_is_refused_by_name(
    estimator: str, settings: str, said: str
) -> None:
    with pytest.raises(BadParameters, match=said):
        _config(estimator, settings)
