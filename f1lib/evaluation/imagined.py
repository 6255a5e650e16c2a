"""Forecasts of rain that nobody made: what a perfect and a realistic forecaster would have given."""

from __future__ import annotations

import numpy as np
import pandas as pd

from f1lib.model.rain import WET
from f1lib.model.serving import FORECAST

FORECASTERS = ("perfect", "realistic")
# A day before: 3 of 4 wet races are warned of, and 12 of 100 dry ones (docs/models.md).
_HIT, _FALSE_ALARM = 0.75, 0.12
# Chances of rain in per cent of one who is right about both at one wet race in eight.
_WARNED, _NOT_WARNED = 47.0, 4.0
_SESSION = ["event_partition_key", "session"]


def with_forecasts(training: pd.DataFrame, forecaster: str) -> pd.DataFrame:
    """Replace the chance of rain by a forecaster's.

    Parameters
    ----------
    training : pandas.DataFrame
        Gold's training dataset.
    forecaster : str
        ``perfect`` knows the outcome; ``realistic`` warns at random, the same at every call; empty: nothing is changed.

    Returns
    -------
    pandas.DataFrame
        The rows of ``training``; races of which it is not known whether they were wet have no forecast.
    """
    if not forecaster:
        return training
    wet = training.groupby(_SESSION, sort=True)[WET].max()
    if forecaster == "perfect":
        said = 100 * wet
    else:
        warned = np.random.default_rng(7).random(len(wet)) < np.where(wet == 1, _HIT, _FALSE_ALARM)
        said = pd.Series(np.where(warned, _WARNED, _NOT_WARNED), wet.index).where(wet.notna())
    return training.drop(columns=FORECAST).join(said.rename(FORECAST), on=_SESSION)[list(training.columns)]
