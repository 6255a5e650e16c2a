"""Title chances are issued once, kept, and read as they stood; a season that is over has its official standings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from f1lib.errors import RunError
from f1lib.lake.paths import CHAMPION_KEY
from f1lib.lake.paths_published import PREDICTIONS_PREFIX, championship_keys
from f1lib.lake.store import ObjectStore, open_store, write_json
from f1lib.predictions import championship
from tests.support.lakes import copied

SATURDAY = datetime(2025, 12, 6, 16, tzinfo=UTC)


@pytest.fixture(scope="module")
def store(saturday_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> ObjectStore:
    return open_store(str(copied(saturday_lake, tmp_path_factory)))


def _issued(store: ObjectStore) -> list[str]:
    return championship_keys(store.list(PREDICTIONS_PREFIX))


def test_the_tick_of_the_eve_issues_three_contenders(store: ObjectStore) -> None:
    table = championship.newest(store, 2025, SATURDAY)
    drivers = table[table["championship"] == "drivers"]
    alive = drivers[drivers["can_still_win"]]
    assert alive[["abbreviation", "points_now", "points_max"]].to_numpy().tolist() == [
        ["NOR", 408.0, 433.0], ["VER", 396.0, 421.0], ["PIA", 392.0, 417.0],
    ]  # fmt: skip
    assert alive["p_title"].sum() == pytest.approx(1)
    assert alive["p_title"].is_monotonic_decreasing
    assert drivers["needs"].iloc[2] == (
        "is champion finishing 1st with Lando Norris 6th or lower; "
        "2nd with Lando Norris 10th or lower and Max Verstappen 4th or lower"
    )
    teams = table[table["championship"] == "teams"]
    assert teams[["team_id", "points_now", "p_title", "needs"]].iloc[0].tolist() == [
        "mclaren",
        800.0,
        1.0,
        "is champion",
    ]
    assert teams["abbreviation"].isna().all()
    assert table[["after_round", "races_left", "sprints_left", "next_event"]].iloc[0].tolist() == [
        23, 1, 0, "Abu Dhabi Grand Prix",
    ]  # fmt: skip


def test_what_says_the_same_is_not_issued_twice(store: ObjectStore) -> None:
    before = _issued(store)
    assert len(before) == 1
    again = championship.issue(store, SATURDAY + timedelta(minutes=30), "f1db", 2025)
    assert _issued(store) == before
    pd.testing.assert_frame_equal(again, championship.newest(store, 2025, SATURDAY))


def test_a_season_that_was_over_has_its_final_standings(store: ObjectStore) -> None:
    table = championship.newest(store, 2021, SATURDAY)
    assert table[["abbreviation", "points_now", "p_title"]].iloc[:2].to_numpy().tolist() == [
        ["VER", 395.5, 1.0], ["HAM", 387.5, 0.0],
    ]  # fmt: skip
    teams = table[table["championship"] == "teams"]
    assert teams["team_id"].iloc[0] == "mercedes"
    assert len(_issued(store)) == 1  # reading writes nothing
    closed = championship.close_season(store, datetime(2025, 1, 1, tzinfo=UTC), "f1db")
    assert closed[["event_year", "abbreviation", "points_now"]].iloc[0].tolist() == [2024, "VER", 437.0]
    assert championship.newest(store, 2024, SATURDAY)["as_of_utc"].iloc[0] == pd.Timestamp("2025-01-01", tz="UTC")
    assert len(championship.close_season(store, SATURDAY, "f1db")) == len(championship.newest(store, 2025, SATURDAY))


def test_later_issues_are_not_read_and_what_nobody_issued_is_an_error_that_helps(store: ObjectStore) -> None:
    with pytest.raises(RunError, match=r"no forecast of the championship of 2025 .*`f1 run` issues one"):
        championship.newest(store, 2025, SATURDAY - timedelta(days=1))
    with pytest.raises(RunError, match="no calendar and no result of 1949"):
        championship.newest(store, 1949, SATURDAY)


def test_an_issue_that_cannot_be_read_is_passed_over_and_made_again(
    saturday_lake: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = open_store(str(copied(saturday_lake, tmp_path_factory)))
    (key,) = _issued(store)
    whole = store.read(key)
    store.write(key, whole[:100])
    with pytest.raises(RunError, match="no forecast of the championship of 2025"):
        championship.newest(store, 2025, SATURDAY)
    championship.issue(store, SATURDAY, "f1db", 2025)
    assert store.read(key) == whole


def test_without_a_model_that_serves_before_a_weekend_there_is_no_forecast(
    saturday_lake: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = open_store(str(copied(saturday_lake, tmp_path_factory)))
    for key in _issued(store):
        store.delete(key)
    write_json(store, CHAMPION_KEY, {"horizons": {}})
    assert championship.issue(store, SATURDAY, "f1db", 2025).empty
    assert not _issued(store)
