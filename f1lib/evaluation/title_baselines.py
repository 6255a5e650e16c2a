"""Baselines that a forecast of the titles has to beat (docs/scoring.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from f1lib.scoring.standings import KINDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEADER_CHANCE = 0.98
# Points of the normal noise per race left, over the root of races so far + 3; chosen in hindsight (docs/scoring.md).
NOISE = {"drivers": 15.0, "teams": 30.0}
_SEASONS, _SEED = 10_000, 1


def leader(table: pd.DataFrame, results: pd.DataFrame, kind: str, left: int) -> Floats:
    """Give the leader of the standings .98, and the others equal shares of the rest.

    Parameters
    ----------
    table : pandas.DataFrame
        Standings of one championship, the leader first.
    results : pandas.DataFrame
        Results of the season so far; not used.
    kind : {"drivers", "teams"}
        The championship; not used.
    left : int
        Number of races left; not used.

    Returns
    -------
    NDArray[np.float64]
        The chance of each row of ``table``.
    """
    chances = np.full(len(table), (1 - LEADER_CHANCE) / max(len(table) - 1, 1))
    chances[0] = LEADER_CHANCE
    return chances


def resampled(table: pd.DataFrame, results: pd.DataFrame, kind: str, left: int) -> Floats:
    """Draw the rounds left from those that were run, whole, and add normal noise.

    Parameters
    ----------
    table : pandas.DataFrame
        Standings of one championship.
    results : pandas.DataFrame
        Results of races and sprints of the season so far.
    kind : {"drivers", "teams"}
        The championship.
    left : int
        Number of races left.

    Returns
    -------
    NDArray[np.float64]
        The chance of each row of ``table``.
    """
    rounds = results.pivot_table(index="event_number", columns=KINDS[kind], values="points", aggfunc="sum")
    points = rounds.reindex(columns=table["contender"]).fillna(0.0).to_numpy(dtype="float64")
    rng, run = np.random.default_rng(_SEED), len(points)
    drawn = rng.multinomial(left, np.full(run, 1 / run), size=_SEASONS) @ points
    noise = rng.normal(0, NOISE[kind] * left / (run + 3) ** 0.5, drawn.shape)
    best = (table["points"].to_numpy() + drawn + noise).argmax(axis=1)
    return np.bincount(best, minlength=len(table)) / _SEASONS


BASELINES = {"leader": leader, "resampled": resampled}
