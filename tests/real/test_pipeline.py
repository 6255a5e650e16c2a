"""The whole pipeline on real history, by the command a user types; skipped where the real data is absent."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from f1lib.cli.main import main
from f1lib.evaluation import backtest
from f1lib.lake import parquet
from f1lib.lake.paths import TRAINING_KEY
from f1lib.lake.store import open_store
from f1lib.model import train
from f1lib.model.config import load_config
from f1lib.predictions import archive
from f1lib.workspace.settings import Settings
from tests.support.lakes import SATURDAY, copied

EVENT = "2025_Abu_Dhabi_Grand_Prix"


@pytest.fixture(scope="module")
def lake(saturday_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake filled by one tick on the evening before the last race of 2025, to go on with."""
    return copied(saturday_lake, tmp_path_factory)


@pytest.fixture(scope="module")
def options(lake: Path, f1db_zip: Path) -> list[str]:
    return ["--source", "f1db", "--f1db", str(f1db_zip), "--lake", str(lake)]


def test_one_tick_predicts_the_next_race_from_what_was_known_the_evening_before(lake: Path) -> None:
    frame = archive.read(EVENT, lake=str(lake))
    assert set(frame["horizon"]) == {"post_qualifying"}
    assert len(frame) == 20
    assert frame.sort_values("qualifying_position").iloc[0]["driver_id"] == "max-verstappen"
    results = pd.read_parquet(lake / "silver/sessions/results/season=2025/results.parquet")
    mine = results[results["event_partition_key"] == EVENT]
    assert set(mine["session"]) == {"P1", "P2", "P3", "Q"}


def test_the_issued_chances_form_a_coherent_matrix(lake: Path) -> None:
    frame = archive.read(EVENT, lake=str(lake))
    matrix = np.array(frame["position_probabilities"].tolist())
    assert np.allclose(matrix.sum(axis=0), 1, atol=1e-6)
    assert np.allclose(matrix.sum(axis=1), 1, atol=1e-6)
    assert np.allclose(matrix[:, 0], frame["p_win"], atol=1e-12)
    assert sorted(frame["predicted_rank"]) == list(range(1, 21))
    assert ((frame["p_dnf"] > 0) & (frame["p_dnf"] < 1)).all()


def test_a_second_tick_straight_after_does_nothing_and_says_so(
    lake: Path, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in lake.rglob("*") if path.is_file()}
    assert main(["run", *options, "--now", SATURDAY]) == 0
    assert "nothing is due" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in lake.rglob("*") if path.is_file()} == before


def test_the_artefacts_of_every_model_run_are_complete(lake: Path) -> None:
    runs = sorted((lake / "models").glob("run_id=*"))
    assert runs
    names = {"xgb_model.ubj", "preprocessor.joblib", "onnx_model.onnx", "model_metadata.json", "_SUCCESS"}
    for run in runs:
        assert names <= {path.name for path in run.iterdir()}
        metadata = json.loads((run / "model_metadata.json").read_text(encoding="utf-8"))
        assert metadata["parity"]["max_abs_difference"] <= 1e-4


def test_the_record_of_the_run_and_the_report_are_there(lake: Path) -> None:
    stems = {path.stem.partition("-")[0] for path in (lake / "reports" / "runs").glob("*/*.ipynb")}
    assert {"00_schedule", "01_ingest", "03_silver", "04_gold", "05_train", "06_predict", "08_report"} <= stems
    for name in ("run_summary.json", "run_summary.html", "next_races.json"):
        assert (lake / "reports" / name).stat().st_size > 200
    page = (lake / "reports" / "run_summary.html").read_text(encoding="utf-8")
    assert "https://github.com/f1db/f1db" in page


def test_predictions_are_printed_as_table_json_and_csv(
    lake: Path, options: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    assert lake.exists()
    assert main(["predictions", "abu dhabi", *options, "--now", SATURDAY, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert main(["predictions", EVENT, *options, "--now", SATURDAY, "--csv"]) == 0
    lines = capsys.readouterr().out.strip().splitlines()
    assert main(["predictions", EVENT, *options, "--now", SATURDAY]) == 0
    table = capsys.readouterr().out
    assert len(rows) == len(lines) - 1 == 20
    assert rows[0]["full_name"] in table
    assert "P(podium)" in table


def test_the_grid_and_the_result_follow_and_the_issued_predictions_are_scored(
    lake: Path, options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("F1_ENGINE", "inprocess")
    assert main(["run", *options, "--now", "2025-12-07T12:30:00Z"]) == 0
    assert set(archive.read(EVENT, lake=str(lake))["horizon"]) == {"pre_race"}
    assert main(["run", *options, "--now", "2025-12-07T18:00:00Z"]) == 0
    accuracy = json.loads((lake / "reports" / "accuracy.json").read_text(encoding="utf-8"))
    scored = {(row["event_partition_key"], row["horizon"], row["system"]) for row in accuracy["predictions"]}
    assert (EVENT, "pre_race", "model") in scored
    assert (EVENT, "post_qualifying", "model") in scored
    assert len(list((lake / "predictions/2025/history/Abu_Dhabi_Grand_Prix").glob("*.parquet"))) == 2


@pytest.mark.parametrize("horizon", ["post_qualifying", "pre_race"])
def test_what_production_issued_is_what_the_backtest_forecasts(lake: Path, horizon: str) -> None:
    training = parquet.read_parquet(open_store(str(lake)), TRAINING_KEY)
    rows = backtest.of_horizon(training, horizon)
    number = int(rows.loc[rows["event_partition_key"] == EVENT, "race"].iloc[0])
    available = train.feature_columns(training)
    served = load_config(Settings().model)
    (walked,) = backtest.forecast_block(rows, served, horizon, [number], available)
    (issue,) = (lake / "predictions/2025/history/Abu_Dhabi_Grand_Prix").glob(f"*_{horizon}.parquet")
    issued = pd.read_parquet(issue).set_index("driver_id").loc[walked["driver_id"]]
    for column in ("predicted_score", "predicted_position", "p_win", "p_podium", "p_points", "p_dnf"):
        difference = np.abs(issued[column].to_numpy() - walked[column].to_numpy()).max()
        assert difference < 1e-6, column  # ONNX computes in single precision
    assert issued["predicted_rank"].tolist() == walked["predicted_rank"].tolist()
