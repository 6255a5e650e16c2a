"""The preprocessing pipeline: what it makes of gaps and outliers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from f1lib.errors import BadParameters, MissingColumn
from f1lib.model import preprocess, serving

RAW = ["grid_position", "field_size", "gap"]
DERIVED = {"score": ("place_score", "grid_position"), "pole": ("is_first", "grid_position")}


def _rows(n: int = 400) -> np.ndarray:
    generator = np.random.default_rng(1)
    rows = np.column_stack([generator.integers(1, 21, n), np.full(n, 20), generator.normal(2, 1, n)]).astype("float32")
    rows[::10, 0] = np.nan
    rows[5, 2] = 500.0
    return rows


def test_missing_values_become_the_mean_and_are_flagged() -> None:
    pipeline = preprocess.build(RAW, {})
    rows = _rows()
    made = pipeline.fit_transform(rows)
    names = preprocess.columns_out(pipeline, RAW, [])
    assert names == [*RAW, "grid_position__missing"]
    absent = np.isnan(rows[:, 0])
    np.testing.assert_allclose(made[absent, 0], 0, atol=1e-5)  # the mean, scaled
    assert len(np.unique(made[:, 3])) == 2


def test_columns_missing_in_the_same_rows_share_one_flag() -> None:
    rows = _rows()
    rows[:, 2] = np.where(np.isnan(rows[:, 0]), np.nan, rows[:, 2])  # the gap is missing with the grid
    pipeline = preprocess.build(RAW, {}).fit(rows)
    assert preprocess.columns_out(pipeline, RAW, []) == [*RAW, "grid_position__missing"]
    rows[7, 2] = np.nan  # and now once more on its own
    pipeline = preprocess.build(RAW, {}).fit(rows)
    assert preprocess.columns_out(pipeline, RAW, []) == [*RAW, "grid_position__missing", "gap__missing"]


def test_an_outlier_is_capped_at_three_robust_sigmas() -> None:
    rows = _rows()
    pipeline = preprocess.build(RAW, {}).fit(rows)
    high = pipeline["cap"].high_[2]
    middle = np.median(rows[:, 2])
    assert high == pytest.approx(middle + 3 * 1.4826 * np.median(np.abs(rows[:, 2] - middle)), rel=1e-3)
    assert pipeline.transform(rows)[5, 2] == pipeline.transform(np.array([[1, 20, high]], "float32"))[0, 2]


def test_a_rare_flag_is_not_capped_away() -> None:
    rows = np.zeros((100, 3), "float32")
    rows[3, 2] = 1
    made = preprocess.build(RAW, {}).fit_transform(rows + np.array([1, 20, 0], "float32"))
    assert made[3, 2] > made[4, 2]


def test_places_become_scores_that_grow_with_the_place_and_stay_missing_when_missing() -> None:
    rows = np.array([[1, 20, 0], [10, 20, 0], [20, 20, 0], [np.nan, 20, 0]], "float32")
    derived = preprocess.build(RAW, DERIVED)["derive"].fit(rows).transform(rows)
    assert derived[0, 3] < derived[1, 3] < derived[2, 3]
    assert derived[0, 3] == pytest.approx(-derived[2, 3], rel=1e-5)
    assert derived[:3, 4].tolist() == [1, 0, 0]
    assert np.isnan(derived[3, 3:]).all()


def test_a_column_without_any_value_is_refused() -> None:
    rows = _rows()
    rows[:, 2] = np.nan
    with pytest.raises(BadParameters, match="no value"):
        preprocess.build(RAW, {}).fit(rows)


def test_an_absent_feature_is_named() -> None:
    with pytest.raises(MissingColumn, match="field_size"):
        serving.matrix_of(pd.DataFrame({"grid_position": [1.0]}), ["grid_position", "field_size"])


def test_nullable_columns_become_nan() -> None:
    frame = pd.DataFrame({"grid_position": pd.array([1, None], dtype="Int64")})
    assert np.isnan(serving.matrix_of(frame, ["grid_position"])[1, 0])


def test_a_skill_counts_only_where_rain_is_forecast_and_is_unknown_with_the_forecast() -> None:
    derive = preprocess.Derive([("when_wet", 0, 1)])
    raw = np.array([[0.4, 1.0], [0.4, 0.0], [0.4, np.nan], [np.nan, 1.0]], dtype="float32")
    made = derive.fit(raw).transform(raw)[:, 2]
    assert made[:2].tolist() == [pytest.approx(0.4), 0.0]
    assert np.isnan(made[2:]).all()
