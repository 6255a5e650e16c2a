"""The exact distribution against sampling, against cases with a known answer, and its coherence."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from f1lib.domain.points import RACE_POINTS
from f1lib.errors import BadParameters, RunError
from f1lib.scoring.duels import ahead
from f1lib.scoring.positions import Shape, position_matrix, retired_places, sinkhorn, start_score, summarize, without
from tests.support.examples import examples

Floats = NDArray[np.float64]
TROUBLE = Shape(0.15, 0.7, 1.8)


def _sampled(mu: Floats, sigma: Floats, p_dnf: Floats, shape: Shape, races: int) -> Floats:
    generator = np.random.default_rng(5)
    n = len(mu)
    troubled = generator.random((races, n)) < shape.trouble_weight
    noise = generator.standard_normal((races, n)) * sigma
    latent = mu + np.where(troubled, shape.trouble_shift + noise * shape.trouble_spread, noise)
    retired = generator.random((races, n)) < p_dnf
    latent = np.where(retired, 1e6 + generator.random((races, n)), latent)
    places = latent.argsort(axis=1).argsort(axis=1)
    return np.stack([(places == k).mean(axis=0) for k in range(n)], axis=1)


@given(places=st.lists(st.one_of(st.integers(1, 30), st.just(np.nan)), min_size=1, max_size=24))
def test_a_start_score_rises_with_the_place_and_those_without_one_stand_last(places: list[float]) -> None:
    score = start_score(places)
    behind = np.where(np.isnan(places), 99.0, places)
    assert np.array_equal(np.sign(score[:, None] - score), np.sign(behind[:, None] - behind))
    assert start_score(np.arange(1.0, 21.0)).sum() == pytest.approx(0)
    assert start_score(np.full(20, np.nan)).tolist() == pytest.approx([0.0] * 20)


@pytest.mark.parametrize("shape", [Shape(), TROUBLE])
def test_the_exact_matrix_agrees_with_two_hundred_thousand_sampled_races(shape: Shape) -> None:
    mu, sigma = np.linspace(-1.5, 1.5, 20), np.linspace(0.3, 0.6, 20)
    p_dnf = np.linspace(0.05, 0.3, 20)
    exact = position_matrix(mu, sigma, p_dnf, shape)
    # four standard errors of a share of 200 000 races
    assert np.abs(exact - _sampled(mu, sigma, p_dnf, shape, 200_000)).max() < 4 * np.sqrt(0.25 / 200_000)


@settings(max_examples=examples(40), deadline=None)
@given(data=st.data(), n=st.integers(1, 24))
def test_rows_and_columns_sum_to_one_for_any_field(data: st.DataObject, n: int) -> None:
    def numbers(low: float, high: float) -> Floats:
        return np.array(data.draw(st.lists(st.floats(low, high), min_size=n, max_size=n)))

    matrix = position_matrix(numbers(-3, 3), numbers(0.2, 1.5), numbers(0, 0.7), TROUBLE)
    assert matrix.min() >= 0
    np.testing.assert_allclose(matrix.sum(axis=0), 1, atol=1e-9)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-9)


@pytest.mark.parametrize("gap", [2.0, 3.0, 4.0, 6.0])
def test_a_field_of_which_one_is_all_but_sure_to_win_has_its_matrix(gap: float) -> None:
    matrix = position_matrix([0.0, 1.0, -gap], [0.5, 1.0, 0.25], [0.0, 0.5, 0.0], Shape())
    assert matrix[2, 0] > 0.99
    np.testing.assert_allclose(matrix.sum(axis=0), 1, atol=1e-9)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-9)


def test_equal_drivers_have_equal_chances_everywhere() -> None:
    matrix = position_matrix(np.zeros(6), np.ones(6), np.full(6, 0.2), TROUBLE)
    np.testing.assert_allclose(matrix, np.full((6, 6), 1 / 6), atol=1e-9)


@pytest.mark.parametrize(("first", "second"), [(0.4, 0.3), (0.01, 2.0), (3.0, 0.02)])
def test_two_drivers_meet_with_the_normal_chance_of_their_difference(first: float, second: float) -> None:
    from scipy.stats import norm

    matrix = position_matrix([0.0, 0.5], [first, second], [0.0, 0.0], Shape())
    assert matrix[0, 0] == pytest.approx(norm.cdf(0.5 / np.hypot(first, second)), abs=1e-10)


@settings(max_examples=examples(40), deadline=None)
@given(data=st.data(), n=st.integers(1, 24), shape=st.sampled_from([Shape(), TROUBLE]))
def test_mean_places_are_those_of_the_pairs_however_different_the_drivers(
    data: st.DataObject, n: int, shape: Shape
) -> None:
    def numbers(low: float, high: float) -> Floats:
        return np.array(data.draw(st.lists(st.floats(low, high), min_size=n, max_size=n)))

    race = numbers(-3, 3), numbers(0.1, 1.5), numbers(0, 0.9)
    pairs = ahead(*race, shape)
    mean = position_matrix(*race, shape) @ np.arange(1, n + 1)
    np.testing.assert_allclose(mean, 1 + np.nansum(pairs, axis=0), atol=1e-8)


def test_several_weathers_at_once_are_those_of_each_alone() -> None:
    mu, sigma, p_dnf = np.linspace(-1, 1, 9), np.linspace(0.3, 0.6, 9), np.linspace(0, 0.3, 9)
    sigmas, hazards = np.stack([sigma, 1.4 * sigma, 0.5 * sigma]), np.stack([p_dnf, p_dnf / 2, 2 * p_dnf])
    for function in (position_matrix, ahead):
        at_once = function(mu, sigmas, hazards, TROUBLE)
        alone = [function(mu, *weather, TROUBLE) for weather in zip(sigmas, hazards, strict=True)]
        np.testing.assert_allclose(at_once, alone, atol=1e-9)


def test_a_driver_who_almost_surely_retires_is_almost_surely_last() -> None:
    matrix = position_matrix([-3.0, 0.0, 0.0], [0.3] * 3, [0.999, 0.0, 0.0], Shape())
    assert matrix[0, 2] > 0.99


def test_the_answer_does_not_depend_on_the_order_of_the_drivers() -> None:
    mu, sigma, p_dnf = np.linspace(-1, 1, 8), np.full(8, 0.5), np.linspace(0, 0.3, 8)
    order = np.array([3, 1, 7, 0, 2, 6, 5, 4])
    turned = position_matrix(mu[order], sigma[order], p_dnf[order], TROUBLE)
    np.testing.assert_allclose(turned, position_matrix(mu, sigma, p_dnf, TROUBLE)[order], atol=1e-9)


@pytest.mark.parametrize(
    ("mu", "sigma", "p_dnf"),
    [
        ([0.0], [0.0], [0.1]),
        ([0.0], [1.0], [1.0]),
        ([np.nan], [1.0], [0.1]),
        ([0.0, 1.0], [1.0], [0.1, 0.1]),
        ([0.0, 1.0], [[1.0, 1.0]], [0.1, 0.1]),
        ([0.0, 1e6], [0.1, 1.0], [0.1, 0.1]),
        ([], [], []),
    ],
)
def test_numbers_that_make_no_race_are_refused(mu: list[float], sigma: list[float], p_dnf: list[float]) -> None:
    with pytest.raises(BadParameters):
        position_matrix(mu, sigma, p_dnf, Shape())


def test_a_matrix_that_cannot_be_scaled_is_refused() -> None:
    with pytest.raises(RunError, match="cannot be brought"):
        sinkhorn([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 1.0]])


def test_taking_out_a_sure_winner_leaves_the_second_as_sure_winner() -> None:
    rest = without(np.eye(4), [False, True, True, True])
    np.testing.assert_allclose(rest, np.eye(3), atol=1e-9)


def test_taking_a_driver_out_of_an_even_field_leaves_it_even() -> None:
    rest = without(np.full((5, 5), 0.2), [True, True, False, True, True])
    np.testing.assert_allclose(rest, np.full((4, 4), 0.25), atol=1e-9)


@pytest.mark.parametrize("keep", [[0, 1, 2, 3, 4], [0, 2, 4], [1, 3, 5], [2]])
def test_taking_drivers_out_leaves_rows_and_columns_of_one_where_somebody_is_all_but_sure_to_win(
    keep: list[int],
) -> None:
    sure = 0.999999
    matrix = np.full((6, 6), (1 - (1 - sure) / 5) / 5)
    matrix[:, 0], matrix[0, :] = (1 - sure) / 5, (1 - sure) / 5
    matrix[0, 0] = sure
    matrix[1:, 1:] += np.diag(np.full(4, 0.19), 1) + np.diag([0.19], -4) - 0.19 / 5  # far from even
    rest = without(sinkhorn(matrix), np.isin(np.arange(6), keep))
    assert rest.min() >= 0
    np.testing.assert_allclose(rest.sum(axis=0), 1, rtol=0, atol=1e-9)
    np.testing.assert_allclose(rest.sum(axis=1), 1, rtol=0, atol=1e-9)


def test_the_summary_is_what_the_matrix_says() -> None:
    matrix = position_matrix(np.linspace(-1, 1, 12), np.full(12, 0.4), np.full(12, 0.1), TROUBLE)
    seen = summarize(matrix, np.linspace(-1, 1, 12), np.full(12, 0.1), RACE_POINTS)
    assert seen["predicted_rank"].tolist() == list(range(1, 13))
    np.testing.assert_allclose(seen["p_win"], matrix[:, 0])
    np.testing.assert_allclose(seen["p_podium"].sum(), 3)
    np.testing.assert_allclose(seen["p_points"].sum(), 10)
    np.testing.assert_allclose(seen["predicted_position"].sum(), 78)
    np.testing.assert_allclose(seen["expected_points"].sum(), sum(RACE_POINTS))
    assert (seen["position_p10"] <= seen["position_p50"]).all()
    assert (seen["position_p50"] <= seen["position_p90"]).all()


def test_equal_scores_still_give_a_permutation_of_ranks() -> None:
    seen = summarize(np.full((4, 4), 0.25), np.zeros(4), np.zeros(4), RACE_POINTS)
    assert sorted(seen["predicted_rank"]) == [1, 2, 3, 4]


def test_who_retires_takes_a_place_behind_all_who_finish() -> None:
    places = retired_places([0.0, 0.0, 0.4])
    assert places == pytest.approx(np.array([[0, 0, 0], [0, 0, 0], [0, 0, 0.4]]))
    both = retired_places([0.0, 0.5, 0.5])
    assert both.sum(axis=1) == pytest.approx([0, 0.5, 0.5])
    assert both[1] == pytest.approx([0, 0.125, 0.375])  # second only when both retire, and then half the time


@pytest.mark.parametrize("p_dnf", [[0.3], [0.1, 0.6], [0.5, 0.2, 0.9, 0.0, 0.35], [0.05, 0.1, 0.15, 0.2, 0.3, 0.4]])
def test_the_places_of_the_retired_are_those_of_all_ways_to_retire(p_dnf: list[float]) -> None:
    n, expected = len(p_dnf), np.zeros((len(p_dnf), len(p_dnf)))
    for retired in product([False, True], repeat=n):
        chance = np.prod(np.where(retired, p_dnf, 1 - np.array(p_dnf)))
        for driver in np.flatnonzero(retired):
            expected[driver, n - sum(retired) :] += chance / sum(retired)
    np.testing.assert_allclose(retired_places(p_dnf), expected, atol=1e-14)


def test_drivers_of_whom_the_same_is_known_are_ranked_in_the_order_of_the_rows() -> None:
    matrix = position_matrix([0.0, 1.0, 1.0, 1.0], [0.42] * 4, [0.15] * 4, Shape())
    for noise in (1e-14, -1e-14):
        turned = matrix + noise * np.arange(4)[:, None]
        assert summarize(turned, [0.0, 1.0, 1.0, 1.0], [0.15] * 4, RACE_POINTS)["predicted_rank"].tolist() == [
            1,
            2,
            3,
            4,
        ]
