"""The metrics against numbers worked out by hand, and their refusals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from f1lib.errors import BadParameters
from f1lib.scoring import metrics
from f1lib.scoring import positions as scoring_positions

CERTAIN = np.eye(3)
UNIFORM = np.full((3, 3), 1 / 3)


def test_a_perfect_order_has_no_error_and_full_correlation() -> None:
    assert metrics.mae([1, 2, 3], [1, 2, 3]) == 0
    assert metrics.spearman([1, 2, 3], [1, 2, 3]) == pytest.approx(1)


def test_mae_and_spearman_of_one_swap_are_those_worked_out_by_hand() -> None:
    assert metrics.mae([1, 2, 3], [2, 1, 3]) == pytest.approx(2 / 3)
    assert metrics.spearman([1, 2, 3], [2, 1, 3]) == pytest.approx(0.5)  # 1 - 6 * 2 / (3 * 8)


def test_rps_of_the_uniform_distribution_over_three_places() -> None:
    # winner: (1/3 - 1)^2 + (2/3 - 1)^2 = 5/9; second: 1/9 + 1/9; third: 1/9 + 4/9; over n - 1 = 2, mean of 3
    assert metrics.rps(UNIFORM, [1, 2, 3]) == pytest.approx((5 / 9 + 2 / 9 + 5 / 9) / 2 / 3)
    assert metrics.rps(CERTAIN, [1, 2, 3]) == 0


def test_rps_punishes_a_far_miss_more_than_a_near_one() -> None:
    near, far = np.eye(3)[[1, 0, 2]], np.eye(3)[[2, 1, 0]]
    assert metrics.rps(near, [1, 2, 3]) < metrics.rps(far, [1, 2, 3])


def test_win_log_loss_is_floored_for_a_winner_held_impossible() -> None:
    assert metrics.win_log_loss([0.5, 0.5, 0.0], [2, 1, 3]) == pytest.approx(math.log(2))
    assert metrics.win_log_loss([1.0, 0.0, 0.0], [3, 1, 2]) == pytest.approx(-math.log(1e-4))


def test_podium_brier_of_a_certain_and_right_podium_is_nothing() -> None:
    n = 5
    assert metrics.top_brier(np.eye(n), range(1, n + 1), 3) == 0
    assert metrics.top_brier(np.full((n, n), 0.2), range(1, n + 1), 3) == pytest.approx((3 * 0.16 + 2 * 0.36) / 5)


def test_podium_overlap_counts_shared_members_whatever_their_order() -> None:
    assert metrics.podium_overlap([1, 2, 3, 4], [3, 1, 2, 4]) == 1
    assert metrics.podium_overlap([1, 2, 3, 4], [1, 2, 4, 3]) == pytest.approx(2 / 3)


def test_coverage_counts_outcomes_on_the_edges_as_inside() -> None:
    assert metrics.coverage([1, 1, 3], [1, 3, 3], [1, 2, 3]) == 1
    assert metrics.coverage([2, 1, 3], [3, 1, 3], [1, 2, 3]) == pytest.approx(1 / 3)


def test_dnf_log_loss_of_even_chances_is_log_two() -> None:
    assert metrics.dnf_log_loss([0.5, 0.5], [1, 0]) == pytest.approx(math.log(2))


def test_quantiles_are_read_off_the_mid_distribution() -> None:
    # Halfway through each place: row 0 at .05 .5 .95, row 1 at .45 .95, row 2 at 0 .05 .55.
    matrix = [[0.1, 0.8, 0.1], [0.9, 0.1, 0.0], [0.0, 0.1, 0.9]]
    assert scoring_positions.quantile_positions(matrix, 0.1).tolist() == [2, 1, 3]
    assert scoring_positions.quantile_positions(matrix, 0.5).tolist() == [2, 1, 3]
    assert scoring_positions.quantile_positions(matrix, 0.9).tolist() == [2, 1, 3]
    assert scoring_positions.quantile_positions(matrix, [0.1, 0.5, 0.9]).tolist() == [[2, 1, 3]] * 3


def test_the_interval_of_a_uniform_driver_leaves_a_tenth_on_either_side() -> None:
    uniform = np.full((20, 20), 0.05)
    assert scoring_positions.quantile_positions(uniform, 0.1).tolist() == [3] * 20
    assert scoring_positions.quantile_positions(uniform, 0.9).tolist() == [18] * 20
    assert scoring_positions.quantile_positions(uniform, [0.1, 0.9]).tolist() == [[3] * 20, [18] * 20]


@given(st.lists(st.floats(0.001, 1.0), min_size=2, max_size=22))
def test_quantiles_rise_with_their_level_and_mirror_with_the_order(weights: list[float]) -> None:
    row = np.array([weights]) / np.sum(weights)
    low, middle, high = (int(scoring_positions.quantile_positions(row, level)[0]) for level in (0.1, 0.5, 0.9))
    assert 1 <= low <= middle <= high <= len(weights)
    turned = row[:, ::-1]
    assert int(scoring_positions.quantile_positions(turned, 0.9)[0]) == len(weights) + 1 - low or low == middle


def test_an_interval_of_a_calibrated_forecast_holds_about_four_outcomes_of_five() -> None:
    generator = np.random.default_rng(5)
    chances = generator.dirichlet(np.full(20, 1.5), size=4000)
    place = (np.cumsum(chances, axis=1) < generator.random((4000, 1))).sum(axis=1) + 1
    low, high = (scoring_positions.quantile_positions(chances, level) for level in (0.1, 0.9))
    assert 0.77 < ((place >= low) & (place <= high)).mean() < 0.83


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: metrics.mae([1, 1, 3], [1, 2, 3]), "no permutation"),
        (lambda: metrics.mae([1, 2], [1, 2, 3]), "do not go with"),
        (lambda: metrics.rps(np.eye(2), [1, 2, 3]), "matrix of"),
        (lambda: metrics.rps(CERTAIN, [1, 2, 4]), "no permutation"),
        (lambda: metrics.win_log_loss([0.5, float("nan")], [1, 2]), "without gaps"),
        (lambda: metrics.dnf_log_loss([0.5], [2]), "0 or 1"),
        (lambda: metrics.paired_difference([1.0, 2.0], [1.0]), "same races"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(call: Any, said: str) -> None:
    with pytest.raises(BadParameters, match=said):
        call()


def _race(positions: list[float | None]) -> pd.DataFrame:
    n = len(positions)
    return pd.DataFrame(
        {
            "predicted_rank": range(1, n + 1),
            "position_probabilities": list(np.eye(n) * 0.7 + 0.3 / n),
            "p_dnf": 0.1,
            "finishing_position": positions,
            "is_dnf": [None if p is None else 0.0 for p in positions],
        }
    )


def test_a_driver_who_did_not_start_is_taken_out_and_the_others_move_up() -> None:
    scored = metrics.score_race(_race([None, 1.0, 2.0, 3.0]))
    assert scored["mae"] == 0
    assert scored["spearman"] == pytest.approx(1)


def test_scoring_does_not_change_when_nobody_is_missing() -> None:
    race = _race([1.0, 3.0, 2.0])
    direct = metrics.rps(np.eye(3) * 0.7 + 0.1, [1, 3, 2])
    assert metrics.score_race(race)["rps"] == pytest.approx(direct)


def test_a_race_without_any_outcome_cannot_be_scored() -> None:
    with pytest.raises(BadParameters, match="cannot be scored"):
        metrics.score_race(_race([None, None]))


def test_calibration_error_is_nothing_for_honest_chances_and_large_for_a_boaster() -> None:
    happened = [1] * 7 + [0] * 3
    assert metrics.expected_calibration_error([0.7] * 10, happened) == pytest.approx(0)
    assert metrics.expected_calibration_error([0.99] * 10, happened) == pytest.approx(0.29)


def test_summary_has_the_mean_and_standard_error_of_every_metric() -> None:
    summary = metrics.summarize([{"mae": 1.0, "rps": 0.2}, {"mae": 3.0, "rps": 0.2}])
    assert summary == pytest.approx({"mae": 2.0, "mae_se": 1.0, "rps": 0.2, "rps_se": 0.0})


@given(st.lists(st.tuples(st.permutations(range(1, 7)), st.integers(1, 9)), min_size=1, max_size=5), st.data())
def test_the_expected_score_is_the_mean_over_outcomes_drawn_from_the_forecast_s_own_matrix(
    drawn: list[tuple[list[int], int]], data: st.DataObject
) -> None:
    rank, p_dnf = data.draw(st.permutations(range(1, 7))), np.full(6, 0.25)
    weights = np.array([weight for _, weight in drawn]) / sum(weight for _, weight in drawn)
    outcomes = [np.array(outcome) for outcome, _ in drawn]
    matrix = sum(weight * np.eye(6)[outcome - 1] for weight, outcome in zip(weights, outcomes, strict=True))
    scores = [metrics.score(rank, matrix, p_dnf, outcome, np.zeros(6)) for outcome in outcomes]
    expected = metrics.expected(rank, matrix, p_dnf)
    assert list(expected) == list(metrics.METRICS)
    for name in metrics.METRICS[:-1]:
        mean = sum(weight * score[name] for weight, score in zip(weights, scores, strict=True))
        assert expected[name] == pytest.approx(mean, abs=1e-12), name


def test_the_expected_dnf_log_loss_is_the_mean_over_who_retires() -> None:
    p_dnf = np.array([0.0, 0.25, 0.5])
    retired = [(who, np.prod(np.where(who, p_dnf, 1 - p_dnf))) for who in map(np.array, np.ndindex(2, 2, 2))]
    mean = sum(chance * metrics.dnf_log_loss(p_dnf, who) for who, chance in retired)
    assert metrics.expected([1, 2, 3], UNIFORM, p_dnf)["dnf_log_loss"] == pytest.approx(mean)
