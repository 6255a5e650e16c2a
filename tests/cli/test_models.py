"""``f1 models``: the registry by the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from f1lib.cli.main import main
from f1lib.evaluation import gate
from f1lib.model import train
from f1lib.model.config import parse_config
from tests.support.lakes import copied
from tests.support.made_up_training import CONFIG, training, training_workspace

NOW = "2018-02-01T00:00:00Z"
Lake = tuple[list[str], list[str]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A lake with two finished runs of which the second serves, to be read only."""
    ws = training_workspace(tmp_path_factory.mktemp("models") / "lake", "2018-01-01T00:00:00Z")
    runs = [train.train(ws, parse_config(CONFIG, "test"), "pre_race").run_id for _ in range(2)]
    gate.consider(ws.store, runs, ws.as_of, training())
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


def test_rolling_back_and_promoting_again_change_who_serves(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    options, runs = lake
    assert main(["models", "rollback", "pre_race", *options]) == 0
    assert f"{runs[0]} serves pre_race again" in capsys.readouterr().out
    assert main(["models", "promote", runs[1], *options]) == 0
    assert f"{runs[1]} serves" in capsys.readouterr().out


@pytest.mark.parametrize("action", [["show", "nobody"], ["promote", "nobody"], ["rollback", "pre_weekend"]])
def test_what_is_not_there_is_said_in_one_line(
    lake: Lake, action: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    options, _ = lake
    assert main(["models", *action, *options]) == 1
    said = capsys.readouterr().err
    assert said.startswith("f1: ")
    assert said.count("\n") == 1
