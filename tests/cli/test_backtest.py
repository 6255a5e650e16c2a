"""`f1 backtest`, end to end on a small simulated history."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from f1lib.cli.main import main

ASKED = ["--from", "2025", "--to", "2025", "--model", "blend_v1", "--horizon", "pre_race"]


def test_the_scorecard_is_a_table_and_a_document_in_a_file(
    weekend_lake: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "card.json"
    assert main(["backtest", *ASKED, "--json", str(file), *weekend_lake]) == 0
    said = " ".join(capsys.readouterr().out.split())
    card = json.loads(file.read_text(encoding="utf-8"))
    assert {"session", "races", "models", "baselines"} <= set(card)
    assert list(card["models"]) == ["blend_v1"]
    assert "grid_slot_table" in card["baselines"]
    assert f"{card['races']} races, walk-forward" in said
    figures = card["models"]["blend_v1"]["pre_race"]
    assert 0 < figures["rps"] < 0.3
    assert f"pre_race blend_v1 {figures['mae']:.4f} {figures['spearman']:.4f} " in said


def test_without_a_file_json_is_all_that_is_printed(
    weekend_lake: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["backtest", *ASKED, "--session", "S", "--json", "-", *weekend_lake]) == 0
    card = json.loads(capsys.readouterr().out)
    assert (card["session"], card["races"]) == ("S", 1)


def test_what_each_source_gives_is_a_table_and_a_document(
    weekend_lake: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "sources.json"
    asked = [*ASKED[:4], "--horizon", "pre_race", "--refit-every", "4", "--sources"]
    assert main(["backtest", *asked, "--json", str(file), *weekend_lake]) == 0
    rows = json.loads(file.read_text(encoding="utf-8"))["rows"]
    assert [row["sources"] for row in rows] == ["F1DB alone", "+ timing", "+ weather"]
    said = capsys.readouterr().out
    assert "by what the model is given" in said
    assert f"{rows[-1]['rps']:.4f}" in said
    assert main(["backtest", *asked, "--session", "S", *weekend_lake]) == 2
    assert "--sources is for one --model, and for races" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--from", "2026", "--to", "2025"], "--from 2026 is after --to 2025"),
        (["--from", "2031", "--to", "2031"], "no race of 2031..2031 has a result"),
        (["--from", "2025", "--to", "2025", "--model", "crystal_ball"], "crystal_ball"),
    ],
)
def test_what_cannot_be_scored_is_refused_in_one_line(
    weekend_lake: list[str], words: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["backtest", *words, *weekend_lake]) == 2
    said = capsys.readouterr().err
    assert said.startswith("f1: ")
    assert named in said
    assert said.count("\n") == 1


def test_a_horizon_that_is_none_is_refused_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["backtest", "--from", "2025", "--to", "2025", "--horizon", "tomorrow"])
    assert stopped.value.code == 2
    assert "invalid choice: 'tomorrow' (choose from" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_named_before_anything_is_done(
    weekend_lake: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["backtest", *ASKED, "--json", str(tmp_path / "no" / "card.json"), *weekend_lake])
    assert stopped.value.code == 2
    assert "cannot write" in capsys.readouterr().err
