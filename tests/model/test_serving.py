"""A run serves from the lake as it did when it was trained, and without a pickle."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from f1lib.domain.points import RACE_POINTS
from f1lib.errors import StorageError
from f1lib.model import serving, train
from f1lib.model.config import parse_config
from f1lib.scoring.positions import start_score
from f1lib.workspace.workspace import Workspace
from tests.support.made_up_training import CONFIG, training, training_workspace

NOON = datetime(2018, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return training_workspace(tmp_path / "lake", NOON)


def test_serving_from_the_lake_answers_as_the_trained_model_did(ws: Workspace) -> None:
    run = train.train(ws, parse_config(CONFIG, "test"), "pre_race")
    ws.store.delete(f"models/run_id={run.run_id}/preprocessor.joblib")  # serving loads no pickle
    race = training().query("horizon == 'pre_race' and event_year == 2017 and event_number == 4")
    served = serving.load_serving(ws.store, run.run_id).forecast(race)
    assert served["predicted_score"].tolist() == run.serving.forecast(race)["predicted_score"].tolist()


def test_serving_imports_neither_scikit_learn_nor_a_converter(ws: Workspace) -> None:
    run = train.train(ws, parse_config(CONFIG, "test"), "pre_race")
    code = (
        "import sys; from f1lib.lake.store import open_store; from f1lib.model.serving import load_serving; "
        "import numpy as np, pandas as pd; "
        f"model = load_serving(open_store({ws.store.url!r}), {run.run_id!r}); "
        "race = pd.DataFrame({name: np.arange(1.0, 21) for name in model.features}); "
        "print(len(model.predict(race)), sorted({'sklearn', 'skl2onnx', 'onnxmltools', 'xgboost'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "20 []"


def test_the_forecast_is_the_same_in_whatever_order_the_drivers_come(ws: Workspace) -> None:
    run = train.train(ws, parse_config(CONFIG, "test"), "pre_race")
    race = training().query("horizon == 'pre_race' and event_year == 2017 and event_number == 4")
    turned = race.sample(frac=1, random_state=1)
    ours, theirs = run.serving.forecast(race), run.serving.forecast(turned).loc[race.index]
    assert ours["p_win"].tolist() == theirs["p_win"].tolist()


def test_a_sprint_has_a_third_of_the_risk_and_its_own_points(ws: Workspace) -> None:
    run = train.train(ws, parse_config(CONFIG, "test"), "pre_race")
    race = training().query("event_number == 5 and event_year == 2017 and horizon == 'pre_race'")
    as_race, as_sprint, in_2021 = (
        run.serving.forecast_session(race.assign(session=session, event_year=year))
        for session, year in (("R", 2024), ("S", 2024), ("S", 2021))
    )
    np.testing.assert_allclose(as_sprint["p_dnf"], as_race["p_dnf"] * 100 / 305)
    for forecast, points in ((as_race, RACE_POINTS), (as_sprint, (8, 7, 6, 5, 4, 3, 2, 1)), (in_2021, (3, 2, 1))):
        scale = points[: len(race)]
        np.testing.assert_allclose(forecast["expected_points"].sum(), sum(scale))
        np.testing.assert_allclose(forecast["p_points"].sum(), len(scale))


def test_a_sprint_moves_the_field_less_far_from_its_start_than_a_race(ws: Workspace) -> None:
    run = train.train(ws, parse_config(CONFIG, "test"), "pre_race")
    race = training().query("event_number == 5 and event_year == 2017 and horizon == 'pre_race'")
    as_race, as_sprint = (run.serving.forecast_session(race.assign(session=session)) for session in "RS")
    start = start_score(race["grid_position"])
    moved, as_far = as_sprint["predicted_score"] - start, as_race["predicted_score"] - start
    np.testing.assert_allclose(moved, as_far * (100 / 305) ** 0.5)


def test_of_a_sprint_whose_start_is_unknown_the_order_is_a_races(ws: Workspace) -> None:
    run = train.train(ws, parse_config(CONFIG, "test"), "pre_race")
    race = training().query("event_number == 5 and event_year == 2017 and horizon == 'pre_race'")
    race = race.assign(grid_position=np.nan, qualifying_position=np.nan)
    as_race, as_sprint = (run.serving.forecast_session(race.assign(session=session)) for session in "RS")
    assert as_sprint["predicted_score"].tolist() == as_race["predicted_score"].tolist()


def test_an_unfinished_run_cannot_serve(ws: Workspace) -> None:
    run = train.train(ws, parse_config(CONFIG, "test"), "pre_race")
    ws.store.delete(f"models/run_id={run.run_id}/_SUCCESS")
    with pytest.raises(StorageError, match="no finished model run"):
        serving.load_serving(ws.store, run.run_id)
