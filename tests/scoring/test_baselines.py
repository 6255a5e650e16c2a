"""The baselines: slots, the table, and that a race never counts in its own table."""

from __future__ import annotations

import numpy as np
import pandas as pd

from f1lib.scoring import baselines
from tests.support.made_up_training import training


def test_who_has_no_slot_starts_behind_in_qualifying_order() -> None:
    race = pd.DataFrame({"grid_position": [2.0, None, 1.0, None], "qualifying_position": [1.0, 4.0, 2.0, 3.0]})
    assert baselines.slots(race, "grid_position").tolist() == [2, 4, 1, 3]


def test_the_table_is_doubly_normalised_and_the_front_slot_is_the_likeliest_winner() -> None:
    rows = training()
    history = baselines.history_of(rows[rows["horizon"] == "pre_race"], "grid_position")
    table = baselines.slot_table(history, 12)
    np.testing.assert_allclose(table.sum(axis=0), 1, atol=1e-9)
    np.testing.assert_allclose(table.sum(axis=1), 1, atol=1e-9)
    assert table[:, 0].argmax() == 0


def test_a_field_larger_than_any_before_still_gets_a_table() -> None:
    history = pd.DataFrame({"slot": [1, 2], "outcome": [1, 2], "is_dnf": [0.0, 0.0]})
    assert baselines.slot_table(history, 5).shape == (5, 5)


def test_slots_close_up_behind_a_driver_who_did_not_start() -> None:
    rows = training(1, 1, 4)
    race = rows[rows["horizon"] == "pre_race"].sort_values("grid_position")
    race = race.assign(finishing_position=[np.nan, 1.0, 2.0, 3.0])
    assert baselines.history_of(race, "grid_position")["slot"].tolist() == [1, 2, 3]


def test_the_predicted_rank_is_the_slot_itself() -> None:
    rows = training()
    rows = rows[rows["horizon"] == "pre_race"]
    history = baselines.history_of(rows, "grid_position")
    race = rows[(rows["event_year"] == 2017) & (rows["event_number"] == 3)]
    predicted = baselines.predict(race, history, "grid_position")
    assert predicted["predicted_rank"].tolist() == race["grid_position"].tolist()
