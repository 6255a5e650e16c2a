"""The simulated rest of a season: its next race is the forecast, and what is common to several races is in all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from f1lib.errors import BadParameters
from f1lib.scoring.positions import Shape, position_matrix
from f1lib.scoring.seasons import Form, Outing, best_gains, simulate, team_gains, title_chances
from f1lib.scoring.standings import points_of_key

SCALE = (25, 18, 15, 12, 10, 8, 6, 4, 2, 1)
DRIVERS = 12
TEAMS = [f"team {i // 2}" for i in range(DRIVERS)]
MU = np.linspace(-1.2, 1.2, DRIVERS)


def _outing(weekend: int = 0, **changes: Any) -> Outing:
    usual = {"mu": MU, "sigma": np.full(DRIVERS, 0.42), "p_dnf": np.full(DRIVERS, 0.12), "points": SCALE}
    return Outing(weekend, **{**usual, **changes})


def _points(outings: list[Outing], seasons: int = 20_000, form: Form | None = None) -> Any:
    return points_of_key(simulate(outings, TEAMS, seasons, 7, form))


def test_equal_seeds_give_equal_seasons_and_others_do_not() -> None:
    first, again, other = (simulate([_outing()], TEAMS, 500, seed) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_the_next_race_alone_is_distributed_as_forecast() -> None:
    race = _outing()
    chances = position_matrix(race.mu, race.sigma, race.p_dnf, Shape())
    expected = chances[:, : len(SCALE)] @ np.array(SCALE)
    points = _points([race])
    np.testing.assert_allclose(points.mean(axis=0), expected, atol=4 * 9 / 20_000**0.5)  # a place is worth up to 9
    assert (points.sum(axis=1) == sum(SCALE)).all()


def test_strength_that_is_not_known_exactly_is_the_same_in_two_races() -> None:
    def correlation(form: Form, second: int) -> float:
        first, both = (_points(outings, form=form)[:, 4] for outings in ([_outing()], [_outing(), _outing(second)]))
        return float(np.corrcoef(first, both - first)[0, 1])

    assert abs(correlation(Form(0, 0, 0, 0), 1)) < 0.03
    assert correlation(Form(0, 0.12, 0, 0), 1) > 0.2


def test_team_mates_share_the_car() -> None:
    form = Form(car=0.12, driver=0, car_step=0, driver_step=0)
    races = [_outing(weekend, p_dnf=np.zeros(DRIVERS)) for weekend in range(6)]
    points = _points(races, form=form)
    together = np.corrcoef(points.T)
    assert together[4, 5] > together[4, 7] + 0.2


def test_form_drifts_with_the_weekends_between() -> None:
    form = Form(0, 0, 0.0, 0.02)
    favourite = [_points([_outing(weekend)], form=form)[:, 0].mean() for weekend in (0, 20)]
    assert favourite[1] < favourite[0] - 1


def test_a_sprint_and_the_race_of_its_weekend_are_run_at_the_same_strength() -> None:
    form = Form(0, 0, 0.0, 0.05)
    sprint, race = _outing(3, points=(8, 7), is_race=False), _outing(3)
    points = _points([sprint, race], form=form)
    alone = _points([sprint], form=form)
    assert np.corrcoef(alone[:, 4], points[:, 4] - alone[:, 4])[0, 1] > 0.1


def test_a_race_is_wet_in_the_share_of_seasons_that_is_forecast() -> None:
    wet, dry = (1.3, 2.0), (0.9, 0.8)
    race = _outing(weathers=((0.6, *dry), (0.4, *wet)))
    matrices = [position_matrix(MU, race.sigma * width, race.p_dnf * hazard, Shape()) for width, hazard in (dry, wet)]
    expected = (0.6 * matrices[0] + 0.4 * matrices[1])[:, : len(SCALE)] @ np.array(SCALE)
    np.testing.assert_allclose(_points([race]).mean(axis=0), expected, atol=4 * 9 / 20_000**0.5)


def test_the_fastest_lap_gives_one_point_to_a_driver_of_the_first_ten_at_most() -> None:
    points = _points([_outing(has_fastest_lap=True)], seasons=4000).sum(axis=1) - sum(SCALE)
    assert set(points) == {0.0, 1.0}
    assert 0.87 < points.mean() < 0.95  # 162 of the 177 that were counted


def test_teams_gain_what_their_drivers_gain() -> None:
    gained = simulate([_outing(), _outing(1)], TEAMS, 50, 1)
    order = [*dict.fromkeys(TEAMS), "a team without a car"]
    teams = team_gains(gained, TEAMS, order)
    assert (teams.sum(axis=1) == gained.sum(axis=1)).all()
    assert (teams[:, 0] == gained[:, 0] + gained[:, 1]).all()
    assert not teams[:, -1].any()


@given(seed=st.integers(0, 99), races=st.integers(1, 3), lap=st.booleans())
def test_nobody_gains_more_than_the_best_results_left(seed: int, races: int, lap: bool) -> None:
    outings = [_outing(weekend, has_fastest_lap=lap) for weekend in range(races)]
    gained = simulate(outings, TEAMS, 200, seed)
    assert gained.max() <= best_gains(outings, 1).sum()
    assert team_gains(gained, TEAMS, TEAMS[::2]).max() <= best_gains(outings, 2).sum()
    assert title_chances(gained).sum() == pytest.approx(1)


def test_other_drivers_than_have_a_team_are_refused() -> None:
    with pytest.raises(BadParameters, match="2 have a team"):
        simulate([_outing()], ["a", "b"], 10, 1)
