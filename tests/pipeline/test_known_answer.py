"""A known answer: in the simulated world the truth is known, so what a model can reach at most is known too."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from f1lib.cli.main import main
from f1lib.evaluation import backtest
from f1lib.lake import parquet
from f1lib.lake.paths import TRAINING_KEY
from f1lib.lake.store import open_store
from f1lib.model.config import load_config
from f1lib.scoring import metrics
from f1lib.sources.simulated.source import SimulatedSource
from tests.support.simulated_truth import true_order_spearman

SEED, HISTORY, SEASON = 3, 2023, 2024
NOW = datetime(2025, 1, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Gold of two simulated seasons, made by the pipeline itself."""
    lake = tmp_path_factory.mktemp("world") / "lake"
    lake.mkdir()
    marker = {"kind": "simulated", "seed": SEED, "first_season": HISTORY}
    (lake / "lake.json").write_text(json.dumps(marker), encoding="utf-8")
    options = ["--source", "simulated", "--lake", str(lake), "--now", NOW.isoformat()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("F1_ENGINE", "inprocess")
        for stage in ("00_schedule", "01_ingest", "02_weather", "03_silver", "04_gold"):
            assert main(["stage", stage, *options]) == 0
    return parquet.read_parquet(open_store(str(lake)), TRAINING_KEY)


def _scores(training: pd.DataFrame) -> pd.DataFrame:
    walked = backtest.walk_forward(training, load_config("blend_v1"), "pre_race", SEASON, SEASON, 4, 2)
    return pd.DataFrame([metrics.score_race(race) for _, race in walked.groupby("event_partition_key")])


def test_the_model_ranks_drivers_nearly_as_well_as_the_truth_allows(training: pd.DataFrame) -> None:
    best = true_order_spearman(SimulatedSource(SEED, first_season=HISTORY), SEASON, draws=12)
    reached = _scores(training)["spearman"].mean()
    assert best - 0.08 < reached < best + 0.03


def test_on_seasons_whose_results_are_shuffled_the_model_does_no_better_than_chance(training: pd.DataFrame) -> None:
    generator = np.random.default_rng(8)
    labels = ["finishing_position", "is_dnf"]
    shuffled = training.copy()
    for _, race in training.groupby(["event_partition_key", "session"]):
        dealt = dict(zip(race["driver_id"].unique(), generator.permutation(race["driver_id"].unique()), strict=True))
        own = race.drop_duplicates("driver_id").set_index("driver_id")[labels]
        shuffled.loc[race.index, labels] = own.loc[race["driver_id"].map(dealt)].to_numpy()
    scores = _scores(shuffled)
    n = training.loc[training["event_year"] == SEASON, "n_entrants"].mean()
    noise = 1 / np.sqrt((n - 1) * len(scores))  # standard error of the mean rank correlation of chance orders
    assert abs(scores["spearman"].mean()) < 3.5 * noise
    assert scores["win_log_loss"].mean() > np.log(n) - 0.25
