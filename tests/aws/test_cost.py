"""What a backfill would do and cost, and what one session's laps answer the state machine."""

from __future__ import annotations

import pytest

from f1lib.aws import cost as aws_cost
from f1lib.aws.telemetry import METRICS
from f1lib.tracking.stage_keys import STAGES
from tests.support.image import ROOT
from tests.support.standins import load_template


@pytest.mark.parametrize("source", aws_cost.UPSTREAMS)
def test_ten_times_the_sessions_cost_ten_times_as_much(source: str) -> None:
    one, ten = aws_cost.estimate(1000, source), aws_cost.estimate(1000, source, factor=10)
    assert ten.sessions == 10_000
    assert ten.dollars == pytest.approx(10 * one.dollars)
    assert ten.hours == pytest.approx(10 * one.hours)


def test_an_upstream_s_limit_decides_how_long_it_takes() -> None:
    upstream = aws_cost.UPSTREAMS["live"]
    hours = aws_cost.estimate(1000, "live").hours
    assert hours == pytest.approx(1000 * upstream.calls / upstream.calls_per_hour)


def test_the_arithmetic_is_that_of_the_template() -> None:
    template = load_template()
    given, made = template["Parameters"], template["Resources"]
    assert given["MemoryMegabytes"]["Default"] == aws_cost.LAMBDA_GB * 1024
    assert given["Architecture"]["Default"] == "arm64", "the price is that of arm64"
    function = made["RunnerFunction"]["Properties"]
    assert function["Timeout"] / 5 > aws_cost.CHAIN_SECONDS
    (hours,) = [int(word) for word in given["ScheduleExpression"]["Default"].split("(")[1].split() if word.isdigit()]
    idle = aws_cost.estimate(0, "f1db", days=365).amounts
    assert idle["Lambda requests"] == 365 * 24 / hours == 4380
    alarms = sum(resource["Type"] == "AWS::CloudWatch::Alarm" for resource in made.values())
    series = sum(len(STAGES) if dimension else 1 for _, dimension, _ in METRICS.values())
    text = (ROOT / "docs" / "aws.md").read_text(encoding="utf-8")
    for said in (f"{alarms} alarms at $0.10, {series} metric series at $0.30", "4,380 idle ticks a year at 0.25 s"):
        assert said in text
