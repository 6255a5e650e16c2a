"""A correction by columns that only some races have: the others keep the forecast of a model without it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from f1lib.errors import BadParameters
from f1lib.model import fit, onnx_export, serving, train
from f1lib.model.config import load_config, parse_config
from tests.support.made_up_training import CONFIG, CORRECTED, training, with_long_runs

COLUMN = "practice_long_run_shrunk_gap_pct"
UNTIL_THE_GRID = CORRECTED.replace("sprint_position", "grid_position")
PLAIN = CORRECTED[: CORRECTED.index("correction:")]


def _fitted(rows: pd.DataFrame, config: str = CORRECTED) -> fit.Fitted:
    return fit.fit(rows, parse_config(config, "test"), train.feature_columns(rows))


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return fit.labelled(with_long_runs(training()), "pre_race")


@pytest.fixture(scope="module")
def both(rows: pd.DataFrame) -> tuple[fit.Fitted, fit.Fitted]:
    """The same model with the correction and without."""
    return _fitted(rows), _fitted(rows, PLAIN)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(known=st.sets(st.integers(0, 11)), seed=st.integers(0, 99))
def test_only_drivers_of_whom_a_column_is_known_are_moved(
    both: tuple[fit.Fitted, fit.Fitted], rows: pd.DataFrame, known: set[int], seed: int
) -> None:
    race = rows[rows["event_number"] == 2].head(12).reset_index(drop=True)
    values = np.random.default_rng(seed).normal(0, 1, 12)
    race[COLUMN] = [values[i] if i in known else np.nan for i in range(12)]
    with_it, without = (model.serving().predict(race) for model in both)
    moved = with_it["predicted_score"] != without["predicted_score"]
    assert set(np.flatnonzero(moved)) == known
    pd.testing.assert_frame_equal(with_it[~moved], without[~moved], check_exact=True)
    pd.testing.assert_frame_equal(with_it[["p_dnf", "sigma"]], without[["p_dnf", "sigma"]], check_exact=True)


def test_a_race_without_laps_has_the_forecast_of_a_model_that_never_had_them_from_the_graph_too(
    both: tuple[fit.Fitted, fit.Fitted], rows: pd.DataFrame
) -> None:
    race = rows[(rows["event_year"] == 2017) & (rows["event_number"] == 3)]
    assert race[COLUMN].isna().all()
    found = []
    for model in both:
        answer = serving.open_graph(onnx_export.export(model))
        numbers = model.config.distribution.model_dump()
        found.append(serving.Serving("", model.raw, numbers, answer, {}).forecast(race))
    pd.testing.assert_frame_equal(found[0], found[1], check_exact=True)


def test_from_the_horizon_that_knows_the_column_until_it_is_the_model_without_the_correction(
    both: tuple[fit.Fitted, fit.Fitted], rows: pd.DataFrame
) -> None:
    made = _fitted(rows, UNTIL_THE_GRID)
    assert made.correction is None
    assert made.raw == both[1].raw
    pd.testing.assert_frame_equal(made.serving().predict(rows), both[1].serving().predict(rows), check_exact=True)
    early = _fitted(rows.assign(grid_position=np.nan), UNTIL_THE_GRID)
    assert early.correction is not None


def test_before_the_horizon_that_knows_what_it_needs_it_is_the_model_without_the_correction(rows: pd.DataFrame) -> None:
    early = rows.assign(practice_best_gap_pct=np.nan)
    assert _fitted(early).correction is None
    assert _fitted(early).raw == _fitted(early, PLAIN).raw


def test_without_any_laps_in_history_a_long_run_counts_for_what_the_configuration_says(rows: pd.DataFrame) -> None:
    made, plain = _fitted(rows.assign(**{COLUMN: np.nan})), _fitted(rows, PLAIN)
    found, without = (model.serving().predict(rows)["predicted_score"] for model in (made, plain))
    np.testing.assert_allclose(found - without, 0.1 * rows[COLUMN].fillna(0.0), atol=1e-6)
    known = rows[COLUMN].notna()
    pd.testing.assert_series_equal(found[~known], without[~known], check_exact=True)


def test_it_is_the_ridge_regression_of_what_the_score_leaves_over_about_its_prior(
    both: tuple[fit.Fitted, fit.Fitted], rows: pd.DataFrame
) -> None:
    made, plain = both
    target, weight = fit.finish_score(rows), 0.5 ** ((fit.race_index(rows).max() - fit.race_index(rows)) / 50)
    used = ~np.isnan(target) & rows[COLUMN].notna().to_numpy()
    left = (target - plain.serving().predict(rows)["predicted_score"])[used] - 0.1 * rows.loc[used, COLUMN]
    ridge = Ridge(alpha=5.0).fit(rows.loc[used, [COLUMN]], left, sample_weight=weight[used])
    assert made.correction is not None
    np.testing.assert_allclose(made.correction.estimator.coef_, ridge.coef_ + 0.1, rtol=1e-5)
    assert made.correction.estimator.coef_[0] > 0.05, "a slow long run is a worse place"


def test_graph_and_model_agree_with_a_correction(both: tuple[fit.Fitted, fit.Fitted], rows: pd.DataFrame) -> None:
    found = onnx_export.parity(both[0], onnx_export.export(both[0]), rows)
    assert found["max_abs_difference"] < onnx_export.PARITY_TOLERANCE


@pytest.mark.parametrize(
    "config", [CONFIG, CORRECTED.replace("practice_best_gap_pct]\n  weight", f"{COLUMN}]\n  weight")]
)
def test_a_part_beside_it_that_reads_its_columns_is_refused(config: str) -> None:
    text = config if "correction" in config else config + CORRECTED[CORRECTED.index("correction:") :]
    with pytest.raises(BadParameters, match=f"only the correction may read its columns.*{COLUMN}"):
        parse_config(text, "test")


def test_blend_v2_is_blend_v1_with_a_correction_and_with_rain_in_the_place_of_weather_in_the_score() -> None:
    v1, v2 = load_config("blend_v1").model_dump(), load_config("blend_v2").model_dump()
    assert v2["correction"]["until"] == "qualifying_position"
    assert v2["rain"]
    weather = {"weather_is_wet", "weather_is_mixed", "weather_precipitation_mm", "skill_in_the_wet"}
    assert v1["derived"].pop("skill_in_the_wet")
    for part in ("linear", "trees", "dnf"):
        v1[part]["columns"] = [c for c in v1[part]["columns"] if c not in weather]
    new = {"name": v2["name"], "description": v2["description"], "correction": v2["correction"], "rain": v2["rain"]}
    assert v2 == v1 | new
