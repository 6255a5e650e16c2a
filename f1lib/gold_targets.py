"""Targets: which events are predicted at which horizons, and the moment up to which each may look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from f1lib.terms import HORIZONS

if TYPE_CHECKING:
    import pandas as pd


def horizon_cutoffs(events: pd.DataFrame, sessions: pd.DataFrame) -> pd.DataFrame:
    """One row per event and horizon: ``event_partition_key session horizon cutoff_utc``, for the race.

    * ``pre_weekend``: a day before the first session starts,
    * ``post_practice``: when the last session scheduled before qualifying is visible,
    * ``post_qualifying``: when qualifying is visible,
    * ``pre_race``: when the starting grid is visible, an hour before the start.

    Cancelled events and events without a race or qualifying in the calendar have no rows.
    """
    import pandas as pd

    held = events.loc[~events["is_cancelled"].astype(bool), ["event_partition_key", "event_year", "event_number"]]
    by_event = sessions.set_index("event_partition_key")
    race = by_event.loc[by_event["session"] == "R"]
    qualifying = by_event.loc[by_event["session"] == "Q"]
    start = by_event["session_start_utc"]
    before = by_event.loc[start < qualifying["session_start_utc"].reindex(by_event.index)]
    cutoffs = pd.DataFrame(
        {
            "pre_weekend": start.groupby(level=0).min() - pd.Timedelta(hours=24),
            "post_practice": before["available_utc"].groupby(level=0).max(),
            "post_qualifying": qualifying["available_utc"],
            "pre_race": race["grid_available_utc"],
        }
    )
    long = (
        held.join(cutoffs, on="event_partition_key")
        .melt(["event_partition_key", "event_year", "event_number"], list(HORIZONS), "horizon", "cutoff_utc")
        .dropna(subset="cutoff_utc")
    )
    long["session"] = "R"
    long["order"] = long["horizon"].map(list(HORIZONS).index)
    long = long.sort_values(["event_year", "event_number", "order"], ignore_index=True)
    return long[["event_partition_key", "session", "horizon", "cutoff_utc"]]
