"""What each source gives: a source that is hidden is one that never came; one that says nothing changes nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from f1lib.evaluation import backtest, source_worth
from f1lib.model.config import parse_config
from tests.support.made_up_training import CORRECTED, training, with_long_runs

CONFIG = parse_config(CORRECTED, "test")


@pytest.fixture(scope="module")
def known() -> pd.DataFrame:
    return with_long_runs(training())


@pytest.fixture(scope="module")
def rows(known: pd.DataFrame) -> list[dict[str, Any]]:
    return source_worth.table(known, CONFIG, ["post_qualifying", "pre_race"], 2017, 2017, 2, 1)


def test_there_is_a_row_for_each_horizon_and_configuration(rows: list[dict[str, Any]]) -> None:
    said = [(row["horizon"], row["sources"]) for row in rows]
    assert said == [(h, name) for h in ("post_qualifying", "pre_race") for name in source_worth.HIDDEN]


def test_timing_changes_the_races_that_have_long_runs_and_no_other_and_makes_them_better(
    rows: list[dict[str, Any]],
) -> None:
    alone, timing = rows[3], rows[4]
    assert (alone["changed"], alone["paired"]) == (0, {})
    assert timing["changed"] == 5, "of ten races those of even number"
    assert timing["paired"]["rps"] < 0
    assert timing["rps"] - alone["rps"] == pytest.approx(timing["paired"]["rps"] * 5 / 10)


def test_the_first_row_is_the_score_of_a_lake_that_never_had_timing(
    rows: list[dict[str, Any]], known: pd.DataFrame
) -> None:
    bare = known.drop(columns="practice_long_run_shrunk_gap_pct")
    walked = source_worth._scored(backtest.walk_forward(bare, CONFIG, "pre_race", 2017, 2017, 2, 1))
    assert rows[3]["rps"] == pytest.approx(walked["rps"].mean(), abs=1e-15)


def test_a_source_of_which_the_lake_has_nothing_leaves_the_row_before_as_it_is(rows: list[dict[str, Any]]) -> None:
    assert {k: v for k, v in rows[5].items() if k != "sources"} == {k: v for k, v in rows[4].items() if k != "sources"}


def test_penalties_change_the_penalised_races_after_qualifying_and_no_other_horizon(known: pd.DataFrame) -> None:
    event = "2017_Made_Up_3_Grand_Prix"
    pole = known.loc[(known["event_partition_key"] == event) & (known["qualifying_position"] == 1), "driver_id"].iloc[0]
    penalties = pd.DataFrame({"event_partition_key": [event], "driver_id": [pole], "penalty": ["back_of_grid"]})
    asked = (CONFIG, ["post_qualifying", "pre_race"], 2017, 2017, 4, 1)
    found = source_worth.table(
        known.assign(grid_minus_qualifying=np.nan, is_pit_lane_start=np.nan, is_odd_slot=np.nan), *asked, penalties
    )
    assert [row["sources"] for row in found] == [*source_worth.HIDDEN, source_worth.PENALTIES] * 2
    rows = {(row["horizon"], row["sources"]): row for row in found}
    after = rows["post_qualifying", "+ penalties"]
    assert after["changed"] == rows["post_qualifying", "+ weather"]["changed"] + 1, "the third race has no long runs"
    early, late = rows["pre_race", "+ penalties"], rows["pre_race", "+ weather"]
    assert {k: v for k, v in early.items() if k != "sources"} == {k: v for k, v in late.items() if k != "sources"}


def test_forecasts_of_rain_count_where_the_model_reads_them_beside_its_features(known: pd.DataFrame) -> None:
    wet = (known["event_number"] % 2).astype("float64")
    rain = known.assign(is_wet=wet, weather_precipitation_probability_pct=np.where(wet == 1, 90.0, 5.0))
    config = parse_config(CORRECTED + "rain: {}\n", "test")
    rows = source_worth.table(rain, config, ["pre_race"], 2017, 2017, 4, 1)
    assert [row["changed"] for row in rows] == [0, 5, 10]
