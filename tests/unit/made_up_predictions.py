"""A made-up prediction of one race with every column of the lake, coherent enough to draw and to score."""

from __future__ import annotations

import numpy as np
import pandas as pd

TEAMS = ["mclaren", "red-bull", "ferrari", "mercedes", "a-new-team"]


def prediction_frame(
    n: int = 10, *, event: str = "Abu Dhabi Grand Prix", horizon: str = "post_qualifying", source: str = "f1db"
) -> pd.DataFrame:
    """``n`` drivers, two a team, the likeliest first; the matrix is balanced so that rows and columns sum to 1."""
    places = np.arange(n)
    matrix = np.exp(-(((places[:, None] - places[None, :]) / 2.5) ** 2))
    for _ in range(2000):
        matrix /= matrix.sum(axis=0, keepdims=True)
        matrix /= matrix.sum(axis=1, keepdims=True)
    cumulated = matrix.cumsum(axis=1)
    percentile = {q: (cumulated >= q / 100).argmax(axis=1) + 1.0 for q in (10, 50, 90)}
    return pd.DataFrame(
        {
            "event_year": 2025,
            "event_name": event,
            "session": "R",
            "as_of_utc": pd.Timestamp("2025-12-06T16:00:00Z"),
            "horizon": horizon,
            "driver_number": [str(i + 1) for i in places],
            "driver_id": [f"driver-{i:02d}" for i in places],
            "abbreviation": [f"D{i:02d}" for i in places],
            "full_name": [f"Driver Number {i}" for i in places],
            "team_id": [TEAMS[i // 2 % len(TEAMS)] for i in places],
            "team_name": [TEAMS[i // 2 % len(TEAMS)].title() for i in places],
            "qualifying_position": places + 1.0,
            "grid_position": np.nan,
            "predicted_position": matrix @ (places + 1.0),
            "predicted_score": places * 0.1,
            "predicted_rank": places + 1,
            "is_podium_prediction": places < 3,
            "position_probabilities": [row.tolist() for row in matrix],
            "p_win": matrix[:, 0],
            "p_podium": matrix[:, :3].sum(axis=1),
            "p_points": matrix[:, : min(10, n)].sum(axis=1),
            "p_dnf": 0.1,
            "position_p10": percentile[10],
            "position_p50": percentile[50],
            "position_p90": percentile[90],
            "expected_points": 1.0,
            "model_run_id": "20251206T160000Z-full_v1-post_qualifying",
            "gold_run_id": "20251206T160000Z",
            "forecast_hash": pd.NA,
            "source": source,
        }
    )
