"""The championship of a season: what is left of it, what it counts, and the chances of each contender."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from f1lib.domain.points import points_scale
from f1lib.scoring.championship import championship, left_of_season, outings_of
from f1lib.scoring.positions import SPRINT_HAZARD
from f1lib.scoring.standings import points_of_key
from tests.support.gold_world import world

SEASON = 2024


@pytest.fixture(scope="module")
def silver() -> dict[str, pd.DataFrame]:
    return world()


def _moment(silver: dict[str, pd.DataFrame], round_number: int, session: str = "R") -> Any:
    """When the result of a round came in; round 0: long before the first."""
    rows = silver["sessions"]
    rows = rows[(rows["event_year"] == SEASON) & (rows["session"] == session)]
    if not round_number:
        return (rows["session_start_utc"].min() - timedelta(days=60)).to_pydatetime()
    return rows.loc[rows["event_number"] == round_number, "available_utc"].iloc[0].to_pydatetime()


def _left(silver: dict[str, pd.DataFrame], moment: Any) -> pd.DataFrame:
    return left_of_season(silver["events"], silver["sessions"], silver["results"], SEASON, moment)


def _latent(field: pd.DataFrame) -> pd.DataFrame:
    n = len(field)
    numbers = {"mu": np.linspace(-1, 1, n), "sigma": np.full(n, 0.4), "p_dnf": np.full(n, 0.12)}
    return pd.DataFrame(numbers, index=field["driver_id"])


def _field(silver: dict[str, pd.DataFrame]) -> pd.DataFrame:
    rows = silver["results"]
    return rows[rows["event_year"] == SEASON].drop_duplicates("driver_id").sort_values("driver_id")


def _forecast(silver: dict[str, pd.DataFrame], moment: Any, **options: Any) -> pd.DataFrame:
    left, field = _left(silver, moment), _field(silver)
    outings = outings_of(left, _latent(field), {})
    results = silver["results"][silver["results"]["event_year"] == SEASON]
    names = left["event_name"].drop_duplicates().tolist()
    return championship(results, field, outings, moment, events=names, seasons=2000, **options)


def test_what_is_left_is_what_has_no_result_yet(silver: dict[str, pd.DataFrame]) -> None:
    left = _left(silver, _moment(silver, 2))
    assert left[["event_number", "session", "weekend"]].to_numpy().tolist() == [[3, "R", 0], [4, "S", 1], [4, "R", 1]]
    assert left["is_last_race"].tolist() == [False, False, True]
    after_sprint = _left(silver, _moment(silver, 4, "S"))
    assert after_sprint[["session", "weekend", "is_last_race"]].to_numpy().tolist() == [["R", 0, True]]
    assert _left(silver, _moment(silver, 4)).empty


def test_a_cancelled_weekend_is_not_left_nor_a_result_that_is_missing_for_days(silver: dict[str, pd.DataFrame]) -> None:
    moment = _moment(silver, 2)
    events = silver["events"].assign(is_cancelled=lambda f: (f["event_year"] == SEASON) & (f["event_number"] == 4))
    assert _left({**silver, "events": events}, moment)["event_number"].tolist() == [3]
    lost = silver["results"].query("not (event_number == 2 and session == 'R')")
    just, later = (_left({**silver, "results": lost}, moment + timedelta(days=days)) for days in (0, 3))
    assert (just["event_number"].min(), later["event_number"].min()) == (2, 3)


def test_each_session_has_its_own_forecast_and_a_sprint_a_third_of_the_risk(silver: dict[str, pd.DataFrame]) -> None:
    left, latent = _left(silver, _moment(silver, 2)), _latent(_field(silver))
    known = latent.assign(mu=latent["mu"] * 2).iloc[1:]  # of a driver who is not in it the usual one
    weathers = ((0.7, 0.9, 1.0), (0.3, 1.2, 1.4))
    key = (str(left["event_partition_key"].iloc[0]), "R")
    first, sprint, last = outings_of(left, latent, {key: (known, weathers)})
    np.testing.assert_allclose(first.mu, [latent["mu"].iloc[0], *known["mu"]])
    np.testing.assert_allclose(last.mu, latent["mu"])
    np.testing.assert_allclose(sprint.p_dnf, latent["p_dnf"] * SPRINT_HAZARD)
    assert (sprint.is_race, sprint.points, sprint.has_fastest_lap) == (False, (8, 7, 6, 5, 4, 3, 2, 1), False)
    assert (first.weathers, last.weathers) == (weathers, ((1.0, 1.0, 1.0),))
    assert (first.is_race, first.points[0], first.has_fastest_lap) == (True, 25, True)


@pytest.mark.parametrize(
    ("season", "session", "is_last", "first_three"),
    [
        (1998, "R", False, (10, 6, 4)),
        (2009, "R", True, (10, 8, 6)),
        (2010, "R", True, (25, 18, 15)),
        (2014, "R", False, (25, 18, 15)),
        (2014, "R", True, (50, 36, 30)),
        (2021, "S", False, (3, 2, 1)),
        (2022, "S", False, (8, 7, 6)),
        (2025, "R", True, (25, 18, 15)),
    ],
)
def test_the_points_are_those_of_the_season(season: int, session: str, is_last: bool, first_three: Any) -> None:
    assert points_scale(session, season, is_last_race=is_last)[:3] == first_three


@settings(max_examples=12, deadline=None)
@given(round_number=st.integers(0, 4), seed=st.integers(0, 9))
def test_chances_sum_to_1_and_only_those_who_can_win_have_any(
    silver: dict[str, pd.DataFrame], round_number: int, seed: int
) -> None:
    table = _forecast(silver, _moment(silver, round_number), seed=seed)
    for kind, rows in table.groupby("championship"):
        assert rows["p_title"].sum() == pytest.approx(1)
        assert rows["rank"].tolist() == list(range(1, len(rows) + 1)), kind
        assert (rows.loc[~rows["can_still_win"], "p_title"] == 0).all()
        assert rows["points_now"].is_monotonic_decreasing
    assert (table["points_now"] <= table["points_p10"]).all()
    assert (table["points_p10"] <= table["points_p50"]).all()
    assert (table["points_p50"] <= table["points_p90"]).all()
    assert (table["points_p90"] <= table["points_max"]).all()
    assert (table["points_mean"] <= table["points_max"]).all()


def test_equal_seeds_give_equal_tables(silver: dict[str, pd.DataFrame]) -> None:
    moment = _moment(silver, 1)
    pd.testing.assert_frame_equal(_forecast(silver, moment), _forecast(silver, moment))


def test_before_the_first_race_every_entrant_can_win_and_after_the_last_one_has_won(silver: Any) -> None:
    before, after = _forecast(silver, _moment(silver, 0)), _forecast(silver, _moment(silver, 4))
    assert before["can_still_win"].all()
    assert (before["points_now"] == 0).all()
    drivers = after[after["championship"] == "drivers"]
    assert drivers["p_title"].tolist() == [1.0, *[0.0] * (len(drivers) - 1)]
    assert (drivers["points_p90"] == drivers["points_now"]).all()
    assert drivers["needs"].iloc[0] == "is champion"


def test_results_after_the_moment_change_nothing(silver: dict[str, pd.DataFrame]) -> None:
    """No look-ahead: the future's results are not read."""
    moment = _moment(silver, 2)
    changed = silver["results"].copy()
    later = changed["available_utc"] > moment
    assert later.any()
    changed.loc[later, "points"] = 99.0
    pd.testing.assert_frame_equal(_forecast(silver, moment), _forecast({**silver, "results": changed}, moment))


def test_a_driver_who_is_not_in_the_field_keeps_his_points_and_gains_none(silver: dict[str, pd.DataFrame]) -> None:
    moment, left = _moment(silver, 2), _left(silver, _moment(silver, 2))
    field = _field(silver).iloc[1:]
    results = silver["results"][silver["results"]["event_year"] == SEASON]
    table = championship(results, field, outings_of(left, _latent(field), {}), moment, seasons=500)
    absent = table.set_index("contender").loc[str(_field(silver)["driver_id"].iloc[0])]
    assert absent["points_p10"] == absent["points_p90"] == absent["points_now"]
    assert absent["points_max"] > absent["points_now"]  # he could come back
    assert points_of_key(absent["key"]) == absent["points_now"]
