"""Imagined forecasts of rain: right always, or as often as a realistic one is, and silent where nothing is known."""

from __future__ import annotations

import numpy as np
import pandas as pd

from f1lib.evaluation.imagined import with_forecasts
from f1lib.model.serving import FORECAST


def _training(races: int) -> pd.DataFrame:
    wet = np.where(np.arange(races) % 8 == 0, 1.0, 0.0)
    wet[-1] = np.nan
    names = [f"e{i:04d}" for i in range(races)]
    rows = pd.DataFrame({"event_partition_key": names, "session": "R", "is_wet": wet, FORECAST: 33.0})
    return pd.concat([rows.assign(driver_id=name) for name in "ab"], ignore_index=True)


def test_a_perfect_forecast_is_the_outcome() -> None:
    found = with_forecasts(_training(9), "perfect")
    assert found[FORECAST].tolist()[:8] == [100.0, *[0.0] * 7]
    assert found.groupby("event_partition_key")[FORECAST].nunique().le(1).all()
    assert np.isnan(found[FORECAST].iloc[8])


def test_a_realistic_one_warns_of_most_wet_races_and_of_few_dry_ones_and_is_calibrated() -> None:
    rows = _training(4000)
    found = with_forecasts(rows, "realistic")
    warned = (found[FORECAST] > 40).groupby(found["is_wet"]).mean()
    assert 0.70 < warned[1.0] < 0.80
    assert 0.09 < warned[0.0] < 0.15
    wet = found.groupby(FORECAST)["is_wet"].mean()
    assert all(abs(wet[said] - said / 100) < 0.06 for said in wet.index)
    pd.testing.assert_frame_equal(found, with_forecasts(rows, "realistic"))


def test_without_a_forecaster_nothing_is_changed() -> None:
    rows = _training(9)
    pd.testing.assert_frame_equal(with_forecasts(rows, ""), rows)
