"""Baselines that a model must beat: grid, qualifying or form order, each with its smoothed slot table.

docs/scoring.md defines them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from f1lib.domain.points import RACE_POINTS
from f1lib.scoring.metrics import dense_rank
from f1lib.scoring.positions import sinkhorn, summarize

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

KERNEL_SLOTS = 1.0  # standard deviation of the smoothing over grid slots (docs/scoring.md)
# The order behind each slot table: before qualifying there is only form (decayed mean finish of ten races).
SLOT_COLUMNS = {
    "grid_slot_table": "grid_position",
    "qualifying_slot_table": "qualifying_position",
    "form_slot_table": "form_position_10",
}
# Baselines whose order is known at a horizon, the hardest to beat first.
BY_HORIZON = {
    "pre_race": ("grid_slot_table", "qualifying_slot_table"),
    "post_qualifying": ("qualifying_slot_table",),
    "post_practice": ("form_slot_table",),
    "pre_weekend": ("form_slot_table",),
}
_MISSING = 1000.0


def slots(race: pd.DataFrame, column: str) -> NDArray[np.int64]:
    """Rank the drivers of one race by ``column``.

    Parameters
    ----------
    race : pd.DataFrame
        A row for each driver, with ``column`` and, where it is known, ``qualifying_position``.
    column : str
        The order: ``grid_position``, ``qualifying_position`` or ``form_position_10``.

    Returns
    -------
    NDArray[np.int64]
        Slots 1..n in the order of the rows. Drivers without a value are last, by qualifying position and then by row.
    """
    second = race["qualifying_position"] if "qualifying_position" in race else race[column]
    key = race[column].fillna(_MISSING).to_numpy(dtype="float64") + second.fillna(_MISSING).to_numpy() * 1e-6
    return dense_rank(key)


def slot_table(history: pd.DataFrame, n: int) -> Floats:
    """Estimate the distribution of the finishing position for each slot.

    Parameters
    ----------
    history : pd.DataFrame
        A row for each entrant of earlier races, with ``slot`` and ``outcome``, both counted from 1.
    n : int
        Number of entrants of the race to predict.

    Returns
    -------
    NDArray[np.float64]
        n x n: row i is the distribution over places 1..n of the driver in slot i + 1; rows and columns sum to 1.

    Notes
    -----
    Counts over all of ``history``, smoothed over slots with a Gaussian kernel of standard deviation `KERNEL_SLOTS` and
    normalized over rows and columns (`sinkhorn`). docs/scoring.md has its scores on F1DB 2019-2025, as ``f1 backtest``
    prints them.
    """
    slot, outcome = (history[c].to_numpy(dtype="int64") for c in ("slot", "outcome"))
    size = max(n, slot.max(initial=0), outcome.max(initial=0))
    counts = np.bincount((slot - 1) * size + outcome - 1, minlength=size * size).reshape(size, size).astype("float64")
    distance = np.arange(size)[:, None] - np.arange(size)[None, :]
    kernel = np.exp(-0.5 * (distance / KERNEL_SLOTS) ** 2)
    # The small constant gives places that nobody has reached from a slot a probability above 0.
    return sinkhorn((kernel @ counts)[:n, :n] + 1e-6)


def history_of(training: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return slot and outcome of every entrant, the input of `slot_table`.

    Parameters
    ----------
    training : pd.DataFrame
        Rows of one horizon of the training dataset.
    column : str
        The order that gives the slots, see `slots`; races in which nobody has a value are left out.

    Returns
    -------
    pd.DataFrame
        A row for each entrant, in the order and with the index of ``training``: ``event_partition_key``, ``session``,
        ``event_year``, ``event_number``, ``is_dnf``, ``slot`` and ``outcome`` (places from 1). Slots are counted among
        the entrants: those behind a driver who did not start move up.
    """
    race = ["event_partition_key", "session"]
    is_known = training[column].notna().groupby([training[c] for c in race]).transform("any")
    ran = training[training["finishing_position"].notna() & is_known]
    order = ran[column].fillna(_MISSING) + ran["qualifying_position"].fillna(_MISSING) * 1e-6
    slot = order.groupby([ran[c] for c in race]).rank(method="first").astype("int64")
    return ran[[*race, "event_year", "event_number", "is_dnf"]].assign(
        slot=slot, outcome=ran["finishing_position"].astype("int64")
    )


def predict(race: pd.DataFrame, history: pd.DataFrame, column: str) -> pd.DataFrame:
    """Predict one race by the slot table.

    Parameters
    ----------
    race : pd.DataFrame
        A row for each driver, with ``qualifying_position`` and ``column``.
    history : pd.DataFrame
        Entrants of earlier races only, as `history_of` returns them.
    column : str
        The order that gives the slots, see `slots`.

    Returns
    -------
    pd.DataFrame
        The columns of `positions.summarize`, with the index of ``race``. ``predicted_rank`` is the slot itself, so that
        MAE and Spearman are those of the grid (or qualifying, or form) order; ``p_dnf`` is the share of retirements in
        ``history``, the same for all.
    """
    slot = slots(race, column)
    matrix = slot_table(history, len(race))[slot - 1]
    rate = float(history["is_dnf"].mean()) if len(history) else 0.15
    return summarize(matrix, slot, np.full(len(race), rate), RACE_POINTS, race.index)
