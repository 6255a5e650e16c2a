"""How well the truth of the simulated world ranks its races: the upper bound of an honest prediction."""

from __future__ import annotations

from typing import Any

import numpy as np

from f1lib.sources.simulated.calendar import calendar
from f1lib.sources.simulated.source import SimulatedSource
from f1lib.sources.simulated.weekend import EXCLUDED, NOT_QUALIFIED, NOT_STARTED, WeekendRun


def true_order_spearman(source: SimulatedSource, season: int, *, draws: int) -> float:
    """Mean Spearman correlation of the truth's ranking with a season's races.

    The ranking is by the mean outcome of the race, run ``draws`` times from its grid and in its weather; with no draws
    by the strength that is expected before the weekend.
    """
    found = []
    for weekend in calendar(season):
        run = WeekendRun(source.world, weekend)
        finish = run.finish("R")
        ran = [i for i, o in enumerate(finish.outcome) if o not in (NOT_STARTED, NOT_QUALIFIED, EXCLUDED)]
        guess = _expected(run, draws) if draws else source.world.pace(weekend, run.entries("R"))[1]
        found.append(_spearman(guess[ran], np.argsort(finish.order)[ran]))
    return float(np.mean(found))


def _expected(run: WeekendRun, draws: int) -> Any:
    luck = [run.world.dice("what if", run.weekend.key, draw) for draw in range(draws)]
    return np.mean([np.argsort(run.run_again("R", rng).order) for rng in luck], axis=0)


def _spearman(a: Any, b: Any) -> float:
    return float(np.corrcoef(np.argsort(np.argsort(a)), np.argsort(np.argsort(b)))[0, 1])
