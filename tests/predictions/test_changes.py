"""What changed from one prediction to the next, and which input is the reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from f1lib.predictions.changes import what_changed, why_changed
from tests.support.made_up_predictions import prediction_frame


def _at(moment: str, horizon: str = "post_qualifying", **changes: Any) -> pd.DataFrame:
    return prediction_frame(horizon=horizon).assign(as_of_utc=pd.Timestamp(moment), **changes)


def test_what_changed_names_who_moved_and_who_is_new() -> None:
    before = prediction_frame().query("driver_id != 'driver-03'")
    after = prediction_frame().assign(predicted_position=lambda f: f["predicted_position"] - 0.5)
    moved = what_changed(before, after).set_index("driver_id")
    assert moved.loc["driver-00", "position_moved"] == pytest.approx(-0.5)
    assert moved.loc["driver-03"].isna()["rank_before"]
    assert moved.index.tolist() == after.sort_values("predicted_rank")["driver_id"].tolist()


def test_why_it_changed_names_each_input_that_differs() -> None:
    before = _at("2025-12-04T09:00:00Z", "pre_weekend", grid_position=np.arange(1.0, 11.0))
    after = _at("2025-12-07T12:00:00Z", "pre_race", grid_position=np.array([2.0, 1.0, *range(3, 11)]),
                model_run_id="other", forecast_hash="abc")  # fmt: skip
    reasons = " ".join(why_changed(before, after))
    for text in ("official starting grid is known", "A forecast is known now", "Driver Number 0 starts 2, not 1",
                 "Driver Number 1 starts 1, not 2"):  # fmt: skip
        assert text in reasons
    assert "Another model run" not in reasons  # each horizon has a model of its own: that is no news
    renewed = after.assign(model_run_id="newer", as_of_utc=pd.Timestamp("2025-12-07T12:30:00Z"))
    assert "Another model run serves: newer" in " ".join(why_changed(after, renewed))
    assert "Driver Number 4" not in reasons


def test_no_reason_is_made_up_when_nothing_changed() -> None:
    assert why_changed(prediction_frame(), prediction_frame()) == []
    revised = prediction_frame().assign(gold_run_id="20251206T170000Z")
    assert why_changed(prediction_frame(), revised) == ["Earlier results were revised or added."]


def test_a_driver_who_joins_and_one_who_leaves_are_named() -> None:
    everyone = prediction_frame()
    without_last, without_first = everyone.iloc[:-1], everyone.iloc[1:]
    assert why_changed(without_last, without_first) == [
        "Driver Number 9 is in the field now.",
        "Driver Number 0 is out of the field.",
    ]
