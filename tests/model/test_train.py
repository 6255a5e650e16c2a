"""Training runs: what is stored, what is refused, and that serving needs no pickle."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from f1lib.domain.points import RACE_POINTS
from f1lib.errors import BadParameters, RunError, StorageError
from f1lib.lake import parquet
from f1lib.lake.paths import TRAINING_KEY
from f1lib.lake.store import read_json
from f1lib.model import fit, onnx_export, serving, train
from f1lib.model.config import config_names, load_config, parse_config
from f1lib.scoring.positions import start_score
from f1lib.workspace.workspace import Workspace
from tests.support.made_up_training import CONFIG, training, training_workspace

NOON = datetime(2018, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return training_workspace(tmp_path / "lake", NOON)


def test_a_run_keeps_every_file_of_the_lakes_list_and_the_mark_of_success(ws: Workspace) -> None:
    run = train.train(ws, parse_config(CONFIG, "test"), "pre_race")
    names = {key.rpartition("/")[2] for key in ws.store.list(f"models/run_id={run.run_id}/")}
    assert names == {"xgb_model.ubj", "preprocessor.joblib", "onnx_model.onnx", "model_metadata.json", "_SUCCESS"}


def test_metadata_says_what_the_run_was_made_from(ws: Workspace) -> None:
    run = train.train(ws, parse_config(CONFIG, "test"), "pre_race")
    stored = read_json(ws.store, f"models/run_id={run.run_id}/model_metadata.json")
    assert stored["seasons"] == [2015, 2017]
    assert stored["rows"] == 3 * 10 * 12
    assert stored["as_of"] == "2018-01-01T12:00:00Z"
    assert {"mae", "rmse", "r2", "spearman"} <= set(stored["metrics"])
    assert stored["parity"]["max_abs_difference"] <= 1e-4
    assert len(stored["validation"]) == 8
    assert "weather_is_wet" not in stored["features"]  # never a value: not known by this source


def test_serving_from_the_lake_answers_as_the_trained_model_did(ws: Workspace) -> None:
    run = train.train(ws, parse_config(CONFIG, "test"), "pre_race")
    ws.store.delete(f"models/run_id={run.run_id}/preprocessor.joblib")  # serving loads no pickle
    race = training().query("horizon == 'pre_race' and event_year == 2017 and event_number == 4")
    served = serving.load_serving(ws.store, run.run_id).forecast(race)
    assert served["predicted_score"].tolist() == run.serving.forecast(race)["predicted_score"].tolist()


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


def test_a_run_whose_graph_answers_differently_is_refused_and_leaves_nothing(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_export, "PARITY_TOLERANCE", 1e-12)
    with pytest.raises(RunError, match="differ by up to"):
        train.train(ws, parse_config(CONFIG, "test"), "pre_race")
    assert ws.store.list("models/") == []


def test_runs_of_two_horizons_at_one_moment_have_names_of_their_own(ws: Workspace) -> None:
    config = parse_config(CONFIG, "test")
    ids = {train.train(ws, config, h).run_id for h in ("post_qualifying", "pre_race", "pre_race")}
    assert len(ids) == 3


def test_an_unfinished_run_cannot_serve(ws: Workspace) -> None:
    run = train.train(ws, parse_config(CONFIG, "test"), "pre_race")
    ws.store.delete(f"models/run_id={run.run_id}/_SUCCESS")
    with pytest.raises(StorageError, match="no finished model run"):
        serving.load_serving(ws.store, run.run_id)


def test_too_little_history_is_refused(ws: Workspace) -> None:
    parquet.write_parquet(ws.store, TRAINING_KEY, training(1, 4))
    with pytest.raises(RunError, match="too few"):
        train.train(ws, parse_config(CONFIG, "test"), "pre_race")


def test_only_the_columns_asked_for_are_read_from_the_training_dataset(ws: Workspace) -> None:
    whole = parquet.read_parquet(ws.store, TRAINING_KEY)
    some = parquet.read_parquet(ws.store, TRAINING_KEY, ["grid_position", "event_year", "nowhere"])
    assert list(some) == [c for c in whole if c in {"grid_position", "event_year"}]
    assert some["grid_position"].equals(whole["grid_position"])


def test_a_run_trained_on_rows_read_before_is_the_run_trained_on_the_lake(ws: Workspace) -> None:
    runs = train.train_horizons(ws, "grid_plus_quali_v1", "")
    alone = train.train(ws, load_config("grid_plus_quali_v1"), "pre_race")
    together = read_json(ws.store, f"models/run_id={runs['run_id'].iloc[-1]}/model_metadata.json")
    assert together["inputs"] == alone.metadata["inputs"]
    assert together["horizon"] == "pre_race"


def test_a_horizon_the_configuration_is_not_meant_for_is_refused(ws: Workspace) -> None:
    with pytest.raises(BadParameters, match="pre_weekend"):
        train.train_horizons(ws, "grid_only_v1", "pre_weekend")


def test_on_a_known_truth_the_model_beats_the_grid_on_the_same_races() -> None:
    rows = fit.labelled(training(8, 20), "pre_race")
    config = parse_config(CONFIG.replace("validation_races: 8", "validation_races: 40"), "test")
    found = train.validate(rows, config, train.feature_columns(rows))
    assert {r["event_partition_key"][:4] for r in found["validation"]} == {"2021", "2022"}
    grid = [
        np.corrcoef(r["grid_position"], r["finishing_position"])[0, 1]
        for _, r in rows[rows["event_year"] >= 2021].groupby("event_partition_key")
    ]
    assert len(grid) == 40
    assert found["metrics"]["spearman"] > float(np.mean(grid))


def test_the_finish_score_ignores_who_was_not_classified() -> None:
    rows = fit.labelled(training(), "pre_race")
    score = fit.finish_score(rows)
    assert (np.isnan(score) == (rows["is_dnf"] == 1)).all()
    first = rows["finishing_position"].eq(1) & rows["is_dnf"].eq(0)
    assert score[first].max() < -1


@pytest.mark.parametrize("name", config_names())
def test_every_configuration_of_the_project_is_valid_and_named_as_its_file(name: str) -> None:
    assert load_config(name).name == name


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("seed: 7\nlearning_rate: 0.1", "learning_rate"),
        ("validation_races: '8'", "validation_races"),
        ("horizons: [pre_race, never]", "horizons"),
        ("name: [", "no YAML"),
    ],
)
def test_a_configuration_with_a_wrong_or_unknown_key_is_refused(change: str, said: str) -> None:
    key = change.split(":")[0]
    lines = [line for line in CONFIG.splitlines() if not line.startswith(f"{key}:")]
    with pytest.raises(BadParameters, match=said):
        parse_config("\n".join([*lines, change]), "test.yml")


def test_an_unknown_configuration_names_those_there_are() -> None:
    with pytest.raises(BadParameters, match="full_v1"):
        load_config("best_v9")


def test_the_reference_configurations_have_the_reference_settings() -> None:
    for name in ("grid_only_v1", "grid_plus_quali_v1"):
        trees = load_config(name).trees
        assert trees is not None
        found = (trees.n_estimators, trees.max_depth, trees.learning_rate, trees.subsample, trees.colsample_bytree)
        assert found == (200, 3, 0.05, 0.9, 0.9)


def test_two_configurations_that_differ_have_different_digests() -> None:
    one, two = parse_config(CONFIG, "a"), parse_config(CONFIG.replace("ridge: 5.0", "ridge: 6.0"), "b")
    assert one.digest() != two.digest()
