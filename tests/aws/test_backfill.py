"""What a backfill would do and cost, and what one session's laps answer the state machine."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

from f1lib.aws import cost as aws_cost
from f1lib.aws import events
from f1lib.aws.telemetry import Telemetry
from f1lib.cli import main
from f1lib.errors import AlreadyRunning, BadParameters, RateLimited, SourceError
from f1lib.workspace.workspace import open_workspace
from tests.support.weekends import since


def test_the_plan_counts_the_sessions_prices_each_item_and_says_how_to_start(
    f1db_zip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    release = since(f1db_zip, tmp_path / "f1db-csv.zip", 2025)
    common = ["--source", "f1db", "--f1db", str(release), "--lake", str(tmp_path / "lake")]
    common += ["--now", "2025-12-31T00:00:00Z"]
    assert main.main(["backfill", "--plan", "--from", "2025", "--to", "2025", *common]) == 0
    output = capsys.readouterr().out
    # 24 weekends of five sessions and a grid, six of them with a sprint's grid too
    assert "2025: 150 sessions and starting grids" in output
    items = [float(cost) for cost in re.findall(r" x [\d.]+ = \$([\d.]+)", output)]
    assert len(items) == len(aws_cost.PRICES)
    total = float(re.search(r"in all +=? *= \$([\d.]+)", output)[1])  # type: ignore[index]
    assert sum(items) == pytest.approx(total, abs=0.01)
    assert '"seasons": [2025]' in output
    assert not (tmp_path / "lake" / "bronze").exists(), "a plan writes nothing of the sessions"


def test_without_plan_it_says_where_a_backfill_is_started(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lake = ["--lake", str(tmp_path / "lake"), "--source", "simulated"]
    assert main.main(["backfill", "--from", "2025", "--to", "2025", *lake]) == 1
    assert "aws stepfunctions start-execution" in capsys.readouterr().err


@pytest.mark.parametrize("source", aws_cost.UPSTREAMS)
def test_ten_times_the_sessions_cost_ten_times_as_much(source: str) -> None:
    one, ten = aws_cost.estimate(1000, source), aws_cost.estimate(1000, source, factor=10)
    assert ten.sessions == 10_000
    assert ten.dollars == pytest.approx(10 * one.dollars)
    assert ten.hours == pytest.approx(10 * one.hours)


def test_an_upstream_s_limit_decides_how_long_it_takes() -> None:
    upstream = aws_cost.UPSTREAMS["fastf1"]
    hours = aws_cost.estimate(1000, "fastf1").hours
    assert hours == pytest.approx(1000 * upstream.calls / upstream.calls_per_hour)


@pytest.mark.parametrize(
    ("outcome", "wanted"),
    [
        ({"status": "ingested", "wait_seconds": 0.0}, {"status": "ingested", "rows": 900}),
        ({"status": "due", "wait_seconds": 3600.0}, RateLimited),
        ({"status": "taken", "wait_seconds": 0.0}, AlreadyRunning),
        ({"status": "failed", "wait_seconds": 0.0}, SourceError),
    ],
    ids=lambda value: str(value.get("status", "")) if isinstance(value, dict) else value.__name__,
)
def test_a_session_s_laps_answer_the_state_machine_in_its_own_words(
    outcome: dict[str, Any], wanted: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = open_workspace(lake=str(tmp_path), source="f1db", f1db="unused.zip", as_of="2025-12-31T00:00:00Z")
    asked: list[str] = []

    def bring(ws: Any, units: list[str], workers: int, clock: Any, on_unit: Any) -> list[dict[str, Any]]:
        asked.extend(units)
        return [{"unit": units[0], "rows": 900, "warning": "", **outcome}]

    monkeypatch.setattr("f1lib.bronze.timing_backfill.bring_all", bring)
    event = {"action": "ingest_session", "event_partition_key": "2024_Qatar_Grand_Prix", "session_abr": "Q"}
    parsed = events.parse_event({**event, "laps": True})
    telemetry = Telemetry("f1lib/test", "backfill-test", "id")
    with contextlib.redirect_stdout(io.StringIO()):
        if isinstance(wanted, dict):
            assert wanted.items() <= events.run_event(ws, parsed, telemetry, lambda: True).items()
        else:
            with pytest.raises(wanted, match="2024_Qatar_Grand_Prix/Q"):
                events.run_event(ws, parsed, telemetry, lambda: True)
    assert asked == ["2024_Qatar_Grand_Prix/Q"]


def test_laps_is_a_yes_or_a_no() -> None:
    with pytest.raises(BadParameters, match=r"event: laps: .*bool"):
        events.parse_event({"action": "backfill", "seasons": [2024], "laps": "please"})
