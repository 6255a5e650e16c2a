"""Feature drift: silent where nothing moved, loud where something did."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from f1lib.evaluation import drift as health

SEED = st.integers(0, 10_000)


def _psi(past: NDArray[np.float64], now: NDArray[np.float64]) -> float:
    training = pd.DataFrame({"feature": past, "event_partition_key": "race"})
    return float(health.feature_drift(training, pd.DataFrame({"feature": now}), ["feature"])["psi"].iloc[0])


@given(SEED)
def test_the_index_is_never_negative_and_nothing_against_itself(seed: int) -> None:
    generator = np.random.default_rng(seed)
    past, now = generator.normal(size=300), generator.normal(size=40)
    now[::9] = np.nan
    assert _psi(past, now) >= 0
    assert _psi(past, past) == pytest.approx(0, abs=1e-12)


def test_without_drift_a_race_shows_what_is_expected_of_chance() -> None:
    generator = np.random.default_rng(1)
    past = generator.normal(size=6000)
    found = [_psi(past, generator.normal(size=20)) for _ in range(300)]
    assert 0.7 * (health.BINS - 1) / 20 < np.median(found) < 2.5 * (health.BINS - 1) / 20


@pytest.mark.parametrize("rows", [100, 400, 6000])
def test_of_two_samples_of_one_distribution_one_in_twenty_exceeds_what_chance_allows(rows: int) -> None:
    generator = np.random.default_rng(3)
    allowed = health.by_chance(20, rows, health.BINS)
    found = [_psi(generator.normal(size=rows), generator.normal(size=20)) for _ in range(400)]
    assert np.mean(np.array(found) > health.DRIFTED) > 0.15, "the habit's limit alone would cry wolf"
    assert np.mean(np.array(found) > allowed) < 0.12
    assert health.by_chance(5000, 5000, health.BINS) < 0.01, "and many rows are held to the habit's limit"


@pytest.mark.parametrize("races", [2, 8, 24])
def test_a_young_lake_raises_no_alarm_where_nothing_moved_and_one_where_much_did(races: int) -> None:
    generator = np.random.default_rng(races)
    names = [f"feature_{i}" for i in range(60)]
    training = pd.DataFrame(generator.normal(size=(20 * races, len(names))), columns=names)
    training["event_partition_key"] = [f"race-{i // 20:03d}" for i in range(len(training))]
    served = pd.DataFrame(generator.normal(size=(20, len(names))), columns=names)
    quiet = health.feature_drift(training, served, names)
    assert quiet["drifted"].mean() < health.SHARE_RAISED / 2
    assert health.feature_drift(training, served + 3.0, names)["drifted"].mean() > 0.9


def test_a_shift_and_missing_values_count_as_drift_and_a_usual_race_does_not() -> None:
    generator = np.random.default_rng(2)
    past = generator.normal(size=6000)
    training = pd.DataFrame({"same": past, "moved": past, "gone": past, "race_wide": past})
    served = pd.DataFrame(
        {
            "same": np.quantile(past, (np.arange(20) + 0.5) / 20),
            "moved": generator.normal(3.0, 1.0, 20),
            "gone": np.where(np.arange(20) < 15, np.nan, past[:20]),
            "race_wide": 0.5,
        }
    )
    training["event_partition_key"] = [f"race-{i // 20:03d}" for i in range(6000)]
    drift = health.feature_drift(training, served, served.columns.tolist()).set_index("feature")
    assert drift["drifted"].to_dict() == {"moved": True, "gone": True, "same": False}
    assert (drift["usual"] > 0).all()


def test_without_a_prediction_there_is_nothing_to_say() -> None:
    assert health.health(None, None) == {}  # type: ignore[arg-type]
