"""What a prediction says of rain: the chance, what it does, and how far a new forecast moved whom."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest

from f1lib.lake.parquet import write_parquet
from f1lib.lake.paths import METADATA, run_key
from f1lib.lake.paths_published import LATEST, LATEST_SCHEMA
from f1lib.lake.store import open_store, write_json
from f1lib.model import train
from f1lib.model.config import parse_config
from f1lib.model.serving import FORECAST, load_serving
from f1lib.predictions import archive, issue, rain
from f1lib.predictions.change_log import keep_change_log
from f1lib.predictions.changes import why_changed
from f1lib.predictions.restore import frame_of
from tests.support.made_up_predictions import prediction_frame
from tests.support.made_up_training import CONFIG, training, training_workspace

LEARNED = {"learned": True, "wet_races": 20, "fewest_wet_races": 8, "width": 1.69, "hazard": 1.2}
RIGHT = {"races": 40, "said": 0.15, "wet": 0.14, "se": 0.05}


def _said(folder: Path, learned: dict[str, Any] | None, p: float) -> str:
    store, frame = open_store(str(folder)), prediction_frame().assign(p_rain=p)
    if learned is not None:
        write_json(store, run_key(str(frame["model_run_id"].iloc[0]), METADATA), {"rain": learned} if learned else {})
    return rain.in_words(store, str(frame["model_run_id"].iloc[0]), frame["p_rain"].iloc[0])


def test_the_chance_and_what_it_does_are_said(tmp_path: Path) -> None:
    said = _said(tmp_path, LEARNED | {"forecasts": RIGHT}, 0.71)
    assert said == (
        "Chance of a wet race 71 %. In the wet performances spread 1.30 times as wide as in the dry and retirements "
        "are 1.20 times as likely (20 wet races); the order stays."
    )


@pytest.mark.parametrize(("wet", "word"), [(0.14, "high"), (0.6, "low")])
def test_forecasts_that_run_high_or_low_are_named(tmp_path: Path, wet: float, word: str) -> None:
    said = _said(tmp_path, LEARNED | {"forecasts": {"races": 40, "said": 0.31, "wet": wet, "se": 0.05}}, 0.5)
    assert f"run {word}, which is made up for: they said 31 % on average, and {100 * wet:.0f} % of 40 races" in said


def test_what_is_not_known_is_said_and_a_model_without_rain_says_nothing(tmp_path: Path) -> None:
    assert "covers a dry race and a wet one alike" in _said(
        tmp_path, LEARNED | {"forecasts": {"races": 0}}, float("nan")
    )
    few = {"learned": False, "wet_races": 3, "fewest_wet_races": 8}
    assert _said(tmp_path, few, float("nan")) == (
        "Rain changes nothing: the model has seen 3 wet races, and learns from 8 on."
    )
    assert _said(tmp_path, {}, float("nan")) == ""
    assert _said(tmp_path / "lost", None, float("nan")) == ""


def _flatter(frame: pd.DataFrame, share: float) -> pd.DataFrame:
    n = len(frame)
    matrix = np.array(frame["position_probabilities"].tolist()) * (1 - share) + share / n
    lists: Any = matrix.tolist()
    return frame.assign(position_probabilities=lists, p_win=matrix[:, 0])


def test_a_renewed_prediction_says_how_far_a_new_chance_of_rain_moved_whom() -> None:
    before = prediction_frame().assign(p_rain=0.05, forecast_hash="dry")
    after = _flatter(before, 0.3).assign(p_rain=0.8, forecast_hash="wet")
    assert rain.spread(after) > rain.spread(before)
    first = before.iloc[0]
    said = why_changed(before, after)[-1]
    assert said == (
        f"Chance of a wet race 80 % after 5 %: a driver's place is uncertain by {rain.spread(after):.2f} places after "
        f"{rain.spread(before):.2f}; most moved is {first['full_name']}, who wins in "
        f"{100 * after['p_win'].iloc[0]:.0f} % after {100 * first['p_win']:.0f} %."
    )
    assert "after unknown" in why_changed(before.assign(p_rain=np.nan), after)[-1]
    assert rain.change_in_words(before, before.assign(p_rain=0.051)) == []
    assert rain.change_in_words(*(before.assign(p_rain=np.nan),) * 2) == []


RAINY = parse_config(CONFIG + "\nrain: {fewest_wet_races: 3}\n", "test")


def _race(percent: float) -> pd.DataFrame:
    """Gold's rows of a made-up race to come under a chance of rain."""
    rows = training().query("horizon == 'pre_race' and event_year == 2017 and event_number == 9")
    who: dict[str, Any] = {"driver_number": "1", "abbreviation": "ABC", "full_name": rows["driver_id"]}
    who |= {"event_name": "Made Up Grand Prix", "team_id": "t", "team_name": "T", FORECAST: percent}
    return rows.drop(columns=["finishing_position", "is_dnf", "points", "n_entrants"]).assign(**who)


def test_a_forecast_that_turns_issues_a_wider_prediction_whose_note_says_so(tmp_path: Path) -> None:
    past = training().assign(is_wet=lambda f: (f["event_number"] % 4 == 1).astype(float), **{FORECAST: np.nan})
    for _, race in past[past["is_wet"] == 1].groupby(["event_partition_key", "horizon"]):  # in the wet the slowest win
        past.loc[race.index, ["finishing_position", "is_dnf"]] = race[["finishing_position", "is_dnf"]].to_numpy()[::-1]
    ws = training_workspace(tmp_path / "lake", "2018-01-01T12:00:00Z", past)
    served = load_serving(ws.store, train.train(ws, RAINY, "pre_race").run_id)
    keys, frames = [], []
    for percent, hours, hashed in ((5.0, 0, "dry"), (80.0, 4, "wet")):
        moment = ws.as_of + timedelta(hours=hours)
        frames.append(issue.rows_of(_race(percent), served, "gold", hashed, moment, "simulated"))
        keys.append(issue.publish(ws.store, ws.tracking, frames[-1]))
    assert keys[0] != keys[1]
    before, after = (archive.load_issue(ws.store, key) for key in keys)
    assert (before["p_rain"].iloc[0], after["p_rain"].iloc[0]) == pytest.approx((0.05, 0.8), abs=1e-6)
    assert rain.spread(after) > rain.spread(before)
    assert after["driver_id"].tolist() == before["driver_id"].tolist()
    news = keep_change_log(ws.store, [], keys[1], after, before)
    assert any(said.startswith("Chance of a wet race 80 % after 5 %") for said in news["reasons"])
    latest = json.loads(ws.store.read(LATEST))
    jsonschema.validate(latest, json.loads(ws.store.read(LATEST_SCHEMA)))
    assert latest["p_rain"] == pytest.approx(0.8, abs=1e-6)
    assert "Chance of a wet race 80 %" in rain.in_words(
        ws.store, str(after["model_run_id"].iloc[0]), after["p_rain"].iloc[0]
    )


def test_an_issue_of_before_there_was_rain_reads_as_one_that_did_not_know_it(tmp_path: Path) -> None:
    ws = training_workspace(tmp_path / "lake", "2018-01-01T12:00:00Z")
    write_parquet(ws.store, "old.parquet", prediction_frame().drop(columns="p_rain"))
    old = archive.load_issue(ws.store, "old.parquet")
    assert old["p_rain"].isna().all()
    assert why_changed(old, old.assign(p_rain=0.5))[-1].startswith("Chance of a wet race 50 % after unknown")
    assert "p_rain" not in issue.latest_document(old)
    assert list(frame_of(issue.tracking_rows(old)).columns) == list(archive.COLUMNS)
