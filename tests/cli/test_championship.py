"""`f1 championship`: the standings, chances and ways to the title, as a table and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from f1lib.cli.main import main
from tests.support.lakes import SATURDAY


@pytest.fixture
def options(saturday_lake: Path) -> list[str]:
    return ["championship", "--source", "f1db", "--lake", str(saturday_lake), "--now", SATURDAY]


def test_both_titles_are_printed_with_what_has_to_happen(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(options) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Championship of drivers 2025, after round 23, 1 race and 0 sprints left" in said
    assert "Oscar Piastri is champion finishing 1st with Lando Norris 6th or lower; 2nd with Lando Norris 10th" in said
    assert "McLaren is champion" not in said  # decided
    assert "F1DB" in said


def test_the_rows_are_there_as_json(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*options, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["abbreviation"] for row in found["drivers"] if row["can_still_win"]] == ["NOR", "VER", "PIA"]
    assert [row["team_id"] for row in found["teams"] if row["can_still_win"]] == ["mclaren"]
    wanted = {"p_title", "points_now", "points_p10", "points_p50", "points_p90", "can_still_win"}
    assert all(wanted <= row.keys() for kind in ("drivers", "teams") for row in found[kind])


def test_another_season_is_asked_for_by_its_year(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*options, "--season", "2021", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["drivers"][0]["abbreviation"] == "VER"
    assert main([*options, "--season", "1949"]) == 1
    assert "no calendar and no result of 1949" in capsys.readouterr().err
