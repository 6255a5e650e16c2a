"""FastF1's client: its limits are shared among workers."""

from __future__ import annotations

import pytest


def test_the_limits_of_fastf1_are_shared_among_the_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    import re

    from fastf1.req import _CallsPerIntervalLimitRaise, _MinIntervalLimitDelay
    from fastf1.req import _SessionWithRateLimiting as Limited

    from f1lib.sources.fastf1.client import share_limits

    pause, hourly = _MinIntervalLimitDelay(0.25), _CallsPerIntervalLimitRaise(500, 3600, "500/h")
    monkeypatch.setattr(Limited, "_RATE_LIMITS", {re.compile("."): [pause, hourly]})
    share_limits(4)
    assert pause._interval == 1.0
    assert hourly._timestamps.maxlen == 125
