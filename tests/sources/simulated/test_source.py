"""The simulated source as a source: what is visible when, and frames like the real ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from f1lib.domain import weekend as domain_weekend
from f1lib.domain.weekend import EventKey
from f1lib.errors import BadParameters, NotPublishedYet, SourceError
from f1lib.lake.tables import conform
from f1lib.sources.f1db.source import F1dbSource
from f1lib.sources.protocols import (
    GRID_COLUMNS,
    PIT_STOP_COLUMNS,
    RACE_CONTROL_COLUMNS,
    RESULT_COLUMNS,
    WEATHER_COLUMNS,
    SessionData,
)
from f1lib.sources.simulated.calendar import Weekend, calendar
from f1lib.sources.simulated.source import SimulatedSource
from f1lib.sources.simulated.world import WorldOptions
from tests.support.examples import examples
from tests.support.f1db_zips import tiny, write

LATER = datetime(2027, 1, 15, tzinfo=UTC)
COMPLETE = WorldOptions(missing=False)
WORLD = SimulatedSource(seed=1, first_season=2018, options=COMPLETE)
BRITAIN = EventKey(2024, "British Grand Prix")
WEEKENDS = [weekend for season in (2021, 2022, 2023, 2025, 2026) for weekend in calendar(season)]
A_SESSION = st.sampled_from([(weekend, code) for weekend in WEEKENDS for code in weekend.starts])
A_RACE = st.sampled_from([(weekend, code) for weekend in WEEKENDS for code in ("S", "R") if code in weekend.starts])


@pytest.fixture(scope="module")
def source() -> SimulatedSource:
    return SimulatedSource(seed=1, first_season=2018)


@pytest.fixture(scope="module")
def complete() -> SimulatedSource:
    return WORLD


@pytest.fixture(scope="module")
def one_year(complete: SimulatedSource) -> dict[tuple[str, str], SessionData]:
    """Every session of 2023: conventional weekends and sprints."""
    return {
        (weekend.key.event_name, code): complete.session(weekend.key, code, LATER)
        for weekend in calendar(2023)
        for code in weekend.starts
    }


def _same(one: SessionData, other: SessionData) -> None:
    assert list(one.frames) == list(other.frames)
    assert one.warnings == other.warnings
    for name, frame in one.frames.items():
        pd.testing.assert_frame_equal(frame, other.frames[name])


def test_answers_depend_neither_on_what_was_asked_before_nor_on_the_moment_nor_on_the_first_season() -> None:
    asked = [(w.key, code) for w in (calendar(2023)[3], calendar(2024)[9]) for code in w.starts]
    early, late = SimulatedSource(seed=5, first_season=2023, options=COMPLETE), datetime(2026, 3, 1, tzinfo=UTC)
    forward = {what: early.session(*what, late) for what in asked}
    other = SimulatedSource(seed=5, first_season=2012, options=COMPLETE)
    other.truth(2025)
    other.starting_grid(calendar(2025)[0].key, "R", LATER)
    for what in reversed(asked):
        _same(other.session(*what, LATER), forward[what])


def test_another_seed_is_another_world(complete: SimulatedSource) -> None:
    other = SimulatedSource(seed=2, options=COMPLETE).session(BRITAIN, "R", LATER).frames["results"]
    assert set(other["driver_id"]) != set(complete.session(BRITAIN, "R", LATER).frames["results"]["driver_id"])


@settings(deadline=None, max_examples=examples(60))
@given(asked=A_SESSION, hours=st.floats(-400, 400))
def test_a_session_is_never_shown_before_its_end_and_the_lag(asked: tuple[Weekend, str], hours: float) -> None:
    source, (weekend, code) = WORLD, asked
    visible = weekend.starts[code] + domain_weekend.SESSION_LENGTH[code] + domain_weekend.PUBLICATION_LAG
    as_of = visible + timedelta(hours=hours)
    if as_of < visible:
        with pytest.raises((NotPublishedYet, SourceError)):
            source.session(weekend.key, code, as_of)
        return
    frames = source.session(weekend.key, code, as_of).frames
    assert (frames["race_control"]["time_utc"] <= as_of).all()
    seen = weekend.starts[code] + pd.to_timedelta(frames["weather"]["time_seconds"] - 900, unit="s")
    assert (seen <= as_of).all()
    driven = weekend.starts[code] + pd.to_timedelta(frames["laps"]["session_time_seconds"] - 900, unit="s")
    assert (driven <= visible).all()


@settings(deadline=None, max_examples=examples(40))
@given(asked=A_RACE, minutes=st.integers(-4000, 4000))
def test_a_starting_grid_is_shown_from_its_own_hour_on(asked: tuple[Weekend, str], minutes: int) -> None:
    source, (weekend, code) = WORLD, asked
    as_of = weekend.starts[code] - domain_weekend.GRID_LEAD + timedelta(minutes=minutes)
    if minutes < 0:
        with pytest.raises((NotPublishedYet, SourceError)):
            source.starting_grid(weekend.key, code, as_of)
    else:
        assert len(source.starting_grid(weekend.key, code, as_of).frames["starting_grid"]) >= 15


@settings(deadline=None, max_examples=examples(60))
@given(as_of=st.datetimes(datetime(2015, 1, 1), datetime(2060, 12, 31), timezones=st.just(UTC)))
def test_there_is_always_a_next_race_and_no_later_calendar_than_is_known(as_of: datetime) -> None:
    source = SimulatedSource(first_season=as_of.year - 5)
    seasons = source.seasons(as_of)
    races = pd.concat([source.schedule(season, as_of).events["race_start_utc"] for season in seasons[-2:]])
    assert (races > as_of).any()
    assert seasons == list(range(as_of.year - 5, seasons[-1] + 1))
    assert seasons[-1] == as_of.year or as_of.month == 12 or not (races[races.dt.year == as_of.year] > as_of).any()
    with pytest.raises(SourceError, match="no season"):
        source.schedule(seasons[-1] + 1, as_of)


def test_the_last_season_ends_the_history_where_one_is_given() -> None:
    source = SimulatedSource(first_season=2020, last_season=2022)
    assert source.seasons(LATER) == [2020, 2021, 2022]
    with pytest.raises(SourceError, match="no event 2024_British_Grand_Prix"):
        source.session(BRITAIN, "R", LATER)


@pytest.mark.parametrize(("first", "last"), [(2009, None), (2022, 2021)])
def test_a_span_of_seasons_that_cannot_be_is_refused(first: int, last: int | None) -> None:
    with pytest.raises(BadParameters, match="must be 2010 or later"):
        SimulatedSource(first_season=first, last_season=last)


def test_what_is_not_in_the_calendar_is_named(source: SimulatedSource) -> None:
    with pytest.raises(SourceError, match="no event 2024_Moon_Grand_Prix"):
        source.session(EventKey(2024, "Moon Grand Prix"), "R", LATER)
    with pytest.raises(SourceError, match="no session SQ; it has P1, P2, P3, Q, R"):
        source.session(BRITAIN, "SQ", LATER)
    with pytest.raises(SourceError, match="only R and S"):
        source.starting_grid(BRITAIN, "Q", LATER)


@pytest.mark.parametrize("season", [2018, 2021, 2023, 2024, 2026])
def test_the_schedule_fulfils_the_contracts(source: SimulatedSource, season: int) -> None:
    schedule = source.schedule(season, LATER)
    events, sessions = conform(schedule.events, "events"), conform(schedule.sessions, "sessions")
    pd.testing.assert_frame_equal(events, schedule.events)
    pd.testing.assert_frame_equal(sessions, schedule.sessions)
    assert events["race_start_utc"].is_monotonic_increasing
    assert sessions["session_start_utc"].is_monotonic_increasing
    assert (sessions["session_end_utc"].shift() <= sessions["session_start_utc"]).iloc[1:].all()
    assert events["race_start_utc"].dt.month.between(3, 12).all()
    for row in events.itertuples():
        mine = sessions.loc[sessions["event_partition_key"] == row.event_partition_key, "session"]
        assert tuple(mine) == domain_weekend.FORMAT_SESSIONS[str(row.event_format)]
    assert (sessions["grid_available_utc"].notna() == sessions["session"].isin(["R", "S"])).all()


def test_every_format_of_a_weekend_occurs_in_its_years(source: SimulatedSource) -> None:
    formats = {season: set(source.schedule(season, LATER).events["event_format"]) for season in range(2018, 2027)}
    assert formats[2020] == {"conventional"}
    assert formats[2021] == formats[2022] == {"conventional", "sprint"}
    assert formats[2023] == {"conventional", "sprint_shootout"}
    assert formats[2024] == formats[2026] == {"conventional", "sprint_qualifying"}


def test_frames_have_the_columns_and_dtypes_of_the_real_source(
    one_year: dict[tuple[str, str], SessionData], complete: SimulatedSource, tmp_path_factory: pytest.TempPathFactory
) -> None:
    real = F1dbSource(write(tmp_path_factory.mktemp("f1db") / "f1db-csv.zip", tiny()))
    race = EventKey(2025, "Australian Grand Prix")
    as_real = {**real.session(race, "R", LATER).frames, **real.starting_grid(race, "R", LATER).frames}
    for data in one_year.values():
        pd.testing.assert_series_equal(data.frames["results"].dtypes, as_real["results"].dtypes)
    for weekend in calendar(2023)[:5]:
        grid = complete.starting_grid(weekend.key, "R", LATER).frames["starting_grid"]
        pd.testing.assert_series_equal(grid.dtypes, as_real["starting_grid"].dtypes)
    stops = one_year["British Grand Prix", "R"].frames["pit_stops"]
    pd.testing.assert_series_equal(stops.dtypes, as_real["pit_stops"].dtypes)


def test_frames_hold_the_columns_of_the_protocol_and_laps_those_of_their_contract(
    one_year: dict[tuple[str, str], SessionData],
) -> None:
    for (event, code), data in one_year.items():
        frames = data.frames
        assert list(frames["results"]) == RESULT_COLUMNS
        assert list(frames["weather"]) == WEATHER_COLUMNS
        assert list(frames["race_control"]) == RACE_CONTROL_COLUMNS
        assert ("pit_stops" in frames) == (code in ("R", "S"))
        assert list(frames.get("pit_stops", pd.DataFrame(columns=PIT_STOP_COLUMNS))) == PIT_STOP_COLUMNS
        key = EventKey(2023, event)
        where: dict[str, Any] = {
            "event_partition_key": key.partition_key,
            "event_year": 2023,
            "event_number": 1,
            "event_name": event,
        }
        laps = frames["laps"].assign(**where, session=code, available_utc=LATER, source="simulated")
        assert set(laps) == set(conform(laps, "laps"))
        conformed = conform(laps, "laps")[list(frames["laps"])]
        pd.testing.assert_series_equal(conformed.dtypes, frames["laps"].dtypes)


def test_values_lie_in_their_domains(one_year: dict[tuple[str, str], SessionData]) -> None:
    for (_, code), data in one_year.items():
        results, laps, weather = data.frames["results"], data.frames["laps"], data.frames["weather"]
        assert results["position"].tolist() == list(range(1, len(results) + 1))
        assert results["driver_id"].is_unique
        assert results["driver_number"].is_unique
        assert results["abbreviation"].str.fullmatch("[A-Z]{3}").all()
        assert results["position_text"].str.fullmatch(r"\d+|DNF|DSQ|DNS|NC|DNQ|EX").all()
        assert set(laps["driver_id"]) <= set(results["driver_id"])
        assert set(laps["compound"]) <= {"SOFT", "MEDIUM", "HARD", "INTERMEDIATE", "WET"}
        assert laps["track_status"].isin(["1", "2", "4", "6"]).all()
        assert laps["lap_time_seconds"].between(60, 2500).all()
        sectors = laps[["sector1_seconds", "sector2_seconds", "sector3_seconds"]].sum(axis=1, min_count=3)
        assert np.allclose(sectors.dropna(), laps["lap_time_seconds"][sectors.notna()], atol=2e-3)
        assert (laps["position"].notna() == (code in ("R", "S"))).all()
        assert weather["humidity_pct"].between(5, 100).all()
        assert weather["air_temp_c"].between(-10, 50).all()
        assert (weather["track_temp_c"] > weather["air_temp_c"]).mean() > 0.95
        assert weather["wind_direction_deg"].between(0, 360, inclusive="left").all()
        assert weather["pressure_mbar"].between(700, 1050).all()
        assert data.frames["race_control"]["time_utc"].is_monotonic_increasing


def test_every_outcome_a_result_can_have_occurs() -> None:
    source = SimulatedSource(seed=1, first_season=2018, options=WorldOptions(laps=False))
    texts: set[str] = set()
    reasons: set[str] = set()
    grids: set[str] = set()
    for season in range(2018, 2026):
        for weekend in calendar(season):
            results = source.session(weekend.key, "R", LATER).frames["results"]
            texts |= set(results["position_text"])
            reasons |= set(results["status_text"])
            grids |= set(results["grid_text"].dropna())
    assert {"1", "DNF", "DSQ", "DNS", "NC", "DNQ", "EX"} <= texts
    assert {"Finished", "+1 Lap", "+2 Laps", "Engine", "Collision"} <= reasons
    assert {"1", "20", "PL"} <= grids


def test_sessions_go_missing_now_and_then_and_say_so(source: SimulatedSource) -> None:
    missing: set[str] = set()
    cancelled: list[tuple[str, str]] = []
    for weekend in [w for season in range(2018, 2020) for w in calendar(season)]:
        for code in weekend.starts:
            try:
                data = source.session(weekend.key, code, LATER)
            except NotPublishedYet as error:
                cancelled.append((code, str(error)))
                continue
            assert len(data.frames["results"]) == 20
            gone = {"laps", "weather", "race_control"} - set(data.frames)
            assert len(data.warnings) == len(gone)
            missing |= gone
    assert missing == {"laps", "weather", "race_control"}
    assert 0 < len(cancelled) < 15
    assert all(code.startswith("P") and "was cancelled" in message for code, message in cancelled)


def test_lap_times_can_be_left_out_or_begin_with_a_season() -> None:
    def laps_of(option: bool | int, season: int) -> bool:
        options = WorldOptions(laps=option, missing=False)
        return "laps" in SimulatedSource(options=options).session(calendar(season)[0].key, "Q", LATER).frames

    assert laps_of(True, 2019)
    assert not laps_of(False, 2024)
    assert not laps_of(2022, 2021)
    assert laps_of(2022, 2022)


def test_a_result_is_the_same_whether_laps_are_made_or_not(complete: SimulatedSource) -> None:
    without = SimulatedSource(seed=1, options=WorldOptions(laps=False, missing=False))
    for code in ("Q", "R"):
        one, other = (s.session(BRITAIN, code, LATER).frames["results"] for s in (complete, without))
        pd.testing.assert_frame_equal(one, other)


def test_everything_says_that_it_is_simulated(source: SimulatedSource) -> None:
    data = source.session(BRITAIN, "R", LATER)
    assert data.provenance["source"] == "simulated"
    assert data.provenance["seed"] == 1
    results = data.frames["results"]
    for column in ("driver_id", "team_id"):
        assert results[column].str.startswith("sim-").all()
    for column in ("full_name", "team_name"):
        assert results[column].str.endswith("(sim)").all()
    assert list(source.starting_grid(BRITAIN, "R", LATER).frames["starting_grid"]) == GRID_COLUMNS
