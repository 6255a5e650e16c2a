"""A small training dataset with a known truth: pace decides, the grid shows it with noise."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from f1lib.lake import parquet
from f1lib.lake.paths import TRAINING_KEY
from f1lib.workspace.workspace import Workspace
from tests.support.workspaces import make_workspace


def training(seasons: int = 3, races: int = 10, drivers: int = 12, seed: int = 3) -> pd.DataFrame:
    """Rows at horizons post_qualifying and pre_race; ``practice_best_gap_pct`` has gaps, ``weather_is_wet`` nothing."""
    generator = np.random.default_rng(seed)
    pace = np.linspace(-1.5, 1.5, drivers)
    frames = []
    for year in range(2015, 2015 + seasons):
        for number in range(1, races + 1):
            grid = (pace + generator.normal(0, 0.5, drivers)).argsort().argsort() + 1.0
            out = generator.random(drivers) < 0.15
            place = np.where(out, 99, pace + generator.normal(0, 0.5, drivers)).argsort(kind="stable").argsort() + 1.0
            frames.append(_race(year, number, pace, grid, place, out, generator))
    rows = pd.concat(frames, ignore_index=True)
    early = rows.assign(horizon="post_qualifying", grid_position=np.nan)
    return pd.concat([early, rows], ignore_index=True)


def _race(year, number, pace, grid, place, out, generator) -> pd.DataFrame:  # type: ignore[no-untyped-def]
    n = len(pace)
    practice = pace + generator.normal(0, 0.4, n)
    practice[generator.random(n) < 0.1] = np.nan
    return pd.DataFrame(
        {
            "event_partition_key": f"{year}_Made_Up_{number}_Grand_Prix",
            "session": "R",
            "horizon": "pre_race",
            "driver_id": [f"driver-{i:02d}" for i in range(n)],
            "event_year": year,
            "event_number": number,
            "qualifying_position": grid,
            "grid_position": grid,
            "field_size": float(n),
            "practice_best_gap_pct": practice,
            "form_position_10": (pace + generator.normal(0, 0.2, n)).argsort().argsort() + 1.0,
            "weather_is_wet": np.nan,
            "is_sprint_weekend": float(number % 5 == 0),
            "is_street_circuit": 0.0,
            "field_dnf_rate_20": 0.15 + 0.01 * number,
            "finishing_position": place,
            "is_dnf": out.astype(float),
            "points": 0.0,
            "n_entrants": float(n),
        }
    )


CONFIG = """
name: small
description: a small one for tests
target: finish_score
horizons: [post_qualifying, pre_race]
half_life_races: 50.0
validation_races: 8
derived:
  grid_score: {source: grid_position, how: place_score}
  grid_score_squared: {source: grid_position, how: place_score_squared}
  grid_score_cubed: {source: grid_position, how: place_score_cubed}
  on_pole: {source: grid_position, how: is_first}
linear:
  weight: 0.7
  ridge: 5.0
  columns: [grid_score, grid_score_squared, grid_score_cubed, on_pole, qualifying_position, practice_best_gap_pct]
trees:
  columns: all
  weight: 0.3
  n_estimators: 30
  max_depth: 2
  learning_rate: 0.1
  subsample: 0.8
  colsample_bytree: 0.8
dnf: {columns: [field_dnf_rate_20], ridge: 20.0}
distribution: {sigma: 0.5, trouble_weight: 0.1, trouble_shift: 0.5, trouble_spread: 1.5}
"""


# `CONFIG` with a correction by long runs, which no other part may read.
CORRECTED = (
    CONFIG.replace("  columns: all", "  columns: [grid_position, qualifying_position, practice_best_gap_pct]")
    + "correction: {ridge: 5.0, needs: practice_best_gap_pct, until: sprint_position,"
    + " columns: {practice_long_run_shrunk_gap_pct: 0.1}}\n"
)


# A part of the model that needs no form, for `CONFIG` to end in.
FRESH = """
fresh: {share: form_current_era_share, needs: practice_best_gap_pct, columns: [grid_score], ridge: 5.0}
"""


def with_long_runs(rows: pd.DataFrame) -> pd.DataFrame:
    """``rows`` with a long run of most drivers in every race of even number: how well they finish, with noise."""
    generator = np.random.default_rng(9)
    shown = rows["finishing_position"] / 6 - 1 + generator.normal(0, 0.5, len(rows))
    known = (rows["event_number"] % 2 == 0) & (generator.random(len(rows)) < 0.8)
    return rows.assign(practice_long_run_shrunk_gap_pct=shown.where(known))


def training_with_form() -> pd.DataFrame:
    """`training` with a share of form earned under the present rules, missing for who has never raced."""
    made = training()
    share = np.random.default_rng(6).random(len(made))
    share[::7] = np.nan
    return made.assign(form_current_era_share=share)


def training_workspace(lake: Path, as_of: str | datetime, rows: pd.DataFrame | None = None) -> Workspace:
    """A workspace whose lake holds a training dataset: ``rows``, or those of `training`."""
    ws = make_workspace(lake, as_of, "simulated", run_id="r", threads=1)
    parquet.write_parquet(ws.store, TRAINING_KEY, training() if rows is None else rows)
    return ws
