"""Live upstreams that misbehave: each fault is the documented error, nothing half is kept, the next try is whole."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from f1lib.domain.weekend import EventKey
from f1lib.errors import NotPublishedYet, RateLimited, SourceBlocked, SourceError
from f1lib.sources.fastf1.cache import CacheFolder
from f1lib.sources.fastf1.source import FastF1Source
from f1lib.sources.protocols import SessionData
from tests.support.replay_server import Answer, ReplayServer
from tests.support.upstreams import LATER, QUICK, replayed, session_row, soon_after

BAKU = EventKey(2023, "Azerbaijan Grand Prix")
SILVERSTONE = EventKey(2022, "British Grand Prix")  # of its first practice 80 laps: the least that is recorded
TIMING = r"livetiming(-mirror)?\.f"
Wire = tuple[ReplayServer, FastF1Source]


@pytest.fixture
def wire(shared_data: Path, tmp_path: Path) -> Iterator[Wire]:
    with replayed(shared_data / "recordings", tmp_path / "fastf1") as opened:
        yield opened


def equal(first: dict[str, pd.DataFrame], second: dict[str, pd.DataFrame]) -> None:
    assert list(first) == list(second)
    for name in first:
        pd.testing.assert_frame_equal(first[name], second[name])


@pytest.mark.parametrize(
    ("kinds", "where"),
    [
        ("500 429 drop truncate cut html delay", "TimingData"),
        ("429 cut", "sprint.json"),
        ("500 html", "schedule_2023"),
        pytest.param("drop html", "sprint.json", marks=pytest.mark.campaign),
        pytest.param("429 truncate", "schedule_2023", marks=pytest.mark.campaign),
    ],
)
def test_faults_that_may_pass_fail_the_session_each_and_the_next_try_is_as_if_they_had_not_been(
    wire: Wire, untroubled: dict[str, pd.DataFrame], kinds: str, where: str
) -> None:
    """Each is met although the others were before it: none has left a page behind that is taken for the whole."""
    server, source = wire
    for minute, kind in enumerate(kinds.split()):
        server.behave()
        server.misbehave(kind, where, seconds=QUICK.read + 0.2)
        with pytest.raises(SourceError) as caught:
            source.session(BAKU, "S", LATER + timedelta(minutes=minute))
        assert not isinstance(caught.value, (SourceBlocked, NotPublishedYet)), kind
        assert isinstance(caught.value, RateLimited) is (kind == "429")
        assert server.asked(where), f"{kind}: nobody was asked"
    server.behave()
    equal(source.session(BAKU, "S", LATER + timedelta(hours=1)).frames, untroubled)


@pytest.fixture(scope="module")
def untroubled(loaded: Callable[[EventKey, str], SessionData]) -> dict[str, pd.DataFrame]:
    """Baku's sprint from upstreams that behave."""
    return loaded(BAKU, "S").frames


def test_a_passing_fault_is_not_even_noticed(wire: Wire, untroubled: dict[str, pd.DataFrame]) -> None:
    server, source = wire
    for kind, where in (("500", "DriverList"), ("drop", "TimingAppData"), ("cut", "sprint.json"), ("html", "LapCount")):
        server.misbehave(kind, where, times=1)
    equal(source.session(BAKU, "S", LATER).frames, untroubled)


def test_a_broken_host_is_stood_in_for_by_its_mirror(wire: Wire) -> None:
    """FastF1 itself tries the mirror after an answer, not after a broken connection."""
    server, source = wire
    server.misbehave("drop", r"livetiming\.formula1.*(DriverList|SessionStatus|TimingData|TimingAppData)")
    data = source.session(SILVERSTONE, "P1", LATER)
    assert len(data.frames["laps"]) == 80
    assert data.provenance["route"]["laps"] == "livetiming-mirror.fastf1.dev"


def test_the_time_to_wait_is_the_longest_any_upstream_asked_for(wire: Wire) -> None:
    server, source = wire
    server.misbehave("429", "TimingData", retry_after="600")
    server.misbehave("429", "qualifying.json", retry_after="1800")
    with pytest.raises(RateLimited) as caught:
        source.session(BAKU, "Q", LATER)
    assert caught.value.retry_after_seconds == 1800.0


def test_when_timing_refuses_us_qualifying_is_jolpicas_marked_so_and_whole_when_timing_comes(wire: Wire) -> None:
    server, source = wire
    server.misbehave("403", TIMING)
    refused = source.session(BAKU, "Q", LATER)
    assert refused.provenance["facts"]["laps"].startswith("blocked:")
    assert refused.provenance["route"]["results"] == "jolpica"
    assert refused.provenance["complete"] is False
    assert list(refused.frames) == ["results"]
    server.behave()
    whole = source.session(BAKU, "Q", LATER)
    assert whole.provenance["complete"] is True
    official = ["driver_id", "position", "q1_seconds", "q2_seconds", "q3_seconds", "team_id"]
    pd.testing.assert_frame_equal(refused.frames["results"][official], whole.frames["results"][official])


def test_when_timing_refuses_us_a_practice_is_blocked(wire: Wire) -> None:
    server, source = wire
    server.misbehave("403", TIMING)
    with pytest.raises(SourceBlocked, match="refuses us"):
        source.session(EventKey(2024, "British Grand Prix"), "P1", LATER)


def test_one_page_refused_among_others_is_a_page_that_is_not_there(wire: Wire) -> None:
    server, source = wire
    server.misbehave("403", "WeatherData")
    data = source.session(EventKey(2024, "British Grand Prix"), "P1", LATER)
    assert data.provenance["facts"] == {"weather": "unavailable: no WeatherData"}


def test_no_session_anywhere_is_not_published_yet(wire: Wire) -> None:
    server, source = wire
    server.misbehave("404", f"{TIMING}|qualifying.json")
    with pytest.raises(NotPublishedYet, match="no laps"):
        source.session(BAKU, "Q", LATER)


def test_while_jolpica_has_nothing_timing_classifies_and_says_so(wire: Wire, f1db_zip: Path) -> None:
    from f1lib.sources.f1db.source import F1dbSource

    server, source = wire
    server.misbehave("404", r"qualifying\.json|sprint\.json")
    for session in ("Q", "S"):
        data = source.session(BAKU, session, LATER)
        assert data.provenance["facts"]["official_results"].startswith("unavailable: Jolpica")
        assert data.provenance["complete"] is False
        truth = F1dbSource(f1db_zip).session(BAKU, session, LATER).frames["results"]
        ours = data.frames["results"]["driver_id"].tolist()
        assert ours[:10] == truth["driver_id"].tolist()[:10]
        # Sargeant's car was damaged on Friday: he did not start the sprint, and timing does not list him.
        assert set(truth["driver_id"]) - set(ours) == ({"logan-sargeant"} if session == "S" else set())
    assert data.frames["results"]["points"].isna().all()
    assert data.frames["results"]["position_text"].tolist()[-2:] == ["18", "DNF"]


def test_half_a_session_is_kept_only_while_a_prediction_waits_for_it(wire: Wire) -> None:
    server, source = wire
    row = session_row(source, BAKU, "Q")
    server.misbehave("500", "qualifying.json")
    for hours in (1.0, 60.0):
        with pytest.raises(SourceError, match="server error"):
            source.session(BAKU, "Q", soon_after(row, hours))
    waited = source.session(BAKU, "Q", soon_after(row, 5.0))
    assert waited.provenance["complete"] is False
    assert len(waited.frames["laps"]) == 356


def test_timing_that_stops_before_the_end_is_not_taken_and_not_kept(wire: Wire) -> None:
    server, source = wire
    row = session_row(source, BAKU, "Q")
    whole = server.answer(_url(server, "2023-04-28_Qualifying/SessionStatus"))
    cut = b"\r\n".join(whole.body.split(b"\r\n")[:3]) + b"\r\n"
    server.routes[_url(server, "2023-04-28_Qualifying/SessionStatus")] = lambda _url: Answer(200, cut)
    with pytest.raises(NotPublishedYet, match="does not reach the end"):
        source.session(BAKU, "Q", soon_after(row))
    server.routes.clear()
    assert len(source.session(BAKU, "Q", soon_after(row, 1.0)).frames["laps"]) == 356


@pytest.mark.parametrize("breakdown", [SystemExit(), NameError("name 'exit' is not defined"), ZeroDivisionError("x")])
def test_fastf1_breaking_down_is_a_failed_session_and_jolpica_stands_in_where_it_can(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, breakdown: BaseException
) -> None:
    from fastf1.core import Session

    def broken(*_arguments: Any, **_options: Any) -> None:
        raise breakdown

    monkeypatch.setattr(Session, "load", broken)
    source = wire[1]
    with pytest.raises(SourceError, match=f"FastF1 broke down: {type(breakdown).__name__}"):
        source.session(BAKU, "P1", LATER)
    data = source.session(BAKU, "Q", LATER)
    assert len(data.frames["results"]) == 20
    assert data.frames["results"]["driver_id"].iloc[0] == "charles-leclerc"
    assert any("broke down" in warning for warning in data.warnings)
    assert data.provenance["complete"] is False


def test_fastf1s_own_limit_comes_out_with_the_time_to_wait(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import re

    from fastf1.req import _CallsPerIntervalLimitRaise, _SessionWithRateLimiting

    with replayed(shared_data / "recordings", tmp_path) as (server, source):
        source.schedule(2023, LATER)
        limits = {re.compile(".*jolpi.*"): [_CallsPerIntervalLimitRaise(2, 3600.0, "*.jolpi.ca: 2 calls/h")]}
        monkeypatch.setattr(_SessionWithRateLimiting, "_RATE_LIMITS", limits)
        source.session(BAKU, "S", LATER)
        with pytest.raises(RateLimited, match="2 calls/h") as caught:
            source.session(BAKU, "S", LATER)
        assert 3500 < caught.value.retry_after_seconds <= 3600
        assert server.asked("jolpi") == 1


def test_nobody_is_ever_asked_for_a_password_and_fastf1_says_nothing_on_the_terminal(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

        def readline(self, *_size: Any) -> str:  # type: ignore[override]
            raise AssertionError("somebody waits at the terminal")

    import getpass

    def ask(*_prompt: Any) -> str:
        raise AssertionError("somebody is asked for a password")

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(getpass, "getpass", ask)
    monkeypatch.setattr("builtins.input", ask)
    for name in ("F1_USERNAME", "F1_PASSWORD", "FASTF1_AUTH_METHOD"):
        monkeypatch.delenv(name, raising=False)
    data = wire[1].session(SILVERSTONE, "P1", LATER)
    assert len(data.frames["laps"]) == 80
    assert capfd.readouterr() == ("", "")
    assert "Failed to load weather data!" in data.warnings


def test_without_a_base_and_an_account_the_sign_in_is_tried_once_and_never_prompts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fastf1.exceptions import F1AuthError
    from fastf1.internals.f1account import login

    from f1lib.sources.fastf1.client import LIVE_TIMING, Wire

    tried: list[tuple[str, str]] = []

    def refuse(username: str, password: str) -> None:
        tried.append((username, password))
        raise F1AuthError("wrong password")

    monkeypatch.setattr(login, "login", refuse)
    wire = Wire(tmp_path, account=("a@b.c", "secret"), cache_bytes=1)
    with wire.talk():
        signer: Any = wire.upstream.signing[LIVE_TIMING]
        signer._tokens._token_path = tmp_path / "none.json"
        assert [signer._get_token() for _ in range(3)] == [None, None, None]
    assert tried == [("a@b.c", "secret")]
    wire = Wire(tmp_path, cache_bytes=1)
    with wire.talk():
        assert wire.upstream.signing == {}


def test_fastf1_is_left_as_it_was_found(wire: Wire) -> None:
    import logging

    from fastf1.req import Cache

    before = dict(Cache._requests_session.adapters), list(logging.getLogger("fastf1").handlers)
    wire[1].session(SILVERSTONE, "P1", LATER)
    assert (dict(Cache._requests_session.adapters), list(logging.getLogger("fastf1").handlers)) == before


def test_the_cache_is_bounded_by_removing_our_own_oldest_sessions(shared_data: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "2019" / "somebody" / "else" / "car_data.ff1pkl"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(bytes(200_000))
    with replayed(shared_data / "recordings", tmp_path, cache_bytes=40_000) as (_server, source):
        source.session(EventKey(2020, "Hungarian Grand Prix"), "P2", LATER)
        source.session(SILVERSTONE, "P1", LATER)
    ours = [file for file in tmp_path.rglob("*.ff1pkl") if file != theirs]
    assert 0 < sum(file.stat().st_size for file in ours) <= 40_000
    assert all("British" in str(file) for file in ours)
    assert theirs.stat().st_size == 200_000


def test_a_cache_that_cannot_be_used_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(SourceError, match="set FASTF1_CACHE"):
        CacheFolder(tmp_path / "file", 1).make()
    (tmp_path / "f1lib-sessions.json").write_text("{")
    with pytest.raises(SourceError, match=r"f1lib-sessions\.json is damaged"):
        CacheFolder(tmp_path, 1).trim()


def test_the_grid_shares_the_errors_of_the_results(wire: Wire) -> None:
    server, source = wire
    for kind, error in (("500", SourceError), ("429", RateLimited), ("403", SourceBlocked)):
        server.behave()
        server.misbehave(kind, "jolpi")
        with pytest.raises(error):
            source.starting_grid(BAKU, "R", LATER)
    server.behave()
    server.routes["https://api.jolpi.ca/"] = lambda _url: Answer(200, b'{"MRData": {"RaceTable": {"Races": []}}}')
    with pytest.raises(NotPublishedYet, match="not yet"):
        source.starting_grid(BAKU, "R", LATER)


def _url(server: ReplayServer, part: str) -> str:
    return next(url for url in server.index if part in url)
