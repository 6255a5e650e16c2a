"""The one adapter: where requests go, what is asked again, what is never taken for an answer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Event
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from f1lib.errors import BadParameters, RateLimited, SourceBlocked, SourceError
from f1lib.sources import http
from f1lib.sources.calls import Politeness
from f1lib.sources.http import Upstream, get_json, session, upstream_of
from tests.support.replay_server import Answer, ReplayServer

URL = "https://api.jolpi.ca/ergast/f1/2023/4/results.json"
STREAM = "https://livetiming.formula1.com/static/2023/x/SessionStatus.jsonStream"
SHORT = Politeness(connect=1.0, read=0.3, attempts=3, backoff=1.0, longest_wait=20.0, alone=0.0)


@pytest.fixture
def server() -> Iterator[ReplayServer]:
    with ReplayServer(None) as running:
        running.routes["https://api.jolpi.ca/"] = lambda url: Answer(200, b'{"MRData": {"round": 4}}')
        running.routes["https://livetiming.formula1.com/"] = lambda url: Answer(200, b'0{"a":1}\r\n1{"a":22222222}\r\n')
        yield running


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def web(server: ReplayServer, waits: list[float]) -> requests.Session:
    return session(server.base, politeness=SHORT, sleep=waits.append, chance=lambda: 0.5)


def test_a_request_goes_below_the_base_to_its_own_host_path_and_query(
    server: ReplayServer, web: requests.Session
) -> None:
    answer = web.get("https://api.jolpi.ca/ergast/2025_São_Paulo.json", params={"limit": "30"})
    assert answer.json() == {"MRData": {"round": 4}}
    assert list(server.count) == ["https://api.jolpi.ca/ergast/2025_São_Paulo.json?limit=30"]
    assert answer.url == "https://api.jolpi.ca/ergast/2025_S%C3%A3o_Paulo.json?limit=30"


def test_the_log_has_host_path_and_status_of_a_call_and_no_secret(
    server: ReplayServer, web: requests.Session, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="f1lib"):
        web.get("https://user:word@api.jolpi.ca/ergast/f1.json", params={"token": "hidden"}, headers={"X-Key": "key"})
    (said,) = caplog.messages
    assert said.startswith("api.jolpi.ca/ergast/f1.json: answered (status ")
    assert not any(secret in said for secret in ("user", "word", "token", "hidden", "key"))


def test_without_a_base_the_request_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def send(_self: HTTPAdapter, request: requests.PreparedRequest, **_options: Any) -> requests.Response:
        seen.append(str(request.url))
        raise requests.ConnectionError("no network here")

    monkeypatch.setattr(HTTPAdapter, "send", send)
    monkeypatch.setattr(http, "look_up", lambda *_given: None)
    with pytest.raises(SourceError, match="no connection after 1 attempts"):
        session(politeness=Politeness(attempts=1)).get(URL)
    assert seen == [URL]


def test_an_error_names_the_address_without_its_query(web: requests.Session, server: ReplayServer) -> None:
    server.misbehave("drop", "api.jolpi.ca")
    with pytest.raises(SourceError, match=r"^https://api\.jolpi\.ca/ergast/x\.json: no connection"):
        web.get("https://api.jolpi.ca/ergast/x.json", params={"limit": "30"})


@pytest.mark.parametrize("base", ["ftp://mirror", "127.0.0.1:8080", "http://", "http://mirror?x=1"])
def test_a_base_that_is_no_address_is_refused(base: str) -> None:
    with pytest.raises(BadParameters, match="F1_UPSTREAM_BASE"):
        session(base)


def test_a_base_is_reached_directly_whatever_proxy_the_environment_names(
    web: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert web.get(URL).status_code == 200


def test_credentials_are_not_sent_to_a_base(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "look_up", lambda *_given: None)

    class Signing(HTTPAdapter):
        used = 0

        def send(self, request: requests.PreparedRequest, **_options: Any) -> requests.Response:  # type: ignore[override]
            type(self).used += 1
            answer = requests.Response()
            answer.status_code = 200
            answer._content = b"[]"
            return answer

    signing = {"livetiming.formula1.com": Signing()}
    with ReplayServer(None) as server:
        web = session(server.base, signing=signing)
        assert web.get("https://livetiming.formula1.com/static/2023/Index.json").status_code == 404
        assert Signing.used == 0
    direct = session(signing=signing)
    assert direct.get("https://livetiming.formula1.com/static/2023/Index.json").status_code == 200
    assert Signing.used == 1


def test_an_error_that_passes_is_asked_again_after_doubling_waits(
    server: ReplayServer, web: requests.Session, waits: list[float]
) -> None:
    server.misbehave("500", times=2)
    assert web.get(URL).status_code == 200
    assert waits == [1.0, 2.0]
    assert upstream_of(web).calls[-1].attempts == 3


def test_waits_are_spread_from_half_to_one_and_a_half(server: ReplayServer, waits: list[float]) -> None:
    server.misbehave("500")
    for chance in (0.0, 0.999):
        web = session(server.base, politeness=SHORT, sleep=waits.append, chance=lambda chance=chance: chance)
        with pytest.raises(SourceError):
            web.get(URL)
    assert waits[:2] == [0.5, 1.0]
    assert waits[2:] == pytest.approx([1.5, 3.0], abs=0.01)


@pytest.mark.parametrize(
    ("kind", "url", "fault"),
    [
        ("500", URL, "server error"),
        ("429", URL, "rate limited"),
        ("drop", URL, "no connection"),
        ("truncate", URL, "truncated"),
        ("cut", URL, "truncated"),
        ("cut", STREAM, "truncated"),
        ("html", URL, "HTML"),
        ("html", STREAM, "HTML"),
    ],
)
def test_each_fault_is_retried_within_bounds_named_and_gone_with_the_next_good_answer(
    server: ReplayServer, web: requests.Session, kind: str, url: str, fault: str
) -> None:
    server.misbehave(kind, seconds=0.6)
    with pytest.raises(SourceError, match=f"{fault} after 3 attempts") as caught:
        web.get(url)
    assert server.asked("") == 3
    assert url in str(caught.value)
    server.behave()
    assert web.get(url).status_code == 200
    assert [call.fault for call in upstream_of(web).calls] == [fault, ""]


def test_a_host_that_keeps_silent_costs_its_time_once_and_is_left_alone(server: ReplayServer) -> None:
    server.misbehave("delay", "jolpi", seconds=0.6)
    web = session(server.base, politeness=replace(SHORT, alone=60.0))
    with pytest.raises(SourceError, match="timed out after 1 attempts"):
        web.get(URL)
    for _ in range(100):
        with pytest.raises(SourceError, match=r"timed out after 0 attempts .*left alone for 60 s"):
            web.get(URL)
    assert server.asked("jolpi") == 1
    assert web.get(STREAM).status_code == 200, "another host is asked"


def test_a_host_that_is_not_reached_is_left_alone_after_its_attempts_and_asked_again_later(waits: list[float]) -> None:
    web = session("http://127.0.0.1:1", politeness=replace(SHORT, alone=60.0), sleep=waits.append)
    for attempts in (3, 0, 0):
        with pytest.raises(SourceError, match=f"no connection after {attempts} attempts .*Connection refused"):
            web.get(URL)
    upstream = upstream_of(web)
    upstream.politeness = replace(SHORT, alone=0.0)
    with pytest.raises(SourceError, match="no connection after 3 attempts"):
        web.get(URL)


def test_a_host_that_fails_three_requests_in_a_row_is_left_alone_and_an_answer_clears_it(
    server: ReplayServer, waits: list[float]
) -> None:
    web = session(server.base, politeness=replace(SHORT, attempts=1, alone=60.0), sleep=waits.append)
    for times in (2, 3):
        server.misbehave("500", "jolpi", times=times)
        for _ in range(times):
            with pytest.raises(SourceError, match="server error after 1 attempts"):
                web.get(URL)
        if times == 2:
            assert web.get(URL).status_code == 200
    with pytest.raises(SourceError, match="server error after 0 attempts"):
        web.get(URL)


def test_a_name_look_up_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    released = Event()
    monkeypatch.setattr("socket.getaddrinfo", lambda *_given: released.wait(60))
    web = session(politeness=replace(SHORT, connect=0.2, alone=60.0))
    try:
        for attempts in (1, 0):
            with pytest.raises(SourceError, match=f"timed out after {attempts} attempts"):
                web.get(URL)
    finally:
        released.set()


def test_the_time_the_upstream_asks_for_is_waited(
    server: ReplayServer, web: requests.Session, waits: list[float]
) -> None:
    server.misbehave("429", times=1, retry_after="7")
    assert web.get(URL).status_code == 200
    assert waits == [7.0]


def test_a_wait_beyond_the_bound_is_surfaced_and_not_slept(
    server: ReplayServer, web: requests.Session, waits: list[float]
) -> None:
    server.misbehave("429", retry_after="3600")
    with pytest.raises(RateLimited, match="ask again in 3600 s") as caught:
        web.get(URL)
    assert caught.value.retry_after_seconds == 3600.0
    assert waits == []
    assert server.asked("") == 1


def test_a_wait_given_as_a_date_is_read_against_the_answers_own_clock(
    server: ReplayServer, web: requests.Session
) -> None:
    server.misbehave("429", retry_after=format_datetime(datetime.now(UTC) + timedelta(seconds=500), usegmt=True))
    with pytest.raises(RateLimited) as caught:
        web.get(URL)
    assert caught.value.retry_after_seconds == pytest.approx(500, abs=3)


def test_no_or_nonsense_advice_on_a_429_means_a_minute(server: ReplayServer, web: requests.Session) -> None:
    for advice in ("", "soon"):
        server.behave()
        server.misbehave("429", retry_after=advice)
        with pytest.raises(RateLimited) as caught:
            web.get(URL)
        assert caught.value.retry_after_seconds == 60.0


def test_a_refusal_is_an_answer_and_is_not_asked_again(server: ReplayServer, web: requests.Session) -> None:
    server.misbehave("403")
    with pytest.raises(SourceBlocked, match=r"403.*as told"):
        get_json(web, URL, {})
    assert server.asked("") == 1


def test_what_is_not_there_is_not_asked_for_again(server: ReplayServer, web: requests.Session) -> None:
    server.misbehave("404")
    with pytest.raises(SourceError, match="404"):
        get_json(web, URL, {})
    assert server.asked("") == 1


def test_a_soft_adapter_hands_its_client_a_502_so_that_it_can_fall_back(server: ReplayServer) -> None:
    web = session(server.base, soft=True, politeness=SHORT, sleep=lambda _seconds: None)
    server.misbehave("drop", "livetiming")
    answer = web.get(STREAM)
    assert (answer.status_code, answer.content) == (502, b"")
    assert [call.fault for call in upstream_of(web).calls] == ["no connection"]


def test_the_record_of_a_call_has_the_hash_of_what_came(web: requests.Session) -> None:
    web.get(URL)
    record = upstream_of(web).calls[0].record()
    assert record["url"] == URL
    assert record["sha256"] == hashlib.sha256(b'{"MRData": {"round": 4}}').hexdigest()
    assert record["bytes"] == len(b'{"MRData": {"round": 4}}')
    upstream_of(web).forget()
    assert upstream_of(web).calls == []


def test_an_empty_stream_and_a_whole_one_are_both_fine(server: ReplayServer, web: requests.Session) -> None:
    server.routes["https://livetiming.formula1.com/"] = lambda url: Answer(200, b"")
    assert web.get(STREAM).content == b""
    server.routes["https://livetiming.formula1.com/"] = lambda url: Answer(200, b"\xef\xbb\xbf0{}\r\n")
    assert web.get(STREAM).content.endswith(b"\r\n")


def test_a_download_in_pieces_is_not_read_into_memory_to_be_looked_at(
    server: ReplayServer, web: requests.Session
) -> None:
    server.routes["https://github.com/"] = lambda url: Answer(200, b"PK" + bytes(100_000), "application/zip")
    with web.get("https://github.com/f1db/f1db/releases/latest/download/f1db-csv.zip", stream=True) as answer:
        assert answer._content is False  # type: ignore[comparison-overlap]
        assert sum(len(piece) for piece in answer.iter_content(1000)) == 100_002


def test_every_request_has_time_outs_and_no_client_longer_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []

    def send(_self: HTTPAdapter, _request: requests.PreparedRequest, **options: Any) -> requests.Response:
        given.append(options["timeout"])
        raise requests.ConnectionError

    monkeypatch.setattr(HTTPAdapter, "send", send)
    monkeypatch.setattr(http, "look_up", lambda *_given: None)
    web = session(politeness=Politeness(connect=4.0, read=9.0, attempts=1, alone=0.0))
    for timeout in (None, 5.0, (60.0, 60.0)):
        with pytest.raises(SourceError):
            web.get(URL, timeout=timeout)
    assert given == [(4.0, 9.0), (4.0, 5.0), (4.0, 9.0)]


def test_the_rewriting_keeps_query_and_percent_signs() -> None:
    assert http.rewrite("https://a.b/c%20d?e=f%26g", "http://h:1") == "http://h:1/a.b/c%20d?e=f%26g"
    assert http.rewrite("https://a.b", "http://h:1") == "http://h:1/a.b/"


def test_one_adapter_serves_sessions_without_mixing_their_records(server: ReplayServer) -> None:
    first, second = session(server.base), session(server.base)
    first.get(URL)
    assert (len(upstream_of(first).calls), len(upstream_of(second).calls)) == (1, 0)
    assert isinstance(upstream_of(first), Upstream)
