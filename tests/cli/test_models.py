"""``f1 models``: the registry by the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from f1lib.cli.main import main
from f1lib.evaluation import gate
from f1lib.model import train
from f1lib.model.config import parse_config
from f1lib.workspace.workspace import open_workspace
from tests.support.lakes import copied
from tests.support.made_up_training import CONFIG, training, training_workspace

NOW = "2018-02-01T00:00:00Z"
Lake = tuple[list[str], list[str]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A lake with two finished runs of which the second serves, to be read only."""
    ws = training_workspace(tmp_path_factory.mktemp("models") / "lake", "2018-01-01T00:00:00Z")
    runs = [train.train(ws, parse_config(CONFIG, "test"), "pre_race").run_id for _ in range(2)]
    gate.consider(ws.store, runs, ws.as_of, training(), True)
    return Path(ws.settings.lake), runs


@pytest.fixture
def lake(trained: tuple[Path, list[str]], tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The command's options for a copy of that lake, and its runs."""
    folder, runs = trained
    return ["--source", "simulated", "--lake", str(copied(folder, tmp_path_factory)), "--now", NOW], runs


def test_the_list_shows_who_serves_and_what_the_gate_said(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    options, runs = lake
    assert main(["models", "list", "--json", *options]) == 0
    listed = {run["run_id"]: run for run in json.loads(capsys.readouterr().out)}
    assert {name: listed[name]["serves"] for name in runs} == {runs[0]: False, runs[1]: True}
    assert "not worse beyond noise" in listed[runs[1]]["why"]
    assert main(["models", "list", *options]) == 0
    assert runs[1] in capsys.readouterr().out


def test_a_run_is_shown_with_the_gates_figures(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    options, runs = lake
    assert main(["models", "show", runs[0], *options]) == 0
    shown = json.loads(capsys.readouterr().out)
    compared = {(c["opponent"], c["metric"]) for c in shown["decision"]["comparisons"]}
    assert {("grid_slot_table", "rps"), ("grid_slot_table", "win_log_loss")} <= compared
    assert shown["parity"]["max_abs_difference"] <= 1e-4


def _serving(options: list[str], capsys: pytest.CaptureFixture[str]) -> set[str]:
    assert main(["models", "list", "--json", *options]) == 0
    return {run["run_id"] for run in json.loads(capsys.readouterr().out) if run["serves"]}


def test_a_model_trained_by_hand_is_shown_beside_who_serves_and_does_not_serve(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    options, runs = lake
    assert main(["models", "train", "grid_only_v1", "--horizon", "pre_race", *options]) == 0
    said = capsys.readouterr().out
    assert runs[1] in said
    assert "20180201T000000Z-grid_only_v1-pre_race" in said
    assert "not asked to serve; would" in " ".join(said.split())
    assert _serving(options, capsys) == {runs[1]}


def test_a_stage_run_by_hand_promotes_nobody_either(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    options, runs = lake
    assert main(["stage", "train", "-p", "model", "grid_only_v1", *options]) == 0
    assert not any(decided["promoted"] for decided in json.loads(capsys.readouterr().out)["decisions"])
    assert _serving(options, capsys) == {runs[1]}


def test_with_promote_it_goes_before_the_gate_and_serves(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    options, runs = lake
    config = ["grid_plus_quali_v1", "--horizon", "post_qualifying"]
    assert main(["models", "train", *config, "--promote", *options]) == 0
    capsys.readouterr()
    assert _serving(options, capsys) == {runs[1], "20180201T000000Z-grid_plus_quali_v1-post_qualifying"}


@pytest.mark.parametrize(
    "action",
    [
        ["models", "train", "best_v9"],
        ["stage", "train", "-p", "model", "best_v9"],
        ["models", "train", "grid_only_v1", "--horizon", "pre_weekend"],
        ["backtest", "--from", "2017", "--to", "2017", "--model", "best_v9"],
    ],
)
def test_a_wrong_name_is_refused_before_any_stage_runs_and_leaves_nothing_behind(
    lake: Lake, action: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    options, _ = lake
    folder = Path(options[3])
    before = {file: file.stat().st_mtime_ns for file in folder.rglob("*") if file.name != "tracking.db"}
    assert main([*action, *options]) == 2
    said = capsys.readouterr().err
    assert "full_v1" in said or "no horizon 'pre_weekend'" in said
    assert {file: file.stat().st_mtime_ns for file in folder.rglob("*") if file.name != "tracking.db"} == before
    assert open_workspace(source="simulated", lake=str(folder), as_of=NOW).tracking.rows() == []


def test_rolling_back_and_promoting_again_change_who_serves(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    options, runs = lake
    assert main(["models", "rollback", "pre_race", *options]) == 0
    assert f"{runs[0]} serves pre_race again" in capsys.readouterr().out
    assert main(["models", "promote", runs[1], *options]) == 0
    assert f"{runs[1]} serves" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("action", "status"), [(["show", "nobody"], 2), (["promote", "nobody"], 2), (["rollback", "pre_weekend"], 1)]
)
def test_what_is_not_there_is_said_in_one_line(
    lake: Lake, action: list[str], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    options, _ = lake
    assert main(["models", *action, *options]) == status
    said = capsys.readouterr().err
    assert said.startswith("f1: ")
    assert said.count("\n") == 1
