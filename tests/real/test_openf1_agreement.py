"""OpenF1 against FastF1: one weekend's laps, in OpenF1's documented form, give FastF1's frames and features."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from f1lib.bronze import ingest, schedule
from f1lib.domain.weekend import EventKey
from f1lib.errors import ClosedForNow, NotPublishedYet, SourceError
from f1lib.gold import targets as gold_targets
from f1lib.gold.build import compute
from f1lib.lake import features, tables
from f1lib.silver.build import build_frames
from f1lib.sources.f1db.source import F1dbSource
from f1lib.sources.http import session
from f1lib.sources.openf1.source import OpenF1Source
from f1lib.sources.protocols import SessionData
from f1lib.workspace.workspace import open_workspace
from tests.support.openf1 import CLOSED, CODES, OpenF1
from tests.support.replay_server import ReplayServer
from tests.support.sql import run_sql
from tests.support.upstreams import LATER, QUICK

BAHRAIN, SAUDI = EventKey(2023, "Bahrain Grand Prix"), EventKey(2023, "Saudi Arabian Grand Prix")
SESSIONS = ("P1", "P2", "P3", "Q", "R")
# When FastF1's clock of the race began: a message of race control against the status of the track that it changed.
RACE_CLOCK = {("R", 1): "2023-03-05T14:01:01.350Z"}
# When a session becomes visible by F1DB's calendar, which has estimated hours.
F1DB_HOURS = {"P1": datetime(2023, 3, 3, 8, 30, tzinfo=UTC)}
PER_SESSION = "laps stints pit weather race_control session_result drivers".split()
# What OpenF1 does not have, and the session's clock, which each source begins at a moment of its own.
NOT_GIVEN = {"speed_fl_kmh", "fresh_tyre", "position", "session_time_seconds"}


@pytest.fixture(scope="module")
def fastf1(loaded: Callable[[EventKey, str], SessionData]) -> dict[str, SessionData]:
    """Bahrain 2023 as FastF1 gives it."""
    return {name: loaded(BAHRAIN, name) for name in SESSIONS}


@pytest.fixture(scope="module")
def stand_in(shared_data: Path, f1db_zip: Path, fastf1: dict[str, SessionData]) -> OpenF1:
    """OpenF1 with the laps of the first two weekends of 2023, and what was said and measured in Bahrain."""
    made = OpenF1(shared_data, F1dbSource(f1db_zip), 2023, (1, 2), RACE_CLOCK)
    for name in SESSIONS:
        made.tell(name, fastf1[name].frames)
    return made


@pytest.fixture
def openf1(stand_in: OpenF1, f1db_zip: Path) -> Iterator[OpenF1Source]:
    """The source that asks it; its tables are put back afterwards."""
    tables = {name: [dict(row) for row in rows] for name, rows in stand_in.tables.items()}
    with ReplayServer(None) as server:
        stand_in.serve(server)
        yield OpenF1Source(session(server.base, politeness=QUICK), F1dbSource(f1db_zip).schedule)
    stand_in.tables, stand_in.asked = tables, []
    stand_in.faults.clear()


def _unlike(ours: pd.DataFrame, theirs: pd.DataFrame) -> dict[str, int]:
    """How many values of each column differ; a value that is missing in both does not."""
    assert len(ours) == len(theirs)
    found = {}
    for name in map(str, theirs):
        same = (ours[name] == theirs[name]).fillna(False) | (ours[name].isna() & theirs[name].isna())
        found[name] = int((~same).sum())
    return {name: number for name, number in found.items() if number}


@pytest.mark.parametrize("name", SESSIONS)
def test_laps_are_those_of_fastf1(openf1: OpenF1Source, fastf1: dict[str, SessionData], name: str) -> None:
    laps = openf1.session(BAHRAIN, name, LATER).frames["laps"]
    theirs = fastf1[name].frames["laps"]
    assert list(laps) == list(theirs)
    assert (laps.dtypes == theirs.dtypes).all()
    unlike = _unlike(laps, theirs)
    assert set(unlike) <= NOT_GIVEN | {"track_status"}
    if name == "R":  # of the other sessions FastF1's clock is not known to the second
        assert unlike["track_status"] == 2, "a lap without a time, and two statuses within one second"


def test_weather_messages_and_stops_are_those_of_fastf1(openf1: OpenF1Source, fastf1: dict[str, SessionData]) -> None:
    ours, theirs = openf1.session(BAHRAIN, "R", LATER).frames, fastf1["R"].frames
    assert _unlike(ours["race_control"], theirs["race_control"]) == {}
    assert set(_unlike(ours["weather"], theirs["weather"])) == {"time_seconds"}
    lengths = [frame["weather"]["time_seconds"].diff().dropna().round(3).tolist() for frame in (ours, theirs)]
    assert lengths[0] == lengths[1]
    assert _unlike(ours["pit_stops"], theirs["pit_stops"]) == {}


@pytest.mark.parametrize("name", SESSIONS)
def test_places_and_times_of_the_results_are_those_of_fastf1(
    openf1: OpenF1Source, fastf1: dict[str, SessionData], name: str
) -> None:
    answer = openf1.session(BAHRAIN, name, LATER)
    columns = ["driver_id", "driver_number", "abbreviation", "team_id", "position", "laps", "best_lap_seconds",
               "q1_seconds", "q2_seconds", "q3_seconds", "race_time_seconds", "gap_seconds", "gap_laps"]  # fmt: skip
    assert _unlike(answer.frames["results"][columns], fastf1[name].frames["results"][columns]) == {}
    assert answer.provenance["complete"] is (name != "R"), "a race lacks its grid and its points"


def test_the_grid_is_the_official_one_under_the_same_ids(openf1: OpenF1Source, f1db_zip: Path) -> None:
    ours = openf1.starting_grid(BAHRAIN, "R", LATER).frames["starting_grid"]
    theirs = F1dbSource(f1db_zip).starting_grid(BAHRAIN, "R", LATER).frames["starting_grid"]
    assert ours[["driver_id", "position"]].equals(theirs[["driver_id", "position"]])


def test_the_features_from_laps_are_equal(
    openf1: OpenF1Source, fastf1: dict[str, SessionData], f1db_zip: Path, tmp_path: Path
) -> None:
    ws = open_workspace(lake=str(tmp_path / "lake"), source="f1db", f1db=str(f1db_zip), as_of="2023-04-01T00:00:00Z")
    schedule.refresh_schedule(ws, [2023])
    units = [
        f"{event}/{name}"
        for event in (BAHRAIN, SAUDI)
        for name in (*CODES.values(), "G")
        if name not in ("S", "SS", "SQ")
    ]
    ingest.ingest(ws, units)
    world = build_frames(ws.store, [2023], 1, ws.cache)
    targets = gold_targets.horizon_cutoffs(world["events"], world["sessions"])
    keys = [BAHRAIN.partition_key, SAUDI.partition_key]
    targets = targets[targets["event_partition_key"].isin(keys)]
    found = []
    for answers in (fastf1, {name: openf1.session(BAHRAIN, name, LATER) for name in SESSIONS}):
        laps = pd.concat([answers[name].frames["laps"].assign(session=name) for name in SESSIONS], ignore_index=True)
        laps = laps.assign(event_partition_key=BAHRAIN.partition_key, source="x")
        silver = run_sql("silver/laps", {"bronze_laps": laps, "sessions": world["sessions"]})
        found.append(compute({**world, "laps": tables.conform(silver, "laps")}, targets))
    names = [one.name for one in features.features() if one.group in ("long_run", "race_pace")]
    order = ["event_partition_key", "horizon", "driver_id"]
    theirs, ours = (rows.sort_values(order, ignore_index=True)[[*order, *names]] for rows in found)
    pd.testing.assert_frame_equal(ours, theirs)
    known: Any = theirs[names].notna().mean()
    assert (known > 0.2).all(), "each of them was compared where it has a value"


def test_a_session_costs_seven_requests_and_its_season_two_more_once(openf1: OpenF1Source, stand_in: OpenF1) -> None:
    openf1.session(BAHRAIN, "P1", LATER)
    assert sorted(stand_in.asked) == sorted(["meetings", "sessions", *PER_SESSION])
    openf1.session(BAHRAIN, "P2", LATER)
    assert len(stand_in.asked) == 2 + 2 * len(PER_SESSION)


def test_while_a_session_is_in_progress_everybody_waits_and_is_asked_once_a_moment(
    openf1: OpenF1Source, stand_in: OpenF1
) -> None:
    stand_in.faults[""] = CLOSED
    for name in SESSIONS:
        with pytest.raises(ClosedForNow):
            openf1.session(BAHRAIN, name, LATER)
    assert stand_in.asked == ["meetings"]
    stand_in.faults.clear()
    assert len(openf1.session(BAHRAIN, "P1", LATER + timedelta(minutes=1)).frames["laps"]) == 403


def test_drivers_whose_rows_have_a_number_only_are_named_by_the_rest_of_the_weekend(
    openf1: OpenF1Source, stand_in: OpenF1, fastf1: dict[str, SessionData]
) -> None:
    for row in stand_in.of("drivers", "P1"):
        row |= dict.fromkeys(("first_name", "last_name", "full_name", "name_acronym", "team_name"))
    found = openf1.session(BAHRAIN, "P1", LATER)
    assert set(found.frames["laps"]["driver_id"]) == set(fastf1["P1"].frames["laps"]["driver_id"])
    assert found.warnings == []


def test_a_number_that_nobody_has_is_left_out_and_said(openf1: OpenF1Source, stand_in: OpenF1) -> None:
    for row in stand_in.tables["drivers"]:
        if row["driver_number"] == 1:
            row |= dict.fromkeys(("first_name", "last_name", "full_name"))
    found = openf1.session(BAHRAIN, "P1", LATER)
    assert "max-verstappen" not in set(found.frames["laps"]["driver_id"]) | set(found.frames["results"]["driver_id"])
    assert found.warnings == ["OpenF1 gives car 1 to nobody"]


def test_rows_that_stop_before_the_flag_are_not_taken_for_a_day(openf1: OpenF1Source, stand_in: OpenF1) -> None:
    stand_in.tables["race_control"] = [row for row in stand_in.tables["race_control"] if row["flag"] != "CHEQUERED"]
    visible = F1DB_HOURS["P1"]
    with pytest.raises(NotPublishedYet, match="do not reach the end"):
        openf1.session(BAHRAIN, "P1", visible + timedelta(hours=23))
    assert len(openf1.session(BAHRAIN, "P1", visible + timedelta(hours=25)).frames["laps"]) == 403


def test_a_weekend_of_another_name_and_place_is_never_taken(openf1: OpenF1Source, stand_in: OpenF1) -> None:
    stand_in.tables["meetings"][0] |= {"meeting_name": "Qatar Grand Prix", "location": "Lusail"}
    with pytest.raises(NotPublishedYet, match="OpenF1 does not list it yet"):
        openf1.session(BAHRAIN, "P1", LATER)
    stand_in.tables["meetings"][0] |= {"meeting_name": "Bahrain Grand Prix"}  # at another place on its date
    assert len(openf1.session(BAHRAIN, "P1", LATER + timedelta(hours=7)).frames["laps"]) == 403


@pytest.mark.parametrize("broken", [{"date_start": "soon"}, {"lap_number": "first"}, {"driver_number": None}])
def test_a_row_that_cannot_be_read_is_a_source_error(
    openf1: OpenF1Source, stand_in: OpenF1, broken: dict[str, Any]
) -> None:
    stand_in.of("laps", "P1")[5].update(broken)
    with pytest.raises(SourceError, match="OpenF1's 2023_Bahrain_Grand_Prix P1 cannot be read"):
        openf1.session(BAHRAIN, "P1", LATER)


def test_before_2023_and_before_its_time_there_is_nothing_and_nobody_is_asked(
    openf1: OpenF1Source, stand_in: OpenF1
) -> None:
    with pytest.raises(SourceError, match="OpenF1 begins in 2023"):
        openf1.session(EventKey(2022, "Bahrain Grand Prix"), "R", LATER)
    with pytest.raises(NotPublishedYet, match="is visible from"):
        openf1.session(BAHRAIN, "P1", F1DB_HOURS["P1"] - timedelta(minutes=1))
    assert stand_in.asked == []
