"""A made-up prediction of one race with every column of the lake, coherent enough to draw and to score."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from f1lib.lake.tables import conform, contract
from f1lib.scoring.metrics import METRICS

RACE = {
    "event_partition_key": "2025_Abu_Dhabi_Grand_Prix",
    "event_year": 2025,
    "event_number": 24,
    "event_name": "Abu Dhabi Grand Prix",
}
DRIVERS = [f"driver-{i:02d}" for i in range(10)]
TEAMS = ["mclaren", "red-bull", "ferrari", "mercedes", "a-new-team"]


@cache
def _balanced(n: int) -> np.ndarray:
    """A matrix whose rows and columns sum to 1."""
    places = np.arange(n)
    matrix = np.exp(-(((places[:, None] - places[None, :]) / 2.5) ** 2))
    for _ in range(2000):
        matrix /= matrix.sum(axis=0, keepdims=True)
        matrix /= matrix.sum(axis=1, keepdims=True)
    matrix.setflags(write=False)
    return matrix


def prediction_frame(
    n: int = 10, *, event: str = "Abu Dhabi Grand Prix", horizon: str = "post_qualifying", source: str = "f1db"
) -> pd.DataFrame:
    """``n`` drivers, two a team, the likeliest first; the matrix is balanced so that rows and columns sum to 1."""
    places, matrix = np.arange(n), _balanced(n)
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
            "p_rain": np.nan,
            "model_run_id": "20251206T160000Z-full_v1-post_qualifying",
            "gold_run_id": "20251206T160000Z",
            "forecast_hash": pd.NA,
            "source": source,
        }
    )


def result_frame(
    order: list[str], *, started: int = 10, classified: int = 10, available: str = "2025-12-07T15:30:00Z"
) -> pd.DataFrame:
    """Silver's rows of the race of `prediction_frame`.

    The first ``classified`` of ``order`` finished, those after ``started`` did not start.
    """
    rows = []
    for place, driver in enumerate(order, start=1):
        rows.append(
            {
                **dict.fromkeys(contract("results").names), **RACE, "session": "R", "driver_id": driver,
                "full_name": driver, "team_id": "t", "team_name": "T", "team_lineage": "t",
                "finishing_position": place if place <= started else None, "grid_position": place,
                "status": "finished" if place <= classified else "retired", "is_entrant": place <= started,
                "is_classified": place <= classified, "available_utc": available, "source": "f1db",
            }
        )  # fmt: skip
    return conform(pd.DataFrame(rows), "results")


def accuracy_entries(races: int = 5, *, seed: int = 1) -> pd.DataFrame:
    """Rows as in ``accuracy.json``: ``races`` races, two horizons, ours and two baselines."""
    rng = np.random.default_rng(seed)
    rows = []
    for race in range(races):
        for horizon in ("pre_weekend", "post_qualifying"):
            for system, error in (("model", 3.0), ("grid_slot_table", 3.4), ("qualifying_slot_table", 3.5)):
                rows.append(
                    {
                        "event_partition_key": f"2025_Race_{race:02d}_Grand_Prix",
                        "event_year": 2025,
                        "event_name": f"Race {race:02d} Grand Prix",
                        "session": "R",
                        "race_start_utc": f"2025-{race % 12 + 1:02d}-09T14:00:00Z",
                        "horizon": horizon,
                        "system": system,
                        "as_of_utc": f"2025-{race % 12 + 1:02d}-08T16:00:00Z",
                        "model_run_id": "20250101T000000Z",
                        **dict.fromkeys(METRICS, 0.5),
                        "mae": error + rng.normal() * 0.4,
                        "spearman": 0.65 + rng.normal() * 0.1,
                        "predicted_winner": "Driver Number 0",
                        "winner": f"Driver Number {race}",
                        "p_winner": 0.3,
                    }
                )
    return pd.DataFrame(rows)


def summary_document(source: str = "f1db", *, error: str = "") -> dict[str, object]:
    """A document of the shape of ``run_summary.json``."""
    run = {
        "model": "full_v1",
        "rows": 6000,
        "features": 90,
        "mae": 3.2,
        "rmse": 4.2,
        "r2": 0.41,
        "spearman": 0.66,
        "why": "",
    }
    failed = {"event_partition_key": "2025_X_Grand_Prix", "session_name_abr": "Q", "status": "failed", "attempts": 2}
    return {
        "code_version": "0.1.0",
        "as_of_utc": "2025-12-06T16:00:00Z",
        "source": {
            "name": source,
            "simulated": source == "simulated",
            "attribution": "F1DB, CC BY 4.0",
            "data_until_utc": "2025-12-06T15:30:00Z",
        },
        "weather": {"condition": "dry", "air temp": "24.0 °C", "lead": "21 hours before the start"},
        "champion": {
            "horizons": {
                h: {
                    "run_id": f"20251202T000000Z-{h}",
                    "model": "full_v1",
                    "since": "2025-12-02T00:00:00Z",
                    "why": "first",
                }
                for h in ("pre_race", "post_qualifying")
            }
        },
        "next_races": [
            {
                "event_partition_key": "2025_Abu_Dhabi_Grand_Prix",
                "event_year": 2025,
                "event_number": 24,
                "event_name": "Abu Dhabi Grand Prix",
                "event_format": "conventional",
                "circuit": "Yas Marina",
                "race_start_utc": "2025-12-07T13:00:00Z",
            }
        ],
        "training_runs": [
            {**run, "run_id": f"2025120{i}T000000Z-{h}", "horizon": h, "serves": i == 2, "parity": 2e-5}
            | {"last_event": "2025_Qatar_Grand_Prix", "promoted": i == 2, "why": "not worse than the champion"}
            for i in (1, 2)
            for h in ("pre_race", "post_qualifying")
        ],
        "made_from": {"races/2025/Abu_Dhabi_Grand_Prix.html": [["model run", "20251202T000000Z-pre_race"]]},
        "how_good": "Of the last 5 winners 3 were our favourite.",
        "accuracy": {
            "means": [
                {"horizon": "post_qualifying", "system": s, "races": 5, **dict.fromkeys(METRICS, 0.5)}
                for s in ("model", "grid_slot_table")
            ],
            "calibration": {
                name: [{"predicted": 0.1, "observed": 0.12, "low": 0.05, "high": 0.2, "n": 80}]
                for name in ("p_win", "p_podium")
            },
        },
        "pipeline": {
            "sessions": {"gold": 1500, "scheduled": 3},
            "stages": [
                {
                    "stage": "06_predict post_qualifying",
                    "event_partition_key": "2025_Abu_Dhabi_Grand_Prix",
                    "status": "gold",
                    "finished_utc": "2025-12-06T16:00:00Z",
                    "run_id": "20251206T160000Z",
                    "href": "runs/20251206T160000Z/06.html",
                }
            ],
            "sources": [
                {
                    "source": source,
                    "stored": 1500,
                    "to_come": 3,
                    "unavailable": 0,
                    "failed": int(bool(error)),
                    "blocked": 0,
                    "last_answer_utc": "2025-12-06T15:30:00Z",
                    "last_error": error or None,
                }
            ],
            "unavailable": [],
            "errors": [{**failed, "last_error": error}] if error else [],
            "alarms": [{"name": "season's Spearman", "value": 0.66, "digits": 2, "raised": False, "meaning": "ok"}],
        },
        "runs": [
            {"run_id": "20251206T160000Z", "pages": [{"name": "06_predict", "href": "runs/20251206T160000Z/06.html"}]}
        ],
    }
