"""Forecast of the titles of a season: standings, what is left of it, and the chances of every contender.

Pure functions of results, calendar and forecasts: what is issued and what a backtest scores is the same computation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from f1lib.domain.points import FASTEST_LAP_SEASONS, points_scale
from f1lib.scoring import seasons as simulation
from f1lib.scoring.positions import SPRINT_HAZARD
from f1lib.scoring.seasons import Outing
from f1lib.scoring.standings import KINDS, points_of_key, standings
from f1lib.scoring.title_needs import needs

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEASONS = 10_000  # simulated; the standard error of a chance is at most half a percent
SEED = 1
CARS = {"drivers": 1, "teams": 2}
_AWAITED = timedelta(days=2)  # a result that is missing for longer counts as never coming
_IDENTITY = "driver_id abbreviation full_name team_id team_name team_lineage".split()
LATENT = ["mu", "sigma", "p_dnf"]
Weathers = tuple[tuple[float, float, float], ...]


def left_of_season(
    events: pd.DataFrame, sessions: pd.DataFrame, results: pd.DataFrame, season: int, as_of: datetime
) -> pd.DataFrame:
    """Select the races and sprints of a season that are still to be run.

    Parameters
    ----------
    events, sessions, results : pandas.DataFrame
        Silver tables; the calendar is the one they hold.
    season : int
        The season.
    as_of : datetime
        Aware UTC. A session that started up to two days before and has no result yet is still to be counted.

    Returns
    -------
    pandas.DataFrame
        Rows of ``sessions`` by start, with ``weekend`` (0 for the next one) and ``is_last_race``.
    """
    held = events[(events["event_year"] == season) & ~events["is_cancelled"].astype(bool)]["event_partition_key"]
    own = sessions[sessions["event_partition_key"].isin(held) & sessions["session"].isin(["R", "S"])]
    keys = ["event_partition_key", "session"]
    known = results[(results["event_year"] == season) & (results["available_utc"] <= as_of)]
    last = own.loc[own["session"] == "R", "session_start_utc"].max()
    has_result = pd.MultiIndex.from_frame(own[keys]).isin(pd.MultiIndex.from_frame(known[keys]))
    left = own[~has_result & (own["session_start_utc"] > as_of - _AWAITED)]
    left = left.sort_values("session_start_utc", kind="stable", ignore_index=True)
    weekend = pd.factorize(left["event_partition_key"])[0]
    return left.assign(weekend=weekend, is_last_race=(left["session"] == "R") & (left["session_start_utc"] == last))


def outings_of(
    left: pd.DataFrame, latent: pd.DataFrame, known: Mapping[tuple[str, str], tuple[pd.DataFrame, Weathers]]
) -> list[Outing]:
    """Combine the remaining races and sprints with their forecasts.

    Parameters
    ----------
    left : pandas.DataFrame
        Rows of `left_of_season`.
    latent : pandas.DataFrame
        The forecast of a race before its weekend: ``mu sigma p_dnf``, index ``driver_id``. A sprint has a third of its
        risk of retiring.
    known : mapping of (str, str) to tuple
        Forecasts of single sessions by event and session: a frame in the same form, which replaces ``latent`` for the
        drivers it has, and the weathers (`Outing`).

    Returns
    -------
    list of Outing
        One a row of ``left``.
    """
    found = []
    usual = {"R": latent[LATENT], "S": latent[LATENT].assign(p_dnf=latent["p_dnf"] * SPRINT_HAZARD)}
    for row in left.to_dict("records"):
        is_race, season, forecast = row["session"] == "R", int(row["event_year"]), usual[row["session"]]
        own, weathers = known.get((row["event_partition_key"], row["session"]), (None, Outing.weathers))
        if own is not None:
            forecast = own.reindex(latent.index).fillna(forecast)[LATENT]
        mu, sigma, p_dnf = forecast.to_numpy(dtype="float64").T
        points = points_scale(row["session"], season, is_last_race=row["is_last_race"])
        is_fast = is_race and season in FASTEST_LAP_SEASONS
        found.append(Outing(row["weekend"], mu, sigma, p_dnf, points, is_race, is_fast, weathers))
    return found


def championship(
    results: pd.DataFrame,
    field: pd.DataFrame,
    outings: Sequence[Outing],
    as_of: datetime,
    *,
    events: Sequence[str] = (),
    seasons: int = SEASONS,
    seed: int = SEED,
) -> pd.DataFrame:
    """Compute the title chances of all drivers and teams of a season.

    Parameters
    ----------
    results : pandas.DataFrame
        Silver's ``results`` of the season; those visible at ``as_of`` count.
    field : pandas.DataFrame
        The drivers who run in ``outings``, in their order: ``driver_id abbreviation full_name team_id team_name
        team_lineage``. A driver who has points and is not in it gains no more.
    outings : sequence of Outing
        What is left of the season; empty when it is over.
    as_of : datetime
        Aware UTC.
    events : sequence of str
        The names of the remaining race weekends, for the sentences.
    seasons, seed : int
        Simulated seasons, and the seed of their random numbers.

    Returns
    -------
    pandas.DataFrame
        Drivers, then teams, each by standing: ``championship contender rank``, names and team, ``points_now wins
        p_title points_mean points_p10 points_p50 points_p90 points_max can_still_win needs``. ``points_max`` is what
        the contender has with the best results left, ``needs`` what has to happen for the title, in words.
    """
    teams = field["team_lineage"].astype(str).tolist()
    gained = simulation.simulate(outings, teams, seasons, seed)
    found = []
    for kind, column in KINDS.items():
        table = _with_field(standings(results, kind, as_of), field, column)
        contenders = table["contender"].tolist()
        racing = field["driver_id"].astype(str).tolist() if kind == "drivers" else teams
        final = table["key"].to_numpy() + simulation.team_gains(gained, racing, contenders)
        best = simulation.best_gains(outings, CARS[kind])
        table = table.assign(championship=kind, **_figures(table["key"].to_numpy(), final, int(best.sum())))
        found.append(table.assign(needs=needs(table, outings, best, events)))
    return pd.concat(found, ignore_index=True).rename(columns={"points": "points_now"})


def _with_field(table: pd.DataFrame, field: pd.DataFrame, column: str) -> pd.DataFrame:
    """Add the drivers or teams who have no result yet to the end of the standings."""
    new = field[~field[column].isin(table["contender"])].drop_duplicates(column)
    if new.empty:
        return table
    rows = new[_IDENTITY].astype(object).assign(contender=new[column].astype(object), points=0.0, wins=0, podiums=0)
    every = pd.concat([table, rows.assign(key=0, rank=0)], ignore_index=True)
    return every.assign(rank=range(1, len(every) + 1))


def _figures(now: NDArray[np.int64], final: NDArray[np.int64], best: int) -> dict[str, Any]:
    points = points_of_key(final)
    quantiles = np.quantile(points, [0.1, 0.5, 0.9], axis=0, method="closest_observation")
    return {
        "p_title": simulation.title_chances(final),
        "points_mean": points.mean(axis=0),
        **dict(zip(("points_p10", "points_p50", "points_p90"), quantiles, strict=True)),
        "points_max": points_of_key(now + best),
        "can_still_win": now + best >= now.max(),
    }
