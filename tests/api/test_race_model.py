"""`f1lib.RaceModel`: the pipeline's model in scikit-learn's form."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import f1lib
from f1lib.errors import BadParameters, RunError
from f1lib.model.config import load_config
from f1lib.model.fit import fit, labelled
from f1lib.model.train import columns_read, feature_columns
from tests.support.made_up_training import training


@pytest.fixture(scope="module")
def fitted() -> f1lib.RaceModel:
    return f1lib.RaceModel("grid_plus_quali_v1").fit(training())


def test_the_probabilities_of_a_race_sum_to_one_by_driver_and_by_place(fitted: f1lib.RaceModel) -> None:
    rows = training().query("horizon == 'pre_race'")
    first = rows[rows["event_partition_key"] == rows["event_partition_key"].iloc[0]]
    chances = fitted.predict_proba(first)
    assert chances.shape == (len(first), len(fitted.classes_))
    np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-9)
    np.testing.assert_allclose(chances.sum(axis=0)[: len(first)], 1, atol=1e-9)
    assert sorted(fitted.predict(first)) == list(range(1, len(first) + 1))


def test_rows_come_back_in_their_order_whatever_it_is(fitted: f1lib.RaceModel) -> None:
    rows = training().query("horizon == 'pre_race'")
    mixed = rows.sample(frac=1, random_state=4)
    found = fitted.forecast(mixed)
    assert found.index.tolist() == mixed.index.tolist()
    np.testing.assert_array_equal(fitted.predict_proba(rows), fitted.predict_proba(mixed)[mixed.index.argsort()])


def test_it_is_the_model_of_the_pipeline(fitted: f1lib.RaceModel) -> None:
    rows, config = training(), load_config("grid_plus_quali_v1")
    own = labelled(rows[columns_read(config, feature_columns(rows))], "pre_race")
    race = own[own["event_partition_key"] == own["event_partition_key"].iloc[0]]
    ours = fit(own, config, feature_columns(rows)).serving().forecast(race)
    np.testing.assert_array_equal(ours["p_win"], fitted.forecast(race)["p_win"])


def test_scikit_learns_tools_know_it(fitted: f1lib.RaceModel) -> None:
    again = clone(fitted)
    assert again.get_params() == {"config": "grid_plus_quali_v1", "horizon": "pre_race"}
    rows = training().query("horizon == 'pre_race'")
    with pytest.raises(NotFittedError):
        again.predict(rows)
    places = rows["finishing_position"]
    assert again.fit(rows.drop(columns="finishing_position"), places).score(rows) == fitted.score(rows, places) < 0


def test_what_cannot_be_fitted_or_forecast_is_refused(fitted: f1lib.RaceModel) -> None:
    rows = training()
    with pytest.raises(BadParameters, match="no model configuration 'nobody'"):
        f1lib.RaceModel("nobody").fit(rows)
    with pytest.raises(BadParameters, match="horizon"):
        f1lib.RaceModel("grid_plus_quali_v1", horizon="friday").fit(rows)
    with pytest.raises(RunError, match="too few"):
        f1lib.RaceModel("grid_plus_quali_v1").fit(rows.head(3))
    with pytest.raises(BadParameters, match="each driver once"):
        fitted.forecast(rows.iloc[[0, 0]])
