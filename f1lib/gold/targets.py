"""Prediction targets: which events are predicted at which horizons, and the cut-off of each."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from f1lib.domain.moments import format_utc
from f1lib.domain.weekend import HORIZONS, gridding_session
from f1lib.errors import BadParameters

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ["event_partition_key", "session", "horizon", "cutoff_utc"]
RACED = ("R", "S")  # sessions that are predicted: race and sprint
_EVENT = ["event_partition_key", "event_year", "event_number", "event_format"]
DTYPES = {**dict.fromkeys(COLUMNS, "string"), "cutoff_utc": "datetime64[us, UTC]"}


def none() -> pd.DataFrame:
    """Return an empty table of targets.

    Returns
    -------
    pd.DataFrame
        ``event_partition_key session horizon cutoff_utc`` with `DTYPES`, no rows.
    """
    import pandas as pd

    return pd.DataFrame(columns=COLUMNS).astype(DTYPES)


def horizon_cutoffs(events: pd.DataFrame, sessions: pd.DataFrame) -> pd.DataFrame:
    """Compute the cut-off of every horizon of every race and sprint.

    Parameters
    ----------
    events : pd.DataFrame
        Silver ``events``.
    sessions : pd.DataFrame
        Silver ``sessions``.

    Returns
    -------
    pd.DataFrame
        ``event_partition_key session horizon cutoff_utc``, one row per event, session (``R``, ``S``) and horizon,
        sorted by event, session and horizon. Cancelled events have no rows, and a horizon has none where the calendar
        lacks its session.

    Notes
    -----
    * ``pre_weekend``: a day before the first session of the weekend starts.
    * ``post_practice``: when the last session scheduled before the one that sets the grid is visible.
    * ``post_qualifying``: when the session that sets the grid is visible (`f1lib.domain.weekend.gridding_session`).
    * ``pre_race``: when the starting grid is visible, an hour before the start.
    """
    import pandas as pd

    held = events.loc[~events["is_cancelled"].astype(bool), _EVENT]
    parts = [_cutoffs_of(held, sessions, name) for name in RACED]
    rows = pd.concat([part for part in parts if len(part)] or parts[:1])
    order = rows["horizon"].map(list(HORIZONS).index)
    rows = rows.assign(order=order).sort_values(["event_year", "event_number", "session", "order"], ignore_index=True)
    return rows[COLUMNS]


def _cutoffs_of(held: pd.DataFrame, sessions: pd.DataFrame, name: str) -> pd.DataFrame:
    """Compute `horizon_cutoffs` for one session name (race or sprint) of the ``held`` events."""
    import pandas as pd

    by_event = sessions.set_index("event_partition_key")
    raced = by_event.loc[by_event["session"] == name]
    formats = held.set_index("event_partition_key")["event_format"]
    sets_grid = formats.map(lambda kind: gridding_session(kind, name)).reindex(by_event.index)
    qualifying = by_event.loc[(by_event["session"] == sets_grid).fillna(False)]
    start = by_event["session_start_utc"]
    before = by_event.loc[start < qualifying["session_start_utc"].reindex(by_event.index)]
    cutoffs = pd.DataFrame(
        {
            "pre_weekend": start.groupby(level=0).min() - pd.Timedelta(hours=24),
            "post_practice": before["available_utc"].groupby(level=0).max(),
            "post_qualifying": qualifying["available_utc"],
            "pre_race": raced["grid_available_utc"],
        }
    )
    own = held[held["event_partition_key"].isin(raced.index)]
    rows = own.join(cutoffs, on="event_partition_key").melt(_EVENT, list(HORIZONS), "horizon", "cutoff_utc")
    return rows.dropna(subset="cutoff_utc").assign(session=name)


def past_targets(events: pd.DataFrame, sessions: pd.DataFrame, results: pd.DataFrame, as_of: datetime) -> pd.DataFrame:
    """Return the targets of every race and sprint whose result is visible: those a model may be trained on.

    Parameters
    ----------
    events, sessions, results : pd.DataFrame
        Silver tables.
    as_of : datetime
        Results with ``available_utc`` up to this moment (UTC) are visible.

    Returns
    -------
    pd.DataFrame
        ``event_partition_key session horizon cutoff_utc``, in the order of `horizon_cutoffs`.
    """
    keys = ["event_partition_key", "session"]
    raced = results.loc[results["session"].isin(RACED) & (results["available_utc"] <= as_of), keys].drop_duplicates()
    return horizon_cutoffs(events, sessions).merge(raced, on=keys)[COLUMNS]


def next_event(events: pd.DataFrame, as_of: datetime) -> str:
    """Return the ``event_partition_key`` of the next race to start after ``as_of``.

    Parameters
    ----------
    events : pd.DataFrame
        Silver ``events``; cancelled ones are left out.
    as_of : datetime
        Moment of the prediction (UTC).

    Returns
    -------
    str
        Empty when the calendar has no further race.
    """
    ahead = events[(events["race_start_utc"] > as_of) & ~events["is_cancelled"].astype(bool)]
    ahead = ahead.sort_values(["race_start_utc", "event_partition_key"])
    return str(ahead["event_partition_key"].iloc[0]) if len(ahead) else ""


def serving_targets(
    events: pd.DataFrame, sessions: pd.DataFrame, event: str, horizon: str, as_of: datetime
) -> pd.DataFrame:
    """Return the targets of one event's race and sprint.

    A horizon lasts until the next one begins, ``pre_race`` until the session starts. Within that time the cut-off is
    ``as_of`` itself; afterwards, when a past race is predicted again, it is the beginning of the horizon, as in
    training. ``post_practice`` opens with the first session of the weekend.

    Parameters
    ----------
    events, sessions : pd.DataFrame
        Silver tables.
    event : str
        ``event_partition_key``.
    horizon : str
        One of `HORIZONS`; empty for every horizon reached by ``as_of``.
    as_of : datetime
        Moment of the prediction (UTC).

    Returns
    -------
    pd.DataFrame
        ``event_partition_key session horizon cutoff_utc``, one row per session and horizon, with `DTYPES`.

    Raises
    ------
    BadParameters
        For an event that is unknown or cancelled, or a horizon that has not begun.
    """
    import pandas as pd

    of_event = (frame[frame["event_partition_key"] == event] for frame in (events, sessions))
    own = horizon_cutoffs(*of_event)
    if own.empty:
        raise BadParameters(f"event {event!r} is not in the calendar, or cancelled; `f1 status` lists the events")
    times = sessions[sessions["event_partition_key"] == event].set_index("session")
    rows = []
    for session, part in own.groupby("session", sort=False):
        begins = dict(zip(part["horizon"].tolist(), part["cutoff_utc"].tolist(), strict=True))
        opens = begins | ({"post_practice": times["available_utc"].min()} if "post_practice" in begins else {})
        ends = dict(zip(begins, [*opens.values(), times["session_start_utc"][str(session)]][1:], strict=True))
        reached = {name: begin for name, begin in begins.items() if opens[name] <= as_of or name == HORIZONS[0]}
        moments = {name: as_of if as_of < ends[name] else begin for name, begin in reached.items()}
        rows += [(event, str(session), name, moment) for name, moment in moments.items() if horizon in ("", name)]
    if not rows:
        first = own.sort_values("cutoff_utc", ascending=False)
        begins = dict(zip(first["horizon"].tolist(), first["cutoff_utc"].tolist(), strict=True))
        known = f"it begins {format_utc(begins[horizon])}" if horizon in begins else f"it has {', '.join(begins)}"
        raise BadParameters(f"{event} is not at horizon {horizon!r} at {format_utc(as_of)}: {known}")
    return pd.DataFrame(rows, columns=COLUMNS).astype(DTYPES)
