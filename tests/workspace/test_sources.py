"""Which upstream a workspace talks to: the settings, what is missing said aloud, no network where none is wanted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from f1lib.domain.moments import format_utc
from f1lib.errors import SourceError
from f1lib.lake.provenance import code_version
from f1lib.sources.combined import CombinedSource
from f1lib.sources.timing import TimingInOrder
from f1lib.workspace import sources
from f1lib.workspace.lake_kind import FORMAT, marker_of
from f1lib.workspace.workspace import Workspace, open_workspace
from tests.support.replay_server import ReplayServer, serve_open_meteo
from tests.support.workspaces import make_workspace

THEN = "2025-03-15T12:00:00Z"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("F1_CACHE", str(tmp_path / "cache"))
    for name in ("FASTF1_CACHE", "F1_USERNAME", "F1_PASSWORD", "F1_WEATHER", "F1_SOURCE"):
        monkeypatch.delenv(name, raising=False)


def opened(tmp_path: Path, source: str = "live", f1db: str = "", as_of: str = THEN) -> Workspace:
    return open_workspace(lake=str(tmp_path / "lake"), source=source, f1db=f1db, as_of=as_of)


def test_fastf1_is_history_from_f1db_beside_live_weekends(tmp_path: Path, f1db_zip: Path) -> None:
    ws = opened(tmp_path, f1db=str(f1db_zip))
    assert isinstance(ws.source, CombinedSource)
    assert ws.source.name == "f1db+fastf1+openf1"
    assert not ws.store.exists("lake.json")  # opening a source begins no lake
    marker = {"kind": "real", "format": FORMAT, "code_version": code_version(), "source": "live"}
    assert marker_of(ws.store, ws.source_name, ws.as_of, ws.settings) == marker


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Upstreams that have nothing at all; every request is counted."""
    with ReplayServer(None) as server:
        monkeypatch.setenv("F1_UPSTREAM_BASE", server.base)
        yield server


def test_without_a_release_a_new_lake_cannot_begin_and_the_error_says_what_to_give(
    tmp_path: Path, nothing: ReplayServer
) -> None:
    ws = opened(tmp_path)
    with pytest.raises(SourceError, match=r"takes its history from F1DB, and no release can be had .* give --f1db"):
        _ = ws.source
    assert nothing.asked("github.com/f1db") >= 1


def test_without_a_release_a_lake_with_history_goes_on_alone_and_says_so(tmp_path: Path, nothing: ReplayServer) -> None:
    ws = opened(tmp_path)
    ws.store.write("bronze/schedule/2024/source.json", b"{}")
    assert isinstance(ws.source, TimingInOrder)
    assert ws.source.seasons(ws.as_of) == [2025]
    assert ws.notices[0].startswith("NO F1DB RELEASE")


def test_a_release_that_was_named_and_is_not_there_is_never_passed_over(tmp_path: Path) -> None:
    ws = opened(tmp_path, f1db=str(tmp_path / "none.zip"))
    ws.store.write("bronze/schedule/2024/source.json", b"{}")
    with pytest.raises(SourceError, match=r"no F1DB release at .*none\.zip"):
        _ = ws.source


def test_the_account_comes_from_the_environment_whole_or_not_at_all(
    tmp_path: Path, f1db_zip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(
        "f1lib.sources.fastf1.source.FastF1Source.__init__", lambda self, *_a, **o: seen.append(o["account"])
    )
    for user, password in (("", ""), ("me", ""), ("me", "secret")):
        monkeypatch.setenv("F1_USERNAME", user)
        monkeypatch.setenv("F1_PASSWORD", password)
        with pytest.raises(AttributeError):  # the stand-in is hollow; what it was given is what counts
            _ = sources._fastf1(opened(tmp_path, f1db=str(f1db_zip)).upstreams).seasons(datetime.now(UTC))
    assert seen == [None, None, ("me", "secret")]


def test_fastf1s_own_cache_variable_is_honoured(
    tmp_path: Path, f1db_zip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTF1_CACHE", str(tmp_path / "mine"))
    live = sources._fastf1(opened(tmp_path, f1db=str(f1db_zip)).upstreams)
    assert live._wire.folder.path == tmp_path / "mine"


@pytest.mark.parametrize(
    ("source", "setting", "hours_ago", "expected"),
    [
        ("f1db", "auto", 0, True),
        ("f1db", "auto", 24, False),  # a run over the past is the same with a network or without
        ("f1db", "openmeteo", 24, True),
        ("f1db", "none", 0, False),
        ("live", "auto", 24, True),
        ("live", "none", 0, False),
        ("simulated", "none", 24, True),  # made with its races, never fetched
    ],
)
def test_when_forecasts_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, setting: str, hours_ago: int, expected: bool
) -> None:
    monkeypatch.setenv("F1_WEATHER", setting)
    moment = format_utc(datetime.now(UTC) - timedelta(hours=hours_ago))
    ws = opened(tmp_path, source, as_of=moment)
    assert ws.has_weather is expected
    assert (ws.weather is not None) is expected
    assert ws.has_past_weather is (source == "simulated")


def test_forecasts_go_through_the_one_adapter(tmp_path: Path, nothing: ReplayServer, f1db_zip: Path) -> None:
    serve_open_meteo(nothing)
    now = format_utc(datetime.now(UTC))
    ws = opened(tmp_path, f1db=str(f1db_zip), as_of=now)
    race = ws.as_of + timedelta(days=2)
    event = {"event_partition_key": "2026_X", "latitude": 1.0, "longitude": 2.0}
    sessions = [{"session": "R", "session_start_utc": race, "session_end_utc": race + timedelta(hours=2)}]
    assert ws.weather is not None
    assert ws.weather.forecast(event, sessions, ws.as_of) is not None
    assert nothing.asked(r"api\.open-meteo\.com") == 1


def test_with_the_network_closed_a_forecast_is_missing_and_nothing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from f1lib.bronze.schedule import refresh_schedule
    from f1lib.bronze.weather import fetch_forecasts
    from tests.support.f1db_zips import tiny, write

    monkeypatch.setenv("F1_UPSTREAM_BASE", "http://127.0.0.1:1")
    monkeypatch.setenv("F1_WEATHER", "openmeteo")
    ws = opened(tmp_path, "f1db", str(write(tmp_path / "f1db.zip", tiny())))
    refresh_schedule(ws, [])
    rows = fetch_forecasts(ws, ["2025_Australian_Grand_Prix", "2025_Chinese_Grand_Prix"])
    assert rows["status"].tolist() == ["missing", "missing"]
    assert rows["reason"].str.contains("no connection after 2 attempts").all()
    row = ws.tracking.get("2025_Australian_Grand_Prix", "STAGE#02_weather")
    assert row is not None
    assert row["next_attempt_utc"] == "2025-03-15T13:00:00Z"


def test_auto_at_the_present_without_any_network_is_simulated_before_anything_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("F1_UPSTREAM_BASE", "http://127.0.0.1:1")
    ws = opened(tmp_path, "auto", as_of="")
    assert ws.source_name == "simulated"
    assert ws.notices[0].startswith("SIMULATED DATA: no F1DB release can be had (")
    assert ws.store.list() == []


def test_a_name_look_up_that_hangs_does_not_hold_auto_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    released, waited_for = Event(), []
    monkeypatch.setattr("socket.getaddrinfo", lambda *_given: waited_for.append(released.wait(60)))
    try:
        assert opened(tmp_path, "auto", as_of="").source_name == "simulated"
        assert waited_for == []
    finally:
        released.set()


@pytest.mark.parametrize("setting", ["", "auto", "live"])
def test_a_schedule_on_aws_is_live_and_never_falls_back_to_simulated_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nothing: ReplayServer, setting: str
) -> None:
    monkeypatch.setenv("F1_ENVIRONMENT", "aws")
    ws = opened(tmp_path, setting, as_of="")
    assert (ws.source_name, ws.notices) == ("live", [])
    with pytest.raises(SourceError, match="no release can be had"):
        _ = ws.source


@pytest.mark.parametrize(("setting", "name"), [("openf1 fastf1", "f1db+openf1+fastf1"), ("fastf1", "f1db+fastf1")])
def test_timing_is_asked_in_the_order_of_the_settings(tmp_path: Path, f1db_zip: Path, setting: str, name: str) -> None:
    ws = make_workspace(tmp_path / "lake", THEN, "live", f1db=str(f1db_zip), timing=setting)
    assert ws.source.name == name
