"""OpenF1 is asked at its pace; too early is neither a refusal nor a failure; nothing found is an empty list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from f1lib.errors import ClosedForNow, RateLimited, SourceBlocked, SourceError
from f1lib.sources.http import session
from f1lib.sources.openf1.client import PACE_SECONDS, ask, politeness
from tests.support.openf1 import CLOSED, PREFIX
from tests.support.replay_server import Answer, ReplayServer
from tests.support.upstreams import QUICK


@pytest.fixture
def server() -> Iterator[ReplayServer]:
    with ReplayServer(None) as running:
        yield running


def _asked(server: ReplayServer, answer: Answer) -> list[dict[str, object]]:
    server.routes[PREFIX] = lambda _url: answer
    return ask(session(server.base, politeness=QUICK), "laps", session_key=9161)


def test_rows_are_asked_for_by_their_key(server: ReplayServer) -> None:
    assert _asked(server, Answer(200, b'[{"lap_number": 8}]')) == [{"lap_number": 8}]
    assert list(server.count) == [f"{PREFIX}laps?session_key=9161"]


@pytest.mark.parametrize("answer", [Answer(200, b"[]"), Answer(404, b'{"detail": "No results found."}')])
def test_nothing_found_is_an_empty_list(server: ReplayServer, answer: Answer) -> None:
    assert _asked(server, answer) == []


def test_while_a_session_is_in_progress_it_is_too_early(server: ReplayServer) -> None:
    with pytest.raises(ClosedForNow, match="while a session is in progress; asked again later"):
        _asked(server, CLOSED)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(401, b'{"detail": "Invalid credentials"}'), SourceBlocked),
        (Answer(403, b"{}"), SourceBlocked),
        (Answer(429, b"{}"), RateLimited),
        (Answer(500, b"{}"), SourceError),
        (Answer(200, b'{"detail": "x"}'), SourceError),
        (Answer(200, b"[1]"), SourceError),
        (Answer(200, b"<html>"), SourceError),
    ],
)
def test_any_other_answer_is_the_error_that_it_is(
    server: ReplayServer, answer: Answer, error: type[SourceError]
) -> None:
    with pytest.raises(error) as caught:
        _asked(server, answer)
    assert type(caught.value) is error


def test_its_pace_is_kept_and_shared_among_workers(server: ReplayServer) -> None:
    server.routes[PREFIX] = lambda _url: Answer(200, b"[]")
    for workers in (1, 3):
        waits: list[float] = []
        web = session(server.base, politeness=replace(politeness(workers), alone=0.0), sleep=waits.append)
        for _ in range(3):
            ask(web, "laps")
        assert len(waits) == 2
        assert all(PACE_SECONDS * (workers - 1) < wait <= PACE_SECONDS * workers for wait in waits)
    assert 10 / PACE_SECONDS < 30, "requests in 10 s that everybody has"
