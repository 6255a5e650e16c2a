"""What a backfill would do and cost, and what one session's laps answer the state machine."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import pytest

from f1lib.aws import cost as aws_cost
from f1lib.aws import events
from f1lib.aws.telemetry import Telemetry
from f1lib.errors import AlreadyRunning, BadParameters, RateLimited, SourceError
from tests.support.workspaces import make_workspace


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
    ws = make_workspace(tmp_path, "2025-12-31T00:00:00Z")
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
