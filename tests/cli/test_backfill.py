"""`f1 backfill`: the plan of a backfill and its cost."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from f1lib.aws import cost as aws_cost
from f1lib.cli.main import main
from tests.support.lakes import AFTER, SEASON, begin_simulated
from tests.support.weekends import since


def test_the_plan_counts_the_sessions_prices_each_item_and_says_how_to_start(
    f1db_zip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    release = since(f1db_zip, tmp_path / "f1db-csv.zip", 2025)
    common = ["--source", "f1db", "--f1db", str(release), "--lake", str(tmp_path / "lake")]
    common += ["--now", "2025-12-31T00:00:00Z"]
    assert main(["backfill", "--plan", "--from", "2025", "--to", "2025", *common]) == 0
    output = capsys.readouterr().out
    # 24 weekends of five sessions and a grid, six of them with a sprint's grid too
    assert "2025: 150 sessions and starting grids" in output
    items = [float(line.split()[-1]) for line in output.splitlines() if line.startswith(tuple(aws_cost.PRICES))]
    assert len(items) == len(aws_cost.PRICES)
    total = float(re.search(r"^in all +([\d.]+)$", output, re.MULTILINE)[1])  # type: ignore[index]
    assert sum(items) == pytest.approx(total, abs=0.001)
    assert '"seasons": [2025]' in output
    assert not (tmp_path / "lake" / "bronze").exists(), "a plan writes nothing of the sessions"


def test_a_season_in_operation_counts_the_sessions_that_are_in_the_lake_already(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [*begin_simulated(tmp_path / "lake", SEASON), "--now", AFTER]
    plan = ["backfill", "--plan", "--from", str(SEASON), "--to", str(SEASON), *options]
    assert main(plan) == 0
    before = capsys.readouterr().out
    assert main(["stage", "schedule", *options]) == 0
    assert main(["stage", "ingest", *options]) == 0
    capsys.readouterr()
    assert main(plan) == 0
    after = capsys.readouterr().out
    (sessions,) = re.findall(rf"^{SEASON}: (\d+) sessions", before, re.MULTILINE)
    season = f"a season in operation, a tick every two hours: {sessions} sessions"
    assert after.startswith("0 sessions from")
    assert season in before
    assert season in after


def test_without_plan_it_says_where_a_backfill_is_started(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lake = ["--lake", str(tmp_path / "lake"), "--source", "simulated"]
    assert main(["backfill", "--from", "2025", "--to", "2025", *lake]) == 2
    assert "aws stepfunctions start-execution" in capsys.readouterr().err


def test_seasons_in_the_wrong_order_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lake = ["--lake", str(tmp_path / "lake"), "--source", "simulated"]
    assert main(["backfill", "--plan", "--from", "2025", "--to", "2024", *lake]) == 2
    assert "--from 2025 is after --to 2024" in capsys.readouterr().err
