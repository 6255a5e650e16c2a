"""What grid penalties are worth: the provisional grids of F1DB's own penalties, and forecasts from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from f1lib.evaluation import backtest, provisional_grid
from f1lib.lake.gold_tables import read_training_dataset
from f1lib.lake.store import LocalStore
from f1lib.model import fit, train
from f1lib.model.config import load_config
from f1lib.sources.f1db.source import F1dbSource
from tests.support.made_up_training import training as made_up


@pytest.fixture(scope="module")
def gold(saturday_lake: Path) -> pd.DataFrame:
    return read_training_dataset(LocalStore(saturday_lake))


@pytest.fixture(scope="module")
def races(gold: pd.DataFrame, f1db_zip: Path) -> dict[str, pd.DataFrame]:
    """Penalised races since 2019 with their provisional grids."""
    penalties = F1dbSource(f1db_zip).grid_penalties()
    return provisional_grid.provisional_races(gold[gold["event_year"] >= 2019], penalties)


def test_the_provisional_grid_is_the_official_one_in_ninety_nine_slots_of_a_hundred(
    gold: pd.DataFrame, races: dict[str, pd.DataFrame]
) -> None:
    assert len(races) > 100
    slots, wrong = provisional_grid._agreement(gold, races)
    assert slots > 2000
    assert wrong / slots < 0.012


def test_a_forecast_with_every_true_penalty_is_near_the_one_with_the_official_grid(
    gold: pd.DataFrame, races: dict[str, pd.DataFrame]
) -> None:
    """No skew between serving and training: weekends without a sprint, after which nothing but the grid is learned."""
    rows = backtest.of_horizon(gold, "pre_race")
    past = rows[(rows["event_year"] < 2024) & rows["finishing_position"].notna()]
    config, available = load_config("blend_v1"), train.feature_columns(gold)
    with fit.one_thread():
        serving = fit.fit(past, config, available).serving()
    far, near = [], []
    for event, race in races.items():
        official = rows[rows["event_partition_key"] == event]
        if event < "2024" or (race["is_sprint_weekend"] == 1).any():
            continue
        qualified = race.assign(
            grid_position=race["qualifying_position"].rank(method="first"), grid_minus_qualifying=0.0
        )
        chances = [
            serving.forecast(frame).set_index(frame["driver_id"])["predicted_position"]
            for frame in (official, race, qualified)
        ]
        common = chances[0].index.intersection(chances[1].index)
        truth, ours, none = (found.loc[common].to_numpy() for found in chances)
        near.append(np.abs(ours - truth).mean())
        far.append(np.abs(none - truth).mean())
    assert len(near) > 15
    assert np.mean(near) < 0.05  # places
    assert np.mean(far) > 5 * np.mean(near)


def test_no_provisional_grid_is_made_where_the_sprint_set_the_grid(races: dict[str, pd.DataFrame]) -> None:
    assert not {"2021_British_Grand_Prix", "2022_Austrian_Grand_Prix"} & set(races)
    assert "2023_Belgian_Grand_Prix" in races


def test_systems_are_paired_over_the_same_races_and_differ_where_a_penalty_was_known() -> None:
    rows = made_up(seasons=3, races=6, drivers=8)
    event = str(rows.loc[rows["event_year"] == rows["event_year"].max(), "event_partition_key"].iloc[-1])
    who = rows.loc[rows["event_partition_key"] == event, "driver_id"].iloc[0]
    penalties = pd.DataFrame({"event_partition_key": [event], "driver_id": [who], "penalty": [5]})
    last = int(rows["event_year"].max())
    card = provisional_grid.worth(rows, penalties, load_config("grid_plus_quali_v1"), last, last, 1)
    assert (card["races"], card["penalised"]) == (6, 1)
    assert list(card["means"]) == list(provisional_grid.SYSTEMS)
    assert set(card["paired"]) == set(provisional_grid.SYSTEMS[1:])
    places, pit = (card["paired"][name] for name in provisional_grid.SYSTEMS[1:3])
    assert places["rps"] == pytest.approx(
        card["means"][provisional_grid.SYSTEMS[1]]["rps"] - card["means"]["no penalty"]["rps"]
    )
    assert places == pit  # nobody starts from the pit lane
