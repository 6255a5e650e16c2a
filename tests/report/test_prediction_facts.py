"""What the report states of a prediction: alarms, and its outcome with how surprising it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from f1lib.lake.parquet import write_parquet
from f1lib.lake.paths import silver_key
from f1lib.report import prediction_facts
from f1lib.workspace.workspace import Workspace
from tests.support.made_up_predictions import DRIVERS, prediction_frame, result_frame
from tests.support.workspaces import make_workspace


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return make_workspace(tmp_path / "lake", "2025-12-06T16:00:00Z")


def _accuracy(spearman: float, races: int, observed: float) -> dict[str, Any]:
    bins = [{"predicted": 0.5, "observed": observed, "n": 500, "low": 0.0, "high": 1.0}]
    return {
        "means": [{"horizon": "pre_race", "system": "model", "races": races, "spearman": spearman}],
        "calibration": {"p_win": bins},
    }


@pytest.mark.parametrize(
    ("spearman", "races", "raised"), [(0.85, 24, True), (0.85, 3, False), (0.70, 24, False), (0.80, 24, False)]
)
def test_a_season_too_good_to_be_true_raises_the_alarm(spearman: float, races: int, raised: bool) -> None:
    (alarm, _) = prediction_facts.alarms(_accuracy(spearman, races, 0.5), None)
    assert alarm["raised"] is raised
    assert alarm["value"] == spearman


def test_chances_that_do_not_hold_and_a_flat_prediction_raise_the_alarm() -> None:
    flat = prediction_frame().assign(predicted_position=5.5)
    found = {a["name"]: a for a in prediction_facts.alarms(_accuracy(0.6, 24, 0.9), flat)}
    assert found["calibration error, p_win"]["raised"]
    assert found["calibration error, p_win"]["value"] == pytest.approx(0.4)
    assert found["spread of the prediction"]["raised"]
    assert not any(a["raised"] for a in prediction_facts.alarms(_accuracy(0.6, 24, 0.5), prediction_frame()))


def test_the_surprise_is_the_chance_given_to_a_result_as_far_out(ws: Workspace) -> None:
    write_parquet(ws.store, silver_key("results", 2025), result_frame(DRIVERS[::-1], classified=8))
    rows = prediction_facts.outcome(ws.store, prediction_frame()).set_index("driver_id")
    chances = prediction_frame().set_index("driver_id")["position_probabilities"]["driver-09"]
    assert rows.loc["driver-09", "finishing_position"] == 1
    assert rows["surprise"]["driver-09"] == pytest.approx(chances[0])
    assert rows.loc["driver-00", "status_words"] == "retired"
    assert rows.index[0] == "driver-09"
