"""The fit is scikit-learn's and xgboost's, and the same on every machine."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from f1lib.model import fit, serving, train
from f1lib.model.config import parse_config
from tests.support.made_up_training import CONFIG, training


@pytest.fixture(scope="module")
def rows():  # type: ignore[no-untyped-def]
    return fit.labelled(training(8, 20), "pre_race")


def _fitted(rows, config: str = CONFIG):  # type: ignore[no-untyped-def]
    return fit.fit(rows, parse_config(config, "test"), train.feature_columns(rows))


def test_the_linear_parts_are_the_exact_optimum(rows) -> None:  # type: ignore[no-untyped-def]
    made = _fitted(rows)
    columns = made.pipeline.transform(serving.matrix_of(rows, made.raw)).astype("float64")
    weight = 0.5 ** ((fit.race_index(rows).max() - fit.race_index(rows)) / 50)
    linear, target = made.parts["linear"], fit.finish_score(rows)
    used = ~np.isnan(target)
    design = columns[used][:, linear.columns]
    wrong = design @ linear.estimator.coef_ + linear.estimator.intercept_ - target[used]
    slope = design.T @ (weight[used] * wrong) + 5.0 * linear.estimator.coef_
    np.testing.assert_allclose([*slope, weight[used] @ wrong], 0, atol=1e-8)
    design = columns[:, made.dnf.columns]
    wrong = made.dnf.estimator.predict_proba(design)[:, 1] - rows["is_dnf"].to_numpy()
    slope = design.T @ (weight * wrong) + 20.0 * made.dnf.estimator.coef_[0]
    np.testing.assert_allclose([*slope, weight @ wrong], 0, atol=1e-6)


def test_the_threads_of_linear_algebra_change_nothing_and_are_left_as_they_were(rows) -> None:  # type: ignore[no-untyped-def]
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads, "blas"):
            made = _fitted(rows)
            assert {lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"} == {threads}
            found.append([*made.parts["linear"].estimator.coef_, *made.dnf.estimator.coef_[0]])
    assert found[0] == found[1]


def test_a_field_that_always_finished_has_the_least_risk_there_is(rows) -> None:  # type: ignore[no-untyped-def]
    made = _fitted(rows.assign(is_dnf=0.0))
    assert set(made.serving().predict(rows)["p_dnf"].round(6)) == {fit.P_DNF_LOW}
