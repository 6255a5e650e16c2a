"""The exported graph answers as scikit-learn and xgboost do, and is the same bytes every time."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import numpy as np
import onnx
import pytest

from f1lib.errors import RunError
from f1lib.model import fit, onnx_export, serving, train
from f1lib.model.config import parse_config
from tests.support.made_up_training import CONFIG, FRESH, training, training_with_form


@pytest.fixture(scope="module")
def rows():  # type: ignore[no-untyped-def]
    return fit.labelled(training(), "pre_race")


@pytest.fixture(scope="module")
def fitted(rows):  # type: ignore[no-untyped-def]
    return fit.fit(rows, parse_config(CONFIG, "test"), train.feature_columns(rows))


def test_parity_holds_on_training_rows_and_on_ten_thousand_synthetic_ones(fitted, rows) -> None:  # type: ignore[no-untyped-def]
    measured = onnx_export.parity(fitted, onnx_export.export(fitted), rows)
    assert measured["max_abs_difference"] <= 1e-4
    assert measured["synthetic"]["rows"] == 10_000
    assert measured["training"]["rows"] == len(rows)


def test_parity_is_measured_and_not_assumed(fitted, rows) -> None:  # type: ignore[no-untyped-def]
    shifted = copy.deepcopy(fitted.parts["linear"])
    shifted.estimator.intercept_ += 0.01
    graph = onnx_export.export(dataclasses.replace(fitted, parts={**fitted.parts, "linear": shifted}))
    assert onnx_export.parity(fitted, graph, rows)["max_abs_difference"] == pytest.approx(0.007, rel=0.05)


@pytest.mark.parametrize(("row", "value"), [(0, np.nan), (-1, np.nan), (-1, 7.0)])
def test_one_wrong_answer_among_ten_thousand_fails_parity(  # type: ignore[no-untyped-def]
    fitted, rows, monkeypatch: pytest.MonkeyPatch, row: int, value: float
) -> None:
    def wrong(graph: bytes) -> Any:
        serve = serving.open_graph(graph)
        last = {"answers": 0}

        def answer(raw: Any) -> Any:
            found = serve(raw)
            last["answers"] += len(raw)
            if last["answers"] == len(rows) + (10_000 if row else len(raw)):
                found["p_dnf"][row] = value
            return found

        return answer

    monkeypatch.setattr(onnx_export, "open_graph", wrong)
    worst = onnx_export.parity(fitted, onnx_export.export(fitted), rows)["max_abs_difference"]
    assert worst == (pytest.approx(7, abs=1) if value == 7.0 else float("inf"))


def test_the_graph_computes_the_columns_of_the_pipeline_and_those_of_the_trees_to_the_bit(fitted, rows) -> None:  # type: ignore[no-untyped-def]
    raw = serving.matrix_of(rows, fitted.raw)
    answer = serving.open_graph(onnx_export.export(fitted))
    exact = fitted.parts["trees"].columns
    for matrix in (raw, onnx_export.synthetic_rows(raw, seed=2)):
        served, native = answer(matrix)["columns"], fitted.pipeline.transform(matrix)
        np.testing.assert_array_equal(served[:, exact], native[:, exact])
        np.testing.assert_allclose(served, native, atol=1e-6)
        np.testing.assert_array_equal(native, fitted.answer(matrix)["columns"])


def test_the_same_fit_gives_the_same_bytes(fitted, rows) -> None:  # type: ignore[no-untyped-def]
    again = fit.fit(rows, fitted.config, train.feature_columns(rows))
    graph = onnx_export.export(fitted)
    assert onnx_export.export(again) == graph
    domains = [opset.domain for opset in onnx.load_model_from_string(graph).opset_import]
    assert domains == sorted(domains)  # in another process a set has another order


def test_synthetic_rows_have_about_a_tenth_missing_more_than_the_real_ones(rows) -> None:  # type: ignore[no-untyped-def]
    raw = np.ones((50, 4), "float32")
    assert np.isnan(onnx_export.synthetic_rows(raw, 1)).mean() == pytest.approx(0.10, abs=0.01)


def test_bytes_that_are_no_model_are_refused_in_one_line() -> None:
    with pytest.raises(RunError, match="cannot be loaded"):
        serving.open_graph(b"not a model")


@pytest.fixture(scope="module")
def with_form():  # type: ignore[no-untyped-def]
    return fit.labelled(training_with_form(), "pre_race")


@pytest.fixture(scope="module")
def gated(with_form):  # type: ignore[no-untyped-def]
    return fit.fit(with_form, parse_config(CONFIG + FRESH, "test"), train.feature_columns(with_form))


def test_parity_holds_with_a_second_regression_for_those_without_form(gated, with_form) -> None:  # type: ignore[no-untyped-def]
    assert gated.fresh is not None
    measured = onnx_export.parity(gated, onnx_export.export(gated), with_form)
    assert measured["max_abs_difference"] <= 1e-4


def test_who_has_no_form_is_judged_without_it(gated, with_form) -> None:  # type: ignore[no-untyped-def]
    model = gated.serving()
    race = with_form[with_form["event_number"] == 4].head(12)
    new = race.assign(form_current_era_share=0.0)
    otherwise = new.assign(practice_best_gap_pct=5.0, form_position_10=1.0)
    assert model.predict(new)["predicted_score"].tolist() == model.predict(otherwise)["predicted_score"].tolist()
    unknown = new.assign(form_current_era_share=np.nan)
    assert model.predict(unknown)["predicted_score"].tolist() == model.predict(new)["predicted_score"].tolist()


def test_form_earns_its_weight_back_in_proportion(gated, with_form) -> None:  # type: ignore[no-untyped-def]
    model = gated.serving()
    race = with_form[with_form["event_number"] == 4].head(12)
    none, half, full = (
        model.predict(race.assign(form_current_era_share=share))["predicted_score"] for share in (0.0, 0.5, 1.0)
    )
    # The trees read the share itself; the linear part and the gate are exact.
    assert np.corrcoef(half, (none + full) / 2)[0, 1] > 0.99


def test_a_horizon_that_lacks_what_stands_in_for_form_keeps_form(with_form) -> None:  # type: ignore[no-untyped-def]
    before = with_form.assign(practice_best_gap_pct=np.nan)
    config = parse_config(CONFIG + FRESH, "test")
    assert fit.fit(before, config, train.feature_columns(before)).fresh is None
