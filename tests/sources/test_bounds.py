"""What an upstream that means harm can make us do: read, unpack, wait, and ask elsewhere, each within its bound."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from f1lib.errors import RateLimited, SourceError
from f1lib.sources.bounds import LONGEST_RETRY_AFTER, MAX_BYTES, elsewhere, retry_after
from f1lib.sources.calls import Call, Politeness
from f1lib.sources.fastf1.source import FastF1Source
from f1lib.sources.http import get_json, session
from tests.support.hostile import MEGABYTE, answer, chunked, drip, gzip_of_zeros, head, hostile
from tests.support.upstreams import LATER, without_limits

ONCE = Politeness(connect=2.0, read=2.0, attempts=1, total=0.6)
JOLPICA = "https://api.jolpi.ca/ergast/f1/2023/4/results.json"


def said(status: int = 429, **headers: str) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return response


NOW = format_datetime(datetime(2025, 12, 6, 16, tzinfo=UTC), usegmt=True)
NEXT_YEAR = format_datetime(datetime(2026, 12, 6, 16, tzinfo=UTC), usegmt=True)
LAST_YEAR = format_datetime(datetime(2024, 12, 6, 16, tzinfo=UTC), usegmt=True)


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("90", 90.0),
        ("86400", LONGEST_RETRY_AFTER),
        ("9" * 5000, LONGEST_RETRY_AFTER),
        (NEXT_YEAR, LONGEST_RETRY_AFTER),
        (LAST_YEAR, 0.0),
        ("Fri, 31 Dec 9999 23:59:59 -2359", LONGEST_RETRY_AFTER),
        ("-5", 60.0),
        ("1e9", 60.0),
        ("nan", 60.0),
        ("²", 60.0),
        ("soon", 60.0),
        ("Mon, 99 Foo 2025 25:61:61 GMT", 60.0),
    ],
)
def test_the_time_to_wait_is_read_whatever_stands_there_and_is_six_hours_at_most(asked: str, seconds: float) -> None:
    assert retry_after(said(Retry_After=asked, Date=NOW)) == seconds


@given(st.text(), st.text(), st.sampled_from([429, 500, 503]))
def test_no_text_is_a_time_below_zero_or_above_six_hours(asked: str, date: str, status: int) -> None:
    assert 0.0 <= retry_after(said(status, Retry_After=asked, Date=date)) <= LONGEST_RETRY_AFTER


def test_who_asks_for_years_is_asked_again_after_six_hours() -> None:
    late = answer(b"{}", f"Retry-After: {10**30}", status="429 Too Many")
    with hostile(lambda _: late) as server, pytest.raises(RateLimited, match="ask again in 21600 s") as caught:
        session(server.url, politeness=ONCE).get(JOLPICA)
    assert caught.value.retry_after_seconds == LONGEST_RETRY_AFTER


def endless() -> Iterable[bytes]:
    return itertools.repeat(b" " * MEGABYTE)


@pytest.mark.parametrize(
    "script",
    [
        lambda _: answer(gzip_of_zeros(3000), "Content-Encoding: gzip"),
        lambda _: [head("Content-Encoding: gzip", "Transfer-Encoding: chunked"), *chunked([gzip_of_zeros(3000)])],
        lambda _: itertools.chain([head()], endless()),
        lambda _: itertools.chain([head("Transfer-Encoding: chunked")], chunked(endless())),
        lambda _: itertools.chain([head(f"Content-Length: {10**15}")], endless()),
        lambda _: itertools.chain([head(status="404 Not Found")], endless()),
        lambda _: itertools.chain([head("Location: /on", status="302 Found")], endless()),
    ],
    ids=["gzip", "chunked gzip", "endless", "endless chunks", "long", "an error page", "a redirect"],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_body_without_end_is_refused_with_little_read_and_little_memory(
    script: Callable[[str], Iterable[bytes]], stream: bool
) -> None:
    with hostile(script) as server:
        web = session(server.url, politeness=Politeness(attempts=3))
        tracemalloc.start()
        try:
            with pytest.raises(SourceError, match=rf"too large after 1 attempts \(larger than {MAX_BYTES} bytes\)"):
                web.get(JOLPICA, stream=stream)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 2 * MAX_BYTES
    assert server.sent < MAX_BYTES + 20 * MEGABYTE  # what the sockets hold in between comes on top


BODY = b'{"a": "' + b"x" * 5000 + b'"}'


@pytest.mark.parametrize(
    "script",
    [
        lambda _: drip(head(f"X: {'x' * 5000}")),
        lambda _: itertools.chain([head(f"Content-Length: {len(BODY)}")], drip(BODY)),
        lambda _: itertools.chain([head()], drip(BODY)),
        lambda _: itertools.chain([head("Transfer-Encoding: chunked", "X: y"), b"5;x="], drip(b"y" * 5000)),
        lambda _: itertools.chain([head("Content-Encoding: gzip")], drip(gzip_of_zeros(30))),
    ],
    ids=["head", "body", "body without a length", "the size of a chunk", "gzip"],
)
def test_a_byte_at_a_time_is_not_waited_for(script: Callable[[str], Iterable[bytes]]) -> None:
    """Each answer takes minutes; no byte of it is late by itself."""
    with hostile(script) as server:
        with pytest.raises(SourceError, match="timed out after 1 attempts"):
            session(server.url, politeness=ONCE).get(JOLPICA)
        assert server.sent < 5000


def test_all_attempts_together_have_one_bound() -> None:
    slow = Politeness(read=2.0, attempts=1000, backoff=0.05, total=0.6)
    with hostile(lambda _: drip(BODY)) as server, pytest.raises(SourceError, match="timed out after 1 attempts"):
        session(server.url, politeness=slow).get(JOLPICA)
    with hostile(lambda _: answer(b"", status="500 No")) as server:
        with pytest.raises(SourceError, match=r"server error after [0-9]{1,2} attempts"):
            session(server.url, politeness=slow, chance=lambda: 0.5).get(JOLPICA)
        assert 1 < len(server.asked) < 20


@pytest.mark.parametrize(
    "target",
    [
        "https://elsewhere.example/x.json",
        "//elsewhere.example/x.json",
        "http://api.jolpi.ca/x.json",
        "https://api.jolpi.ca:8443/x.json",
        "https://api.jolpi.ca.elsewhere.example/x.json",
        "https://api.jolpi.ca@elsewhere.example/x.json",
        "https://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://[half",
        "https://api.jolpi.ca:99999/x",
    ],
)
def test_a_redirect_away_from_the_sources_hosts_is_refused_and_not_asked(target: str) -> None:
    with hostile(lambda path: answer(b"{}", f"Location: {target}", status="302 Found")) as server:
        with pytest.raises(SourceError, match=r"sent elsewhere after 1 attempts \(its redirect ") as caught:
            get_json(session(server.url), JOLPICA, {})
        assert server.asked == ["/api.jolpi.ca/ergast/f1/2023/4/results.json"]
    assert "@" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://api.jolpi.ca/a", "/b"),
        ("https://api.jolpi.ca/a", "b/"),
        ("http://mirror.example/f1db.zip", "https://mirror.example/f1db.zip"),
        ("http://127.0.0.1:8080/a", "http://127.0.0.1:8080/b"),
        ("https://github.com/f1db/f1db/x", "https://release-assets.githubusercontent.com/x?sig=1"),
        ("https://livetiming.formula1.com/static/x", "https://livetiming-mirror.fastf1.dev/static/x"),
    ],
)
def test_a_redirect_within_a_source_is_followed(url: str, target: str) -> None:
    assert elsewhere(url, said(302, Location=target)) == ""


def test_redirects_in_a_circle_end_as_a_source_error() -> None:
    with hostile(lambda path: answer(b"{}", "Location: /again.json", status="302 Found")) as server:
        with pytest.raises(SourceError, match=r"^https://api\.jolpi\.ca/ergast/f1/2023/4/results\.json: Exceeded"):
            get_json(session(server.url), JOLPICA, {})
        assert len(server.asked) == 6


@pytest.mark.parametrize("target", ["https://elsewhere.example/x", "/again"])
def test_what_fastf1_asks_is_not_sent_elsewhere_or_in_circles(tmp_path: Path, target: str) -> None:
    with hostile(lambda path: answer(b"{}", f"Location: {target}", status="302 Found")) as server, without_limits():
        source = FastF1Source(tmp_path / "fastf1", base=server.url, politeness=ONCE)
        with pytest.raises(SourceError):
            source.schedule(2023, LATER)
        assert not any("elsewhere" in path for path in server.asked)


def test_without_a_redirect_nothing_is_sent_elsewhere() -> None:
    assert elsewhere("https://api.jolpi.ca/a", said(200)) == elsewhere("https://api.jolpi.ca/a", said(304)) == ""


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": "\\ud800"}',
        b"\xff\xfe{}",
    ],
    ids=["deep list", "deep object", "NaN", "Infinity", "large float", "large int", "surrogate", "UTF-16"],
)
def test_what_is_no_json_is_never_an_answer(body: bytes) -> None:
    with hostile(lambda _: answer(body)) as server:
        with pytest.raises(SourceError, match="no whole JSON"):
            get_json(session(server.url, politeness=ONCE), JOLPICA, {})
        with pytest.raises(SourceError, match=r"^https://mirror\.example/x: "):
            get_json(session(server.url, politeness=ONCE), "https://mirror.example/x", {})


def test_a_byte_order_mark_is_no_fault() -> None:
    with hostile(lambda _: answer(b'\xef\xbb\xbf{"a": 1}')) as server:
        assert get_json(session(server.url, politeness=ONCE), JOLPICA, {}) == {"a": 1}


@pytest.mark.parametrize("url", ["http://user:word@127.0.0.1:1/x?key=hidden", "http://user:word@[half/x?key=hidden"])
def test_no_message_and_no_record_has_the_user_the_password_or_the_query(url: str) -> None:
    with pytest.raises(SourceError) as caught:
        get_json(session(politeness=ONCE), url, {"token": "hidden"})
    record = Call(url, 0, fault="no connection").record()
    for text in (str(caught.value), record["url"].partition("?")[0], str(Call(url, fault="x").error())):
        assert not any(secret in text for secret in ("user", "word", "hidden"))
