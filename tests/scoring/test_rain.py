"""Rain as a mixture: the average race stays as it is, a wet one is wider, and the order is nobody's to change."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from f1lib.scoring.positions import Shape, position_matrix
from f1lib.scoring.rain import Rain
from tests.support.examples import examples

MU, SIGMA, OUT = np.linspace(-1.5, 1.5, 12), np.full(12, 0.42), np.linspace(0.05, 0.2, 12)
RAIN = Rain(wet_share=0.125, width=1.7, hazard=1.2, intercept=0.0, slope=1.0)
PLACES = np.arange(1, 13)


def _mixture(p: float, rain: Rain = RAIN) -> tuple[np.ndarray, np.ndarray]:
    return rain.mixture(MU, SIGMA, OUT, Shape(), p)


def _spread(matrix: np.ndarray) -> float:
    return float(np.sqrt(matrix @ PLACES**2 - (matrix @ PLACES) ** 2).mean())


@given(st.floats(0.01, 0.9), st.floats(0.5, 4), st.floats(0.5, 3))
@settings(max_examples=examples(50), deadline=None)
def test_over_wet_and_dry_races_variance_and_hazard_are_those_of_any_weather(
    share: float, width: float, hazard: float
) -> None:
    (dry, dry_out), (wet, wet_out) = Rain(share, width, hazard, 0, 1).factors()
    assert share * wet**2 + (1 - share) * dry**2 == pytest.approx(1)
    assert share * wet_out + (1 - share) * dry_out == pytest.approx(1)
    assert (wet**2 / dry**2, wet_out / dry_out) == pytest.approx((width, hazard))


def test_the_likelier_rain_the_wider_the_matrix_and_the_likelier_a_retirement() -> None:
    found = [_mixture(p) for p in (0.0, 0.05, 0.3, 0.8, 1.0)]
    spreads = [_spread(matrix) for matrix, _ in found]
    assert spreads == sorted(set(spreads))
    assert all((np.diff([out[i] for _, out in found]) > 0).all() for i in range(12))
    for matrix, _ in found:
        np.testing.assert_allclose([matrix.sum(axis=0), matrix.sum(axis=1)], 1, atol=1e-9)
        assert (np.diff(matrix @ PLACES) > 0).all(), "rain does not reorder"


def test_at_the_usual_chance_the_matrix_is_nearly_that_of_any_weather() -> None:
    usual = position_matrix(MU, SIGMA, OUT, Shape())
    assert np.abs(_mixture(RAIN.wet_share)[0] - usual).max() < 0.01
    assert np.abs(_mixture(1.0)[0] - usual).max() > 0.05


def test_a_size_of_one_changes_nothing() -> None:
    matrix, out = _mixture(0.8, Rain(0.125, 1.0, 1.0, 0, 1))
    np.testing.assert_allclose(matrix, position_matrix(MU, SIGMA, OUT, Shape()), atol=1e-12)
    np.testing.assert_allclose(out, OUT)


def test_a_forecast_is_calibrated_unknown_stays_unknown_and_a_supposition_replaces_it() -> None:
    said = RAIN.chance([0.0, 50.0, 80.0, 100.0, np.nan])
    np.testing.assert_allclose(said[:4], [0.01, 0.5, 0.8, 0.99])
    assert np.isnan(said[4])
    high = Rain(0.125, 1.7, 1.2, -1.0, 1.0)
    assert high.chance([50.0])[0] == pytest.approx(1 / (1 + np.e))
    assert Rain(0.125, 1.7, 1.2, -1.0, 1.0, supposed=0.7).chance([5.0, np.nan]).tolist() == [0.7, 0.7]


def test_it_is_read_from_metadata_that_holds_more() -> None:
    numbers = {"wet_share": 0.1, "width": 1.5, "hazard": 1.1, "intercept": 0.0, "slope": 1.0, "wet_races": 9}
    assert Rain.of(numbers) == Rain(0.1, 1.5, 1.1, 0.0, 1.0)
