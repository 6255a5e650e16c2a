"""FastF1's recorded calendars 2018-2026 as our tables: names, places, times; renamed and moved events."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from f1lib.domain.circuits import circuits
from f1lib.domain.weekend import FORMAT_SESSIONS, EventKey
from f1lib.errors import SourceError
from f1lib.lake.tables import conform
from f1lib.sources.f1db.source import F1dbSource
from f1lib.sources.fastf1.source import FastF1Source
from tests.support.replay_server import ReplayServer
from tests.support.upstreams import LATER, replayed

SEASONS = range(2018, 2027)


@pytest.fixture(scope="module")
def wire(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ReplayServer, FastF1Source]]:
    with replayed(shared_data / "recordings", tmp_path_factory.mktemp("fastf1")) as opened:
        yield opened


@pytest.fixture(scope="module")
def source(wire: tuple[ReplayServer, FastF1Source]) -> FastF1Source:
    return wire[1]


def events(source: FastF1Source, season: int) -> pd.DataFrame:
    return source.schedule(season, LATER).events.set_index("event_name")


@pytest.mark.parametrize("season", SEASONS)
def test_every_recorded_calendar_fulfils_the_contracts_and_has_a_known_circuit_everywhere(
    source: FastF1Source, season: int
) -> None:
    schedule = source.schedule(season, LATER)
    found = conform(schedule.events, "events")
    sessions = conform(schedule.sessions, "sessions")
    assert set(found["circuit_id"]) <= set(circuits())
    assert found["event_number"].tolist() == list(range(1, len(found) + 1))
    assert not schedule.provenance["warnings"]
    for key, own in sessions.groupby("event_partition_key", sort=False):
        known = found.set_index("event_partition_key")["event_format"][key]
        assert set(own["session"]) <= set(FORMAT_SESSIONS[str(known)])
        assert own["session_start_utc"].is_monotonic_increasing


def test_tests_before_the_season_are_no_events(source: FastF1Source) -> None:
    assert len(events(source, 2026)) == 23
    assert not [name for name in events(source, 2020).index if "Test" in name]


def test_a_moved_event_keeps_its_name_and_gets_the_place_it_is_run_at(source: FastF1Source) -> None:
    moved = events(source, 2026).loc["Bahrain Grand Prix"]
    assert moved["event_partition_key"] == "2026_Bahrain_Grand_Prix"
    assert (moved["circuit_id"], moved["country"], moved["timezone"]) == ("sepang", "Malaysia", "Asia/Kuala_Lumpur")
    assert moved["race_start_utc"] == datetime(2026, 10, 4, 7, 0, tzinfo=UTC)
    assert events(source, 2025).loc["Bahrain Grand Prix", "circuit_id"] == "bahrain"


def test_the_spanish_grand_prix_moves_to_madrid_and_barcelona_is_renamed(source: FastF1Source) -> None:
    assert events(source, 2025).loc["Spanish Grand Prix", "circuit_id"] == "catalunya"
    assert events(source, 2026).loc["Spanish Grand Prix", "circuit_id"] == "madring"
    assert events(source, 2026).loc["Barcelona Grand Prix", "circuit_id"] == "catalunya"


def test_a_renamed_event_stays_at_its_circuit(source: FastF1Source) -> None:
    assert events(source, 2019).loc["Mexican Grand Prix", "circuit_id"] == "mexico-city"
    assert events(source, 2021).loc["Mexico City Grand Prix", "circuit_id"] == "mexico-city"
    assert events(source, 2021).loc["São Paulo Grand Prix", "circuit_id"] == "interlagos"


def test_two_events_at_one_circuit_in_one_season_are_two_events(source: FastF1Source) -> None:
    season = events(source, 2020)
    assert season["circuit_id"]["British Grand Prix"] == season["circuit_id"]["70th Anniversary Grand Prix"]
    assert season["circuit_id"]["Bahrain Grand Prix"] == season["circuit_id"]["Sakhir Grand Prix"]
    assert season["event_partition_key"].is_unique


def test_the_three_sprint_formats_have_their_sessions_in_order(source: FastF1Source) -> None:
    for season, name, wanted in (
        (2021, "British Grand Prix", ["P1", "Q", "P2", "S", "R"]),
        (2023, "Azerbaijan Grand Prix", ["P1", "Q", "SS", "S", "R"]),
        (2024, "Chinese Grand Prix", ["P1", "SQ", "S", "Q", "R"]),
    ):
        rows = source.schedule(season, LATER).sessions
        own = rows[rows["event_partition_key"] == EventKey(season, name).partition_key]
        assert own["session"].tolist() == wanted


@pytest.mark.parametrize("season", range(2018, 2026))
def test_both_sources_know_the_same_events_by_the_same_keys_and_circuits(
    source: FastF1Source, f1db_zip: Path, season: int
) -> None:
    theirs = F1dbSource(f1db_zip).schedule(season, LATER).events
    columns = ["event_partition_key", "event_number", "event_format", "circuit_id"]
    ours = source.schedule(season, LATER).events
    pd.testing.assert_frame_equal(ours[columns], theirs[columns], check_dtype=False)


def test_session_times_agree_where_f1db_has_them(source: FastF1Source, f1db_zip: Path) -> None:
    keys = ["event_partition_key", "session"]
    columns = [*keys, "session_start_utc", "time_is_estimated"]
    apart: list[tuple[str, str]] = []
    for season in (2024, 2025):
        theirs = F1dbSource(f1db_zip).schedule(season, LATER).sessions[columns]
        both = source.schedule(season, LATER).sessions[columns].merge(theirs, on=keys, suffixes=("", "_f1db"))
        known = both[~both["time_is_estimated_f1db"].astype(bool)]
        assert len(known) > 100
        late = (known["session_start_utc"] - known["session_start_utc_f1db"]).abs() > pd.Timedelta(0)
        apart += list(known.loc[late, keys].itertuples(index=False, name=None))
    # A loose drain cover: it began ten minutes late, and FastF1's calendar was corrected.
    assert apart == [("2024_Saudi_Arabian_Grand_Prix", "P2")]


def test_a_season_that_is_not_out_is_an_error_and_not_among_the_seasons(source: FastF1Source) -> None:
    december = datetime(2026, 12, 10, tzinfo=UTC)
    assert source.seasons(december) == list(SEASONS)
    assert source.seasons(datetime(2024, 12, 10, tzinfo=UTC)) == list(range(2018, 2026))
    assert source.seasons(datetime(2024, 11, 10, tzinfo=UTC)) == list(range(2018, 2025))
    with pytest.raises(SourceError, match="FastF1's schedule of 2027"):
        source.schedule(2027, december)


def test_a_calendar_is_asked_for_again_when_time_has_passed(wire: tuple[ReplayServer, FastF1Source]) -> None:
    server, source = wire
    server.behave()
    for hour in (0, 0, 1):
        source.schedule(2019, datetime(2026, 11, 2, hour, tzinfo=UTC))
    assert server.asked("schedule_2019") == 2


def test_an_unknown_event_or_session_is_an_error_that_names_it(source: FastF1Source) -> None:
    with pytest.raises(SourceError, match="no session Q of 2023_Atlantis_Grand_Prix"):
        source.session(EventKey(2023, "Atlantis Grand Prix"), "Q", LATER)
    with pytest.raises(SourceError, match="no session SQ of 2023_Bahrain_Grand_Prix"):
        source.session(EventKey(2023, "Bahrain Grand Prix"), "SQ", LATER)
