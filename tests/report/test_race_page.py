"""The page of a race: reasons and changes."""

from __future__ import annotations

import pandas as pd

from f1lib.report import race_page
from tests.support.made_up_predictions import prediction_frame


def test_each_drivers_features_are_told_where_they_were_kept() -> None:
    prediction = prediction_frame(2)
    effects = pd.DataFrame({"grid": [-2.0, 1.0]}, index=prediction["driver_id"])
    parts = pd.DataFrame({"driver_id": prediction["driver_id"], "feature": "grid_position", "value": [1.0, 9.0],
                          "part": [-0.8, 0.6]})  # fmt: skip
    told = race_page.reasons(prediction, effects, parts)["rows"]
    assert [row["features"] for row in told] == [
        "Moved forward by grid position 1 (-0.80).",
        "Moved back by grid position 9 (+0.60).",
    ]
    assert {row["features"] for row in race_page.reasons(prediction, effects)["rows"]} == {""}


def test_changes_are_told_newest_first_with_only_those_who_moved() -> None:
    first = prediction_frame(horizon="pre_weekend")
    second = prediction_frame(horizon="post_practice").assign(
        predicted_position=lambda f: f["predicted_position"] + (f["driver_id"] == "driver-02") * 1.0
    )
    third = prediction_frame()
    told = race_page.changes([first, second, third])
    assert ["After qualifying" in told[0]["title"], "After practice" in told[1]["title"]] == [True, True]
    assert [row["full_name"] for row in told[1]["rows"]] == ["Driver Number 2"]
