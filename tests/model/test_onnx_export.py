"""The hand-written graph answers as scikit-learn and xgboost do, and is the same bytes every time."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import xgboost

from f1lib.errors import RunError
from f1lib.model import fit, onnx_export, onnx_trees, parity, train
from f1lib.model.config import parse_config
from tests.support.made_up_training import CONFIG, FRESH, training, training_with_form


@pytest.fixture(scope="module")
def rows():  # type: ignore[no-untyped-def]
    return fit.labelled(training(), "pre_race")


@pytest.fixture(scope="module")
def fitted(rows):  # type: ignore[no-untyped-def]
    return fit.fit(rows, parse_config(CONFIG, "test"), train.feature_columns(rows))


def test_parity_holds_on_training_rows_and_on_ten_thousand_synthetic_ones(fitted, rows) -> None:  # type: ignore[no-untyped-def]
    measured = parity.parity(fitted, rows)
    assert measured["max_abs_difference"] <= 1e-4
    assert measured["synthetic"]["rows"] == 10_000
    assert measured["training"]["rows"] == len(rows)


def test_parity_is_measured_and_not_assumed(fitted, rows) -> None:  # type: ignore[no-untyped-def]
    shifted = dataclasses.replace(fitted.linear, intercept=fitted.linear.intercept + 0.01)
    broken = dataclasses.replace(fitted)
    broken.__dict__["graph"] = dataclasses.replace(fitted, linear=shifted).graph
    assert parity.parity(broken, rows)["max_abs_difference"] == pytest.approx(0.007, rel=0.05)


def test_the_same_fit_gives_the_same_bytes(fitted, rows) -> None:  # type: ignore[no-untyped-def]
    again = fit.fit(rows, fitted.config, train.feature_columns(rows))
    assert again.graph == fitted.graph


def test_synthetic_rows_have_about_a_tenth_missing_more_than_the_real_ones(rows) -> None:  # type: ignore[no-untyped-def]
    raw = np.ones((50, 4), "float32")
    assert np.isnan(parity.synthetic_rows(raw, 1)).mean() == pytest.approx(0.10, abs=0.01)


def test_an_objective_the_graph_does_not_know_is_refused() -> None:
    data = xgboost.DMatrix(np.arange(20.0).reshape(10, 2), label=[0, 1] * 5)
    booster = xgboost.train({"objective": "binary:logistic", "nthread": 1}, data, 2)
    with pytest.raises(RunError, match="binary:logistic"):
        onnx_trees.tree_attributes(booster)


def test_bytes_that_are_no_model_are_refused_in_one_line() -> None:
    with pytest.raises(RunError, match="cannot be loaded"):
        onnx_export.session(b"not a model")


@pytest.fixture(scope="module")
def with_form():  # type: ignore[no-untyped-def]
    return fit.labelled(training_with_form(), "pre_race")


@pytest.fixture(scope="module")
def gated(with_form):  # type: ignore[no-untyped-def]
    return fit.fit(with_form, parse_config(CONFIG + FRESH, "test"), train.feature_columns(with_form))


def test_parity_holds_with_a_second_regression_for_those_without_form(gated, with_form) -> None:  # type: ignore[no-untyped-def]
    assert gated.gate is not None
    measured = parity.parity(gated, with_form)
    assert measured["max_abs_difference"] <= 1e-4


def test_who_has_no_form_is_judged_without_it(gated, with_form) -> None:  # type: ignore[no-untyped-def]
    serving = train.serve(gated, "", {})
    race = with_form[with_form["event_number"] == 4].head(12)
    new = race.assign(form_current_era_share=0.0)
    otherwise = new.assign(practice_best_gap_pct=5.0, form_position_10=1.0)
    assert serving.predict(new)["predicted_score"].tolist() == serving.predict(otherwise)["predicted_score"].tolist()
    unknown = new.assign(form_current_era_share=np.nan)
    assert serving.predict(unknown)["predicted_score"].tolist() == serving.predict(new)["predicted_score"].tolist()


def test_form_earns_its_weight_back_in_proportion(gated, with_form) -> None:  # type: ignore[no-untyped-def]
    serving = train.serve(gated, "", {})
    race = with_form[with_form["event_number"] == 4].head(12)
    none, half, full = (
        serving.predict(race.assign(form_current_era_share=share))["predicted_score"] for share in (0.0, 0.5, 1.0)
    )
    # The trees read the share itself; the linear part and the gate are exact.
    assert np.corrcoef(half, (none + full) / 2)[0, 1] > 0.99


def test_a_horizon_that_lacks_what_stands_in_for_form_keeps_form(with_form) -> None:  # type: ignore[no-untyped-def]
    before = with_form.assign(practice_best_gap_pct=np.nan)
    config = parse_config(CONFIG + FRESH, "test")
    assert fit.fit(before, config, train.feature_columns(before)).gate is None
