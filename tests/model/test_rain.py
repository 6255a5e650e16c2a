"""What a model learns of rain: the sizes there are, shrunk, from enough wet races or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from f1lib.errors import BadParameters
from f1lib.lake.paths import METADATA, run_key
from f1lib.model import rain, serving, train
from f1lib.model.config import Rain, load_config, parse_config
from f1lib.model.fit import fit, labelled
from f1lib.model.serving import FORECAST
from f1lib.scoring.positions import normal_score
from f1lib.scoring.rain import Rain as Mixture
from tests.support.made_up_training import CONFIG, training, training_workspace

RAINY = parse_config(CONFIG + "\nrain: {fewest_wet_races: 3}\n", "test")
SURE = Rain(prior_races=1e-6)


def _races(
    n: int, wet: np.ndarray, width: float = 2.0, hazard: float = 1.5
) -> tuple[pd.DataFrame, tuple[Any, Any, Any]]:
    """Races whose latents have a variance ``width`` times that of the dry ones, and retirements ``hazard`` times."""
    generator = np.random.default_rng(5)
    frames, scores, finishes = [], [], []
    for race in range(n):
        score = np.linspace(-1.3, 1.3, 20)
        latent = score + generator.normal(0, 0.5 * (width**0.5 if wet[race] else 1), 20)
        out = (generator.random(20) < 0.1 * (hazard if wet[race] else 1)).astype(float)
        finish = np.full(20, np.nan)
        finished = out == 0
        finish[finished] = normal_score(latent[finished].argsort().argsort() + 1, finished.sum())
        frame = {"event_partition_key": f"e{race}", "is_dnf": out, "is_wet": float(wet[race]), FORECAST: np.nan}
        frames.append(pd.DataFrame(frame))
        scores.append(score)
        finishes.append(finish)
    rows = pd.concat(frames, ignore_index=True)
    return rows, (np.concatenate(scores), np.full(len(rows), 0.1), np.concatenate(finishes))


def test_the_sizes_of_races_made_to_measure_are_found_within_their_standard_errors() -> None:
    rows, made = _races(400, np.arange(400) % 8 == 0)
    found = rain.learn(rows, *made, SURE)
    assert (found["wet_races"], found["dry_races"], found["wet_share"]) == (50, 350, 0.125)
    for name, true in (("width", 2.0), ("hazard", 1.5)):
        error = found[f"{name}_log_se"]
        assert 0.05 < error < 0.35
        assert abs(np.log(found[name] / true)) < 3 * error
        assert found[name] == pytest.approx(found[f"measured_{name}"], rel=1e-4)


def test_where_rain_changes_nothing_nothing_is_found() -> None:
    rows, made = _races(400, np.arange(400) % 8 == 0, width=1.0, hazard=1.0)
    found = rain.learn(rows, *made, SURE)
    assert abs(np.log(found["width"])) < 3 * found["width_log_se"]
    assert abs(np.log(found["hazard"])) < 3 * found["hazard_log_se"]


def test_few_wet_races_are_shrunk_to_no_effect_and_fewer_than_the_least_teach_nothing() -> None:
    wet = np.arange(100) % 10 == 0
    rows, made = _races(100, wet)
    found = rain.learn(rows, *made, Rain(prior_races=10.0))
    assert np.log(found["width"]) == pytest.approx(np.log(found["measured_width"]) / 2)
    seven = np.cumsum(wet) <= 7
    rows.loc[np.repeat(wet & ~seven, 20), "is_wet"] = np.nan  # not known: neither wet nor dry
    few = {"wet_races": 7, "dry_races": 90, "fewest_wet_races": 8, "learned": False}
    assert rain.learn(rows, *made, Rain()) == few


def test_forecasts_that_run_high_are_taken_down_and_without_any_they_are_believed() -> None:
    wet = np.arange(200) % 8 == 0
    rows, made = _races(200, wet)
    untold = rain.learn(rows, *made, Rain())
    assert (untold["intercept"], untold["slope"]) == pytest.approx((0.0, 1.0), abs=1e-6)
    assert untold["forecasts"] == {"races": 0}
    said = np.where(wet, 80.0, 40.0)
    told = rain.learn(rows.assign(**{FORECAST: np.repeat(said, 20)}), *made, Rain())
    assert told["forecasts"]["said"] == pytest.approx(0.45)
    assert told["forecasts"]["wet"] == pytest.approx(0.125)
    low, high = (Mixture.of(told).chance([percent])[0] for percent in (40.0, 80.0))
    assert low < 0.1 < 0.6 < high
    assert Mixture.of(told).chance([np.nan]) != Mixture.of(told).chance([40.0])


def test_history_of_which_no_race_is_known_to_be_wet_or_dry_teaches_nothing_of_rain() -> None:
    rows = labelled(training().assign(is_wet=np.nan, **{FORECAST: np.nan}), "pre_race")
    fitted = fit(rows, RAINY, train.feature_columns(rows))
    assert fitted.rain == {"wet_races": 0, "dry_races": 0, "fewest_wet_races": 3, "learned": False}


def _with_weather(wet_races: int = 6) -> pd.DataFrame:
    rows = training()
    race = rows["event_number"] + 10 * (rows["event_year"] - 2015)
    return rows.assign(is_wet=(race % (30 // wet_races) == 0).astype(float), **{FORECAST: np.nan})


def test_a_run_serves_rain_from_its_graph_and_its_metadata_as_it_was_fitted(tmp_path: Path) -> None:
    ws = training_workspace(tmp_path / "lake", "2018-01-01T12:00:00Z", _with_weather())
    run = train.train(ws, RAINY, "pre_race")
    stored = json.loads(ws.store.read(run_key(run.run_id, METADATA)))
    assert stored["rain"]["wet_races"] == 6
    assert stored["distribution"]["rain"] == stored["rain"]
    served = serving.load_serving(ws.store, run.run_id)
    race = _with_weather().query("horizon == 'pre_race' and event_year == 2017 and event_number == 4")
    unknown, low, high = (served.forecast_session(race.assign(**{FORECAST: p})) for p in (np.nan, 5.0, 80.0))
    for forecast in (low, high):
        assert forecast["predicted_score"].tolist() == unknown["predicted_score"].tolist()
        assert forecast["predicted_rank"].tolist() == unknown["predicted_rank"].tolist()
    assert (low["p_rain"].iloc[0], high["p_rain"].iloc[0]) == pytest.approx((0.05, 0.8), abs=1e-6)
    assert unknown["p_rain"].isna().all()
    kept = run.serving.forecast_session(race.assign(**{FORECAST: 80.0}))
    pd.testing.assert_frame_equal(kept, high)
    wet, dry = served.supposing_rain(1.0), served.supposing_rain(0.0)
    widths = [model.forecast_session(race)["p_win"].max() for model in (dry, served, wet)]
    assert len(set(widths)) == 3


def test_an_unknown_forecast_gives_the_forecast_of_a_model_without_rain(tmp_path: Path) -> None:
    ws = training_workspace(tmp_path / "lake", "2018-01-01T12:00:00Z", _with_weather())
    race = _with_weather().query("horizon == 'pre_race' and event_year == 2017 and event_number == 4")
    ours = train.train(ws, RAINY, "pre_race").serving.forecast_session(race)
    theirs = train.train(ws, parse_config(CONFIG, "test"), "pre_race").serving.forecast_session(race)
    pd.testing.assert_frame_equal(ours, theirs)


def test_a_configuration_without_rain_has_the_digest_it_had() -> None:
    assert load_config("blend_v1").digest() == "b16a8da3726f33f6f5867592d2df99acd3a963a3b9f57f173789e323ec8a8006"
    assert RAINY.digest() != parse_config(CONFIG, "test").digest()


@pytest.mark.parametrize("text", ["{prior_races: 0}", "{fewest_wet_races: 1}", "{width: 2}"])
def test_settings_of_rain_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(BadParameters, match="rain"):
        parse_config(f"{CONFIG}\nrain: {text}\n", "test")
