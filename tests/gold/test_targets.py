"""Which rows gold has: the cut-offs of each horizon, and the targets of the next race."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest

from f1lib.gold import targets as gold_targets
from tests.support import gold_world

NEXT = "2024_Interlagos_Grand_Prix"


def _calendar() -> tuple[pd.DataFrame, pd.DataFrame]:
    world = gold_world.world(seasons=(2024,))
    return world["events"], world["sessions"]


def _race_cutoffs(events: pd.DataFrame, sessions: pd.DataFrame) -> pd.DataFrame:
    return gold_targets.horizon_cutoffs(events, sessions).query("session == 'R'")


@pytest.mark.parametrize(("season", "gridding", "before"), [(2022, "Q", "P1"), (2023, "SS", "Q"), (2024, "SQ", "P1")])
def test_the_cut_offs_of_a_sprint_follow_the_session_that_grids_it(season: int, gridding: str, before: str) -> None:
    world = gold_world.world(seasons=(season,))
    targets = gold_targets.horizon_cutoffs(world["events"], world["sessions"]).query("session == 'S'")
    assert targets["event_partition_key"].unique().tolist() == [f"{season}_Interlagos_Grand_Prix"]
    found = targets.set_index("horizon")["cutoff_utc"]
    own = world["sessions"].query("event_number == 4").set_index("session")
    assert found["pre_weekend"] == own.loc["P1", "session_start_utc"] - pd.Timedelta(hours=24)
    assert found["post_practice"] == own.loc[before, "available_utc"]
    assert found["post_qualifying"] == own.loc[gridding, "available_utc"]
    assert found["pre_race"] == own.loc["S", "session_start_utc"] - pd.Timedelta(hours=1)


def test_the_cut_offs_of_a_weekend_are_its_eve_its_sessions_and_its_grid() -> None:
    events, sessions = _calendar()
    found = _race_cutoffs(events, sessions).set_index(["event_partition_key", "horizon"])["cutoff_utc"]
    own = sessions.set_index(["event_partition_key", "session"])
    for event, before in (("2024_Monaco_Grand_Prix", "P3"), (NEXT, "S")):
        assert found[event, "pre_weekend"] == own["session_start_utc"][(event, "P1")] - pd.Timedelta(hours=24)
        assert found[event, "post_practice"] == own.loc[(event, before), "available_utc"]
        assert found[event, "post_qualifying"] == own.loc[(event, "Q"), "available_utc"]
        assert found[event, "pre_race"] == own["session_start_utc"][(event, "R")] - pd.Timedelta(hours=1)


def test_a_cancelled_event_is_no_target_and_not_the_next_one() -> None:
    events, sessions = _calendar()
    events = events.assign(is_cancelled=events["event_partition_key"] == NEXT)
    assert NEXT not in set(gold_targets.horizon_cutoffs(events, sessions)["event_partition_key"])
    assert gold_targets.next_event(events, datetime(2024, 4, 1, tzinfo=UTC)) == ""


def test_while_a_horizon_lasts_the_cut_off_is_now_and_afterwards_its_beginning() -> None:
    events, sessions = _calendar()
    begins = _race_cutoffs(events, sessions).query("event_partition_key == @NEXT")
    moment = begins.set_index("horizon")["cutoff_utc"]["post_qualifying"] + pd.Timedelta(hours=2)
    targets = gold_targets.serving_targets(events, sessions, NEXT, "", moment).query("session == 'R'")
    found = targets.set_index("horizon")["cutoff_utc"]
    assert found["post_qualifying"] == moment
    assert found["post_practice"] == begins.set_index("horizon")["cutoff_utc"]["post_practice"]
    assert "pre_race" not in found
    after = gold_targets.serving_targets(events, sessions, NEXT, "", moment + pd.Timedelta(days=9))
    after = after.query("session == 'R'")
    assert after["cutoff_utc"].tolist() == begins["cutoff_utc"].tolist()
