"""FastF1's client: its limits are shared among workers."""

from __future__ import annotations

import threading
from typing import Any

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


def test_signing_in_ends_when_its_time_is_up_and_is_not_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from fastf1.exceptions import F1AuthError
    from fastf1.internals.f1account import login as module
    from fastf1.internals.f1account import tokens

    from f1lib.sources.calls import Politeness
    from f1lib.sources.fastf1 import client

    begun, over = list[str](), threading.Event()

    def login(name: str, _password: str) -> None:
        begun.append(name)
        over.wait()

    monkeypatch.setattr(module, "login", login)
    monkeypatch.setattr(Politeness, "total", 0.05)
    sign_in: list[Any] = []
    monkeypatch.setattr(tokens, "TokenManager", lambda auth_func: sign_in.append(auth_func))
    client._signing_adapter("somebody", "secret")
    for _ in range(2):
        with pytest.raises(F1AuthError, match=r"no answer within 0 s"):
            sign_in[0]()
    over.set()
    assert begun == ["somebody"]
