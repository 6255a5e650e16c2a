"""Every kind of picture, drawn from made-up frames; as a script, their SVG as JSON on standard output."""

from __future__ import annotations

import json

import pandas as pd

from f1lib.report.figures import race, season
from f1lib.report.figures.style import Picture
from tests.support.made_up_predictions import accuracy_entries, prediction_frame


def every_picture() -> dict[str, Picture]:
    """Name -> picture."""
    prediction, entries = prediction_frame(), accuracy_entries()
    one = entries[entries["horizon"] == "pre_weekend"]
    history = pd.concat([prediction_frame(horizon="pre_weekend"), prediction], ignore_index=True)
    result = prediction.assign(finishing_position=range(10, 0, -1), surprise=0.05)
    bins = {"p_win": [{"predicted": 0.1, "observed": 0.2, "low": 0.1, "high": 0.3, "n": 9}]}
    return {
        "order": race.order(prediction),
        "matrix": race.matrix(prediction),
        "reasons": race.reasons("A Driver", [("grid", -2.5), ("form", 0.4)]),
        "scores": season.season_scores(one, "mae", "MAE"),
        "lead": season.cumulative(one, "mae", "MAE", "grid_slot_table"),
        "calibration": season.calibration(bins),
        "moves": season.moves(history),
        "outcome": season.outcome(result),
        "importance": season.importance([("grid", 0.5), ("form", 0.2)], "weight", "importance"),
    }


if __name__ == "__main__":
    print(json.dumps({name: picture.svg for name, picture in every_picture().items()}))
