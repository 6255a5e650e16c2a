"""What a backfill would do and cost, and what one session's laps answer the state machine."""

from __future__ import annotations

import pytest

from f1lib.aws import cost as aws_cost


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
