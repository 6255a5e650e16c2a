"""History in multiples: whole races, names of their own, the order of time kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from benchmarks import multiplied
from benchmarks.multiplied import History
from f1lib.gold.read_silver import read_silver
from f1lib.lake.store import LocalStore


@pytest.fixture(scope="module")
def silver(replayed_lake: Path) -> dict[str, pa.Table]:
    return read_silver(LocalStore(replayed_lake / "lake")).tables


@pytest.fixture(scope="module")
def twice(silver: dict[str, pa.Table]) -> History:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(multiplied, "RACES", 30)
        return multiplied.multiplied(silver, 2)


def _races(history: History) -> dict[str, Any]:
    results = history.silver["results"].to_pandas()
    return dict(iter(results[results["session"] == "R"].groupby("event_partition_key")))


def test_there_are_as_many_races_as_were_asked_for_and_the_next_one_is_in_the_calendar(twice: History) -> None:
    races = _races(twice)
    assert len(races) == 60
    assert max(rows["available_utc"].max() for rows in races.values()) == twice.as_of
    assert pc.any(pc.greater(twice.silver["events"]["race_start_utc"], pa.scalar(twice.as_of))).as_py()


def test_no_two_races_share_a_key_and_their_order_is_that_of_season_and_round(twice: History) -> None:
    events = twice.silver["events"].to_pandas()
    assert events["event_partition_key"].is_unique
    ordered = events.sort_values(["event_year", "event_number"])
    assert ordered["race_start_utc"].is_monotonic_increasing
    assert (events["event_partition_key"].str[:4].astype(int) == events["event_year"]).all()


def test_a_copy_has_drivers_teams_and_circuits_of_its_own(twice: History) -> None:
    events = twice.silver["events"].to_pandas()
    last = events["circuit_id"].str.extract(r"-(\d+)$")[0].fillna("0").astype(int)
    assert set(last) >= {0, 1}
    assert not set(events.loc[last == 0, "circuit_id"]) & set(events.loc[last == 1, "circuit_id"])


def test_all_tables_are_there_and_laps_are_empty(twice: History, silver: dict[str, pa.Table]) -> None:
    assert set(twice.silver) == set(silver)
    assert len(twice.silver["laps"]) == 0
