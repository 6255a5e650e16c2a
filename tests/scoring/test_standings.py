"""Standings: official points, countback, points that were taken away, and keys that order as the rules do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from f1lib.scoring.standings import gains, key_of_places, key_of_points, points_of_key, standings

NOW = datetime(2025, 12, 31, tzinfo=UTC)
halves = st.integers(0, 1200).map(lambda n: n / 2)
places = st.lists(st.integers(1, 22), max_size=24)


def results(rows: list[tuple[int, str, str, int | None, float]], season: int = 2025) -> pd.DataFrame:
    """Silver's results from (round, session, driver, classified place, points); a driver drives for a team of his."""
    columns = ["event_number", "session", "driver_id", "finishing_position", "points"]
    frame = pd.DataFrame(rows, columns=columns)
    name = frame["driver_id"]
    return frame.assign(
        event_year=season, available_utc=pd.Timestamp(NOW), is_classified=frame["finishing_position"].notna(),
        abbreviation=name.str[:3].str.upper(), full_name=name.str.title(), team_id=name.str[0],
        team_name=name.str[0].str.upper(), team_lineage=name.str[0],
    )  # fmt: skip


def _order(frame: pd.DataFrame, kind: str = "drivers") -> list[tuple[str, float]]:
    table = standings(frame, kind, NOW)
    assert table["rank"].tolist() == list(range(1, len(table) + 1))
    assert table["key"].is_monotonic_decreasing
    return list(zip(table["contender"], table["points"], strict=True))


def test_points_of_sprints_count_and_their_places_do_not() -> None:
    frame = results(
        [(1, "R", "ann", 2, 18.0), (1, "R", "bob", 1, 25.0), (1, "S", "ann", 1, 8.0), (1, "S", "bob", 9, 0.0)]
    )
    assert _order(frame) == [("ann", 26.0), ("bob", 25.0)]
    level = results([(1, "R", "ann", 2, 18.0), (1, "R", "bob", 1, 25.0), (1, "S", "ann", 1, 7.0)])
    assert _order(level) == [("bob", 25.0), ("ann", 25.0)]  # a race won against a sprint won


def test_of_equal_points_more_wins_count_then_more_second_places_to_the_last() -> None:
    front = [(1, "R", "ann", 1, 25.0), (2, "R", "ann", None, 0.0), (1, "R", "bob", 2, 18.0), (2, "R", "bob", 7, 7.0)]
    back = [(1, "R", "cat", 15, 0.0), (2, "R", "cat", 18, 0.0), (1, "R", "dan", 16, 0.0), (2, "R", "dan", 14, 0.0)]
    frame = results([*front, *back])
    assert [name for name, _ in _order(frame)] == ["ann", "bob", "dan", "cat"]


def test_a_disqualified_driver_has_no_place() -> None:
    frame = results([(1, "R", "ann", 12, 0.0), (1, "R", "bob", 13, 0.0)])
    frame.loc[0, "is_classified"] = False
    assert [name for name, _ in _order(frame)] == ["bob", "ann"]


def test_a_team_keeps_its_points_through_a_change_of_drivers_and_of_its_name() -> None:
    frame = results([(1, "R", "ann", 1, 25.0), (2, "R", "ann", 2, 18.0), (2, "R", "bob", 1, 25.0)])
    frame.loc[1, ["team_id", "team_name", "team_lineage"]] = ["b", "B", "b"]  # to the other team
    assert _order(frame, "teams") == [("b", 43.0), ("a", 25.0)]
    assert _order(frame) == [("ann", 43.0), ("bob", 25.0)]
    renamed = frame.assign(team_lineage="x", team_id=["old", "new", "new"], team_name=["Old", "New", "New"])
    table = standings(renamed, "teams", NOW)
    assert table[["contender", "team_id", "team_name", "points"]].to_numpy().tolist() == [["x", "new", "New", 68.0]]


@pytest.mark.parametrize(("day", "points"), [("2018-08-22", 60.0), ("2018-08-24", 1.0)])
def test_points_are_taken_away_from_when_it_was_decided(day: str, points: float) -> None:
    frame = results([(1, "R", "ann", 1, 60.0)], 2018).assign(
        team_id="force-india", available_utc=pd.Timestamp("2018-01-01", tz="UTC")
    )
    moment = datetime.fromisoformat(day).replace(tzinfo=UTC)
    assert standings(frame, "teams", moment)["points"].tolist() == [points]
    assert standings(frame, "drivers", moment)["points"].tolist() == [60.0]


def test_only_results_that_were_visible_count() -> None:
    frame = results([(1, "R", "ann", 1, 25.0), (2, "R", "bob", 1, 25.0)])
    frame.loc[1, "available_utc"] = pd.Timestamp(NOW) + timedelta(seconds=1)
    assert _order(frame) == [("ann", 25.0)]


@given(first=st.tuples(halves, places), second=st.tuples(halves, places))
def test_the_greater_key_has_more_points_or_wins_the_countback_of_ten_places(first: Any, second: Any) -> None:
    keys = [int(key_of_points(points) + key_of_places(found).sum()) for points, found in (first, second)]
    told = [(points, *(found.count(place) for place in range(1, 11))) for points, found in (first, second)]
    assert (keys[0] > keys[1], keys[0] == keys[1]) == (told[0] > told[1], told[0] == told[1])
    assert points_of_key(keys).tolist() == [first[0], second[0]]


def test_a_place_gains_its_points_and_in_a_race_its_place() -> None:
    scale = (3, 2, 1)
    race, sprint = (gains(scale, 12, is_race=is_race) for is_race in (True, False))
    assert points_of_key(race).tolist() == points_of_key(sprint).tolist() == [3.0, 2.0, 1.0, *[0.0] * 9]
    np.testing.assert_array_equal(race - sprint, key_of_places(np.arange(1, 13)))
    assert (race[9], race[10], sprint[3]) == (1, 0, 0)
