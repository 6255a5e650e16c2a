"""The hand-written graph answers as scikit-learn and xgboost do, and is the same bytes every time."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import xgboost
from made_up_training import CONFIG, training

from f1lib import model, model_fit, onnx_export
from f1lib.errors import RunError
from f1lib.model_config import parse_config


@pytest.fixture(scope="module")
def rows():  # type: ignore[no-untyped-def]
    return model_fit.labelled(training(), "pre_race")


@pytest.fixture(scope="module")
def fitted(rows):  # type: ignore[no-untyped-def]
    return model_fit.fit(rows, parse_config(CONFIG, "test"), model.feature_columns(rows))


def test_parity_holds_on_training_rows_and_on_ten_thousand_synthetic_ones(fitted, rows) -> None:  # type: ignore[no-untyped-def]
    measured = model_fit.parity(fitted, rows)
    assert measured["max_abs_difference"] <= 1e-4
    assert measured["synthetic"]["rows"] == 10_000
    assert measured["training"]["rows"] == len(rows)


def test_parity_is_measured_and_not_assumed(fitted, rows) -> None:  # type: ignore[no-untyped-def]
    shifted = dataclasses.replace(fitted.linear, intercept=fitted.linear.intercept + 0.01)
    broken = dataclasses.replace(fitted)
    broken.__dict__["graph"] = dataclasses.replace(fitted, linear=shifted).graph
    assert model_fit.parity(broken, rows)["max_abs_difference"] == pytest.approx(0.007, rel=0.05)


def test_the_same_fit_gives_the_same_bytes(fitted, rows) -> None:  # type: ignore[no-untyped-def]
    again = model_fit.fit(rows, fitted.config, model.feature_columns(rows))
    assert again.graph == fitted.graph


def test_synthetic_rows_have_about_a_tenth_missing_more_than_the_real_ones(rows) -> None:  # type: ignore[no-untyped-def]
    raw = np.ones((50, 4), "float32")
    assert np.isnan(onnx_export.synthetic_rows(raw, 1)).mean() == pytest.approx(0.10, abs=0.01)


def test_an_objective_the_graph_does_not_know_is_refused() -> None:
    data = xgboost.DMatrix(np.arange(20.0).reshape(10, 2), label=[0, 1] * 5)
    booster = xgboost.train({"objective": "binary:logistic", "nthread": 1}, data, 2)
    with pytest.raises(RunError, match="binary:logistic"):
        onnx_export.tree_attributes(booster)


def test_bytes_that_are_no_model_are_refused_in_one_line() -> None:
    with pytest.raises(RunError, match="cannot be loaded"):
        onnx_export.session(b"not a model")
