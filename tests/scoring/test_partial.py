"""Forecasts that say less than a whole distribution: the metrics that they allow, as of the distribution itself."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from f1lib.scoring import metrics
from f1lib.scoring.partial import score_known
from f1lib.scoring.positions import Shape, position_matrix

N = 12


def _race(started: int = N) -> pd.DataFrame:
    matrix = position_matrix(np.arange(N) / 4, np.full(N, 0.8), np.full(N, 0.1), Shape())
    outcome = np.random.default_rng(4).permutation(N) + 1.0
    outcome[outcome > started] = np.nan
    rows = pd.DataFrame({"predicted_rank": np.arange(1, N + 1), "position_probabilities": list(matrix), "p_dnf": 0.1})
    tops = {"p_win": 1, "p_podium": 3, "p_top10": 10}
    rows = rows.assign(**{name: matrix[:, :places].sum(axis=1) for name, places in tops.items()})
    return rows.assign(finishing_position=outcome, is_dnf=np.arange(N) % 5 == 0)


def test_a_whole_forecast_has_every_metric_and_its_expected_value() -> None:
    race, found = _race(), score_known(_race())
    assert {name: found[name] for name in metrics.METRICS} == metrics.score_race(race)
    assert {name: found[f"expected_{name}"] for name in metrics.METRICS} == metrics.expected_race(race)


@pytest.mark.parametrize(
    ("column", "names"),
    [
        ("predicted_rank", {"mae", "spearman", "podium_overlap"}),
        ("p_win", {"win_log_loss", "winner_hit"}),
        ("p_podium", {"podium_brier"}),
        ("p_top10", {"top10_brier"}),
        ("p_dnf", {"dnf_log_loss"}),
    ],
)
def test_a_part_has_its_metrics_with_the_values_of_the_whole(column: str, names: set[str]) -> None:
    race = _race()
    found, whole = score_known(race[[column, "finishing_position", "is_dnf"]]), metrics.score_race(race)
    assert set(found) == names
    assert found == pytest.approx({name: whole[name] for name in names})


def test_places_alone_give_the_order_by_mean_place_and_nothing_of_retirements() -> None:
    found = score_known(_race()[["position_probabilities", "finishing_position", "is_dnf"]])
    assert not {"dnf_log_loss", "expected_dnf_log_loss"} & set(found)
    assert found["mae"] == metrics.score_race(_race())["mae"]


def test_who_did_not_start_is_taken_out_and_the_chances_of_the_others_close_up() -> None:
    race = _race(started=N - 2)
    found = score_known(race[["predicted_rank", "p_win", "finishing_position", "is_dnf"]])
    ran = race[race["finishing_position"].notna()]
    chance = ran.loc[ran["finishing_position"] == 1, "p_win"].iloc[0] / ran["p_win"].sum()
    assert found["win_log_loss"] == pytest.approx(-np.log(chance))
    assert 0 <= found["mae"] < N - 2


def test_chances_that_all_went_to_a_driver_who_did_not_start_are_floored() -> None:
    race = _race(started=N - 1)[["finishing_position", "is_dnf"]]
    found = score_known(race.assign(p_win=race["finishing_position"].isna() * 1.0))
    assert found["win_log_loss"] == pytest.approx(-np.log(metrics.PROBABILITY_FLOOR))
