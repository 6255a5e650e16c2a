"""What the features are worth: grain, documentation, horizons, and values that can be worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from f1lib.domain.weekend import HORIZONS
from f1lib.errors import TableError
from f1lib.gold import build, outcomes
from f1lib.gold import targets as gold_targets
from f1lib.lake import features, gold_tables, parquet
from tests.support import gold_world

WORLD = gold_world.world()
LAST = "2024_Interlagos_Grand_Prix"


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return build.compute(WORLD, gold_targets.horizon_cutoffs(WORLD["events"], WORLD["sessions"]))


def _race_targets() -> pd.DataFrame:
    return gold_targets.horizon_cutoffs(WORLD["events"], WORLD["sessions"]).query("session == 'R'")


def _one(rows: pd.DataFrame, event: str, horizon: str, driver: str) -> pd.Series:
    at = rows["event_partition_key"].eq(event) & rows["horizon"].eq(horizon) & rows["driver_id"].eq(driver)
    return rows[at & rows["session"].eq("R")].iloc[0]


def _race(event: str, session: str = "R") -> pd.DataFrame:
    results: pd.DataFrame = WORLD["results"]
    here = (results["event_partition_key"] == event) & (results["session"] == session)
    return results[here].set_index("driver_id")


def test_gold_has_one_row_an_event_horizon_and_driver_and_its_columns_in_the_documented_order(
    rows: pd.DataFrame,
) -> None:
    assert list(rows.columns) == gold_tables.KEYS + gold_tables.IDENTITY + features.feature_names()
    assert not rows.duplicated(gold_tables.KEYS).any()
    assert (rows.dtypes[features.feature_names()] == "float64").all()
    assert len(rows) == 8 * ((12 + 3) * 4 - 1)  # races and sprints; before the very first weekend nobody has been seen


def test_a_feature_is_null_before_its_horizon_and_known_somewhere_at_it(rows: pd.DataFrame) -> None:
    for feature in features.features():
        first = HORIZONS.index(feature.known_from)
        before = rows[rows["horizon"].isin(HORIZONS[:first])]
        at = rows[rows["horizon"] == feature.known_from]
        assert before[feature.name].isna().all(), f"{feature.name} is known before {feature.known_from}"
        assert at[feature.name].notna().any(), f"{feature.name} is never known at {feature.known_from}"


def test_a_feature_that_is_never_null_by_its_documentation_never_is(rows: pd.DataFrame) -> None:
    never = [f.name for f in features.features() if f.null_when == "never"]
    assert rows[never].notna().all().all()


def test_a_column_without_a_line_in_the_table_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    fewer = tuple(f for f in features.features() if f.name != "season_progress")
    monkeypatch.setattr(features, "features", lambda: fewer)
    targets = gold_targets.horizon_cutoffs(WORLD["events"], WORLD["sessions"]).iloc[[7]]
    with pytest.raises(TableError, match="season_progress"):
        build.compute(WORLD, targets)


def test_season_points_are_those_of_races_and_sprints_visible_by_then(rows: pd.DataFrame) -> None:
    races = [e for e in WORLD["events"]["event_partition_key"] if e.startswith("2024") and e != LAST]
    before = sum((_race(e)["points"] for e in races[1:]), _race(races[0])["points"])
    with_sprint = before + _race(LAST, "S")["points"]
    for driver in gold_world.DRIVERS:
        assert _one(rows, LAST, "pre_weekend", driver)["season_points"] == before[driver]
        assert _one(rows, LAST, "post_practice", driver)["season_points"] == with_sprint[driver]
    eve = (rows["event_partition_key"] == LAST) & (rows["horizon"] == "pre_weekend") & (rows["session"] == "R")
    standings = rows[eve].set_index("driver_id")
    assert standings["season_points"].idxmax() == standings["season_standing"].idxmin()


def test_qualifying_gaps_are_taken_within_the_last_segment_reached(rows: pd.DataFrame) -> None:
    qualifying = _race(LAST, "Q")
    eighth = str(qualifying["finishing_position"].idxmax())
    row = _one(rows, LAST, "post_qualifying", eighth)
    expected = 100 * (qualifying["q1_seconds"][eighth] / qualifying["q1_seconds"].min() - 1)
    assert row["qualifying_segment_reached"] == 1
    assert row["qualifying_segment_gap_pct"] == pytest.approx(expected, abs=1e-6)
    pole = qualifying["best_lap_seconds"].min()
    overall = 100 * (qualifying["best_lap_seconds"][eighth] / pole - 1)
    assert row["qualifying_gap_to_pole_pct"] == pytest.approx(overall, abs=1e-6)


def _without(table: str, keep: pd.Series) -> dict[str, Any]:
    return WORLD | {table: WORLD[table][keep]}


def test_a_sprints_own_qualifying_counts_as_a_look_at_pace_within_the_segment_reached(rows: pd.DataFrame) -> None:
    practice, shootout = _race(LAST, "P1"), _race(LAST, "SQ")
    eighth = str(shootout["finishing_position"].idxmax())
    gaps = [
        100 * (practice.loc[eighth, "best_lap_seconds"] / practice["best_lap_seconds"].min() - 1),
        100 * (shootout.loc[eighth, "q1_seconds"] / shootout["q1_seconds"].min() - 1),
    ]
    row = _one(rows, LAST, "pre_race", eighth)
    assert row["practice_best_gap_pct"] == pytest.approx(min(gaps), abs=1e-6)
    assert row["practice_mean_gap_pct"] == pytest.approx(sum(gaps) / 2, abs=1e-6)
    assert row["practice_last_gap_pct"] == pytest.approx(gaps[1], abs=1e-6)
    sprint = rows[(rows["event_partition_key"] == LAST) & (rows["session"] == "S") & (rows["horizon"] == "pre_race")]
    own = sprint.set_index("driver_id").loc[eighth]  # for the sprint itself it is what set the grid, no practice
    assert own["practice_mean_gap_pct"] == pytest.approx(gaps[0], abs=1e-6)


def test_practice_in_race_trim_after_qualifying_says_nothing_of_pace_on_one_lap(rows: pd.DataFrame) -> None:
    first_format = "2022_Interlagos_Grand_Prix"
    practice = _race(first_format, "P1")["best_lap_seconds"]
    for driver in gold_world.DRIVERS:
        row = _one(rows, first_format, "pre_race", driver)
        expected = 100 * (practice[driver] / practice.min() - 1)
        assert row["practice_last_gap_pct"] == row["practice_best_gap_pct"] == pytest.approx(expected, abs=1e-6)


def test_a_sprint_counts_in_the_ratings_from_its_own_weekends_race_on(rows: pd.DataFrame) -> None:
    results = WORLD["results"]
    is_sprint = (results["event_partition_key"] == LAST) & results["session"].isin(["S", "SQ"])
    without = build.compute(_without("results", ~is_sprint), _race_targets())
    ratings = ["rating_race_driver", "rating_race_car", "rating_qualifying_driver", "rating_qualifying_car"]
    for driver in gold_world.DRIVERS:
        eve, race = (_one(rows, LAST, h, driver) for h in ("pre_weekend", "pre_race"))
        assert (eve[ratings] == _one(without, LAST, "pre_weekend", driver)[ratings]).all()
        bare = _one(without, LAST, "pre_race", driver)
        for car in ("rating_race_car", "rating_qualifying_car"):  # a retirement says nothing of its driver
            assert race[car] != bare[car]


def test_form_weighs_recent_races_of_this_season_most(rows: pd.DataFrame) -> None:
    order = WORLD["events"].sort_values("race_start_utc")["event_partition_key"].tolist()
    at = order.index("2024_Monaco_Grand_Prix")
    finishes = [_race(e).loc["driver-3", "finishing_position"] for e in order[at - 3 : at]][::-1]
    weights = np.array([1.0, 0.9 * 0.75, 0.81 * 0.75])  # one race of 2024, two of 2023
    row = _one(rows, order[at], "pre_weekend", "driver-3")
    assert row["form_position_3"] == pytest.approx(
        np.average(np.array(finishes, dtype=float), weights=weights), abs=1e-6
    )


def test_a_team_keeps_its_form_through_a_new_name(rows: pd.DataFrame) -> None:
    opener = _one(rows, "2024_Bahrain_Grand_Prix", "post_practice", "driver-4")
    assert (opener["team_id"], opener["team_lineage"]) == ("rb", "racing-bulls")
    assert opener["races_with_team"] == 8
    assert not np.isnan(opener["team_form_points_10"])


def test_the_newest_forecast_issued_by_the_cut_off_is_the_one_read(rows: pd.DataFrame) -> None:
    forecasts = WORLD["weather_forecast"]
    for horizon in HORIZONS:
        row = _one(rows, LAST, horizon, "driver-0")
        own = forecasts[(forecasts["event_partition_key"] == LAST) & (forecasts["available_utc"] <= row["as_of_utc"])]
        newest = own.sort_values("issued_utc").iloc[-1]
        assert row["weather_air_temp_c"] == pytest.approx(newest["air_temp_c"], abs=1e-6)
        assert row["weather_is_wet"] == float(newest["condition"] == "wet")


def test_without_laps_stops_and_weather_their_features_are_null_and_the_rest_is_not() -> None:
    bare = {n: f for n, f in WORLD.items() if n not in ("laps", "pit_stops", "weather_forecast", "weather_observed")}
    targets = _race_targets()
    rows = build.compute(bare, targets[targets["event_partition_key"] == LAST])
    silent = [f.name for f in features.features() if f.group in ("race_pace", "long_run", "weather")]
    silent = [name for name in silent if name not in ("stint_laps_10",)]
    assert rows[silent].isna().all().all()
    assert rows["form_position_10"].notna().all()


def test_once_the_sprint_has_been_run_long_runs_of_practice_say_nothing_more() -> None:
    laps, sessions = WORLD["laps"], WORLD["sessions"]
    first = sessions[(sessions["event_partition_key"] == LAST) & (sessions["session"] == "P1")].iloc[0]
    conventional = laps[(laps["event_partition_key"] == "2024_Bahrain_Grand_Prix") & (laps["session"] == "P2")]
    own = conventional.assign(**{c: first[c] for c in ("event_partition_key", "session", "available_utc")})
    world = {**WORLD, "laps": pd.concat([laps, own], ignore_index=True)}
    targets = gold_targets.horizon_cutoffs(WORLD["events"], sessions)
    rows = build.compute(world, targets[targets["event_partition_key"] == LAST])
    for session, is_known in (("S", True), ("R", False)):  # the sprint is run before qualifying
        own = rows[(rows["session"] == session) & (rows["horizon"] != "pre_weekend")]
        assert own["practice_long_run_gap_pct"].notna().all()
        assert own["practice_long_run_shrunk_gap_pct"].notna().eq(is_known).all()


def test_labels_are_the_official_order_and_a_driver_who_did_not_start_has_none() -> None:
    results = WORLD["results"].copy()
    gone = (results["event_partition_key"] == LAST) & (results["session"] == "R") & (results["driver_id"] == "driver-7")
    results.loc[gone, ["is_entrant", "is_classified"]] = False
    results.loc[gone, "finishing_position"] = pd.NA
    targets = _race_targets()
    rows = build.compute(WORLD, targets[targets["event_partition_key"] == LAST])
    wet = outcomes.wet_races(WORLD, results["available_utc"].max())
    labelled = build.with_labels(rows, results, wet).query("horizon == 'pre_race'").set_index("driver_id")
    assert labelled["n_entrants"].eq(7).all()
    assert labelled.loc["driver-7", ["finishing_position", "is_dnf", "points"]].isna().all()
    race = _race(LAST)
    assert labelled["finishing_position"]["driver-1"] == race["finishing_position"]["driver-1"]
    assert labelled.loc["driver-1", "is_dnf"] == float(not race.loc["driver-1", "is_classified"])


def test_arrow_tables_give_what_frames_give() -> None:
    import pyarrow as pa

    targets = _race_targets().iloc[-4:]
    arrow: dict[str, Any] = {n: pa.Table.from_pandas(f, preserve_index=False) for n, f in WORLD.items()}
    from_frames, from_arrow = build.compute(WORLD, targets), build.compute(arrow, targets)
    assert parquet.parquet_bytes(from_frames) == parquet.parquet_bytes(from_arrow)
