"""What every model must beat: grid order, qualifying order, and the smoothed grid-slot table (docs/scoring.md)."""

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
# The order each baseline starts from: before qualifying there is only form (decayed mean finish, ten races).
SLOT_COLUMNS = {
    "grid_slot_table": "grid_position",
    "qualifying_slot_table": "qualifying_position",
    "form_slot_table": "form_position_10",
}
# The baselines that a horizon's knowledge allows, the strictest first.
BY_HORIZON = {
    "pre_race": ("grid_slot_table", "qualifying_slot_table"),
    "post_qualifying": ("qualifying_slot_table",),
    "post_practice": ("form_slot_table",),
    "pre_weekend": ("form_slot_table",),
}
_MISSING = 1000.0


def slots(race: pd.DataFrame, column: str) -> NDArray[np.int64]:
    """1..n by ``column``; who has none stands behind, in qualifying order, then in the order of the rows."""
    second = race["qualifying_position"] if "qualifying_position" in race else race[column]
    key = race[column].fillna(_MISSING).to_numpy(dtype="float64") + second.fillna(_MISSING).to_numpy() * 1e-6
    return dense_rank(key)


def slot_table(history: pd.DataFrame, n: int) -> Floats:
    """The n x n finish distribution by slot. ``history``: a row an entrant with ``slot`` and ``outcome`` (1..).

    Counts over all of ``history``, smoothed over slots with a Gaussian kernel of one slot, doubly normalised.
    On F1DB 2019-2025 it gives the figures in docs/scoring.md (``f1 backtest`` prints them).
    """
    slot, outcome = (history[c].to_numpy(dtype="int64") for c in ("slot", "outcome"))
    size = max(n, slot.max(initial=0), outcome.max(initial=0))
    counts = np.bincount((slot - 1) * size + outcome - 1, minlength=size * size).reshape(size, size).astype("float64")
    distance = np.arange(size)[:, None] - np.arange(size)[None, :]
    kernel = np.exp(-0.5 * (distance / KERNEL_SLOTS) ** 2)
    # The small number keeps a place that nobody has yet reached from a slot possible.
    return sinkhorn((kernel @ counts)[:n, :n] + 1e-6)


def history_of(training: pd.DataFrame, column: str) -> pd.DataFrame:
    """``session event_year event_number slot outcome is_dnf`` of every entrant in rows of one horizon of gold's
    training set.

    Slots are counted among the entrants: who did not start left his slot to those behind.
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
    """The slot table's prediction of one race: `distribution.summarize`'s columns, index of ``race``.

    ``race`` has ``qualifying_position`` and ``column``; ``history`` (see `history_of`) holds earlier races only.
    The rank is the slot itself, so that MAE and Spearman are those of grid (or qualifying) order.
    """
    slot = slots(race, column)
    matrix = slot_table(history, len(race))[slot - 1]
    rate = float(history["is_dnf"].mean()) if len(history) else 0.15
    return summarize(matrix, slot, np.full(len(race), rate), RACE_POINTS).set_index(race.index)
