"""The parts of a score: they add up to it, and they point the right way."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from f1lib.model import fit, run_files, train
from f1lib.model.config import parse_config
from f1lib.predictions import explain
from tests.support.made_up_training import CONFIG, CORRECTED, FRESH, training_with_form, with_long_runs


@pytest.fixture(scope="module", params=[CONFIG, CORRECTED], ids=["", "corrected"])
def served(request: pytest.FixtureRequest):  # type: ignore[no-untyped-def]
    rows = fit.labelled(with_long_runs(training_with_form()), "pre_race")
    fitted = fit.fit(rows, parse_config(request.param + FRESH, "test"), train.feature_columns(rows))
    assert bool(fitted.correction) == (request.param == CORRECTED)
    race = rows[(rows["event_year"] == 2017) & (rows["event_number"] == 4)].reset_index(drop=True)
    model = dataclasses.replace(fitted.serving(), metadata=run_files.describe(fitted, rows))
    return model, fitted.parts["trees"].estimator, race


@pytest.mark.parametrize("session", ["R", "S"])
def test_a_drivers_parts_add_up_to_his_distance_from_the_mean_score(served, session: str) -> None:  # type: ignore[no-untyped-def]
    serving, booster, race = served
    race = race.assign(session=session)
    parts = explain.contributions(serving, booster, race)
    score = serving.forecast_session(race)["predicted_score"]
    total = parts.groupby("driver_id", sort=False)["part"].sum().to_numpy()
    assert np.abs(total - (score - score.mean()).to_numpy()).max() < 1e-5


def test_every_part_is_against_the_average_of_the_race(served) -> None:  # type: ignore[no-untyped-def]
    parts = explain.contributions(*served)
    assert np.abs(parts.groupby("feature")["part"].mean()).max() < 1e-12


def test_the_pole_moves_a_driver_forward_and_the_last_row_back(served) -> None:  # type: ignore[no-untyped-def]
    serving, booster, race = served
    parts = explain.contributions(serving, booster, race)
    grid = parts[parts["feature"] == "grid_position"].set_index("value")["part"]
    assert grid[1.0] < 0 < grid[12.0]


def test_the_sentence_names_the_strongest_parts_with_their_values(served) -> None:  # type: ignore[no-untyped-def]
    serving, booster, race = served
    parts = explain.contributions(serving, booster, race)
    first = race.loc[race["grid_position"] == 1, "driver_id"].iloc[0]
    said = explain.in_words(parts, first)
    assert said.startswith("Moved forward by ")
    assert "grid position 1 (-" in said
