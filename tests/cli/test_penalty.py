"""``f1 penalty``: the prediction of the evening before the race, with a penalty, without it again, and on the grid."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from f1lib.cli.main import main
from f1lib.lake.store import open_store
from f1lib.predictions import archive
from f1lib.predictions.change_log import newest_change_log
from tests.support.lakes import copied

EVENT = "2025_Abu_Dhabi_Grand_Prix"
Command = Callable[..., int]


@pytest.fixture(scope="module")
def lake(saturday_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied(saturday_lake, tmp_path_factory)


@pytest.fixture
def f1(lake: Path, f1db_zip: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """A command on the lake at a moment."""
    monkeypatch.setenv("F1_ENGINE", "inprocess")
    given = ["--source", "f1db", "--f1db", str(f1db_zip), "--lake", str(lake)]
    return lambda now, *words: main([*words, *given, "--now", now])


def _news(lake: Path) -> dict[str, Any]:
    store = open_store(str(lake))
    return newest_change_log(store, archive.history_keys(store))


def _newest(lake: Path) -> Any:
    return archive.read(EVENT, lake=str(lake)).set_index("driver_id")


def test_a_penalty_renews_the_prediction_and_without_it_the_old_one_stands_again_to_the_last_digit(
    f1: Command, lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = _newest(lake)
    at = "2025-12-06T16:10:00Z"
    assert f1(at, "penalty", "add", "VER", "10", "--event", "abu dhabi", "--announced-at", at) == 0
    assert f1(at, "penalty", "add", "GAS", "pit_lane", "--announced-at", "2025-12-07T09:00:00Z") == 0
    assert f1("2025-12-06T16:12:00Z", "run") == 0
    shown = capsys.readouterr().out
    assert f"{EVENT}, race: max-verstappen, 10 places: known from {at} on" in shown
    assert f"provisional grid: Max Verstappen: 10 places, announced {at}" in " ".join(shown.split())
    penalised, news = _newest(lake), _news(lake)
    assert set(penalised["horizon"]) == {"post_qualifying"}
    assert penalised["grid_position"].loc[["max-verstappen", "lando-norris", "oscar-piastri"]].tolist() == [11, 1, 2]
    assert penalised["p_win"]["max-verstappen"] < before["p_win"]["max-verstappen"] / 2
    assert news["penalties"] == [f"Max Verstappen: 10 places, announced {at}"]
    assert news["reasons"][0] == f"Grid penalty: Max Verstappen: 10 places, announced {at}."
    assert "Max Verstappen starts 11, not 1." in news["reasons"]
    page = (lake / "reports" / "races" / "2025" / "Abu_Dhabi_Grand_Prix.html").read_text(encoding="utf-8")
    assert f"Max Verstappen: 10 places, announced {at}" in page
    assert f1("2025-12-06T16:13:00Z", "doctor") == 0

    assert f1("2025-12-06T16:20:00Z", "penalty", "remove", "ver") == 0
    assert f1("2025-12-06T16:21:00Z", "run") == 0
    again, news = _newest(lake), _news(lake)
    moving = ["as_of_utc", "gold_run_id"]
    assert again.drop(columns=moving).equals(before.drop(columns=moving))
    assert news["penalties"] == []
    assert news["reasons"][0] == f"Grid penalty withdrawn: Max Verstappen: 10 places, announced {at}."


def test_the_official_grid_replaces_what_was_entered(
    f1: Command, lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert f1("2025-12-07T12:05:00Z", "run") == 0
    assert set(_newest(lake)["horizon"]) == {"pre_race"}
    assert _newest(lake)["grid_position"][["max-verstappen", "pierre-gasly"]].tolist() == [1, 19]
    assert _news(lake)["penalties"] == []
    capsys.readouterr()
    assert f1("2025-12-07T12:06:00Z", "penalty", "list") == 0
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("max-verstappen", "10 places, withdrawn", "pierre-gasly", "command"))


def test_a_penalty_after_the_start_is_refused(f1: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert f1("2025-12-07T13:30:00Z", "penalty", "add", "VER", "5", "--event", "abu dhabi") == 2
    assert "started at 2025-12-07T13:00:00Z: a penalty changes nothing now" in capsys.readouterr().err
