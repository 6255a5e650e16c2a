"""The provisional grid: grid columns of the horizon ``post_qualifying``, from qualifying and announced penalties.

Only features of a race to come have it, and only when a penalty is known at their cut-off: the training dataset has
the official grid at ``pre_race`` alone. `f1lib.predictions` forecasts such rows with the model of ``pre_race``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from f1lib.domain.starting_grid import PIT_LANE, Penalty, added_up, provisional_grid
from f1lib.domain.weekend import EventFormat, EventKey, Horizon
from f1lib.lake import penalties as lake_penalties
from f1lib.lake.penalties import Announced

if TYPE_CHECKING:
    import pandas as pd

    from f1lib.lake.store import ObjectStore


def with_announced(
    store: ObjectStore, rows: pd.DataFrame, event_format: str
) -> tuple[pd.DataFrame, dict[str, list[Announced]]]:
    """Give the rows of an event after qualifying the grid that the penalties known at their cut-off make.

    Parameters
    ----------
    store : ObjectStore
        The lake with the penalties.
    rows : pd.DataFrame
        Gold rows of one event, all sessions and horizons.
    event_format : str
        Its format; where qualifying does not set the grid of the race (`EventFormat.SPRINT`), the race gets none.

    Returns
    -------
    rows : pd.DataFrame
        The same rows; the grid columns of ``post_qualifying`` are filled for each session with a known penalty of one
        of its drivers.
    used : dict
        Session -> the penalties that were used.
    """
    used: dict[str, list[Announced]] = {}
    announced = lake_penalties.read(store, EventKey.parse(str(rows["event_partition_key"].iloc[0])))
    for session, part in rows[rows["horizon"] == Horizon.POST_QUALIFYING].groupby("session"):
        known = lake_penalties.known(announced, str(session), part["as_of_utc"].iloc[0].to_pydatetime())
        known = [penalty for penalty in known if penalty.driver_id in set(part["driver_id"])]
        if not known or (session == "R" and event_format == EventFormat.SPRINT):
            continue
        grid = with_grid(part, added_up((p.driver_id, p.penalty) for p in known))
        rows = rows.copy()
        rows.loc[grid.index, list(grid.columns)] = grid
        used[str(session)] = known
    return rows, used


def with_grid(race: pd.DataFrame, penalties: Mapping[str, Penalty]) -> pd.DataFrame:
    """Compute the grid columns of one race or sprint.

    Parameters
    ----------
    race : pd.DataFrame
        Gold rows of one session, a row a driver, with ``driver_id`` and ``qualifying_position``.
    penalties : mapping
        Driver -> penalty (`f1lib.domain.starting_grid.added_up`).

    Returns
    -------
    pd.DataFrame
        ``grid_position grid_minus_qualifying is_pit_lane_start is_odd_slot`` as of ``gold/sql/features/grid.sql``, with
        the index of ``race``.
    """
    ordered = race.sort_values(["qualifying_position", "driver_id"])
    drivers, is_classified = ordered["driver_id"], ordered["qualifying_position"].notna()
    order = provisional_grid(drivers[is_classified].tolist(), drivers[~is_classified].tolist(), penalties)
    slots = {driver: slot for slot, driver in enumerate(order, 1)}
    grid = race["driver_id"].map(slots).astype("float64")
    return race.assign(
        grid_position=grid,
        grid_minus_qualifying=grid - race["qualifying_position"],
        is_pit_lane_start=race["driver_id"].map(lambda driver: float(penalties.get(driver) == PIT_LANE)),
        is_odd_slot=grid % 2,
    )[["grid_position", "grid_minus_qualifying", "is_pit_lane_start", "is_odd_slot"]]
