"""Another forecaster on the same races: which forecasts count, at which horizon, and how they are paired."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from f1lib.errors import BadParameters
from f1lib.evaluation import others
from f1lib.evaluation.forecast_file import Forecast
from f1lib.lake.gold_tables import read_training_dataset
from f1lib.lake.silver_tables import read_table
from f1lib.lake.store import LocalStore
from f1lib.model.config import load_config
from tests.support.lakes import EVENT

NOW = datetime(2025, 12, 30, tzinfo=UTC)
CONFIG = load_config("grid_plus_quali_v1")


@pytest.fixture(scope="module")
def store(replayed_lake: Path) -> LocalStore:
    return LocalStore(replayed_lake / "lake")


@pytest.fixture(scope="module")
def training(store: LocalStore) -> pd.DataFrame:
    return read_training_dataset(store)


@pytest.fixture
def theirs(store: LocalStore) -> Forecast:
    """The true order, issued after qualifying."""
    results = read_table(store, "results", [2025])
    race = results[(results["event_partition_key"] == EVENT) & (results["session"] == "R") & results["is_entrant"]]
    rows = pd.DataFrame({"driver_id": race["driver_id"], "predicted_rank": race["finishing_position"].astype(float)})
    sessions = read_table(store, "sessions", [2025]).set_index(["event_partition_key", "session"])["available_utc"]
    issued = sessions[EVENT, "Q"] + pd.Timedelta(minutes=5)
    return Forecast("oracle", EVENT, "R", issued.strftime("%Y-%m-%dT%H:%M:%SZ"), "", "", rows)


def _scored(store: LocalStore, training: pd.DataFrame, *forecasts: Forecast, skip: bool = False) -> dict[str, Any]:
    card = others.score_forecasts(store, forecasts, training, CONFIG, NOW, 1, skip)
    assert set(card) == {"groups", "skipped", "no_result_yet"}
    return card


def test_theirs_stand_beside_ours_at_the_horizon_whose_data_was_out(
    store: LocalStore, training: pd.DataFrame, theirs: Forecast
) -> None:
    (group,) = _scored(store, training, theirs)["groups"]
    assert [group[name] for name in ("system", "kind", "horizon", "races")] == ["oracle", "live", "post_qualifying", 1]
    assert list(group["means"]) == ["oracle", "grid_plus_quali_v1", "qualifying_slot_table"]
    assert group["means"]["oracle"]["mae"] == 0
    assert group["paired"]["mae"] == -group["means"]["grid_plus_quali_v1"]["mae"]
    assert "rps" not in group["paired"]
    assert group["excess"]["oracle"]["expected"] == {}
    assert others.title_of(group) == "oracle, 1 race, live, post qualifying"


def test_the_last_forecast_of_a_horizon_counts_and_undated_ones_stand_apart(
    store: LocalStore, training: pd.DataFrame, theirs: Forecast
) -> None:
    n = len(theirs.rows)
    wrong = theirs.rows.assign(predicted_rank=n + 1 - theirs.rows["predicted_rank"])
    early = replace(theirs, rows=wrong)
    late = replace(theirs, issued_utc=theirs.issued_utc.replace(":0", ":1", 1) if ":0" in theirs.issued_utc else "")
    undated = replace(theirs, issued_utc="", horizon="pre_race", rows=wrong)
    groups = _scored(store, training, early, late, undated)["groups"]
    found = {(g["kind"], g["horizon"]): g["means"]["oracle"]["mae"] for g in groups}
    assert found["live", "post_qualifying"] == 0
    assert found["undated", "pre_race"] > 5


def test_a_forecast_at_the_start_is_none(store: LocalStore, training: pd.DataFrame, theirs: Forecast) -> None:
    sessions = read_table(store, "sessions", [2025]).set_index(["event_partition_key", "session"])["session_start_utc"]
    start = sessions[EVENT, "R"].strftime("%Y-%m-%dT%H:%M:%SZ")
    with pytest.raises(BadParameters, match=f"{EVENT} R: oracle issued it at {start}, and it started at {start}"):
        _scored(store, training, replace(theirs, issued_utc=start))


def test_an_estimated_start_gives_way_to_the_one_that_the_file_states(theirs: Forecast) -> None:
    late = replace(theirs, issued_utc="2021-12-05T15:19:59Z", start_utc="2021-12-05T17:30:00Z")
    begins = {(EVENT, "R", "post_qualifying"): "2021-12-04T15:30:00Z", (EVENT, "R", "pre_race"): "2021-12-05T10:00:00Z"}
    estimate = datetime(2021, 12, 5, 11, tzinfo=UTC)
    assert others._horizon(late, begins, estimate, is_estimated=True) == "post_qualifying"
    with pytest.raises(BadParameters, match=r"estimated: the column start_utc gives a better one"):
        others._horizon(replace(late, start_utc=""), begins, estimate, is_estimated=True)
    with pytest.raises(BadParameters, match="started at 2021-12-05T11:00:00Z: no forecast"):
        others._horizon(late, begins, estimate, is_estimated=False)


def test_without_moment_and_horizon_nothing_can_be_compared(
    store: LocalStore, training: pd.DataFrame, theirs: Forecast
) -> None:
    with pytest.raises(BadParameters, match="neither issued_utc nor horizon says what oracle could know"):
        _scored(store, training, replace(theirs, issued_utc=""))


def test_a_field_that_lacks_a_starter_is_refused_or_left_out_when_asked(
    store: LocalStore, training: pd.DataFrame, theirs: Forecast
) -> None:
    lacking = replace(theirs, rows=theirs.rows[1:])
    missing = theirs.rows["driver_id"].iloc[0]
    with pytest.raises(BadParameters, match=f"{missing} started and is not forecast by oracle.*--skip-incomplete"):
        _scored(store, training, lacking)
    card = _scored(store, training, lacking, replace(theirs, issued_utc="", horizon="pre_race"), skip=True)
    assert card["skipped"] == [f"{EVENT} R, post_qualifying: oracle lacks {missing}"]
    with pytest.raises(BadParameters, match="none of the forecasts can be scored"):
        _scored(store, training, lacking, skip=True)


def test_a_race_without_a_result_waits(store: LocalStore, training: pd.DataFrame, theirs: Forecast) -> None:
    ahead = replace(theirs, event="2025_Abu_Dhabi_Grand_Prix")
    card = _scored(store, training, theirs, ahead)
    assert card["no_result_yet"] == ["2025_Abu_Dhabi_Grand_Prix R"]
