"""Training runs: what is stored, what is refused, and that serving needs no pickle."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from f1lib.errors import BadParameters, RunError
from f1lib.lake import parquet
from f1lib.lake.paths import TRAINING_KEY
from f1lib.lake.store import read_json
from f1lib.model import fit, onnx_export, train
from f1lib.model.config import load_config, parse_config
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


def test_too_little_history_is_refused(ws: Workspace) -> None:
    parquet.write_parquet(ws.store, TRAINING_KEY, training(1, 4))
    with pytest.raises(RunError, match="too few"):
        train.train(ws, parse_config(CONFIG, "test"), "pre_race")


def test_a_run_trained_on_rows_read_before_is_the_run_trained_on_the_lake(ws: Workspace) -> None:
    runs = train.train_horizons(ws, "grid_plus_quali_v1", "", train.read_training(ws.store))
    alone = train.train(ws, load_config("grid_plus_quali_v1"), "pre_race")
    together = read_json(ws.store, f"models/run_id={runs['run_id'].iloc[-1]}/model_metadata.json")
    assert together["inputs"] == alone.metadata["inputs"]
    assert together["horizon"] == "pre_race"


def test_a_training_dataset_says_how_much_of_which_seasons_there_is(ws: Workspace) -> None:
    known, whole = train.read_training(ws.store), training()
    assert known.seasons["rows"].sum() == len(whole)
    assert (known.seasons["first_season"].min(), known.seasons["last_season"].max()) == (
        whole["event_year"].min(),
        whole["event_year"].max(),
    )


def test_a_horizon_the_configuration_is_not_meant_for_is_refused(ws: Workspace) -> None:
    with pytest.raises(BadParameters, match="pre_weekend"):
        train.train_horizons(ws, "grid_only_v1", "pre_weekend", train.read_training(ws.store))


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
