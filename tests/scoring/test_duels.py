"""Head-to-heads come from the joint order of a race, not from two separate distributions of places."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from f1lib.scoring.duels import ahead
from f1lib.scoring.positions import Shape, position_matrix

SHAPES = [Shape(), Shape(0.2, 0.8, 2.0)]


def _race(seed: int, n: int = 8) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.8, n), rng.uniform(0.3, 0.6, n), rng.uniform(0, 0.4, n)


@given(seed=st.integers(0, 10_000), shape=st.sampled_from(SHAPES))
def test_one_of_two_is_ahead_and_the_column_sums_are_the_expected_places(seed: int, shape: Shape) -> None:
    race = _race(seed)
    chances = ahead(*race, shape)
    assert np.isnan(np.diag(chances)).all()
    np.testing.assert_allclose((chances + chances.T)[~np.eye(8, dtype=bool)], 1)
    places = position_matrix(*race, shape) @ np.arange(1, 9)
    np.testing.assert_allclose(1 + np.nansum(chances, axis=0), places, atol=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_how_often_one_is_ahead_in_races_that_are_drawn(shape: Shape) -> None:
    mu, sigma, out = _race(3)
    rng, races = np.random.default_rng(1), 200_000
    troubled = rng.random((races, 8)) < shape.trouble_weight
    spread = sigma * np.where(troubled, shape.trouble_spread, 1.0)
    latent = mu + troubled * shape.trouble_shift + rng.normal(size=(races, 8)) * spread
    latent = np.where(rng.random((races, 8)) < out, 100 + rng.random((races, 8)), latent)
    drawn = (latent[:, :, None] < latent[:, None, :]).mean(axis=0)
    different = ~np.eye(8, dtype=bool)
    np.testing.assert_allclose(ahead(mu, sigma, out, shape)[different], drawn[different], atol=4 * 0.5 / races**0.5)


def test_two_separate_distributions_of_places_would_say_something_else() -> None:
    """Two drivers alone: the places of one are those that the other has not."""
    race = (np.array([0.0, 0.5]), np.array([0.4, 0.4]), np.array([0.0, 0.0]))
    matrix = position_matrix(*race, Shape())
    from_marginals = matrix[0, 0] * matrix[1, 1]
    assert ahead(*race, Shape())[0, 1] == pytest.approx(matrix[0, 0], abs=1e-6)
    assert abs(from_marginals - matrix[0, 0]) > 0.1
