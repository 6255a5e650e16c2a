"""Targets: which events are predicted at which horizons, and the moment up to which each may look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from f1lib.errors import BadParameters
from f1lib.terms import HORIZONS, format_utc

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

COLUMNS = ["event_partition_key", "session", "horizon", "cutoff_utc"]
DTYPES = {**dict.fromkeys(COLUMNS, "string"), "cutoff_utc": "datetime64[us, UTC]"}


def horizon_cutoffs(events: pd.DataFrame, sessions: pd.DataFrame) -> pd.DataFrame:
    """One row per event and horizon: ``event_partition_key session horizon cutoff_utc``, for the race.

    * ``pre_weekend``: a day before the first session starts,
    * ``post_practice``: when the last session scheduled before qualifying is visible,
    * ``post_qualifying``: when qualifying is visible,
    * ``pre_race``: when the starting grid is visible, an hour before the start.

    Cancelled events have no rows, and a horizon has none where the calendar lacks its session.
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
    keys = ["event_partition_key", "event_year", "event_number"]
    rows = held.join(cutoffs, on="event_partition_key").melt(keys, list(HORIZONS), "horizon", "cutoff_utc")
    rows = rows.dropna(subset="cutoff_utc").assign(session="R", order=rows["horizon"].map(list(HORIZONS).index))
    return rows.sort_values(["event_year", "event_number", "order"], ignore_index=True)[COLUMNS]


def past_targets(events: pd.DataFrame, sessions: pd.DataFrame, results: pd.DataFrame, as_of: datetime) -> pd.DataFrame:
    """The targets of every event whose race result is visible at ``as_of``: what a model may learn from."""
    raced = results.loc[(results["session"] == "R") & (results["available_utc"] <= as_of), "event_partition_key"]
    cutoffs = horizon_cutoffs(events, sessions)
    return cutoffs[cutoffs["event_partition_key"].isin(raced.unique())].reset_index(drop=True)


def next_event(events: pd.DataFrame, as_of: datetime) -> str:
    """The event whose race starts next after ``as_of``; empty when the calendar has none."""
    ahead = events[(events["race_start_utc"] > as_of) & ~events["is_cancelled"].astype(bool)]
    ahead = ahead.sort_values(["race_start_utc", "event_partition_key"])
    return str(ahead["event_partition_key"].iloc[0]) if len(ahead) else ""


def serving_targets(
    events: pd.DataFrame, sessions: pd.DataFrame, event: str, horizon: str, as_of: datetime
) -> pd.DataFrame:
    """The targets of one event at ``horizon`` (empty: at every horizon reached by ``as_of``).

    A horizon lasts until the next one begins, ``pre_race`` until the race starts. Within that time the cut-off is
    ``as_of`` itself; afterwards, when the past is predicted again, it is the horizon's own beginning, as in
    training. ``post_practice`` is open from the first session before qualifying on and renewed with each. Raises
    `BadParameters` for an unknown event and for a horizon that has not begun.
    """
    import pandas as pd

    cutoffs = horizon_cutoffs(events, sessions)
    own = cutoffs[cutoffs["event_partition_key"] == event]
    if own.empty:
        raise BadParameters(f"event {event!r} is not in the calendar, or cancelled; `f1 status` lists the events")
    begins = dict(zip(own["horizon"].tolist(), own["cutoff_utc"].tolist(), strict=True))
    opens = begins | _practice_opens(sessions, event) if "post_practice" in begins else begins
    race_start = events.loc[events["event_partition_key"] == event, "race_start_utc"].tolist()
    ends = dict(zip(begins, [*opens.values(), *race_start][1:], strict=True))
    reached = {name: begin for name, begin in begins.items() if opens[name] <= as_of or name == HORIZONS[0]}
    moments = {name: as_of if as_of < ends[name] else begin for name, begin in reached.items()}
    chosen = [name for name in moments if horizon in ("", name)]
    if not chosen:
        known = f"it begins {format_utc(begins[horizon])}" if horizon in begins else f"it has {', '.join(begins)}"
        raise BadParameters(f"{event} is not at horizon {horizon!r} at {format_utc(as_of)}: {known}")
    rows = [(event, "R", name, moments[name]) for name in chosen]
    return pd.DataFrame(rows, columns=COLUMNS).astype(DTYPES)


def _practice_opens(sessions: pd.DataFrame, event: str) -> dict[str, pd.Timestamp]:
    """When the first session of ``event`` is visible, which is from when ``post_practice`` can be served."""
    return {"post_practice": sessions.loc[sessions["event_partition_key"] == event, "available_utc"].min()}
