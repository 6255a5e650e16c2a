"""``f1 score``: anybody's forecasts beside ours, and our own."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from f1lib.cli.main import main
from tests.support.lakes import SATURDAY, copied


def _example(root: Path, folder: Path) -> Path:
    """The CSV of docs/comparing.md, as a file."""
    found = re.search(r"```csv\n(.*?)```", (root / "docs" / "comparing.md").read_text(encoding="utf-8"), re.S)
    assert found
    file = folder / "example.csv"
    file.write_text(found[1], encoding="utf-8")
    return file


def test_the_example_of_the_documentation_is_scored(
    root: Path, saturday_lake: Path, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, f1db_zip: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    lake = copied(saturday_lake, tmp_path_factory)
    given = ["--source", "f1db", "--f1db", str(f1db_zip), "--lake", str(lake), "--now", SATURDAY]
    file = tmp_path / "scores.json"
    assert main(["score", str(_example(root, tmp_path)), "--name", "My model", "--json", str(file), *given]) == 0
    (group,) = json.loads(file.read_text(encoding="utf-8"))["groups"]
    assert (group["kind"], group["horizon"], group["races"]) == ("live", "post_qualifying", 1)
    assert {name for name in group["paired"] if not name.endswith("_se")} == {
        "mae", "spearman", "podium_overlap", "win_log_loss", "winner_hit", "podium_brier",
    }  # fmt: skip
    said = capsys.readouterr().out
    assert "My model, 1 race, live, post qualifying" in said
    assert "My model minus blend_v2" in said
    page = (lake / "reports" / "others" / "My_model.html").read_text(encoding="utf-8")
    assert "My model beside blend_v2" in page


def test_our_own_prediction_is_a_file_of_forecasts_and_scores_as_we_do(
    weekend_lake: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, card = tmp_path / "ours.json", tmp_path / "card.json"
    parts = []
    for session in ("R", "S"):
        assert main(["predictions", "chin", "--session", session, "--json", *weekend_lake]) == 0
        parts += json.loads(capsys.readouterr().out)
    file.write_text(json.dumps(parts), encoding="utf-8")
    assert main(["score", str(file), "--json", str(card), *weekend_lake]) == 0
    groups = json.loads(card.read_text(encoding="utf-8"))["groups"]
    assert {(group["session"], group["horizon"], group["races"]) for group in groups} == {
        ("R", "pre_race", 1), ("S", "pre_race", 1),
    }  # fmt: skip
    for group in groups:
        assert set(group["excess"]["ours"]["expected"]) == set(group["excess"]["blend_v2"]["expected"])
        assert [name for name, value in group["paired"].items() if abs(value) > 1e-6] == []
    assert "ignored columns: " in capsys.readouterr().out


def test_a_file_that_cannot_be_read_is_refused_in_a_line(
    weekend_lake: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["score", str(tmp_path / "absent.csv"), *weekend_lake]) == 2
    said = capsys.readouterr().err
    assert said.startswith("f1: cannot read ")
    assert said.count("\n") == 1
