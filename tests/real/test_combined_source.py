"""History from F1DB and the running season from FastF1, as one source: real sessions, and errors in order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from f1lib.domain.weekend import EventKey
from f1lib.errors import NotPublishedYet, RateLimited, SourceBlocked, SourceError
from f1lib.sources.combined import CombinedSource
from f1lib.sources.f1db.source import F1dbSource
from f1lib.sources.fastf1.source import FastF1Source
from tests.support.replay_server import ReplayServer
from tests.support.upstreams import replayed, session_row, soon_after

BAKU = EventKey(2023, "Azerbaijan Grand Prix")
THAT_WEEK = datetime(2023, 5, 2, tzinfo=UTC)
TIMING = r"livetiming(-mirror)?\.f"
Both = tuple[ReplayServer, FastF1Source, CombinedSource]


@pytest.fixture
def both(shared_data: Path, f1db_zip: Path, tmp_path: Path) -> Iterator[Both]:
    with replayed(shared_data / "recordings", tmp_path / "fastf1") as (server, live):
        yield server, live, CombinedSource(F1dbSource(f1db_zip), live)


def test_seasons_that_are_over_are_history_and_ask_nobody(both: Both) -> None:
    server, _live, source = both
    later = datetime(2025, 6, 1, tzinfo=UTC)
    assert source.schedule(2023, later).events["source"].unique().tolist() == ["f1db"]
    assert source.session(BAKU, "Q", later).provenance["source"] == "f1db"
    assert source.seasons(later) == list(range(2010, 2026))
    assert server.requests == 0


def test_the_running_season_is_live_with_its_laps(both: Both) -> None:
    source = both[2]
    assert source.schedule(2023, THAT_WEEK).events["source"].unique().tolist() == ["fastf1"]
    data = source.session(BAKU, "Q", THAT_WEEK)
    assert data.provenance["source"] == "fastf1"
    assert len(data.frames["laps"]) == 356
    assert data.provenance["conflicts"] == []


def test_december_races_are_still_live_in_january_and_history_in_march(both: Both) -> None:
    source = both[2]
    assert source.is_live(2022, datetime(2023, 1, 15, tzinfo=UTC))
    assert not source.is_live(2022, datetime(2023, 3, 15, tzinfo=UTC))


def test_both_calendars_of_a_season_have_the_same_keys(both: Both) -> None:
    source = both[2]
    keys = ["event_partition_key", "session"]
    live = source.schedule(2023, THAT_WEEK).sessions[keys]
    history = source.schedule(2023, datetime(2025, 6, 1, tzinfo=UTC)).sessions[keys]
    pd.testing.assert_frame_equal(live, history)


def test_what_both_state_differently_is_kept(both: Both) -> None:
    """Baku's sprint agrees; a practice whose recording was cut short does not."""
    source = both[2]
    assert source.session(BAKU, "S", THAT_WEEK).provenance["conflicts"] == []
    silverstone = EventKey(2022, "British Grand Prix")
    conflicts = source.session(silverstone, "P1", datetime(2022, 7, 4, tzinfo=UTC)).provenance["conflicts"]
    tsunoda = [row for row in conflicts if row["driver_id"] == "yuki-tsunoda" and row["column"] == "best_lap_seconds"]
    assert tsunoda == [{"driver_id": "yuki-tsunoda", "column": "best_lap_seconds", "fastf1": 109.972, "f1db": 111.373}]
    json.dumps(conflicts)


def test_a_driver_that_only_one_source_has_is_a_difference(both: Both) -> None:
    source = both[2]
    both[0].misbehave("404", r"sprint\.json")
    conflicts = source.session(BAKU, "S", THAT_WEEK).provenance["conflicts"]
    assert {"driver_id": "logan-sargeant", "column": "present", "fastf1": False, "f1db": True} in conflicts


def test_results_computed_from_timing_give_way_to_official_ones(both: Both) -> None:
    server, _live, source = both
    server.misbehave("404", r"sprint\.json")
    data = source.session(BAKU, "S", THAT_WEEK)
    assert data.frames["results"]["points"].sum() == 36
    assert len(data.frames["laps"]) == 308
    assert data.provenance["results"]["source"] == "f1db"
    assert any("results are f1db's" in warning for warning in data.warnings)


def test_when_every_live_upstream_refuses_us_f1db_stands_in_and_it_is_marked(both: Both) -> None:
    server, _live, source = both
    source.schedule(2023, THAT_WEEK)
    server.misbehave("403", f"{TIMING}|jolpi")
    data = source.session(BAKU, "Q", THAT_WEEK)
    assert data.provenance["source"] == "f1db"
    assert data.provenance["complete"] is False
    assert data.provenance["facts"]["laps"].startswith("blocked:")
    assert data.provenance["tried"][0]["source"] == "fastf1"
    assert len(data.frames["results"]) == 20


def test_a_live_calendar_that_fails_is_stood_in_for_by_f1dbs(both: Both) -> None:
    server, _live, source = both
    server.misbehave("500", "schedule_2023")
    found = source.schedule(2023, THAT_WEEK)
    assert found.events["source"].unique().tolist() == ["f1db"]
    assert found.provenance["tried"][0]["source"] == "fastf1"


def test_a_live_calendar_that_fails_is_asked_once_a_moment_and_f1db_stands_in_for_the_sessions(both: Both) -> None:
    server, _live, source = both
    server.misbehave("drop", "schedule_2023")
    for session in ("Q", "SS", "S"):
        data = source.session(BAKU, session, THAT_WEEK)
        assert data.provenance["source"] == "f1db"
        assert data.provenance["complete"] is False
    assert server.asked("schedule_2023") == 2, "one request, repeated once"
    assert server.asked("livetiming") == 0
    server.behave()
    assert source.session(BAKU, "SS", THAT_WEEK + timedelta(minutes=1)).provenance["source"] == "fastf1"


def test_the_grid_comes_from_whoever_has_it(both: Both) -> None:
    source = both[2]
    assert source.starting_grid(BAKU, "R", THAT_WEEK).provenance["source"] == "f1db"
    row = session_row(both[1], BAKU, "R", THAT_WEEK)
    early = row["grid_available_utc"].to_pydatetime() - timedelta(hours=5)
    with pytest.raises(NotPublishedYet):
        source.starting_grid(BAKU, "R", early)


class Nothing:
    """A source that has nothing, for the reason it is given."""

    attribution = ""

    def __init__(self, name: str, error: SourceError) -> None:
        self.name, self._error = name, error

    def schedule(self, season: int, as_of: datetime) -> None:
        raise self._error

    def session(self, key: EventKey, session: str, as_of: datetime) -> None:
        raise self._error

    starting_grid = session


@pytest.mark.parametrize("error", [RateLimited("wait", 60.0), SourceBlocked("no"), SourceError("broken")])
def test_the_error_that_says_most_is_the_one_raised(
    error: SourceError, f1db_zip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calendar = F1dbSource(f1db_zip).schedule(2023, datetime(2024, 1, 1, tzinfo=UTC))
    nothing = Nothing("f1db", NotPublishedYet("later"))
    for history, live in ((nothing, Nothing("fastf1", error)), (Nothing("f1db", error), nothing)):
        source = CombinedSource(history, live)  # type: ignore[arg-type]
        with pytest.raises(type(error)):
            source.schedule(2023, THAT_WEEK)
        monkeypatch.setattr(source, "schedule", lambda _season, _as_of: calendar)
        for ask in (source.session, source.starting_grid):
            with pytest.raises(type(error)) as caught:
                ask(BAKU, "R", THAT_WEEK)
            assert caught.value is error


def test_a_session_is_not_visible_before_its_time_from_either_source(both: Both) -> None:
    row = session_row(both[1], BAKU, "Q", THAT_WEEK)
    with pytest.raises(NotPublishedYet):
        both[2].session(BAKU, "Q", soon_after(row) - timedelta(seconds=1))
