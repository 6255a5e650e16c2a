"""The walk-forward: strictly past, the same as production, and a scorecard of the documented shape."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from f1lib.errors import BadParameters
from f1lib.evaluation import backtest
from f1lib.lake import parquet
from f1lib.lake.store import read_json
from f1lib.model import serving, train
from f1lib.model.config import parse_config
from f1lib.scoring import metrics
from tests.support.made_up_training import CONFIG, training, training_workspace
from tests.support.workspaces import make_workspace

AFTER = "2018-01-01T00:00:00Z"
SMALL = parse_config(CONFIG, "test")


def _walk(rows: pd.DataFrame, refit_every: int = 1, threads: int = 1) -> pd.DataFrame:
    return backtest.walk_forward(rows, SMALL, "pre_race", 2017, 2017, refit_every, threads)


def test_results_of_a_race_and_after_it_do_not_touch_its_forecast() -> None:
    rows = training()
    later = (rows["event_year"] == 2017) & (rows["event_number"] >= 5)
    changed = rows.copy()
    changed.loc[later, ["finishing_position", "is_dnf"]] = rows.loc[later, ["finishing_position", "is_dnf"]].to_numpy()[
        ::-1
    ]
    ours, theirs = (_walk(r).query("event_number <= 5") for r in (rows, changed))
    assert ours["p_win"].tolist() == theirs["p_win"].tolist()


def test_results_before_a_race_do_touch_its_forecast() -> None:
    rows = training()
    earlier = rows["event_year"] < 2017
    changed = rows.copy()
    changed.loc[earlier, ["finishing_position", "is_dnf"]] = rows.loc[
        earlier, ["finishing_position", "is_dnf"]
    ].to_numpy()[::-1]
    assert _walk(rows)["p_win"].tolist() != _walk(changed)["p_win"].tolist()


def test_several_refits_at_once_give_the_same_forecasts() -> None:
    rows = training()
    pd.testing.assert_frame_equal(_walk(rows, threads=1), _walk(rows, threads=3))


def test_production_trained_on_what_it_knew_forecasts_the_same(tmp_path: Path) -> None:
    rows = training()
    known = rows[(rows["event_year"] < 2017) | (rows["event_number"] < 4)]
    ws = training_workspace(tmp_path, "2017-05-01T00:00:00Z", known)
    run = train.train(ws, SMALL, "pre_race")
    race = rows.query("horizon == 'pre_race' and event_year == 2017 and event_number == 4")
    issued = serving.load_serving(ws.store, run.run_id).forecast(race)
    walked = _walk(rows).query("event_number == 4")
    assert np.abs(issued["p_win"].to_numpy() - walked["p_win"].to_numpy()).max() < 1e-6
    assert np.abs(issued["predicted_score"].to_numpy() - walked["predicted_score"].to_numpy()).max() < 1e-6


def _with_sprint(rows: pd.DataFrame) -> pd.DataFrame:
    """``rows`` and a sprint on the weekend of 2017's fourth race, which ended the other way round."""
    sprint = rows[(rows["event_year"] == 2017) & (rows["event_number"] == 4)].assign(session="S")
    turned = 1 + sprint.groupby("horizon")["finishing_position"].transform("max") - sprint["finishing_position"]
    return pd.concat([rows, sprint.assign(finishing_position=turned)], ignore_index=True)


def test_a_sprint_is_forecast_as_production_does_by_a_model_of_the_races_before_its_weekend(tmp_path: Path) -> None:
    rows = _with_sprint(training())
    known = rows[(rows["event_year"] < 2017) | (rows["event_number"] < 4)]
    ws = training_workspace(tmp_path, "2017-05-01T00:00:00Z", known)
    run = train.train(ws, SMALL, "pre_race")
    sprint = rows[(rows["session"] == "S") & (rows["horizon"] == "pre_race")]
    issued = run.serving.forecast_session(sprint)
    walked = backtest.walk_forward(rows, SMALL, "pre_race", 2017, 2017, 1, 1, "S")
    assert walked["event_number"].unique().tolist() == [4]
    assert walked["driver_id"].tolist() == sprint["driver_id"].tolist()
    assert np.abs(issued["p_win"].to_numpy() - walked["p_win"].to_numpy()).max() < 1e-6


def test_races_are_walked_as_if_there_had_been_no_sprint() -> None:
    pd.testing.assert_frame_equal(_walk(_with_sprint(training())), _walk(training()))


def test_a_sprints_slot_table_counts_the_races_and_sprints_before_it() -> None:
    rows = _with_sprint(training())
    later = rows[(rows["event_year"] == 2017) & (rows["event_number"] == 9)].assign(session="S")
    said = backtest.walk_baseline(pd.concat([rows, later]), "grid_slot_table", "pre_race", 2017, 2017, (), "S")
    without = backtest.walk_baseline(pd.concat([training(), later]), "grid_slot_table", "pre_race", 2017, 2017, (), "S")
    assert said["event_number"].unique().tolist() == [4, 9]
    assert said.query("event_number == 9")["p_win"].tolist() != without["p_win"].tolist()


def test_a_kept_model_is_refitted_at_the_start_of_a_season_and_every_few_races() -> None:
    rows = training()
    once, thrice = _walk(rows, 1), _walk(rows, 3)
    same = once.groupby("event_number")["p_win"].apply(list) == thrice.groupby("event_number")["p_win"].apply(list)
    assert same[same].index.tolist() == [1, 4, 7, 10]


def test_a_season_that_is_not_there_is_refused() -> None:
    with pytest.raises(BadParameters, match="no race"):
        backtest.walk_forward(training(), SMALL, "pre_race", 1999, 1999, 1, 1)


def test_the_scorecard_has_the_documented_shape_and_is_written(tmp_path: Path) -> None:
    ws = make_workspace(tmp_path, AFTER, threads=1, model="grid_only_v1")
    card = backtest.run(ws.store, ws.settings, training(), 2017, 2017, ["grid_only_v1"], ["pre_race"])
    assert card["races"] == 10
    scores = card["models"]["grid_only_v1"]["pre_race"]
    assert {name for m in metrics.METRICS for name in (m, f"{m}_se")} <= set(scores)
    assert set(card["baselines"]["grid_slot_table"]["pre_race"]) >= set(metrics.METRICS)
    assert card["by_season"]["2017"]["models"]["grid_only_v1"]["pre_race"]["mae"] == pytest.approx(scores["mae"])
    assert card["by_phase"]["sprint_weekend"]["races"] == 2
    assert read_json(ws.store, "reports/scorecard.json")["races"] == 10
    assert len(parquet.read_parquet(ws.store, "reports/scorecard.parquet")) == 30  # ten races, one model, two baselines
    rows = _with_sprint(training())
    sprints = backtest.run(ws.store, ws.settings, rows, 2017, 2017, ["grid_only_v1"], ["pre_race"], session="S")
    assert (card["session"], sprints["session"], sprints["races"]) == ("R", "S", 1)
    assert read_json(ws.store, "reports/scorecard_sprints.json") == sprints
    assert read_json(ws.store, "reports/scorecard.json")["races"] == 10


def test_what_serves_is_refitted_after_each_race_and_what_it_is_compared_with_every_four(tmp_path: Path) -> None:
    rows, asked = training(), (2017, 2017, ["grid_only_v1"], ["pre_race"])

    def mean_rps(serves: str, refit_every: int = 0) -> float:
        ws = make_workspace(tmp_path, AFTER, threads=1, model=serves)
        card = backtest.run(ws.store, ws.settings, rows, *asked, refit_every)
        return float(card["models"]["grid_only_v1"]["pre_race"]["rps"])

    assert mean_rps("grid_only_v1") == mean_rps("another", 1)
    assert mean_rps("another") == mean_rps("grid_only_v1", 4) != mean_rps("grid_only_v1")


def test_an_unknown_horizon_is_refused(tmp_path: Path) -> None:
    ws = make_workspace(tmp_path, AFTER, threads=1, model="grid_only_v1")
    with pytest.raises(BadParameters, match="post_race"):
        backtest.run(ws.store, ws.settings, training(), 2017, 2017, ["grid_only_v1"], ["post_race"])


def test_a_driver_who_did_not_start_keeps_his_forecast_and_is_not_scored() -> None:
    rows = training()
    gone = (rows["event_year"] == 2017) & (rows["event_number"] == 2) & (rows["finishing_position"] == 12)
    rows.loc[gone, ["finishing_position", "is_dnf"]] = np.nan
    race = _walk(rows).query("event_number == 2")
    assert len(race) == 12
    assert race["finishing_position"].notna().sum() == 11
    assert 0 < metrics.score_race(race)["rps"] < 0.3
