"""Title chances are scored after each round, from what was known then, beside the baselines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from f1lib.errors import BadParameters
from f1lib.evaluation import titles
from f1lib.evaluation.title_baselines import leader, resampled
from f1lib.lake import gold_tables
from f1lib.lake.parquet import read_parquet
from f1lib.lake.store import ObjectStore, open_store, read_json
from f1lib.model.config import load_config
from tests.support.lakes import copied

SEASON = 2012


@pytest.fixture(scope="module")
def store(saturday_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> ObjectStore:
    return open_store(str(copied(saturday_lake, tmp_path_factory)))


@pytest.fixture(scope="module")
def card(store: ObjectStore) -> dict[str, Any]:
    training = gold_tables.read_training_dataset(store)
    training = training[training["event_year"] <= SEASON]
    return titles.run(store, training, load_config("blend_v1"), SEASON, SEASON, 4, 2)


def test_every_round_but_the_last_is_scored_for_every_system(store: ObjectStore, card: dict[str, Any]) -> None:
    scores = read_parquet(store, "reports/scorecard_championship.parquet")
    assert read_json(store, "reports/scorecard_championship.json") == card
    assert card["rounds"] == 19
    assert set(scores["after_round"]) == set(range(1, 20))
    assert (scores.groupby(["championship", "system"]).size() == 19).all()
    assert (scores["log_loss"] == -np.log(scores["p_champion"].clip(lower=1e-4))).all()
    means = {(row["championship"], row["system"]): row for row in card["means"]}
    own = scores[(scores["championship"] == "teams") & (scores["system"] == "model")]
    assert means["teams", "model"]["log_loss"] == pytest.approx(own["log_loss"].mean())
    assert means["teams", "model"]["log_loss_thirds"] == pytest.approx(own.groupby("third")["log_loss"].mean().tolist())


def test_the_chance_grows_to_the_end_and_the_leader_has_98(store: ObjectStore, card: dict[str, Any]) -> None:
    scores = read_parquet(store, "reports/scorecard_championship.parquet").query("championship == 'drivers'")
    vettel = scores.query("system == 'model'")["p_champion"]
    assert vettel.iloc[-1] > 0.8  # 13 points ahead before Brazil
    assert vettel.iloc[-1] > vettel.iloc[8]
    assert set(scores.query("system == 'leader'")["p_champion"].round(2)) == {0.0, 0.98}


def test_calibration_counts_those_who_could_still_win_and_drift_names_its_season(card: dict[str, Any]) -> None:
    assert sum(point["count"] * point["observed"] for point in card["calibration"]["drivers"]) == pytest.approx(19)
    assert 0.6 < card["coverage"]["drivers"] < 1
    assert card["form_drift"]["seasons"] == [SEASON]


def test_a_configuration_that_does_not_forecast_before_a_weekend_is_refused(store: ObjectStore) -> None:
    training = gold_tables.read_training_dataset(store)
    with pytest.raises(BadParameters, match="grid_only_v1 forecasts pre_race, not pre_weekend"):
        titles.run(store, training, load_config("grid_only_v1"), SEASON, SEASON, 4, 2)


def test_the_baselines_follow_their_definitions() -> None:
    table = pd.DataFrame({"contender": ["a", "b", "c"], "points": [50.0, 43.0, 0.0]})
    rounds = [{"event_number": n, "driver_id": d, "points": p} for n in (1, 2) for d, p in (("a", 25.0), ("b", 21.5))]
    results = pd.DataFrame(rounds)
    assert leader(table, results, "drivers", 5).tolist() == pytest.approx([0.98, 0.01, 0.01])
    even = resampled(table, results, "drivers", 1)  # 60.5 against 64.5 + 10.5: noise of 15 / root 5 on each
    assert even.sum() == pytest.approx(1)
    assert 0.8 < even[0] < 0.95
    assert resampled(table, results, "drivers", 0).tolist() == [1.0, 0.0, 0.0]
