"""Archive of the issued predictions: the columns of a prediction, and reading one back.

>>> import f1lib.predictions
>>> frame = f1lib.predictions.read("2025_Abu_Dhabi_Grand_Prix", lake="lake")

A prediction has one row per driver with the columns of `COLUMNS` (names fixed by docs/lake.md). The newest one of a
race is a Parquet file of its own and, for the next race, ``predictions/latest.json``; every one that was issued is
kept under ``history/`` and never changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from f1lib.domain import lookup
from f1lib.domain.moments import format_utc, stamp
from f1lib.domain.weekend import HORIZONS, EventKey
from f1lib.errors import NoSuchKey, RunError, StorageError, TableError
from f1lib.lake.integrity import verified_gold
from f1lib.lake.parquet import parquet_frame
from f1lib.lake.paths import features_key
from f1lib.lake.paths_published import PREDICTIONS_PREFIX, history_prefix, in_order_of_issue, newest_key, parse_issue
from f1lib.lake.store import ObjectStore, each, open_store

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd


COLUMNS = (
    "event_year event_name session as_of_utc horizon driver_number driver_id abbreviation full_name team_id team_name "
    "qualifying_position grid_position predicted_position predicted_score predicted_rank is_podium_prediction "
    "position_probabilities p_win p_podium p_points p_dnf position_p10 position_p50 position_p90 expected_points "
    "p_rain model_run_id gold_run_id forecast_hash source"
).split()


def read(event: str, *, lake: str, session: str = "R") -> pd.DataFrame:
    """Read the newest prediction of an event.

    Parameters
    ----------
    event : str
        Partition key of the event, such as ``2025_Abu_Dhabi_Grand_Prix``.
    lake : str
        Directory or ``s3://`` address of the lake.
    session : {"R", "S"}
        The race or the sprint.

    Returns
    -------
    pandas.DataFrame
        One row per driver with `COLUMNS`, in the predicted order.

    Raises
    ------
    BadParameters
        ``event`` is not an event key.
    StorageError
        The lake has no prediction of the event.
    """
    return read_newest(open_store(lake), EventKey.parse(event), session)


def read_newest(store: ObjectStore, key: EventKey, session: str = "R") -> pd.DataFrame:
    """Read the newest prediction of a race or sprint from an opened store; see `read`.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    key : EventKey
        The event.
    session : {"R", "S"}
        The race or the sprint.

    Returns
    -------
    pandas.DataFrame
        One row per driver with `COLUMNS`, in the predicted order.

    Raises
    ------
    StorageError
        The lake has no prediction of the event.
    """
    newest = find_newest(store, key, session)
    if newest is None:
        raise StorageError(f"no prediction for {key} in lake {store.url}; `f1 run` issues one for the next race")
    return newest


def newest_rows(rows: Iterable[Mapping[str, Any]], session: str, as_of: str) -> list[dict[str, Any]]:
    """Select the newest prediction of a race or sprint from the rows of table ``f1_predictions``, without pandas.

    Parameters
    ----------
    rows : iterable of mappings
        The rows of the event.
    session : {"R", "S"}
        The race or the sprint.
    as_of : str
        Time as text of `format_utc`; what was issued later is left out.

    Returns
    -------
    list of dict
        A row per driver with those of `COLUMNS` that are known, in the predicted order; empty when none was issued.
    """
    own = [dict(row) for row in rows if row["session"] == session and row["as_of_utc"] <= as_of]
    newest = max(((row["as_of_utc"], HORIZONS.index(row["horizon"])) for row in own), default=None)
    issue = [row for row in own if (row["as_of_utc"], HORIZONS.index(row["horizon"])) == newest]
    return sorted(issue, key=lambda row: row["predicted_rank"])


def find_newest(store: ObjectStore, key: EventKey, session: str = "R") -> pd.DataFrame | None:
    """Return the newest prediction of a race or sprint.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    key : EventKey
        The event.
    session : {"R", "S"}
        The race or the sprint.

    Returns
    -------
    pandas.DataFrame or None
        One row per driver with `COLUMNS`, in the predicted order; None when none was issued.
    """
    try:
        return load_issue(store, newest_key(key, session))
    except NoSuchKey:
        return None
    except TableError:  # a copy of the last one in the history
        issues = read_issues(store, key, session)
        if not issues:
            raise
        return issues[-1]


def load_issue(store: ObjectStore, key: str) -> pd.DataFrame:
    """Read one stored prediction by its key.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    key : str
        Key of the newest prediction or of one in the history.

    Returns
    -------
    pandas.DataFrame
        One row per driver with `COLUMNS`, in the predicted order; ``position_probabilities`` holds lists of floats.

    Raises
    ------
    NoSuchKey
        The lake has nothing under ``key``.
    """
    return issue_of(store.read(key), f"{key} in lake {store.url}")


def issue_of(data: bytes, where: str) -> pd.DataFrame:
    """Parse one stored prediction from the bytes of its Parquet file.

    Parameters
    ----------
    data : bytes
        Contents of the file.
    where : str
        Name of the file, for the message of the error.

    Returns
    -------
    pandas.DataFrame
        As `load_issue` returns it.

    Raises
    ------
    TableError
        ``data`` is not a Parquet file.
    """
    frame = parquet_frame(data, where)
    lists: Any = [list(row) for row in frame["position_probabilities"]]
    rain = frame["p_rain"] if "p_rain" in frame else float("nan")  # older issues have none
    return frame.assign(position_probabilities=lists, p_rain=rain)


def history_keys(store: ObjectStore, prefix: str = PREDICTIONS_PREFIX) -> list[str]:
    """Return the keys of all issued predictions below ``prefix``, in the order of issue within an event."""
    return in_order_of_issue(store.list(prefix))


def read_issues(store: ObjectStore, key: EventKey, session: str = "R") -> list[pd.DataFrame]:
    """Read every prediction issued for a race or sprint.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    key : EventKey
        The event.
    session : {"R", "S"}
        The race or the sprint.

    Returns
    -------
    list of pandas.DataFrame
        Oldest first, each as `load_issue` returns it; empty when none was issued.
    """
    return each(store, lambda name: load_issue(store, name), issued_until(store, key, None, session))


def read_issued(
    store: ObjectStore, key: EventKey, as_of: datetime, session: str = "R", *, every: bool = False
) -> pd.DataFrame:
    """Read the newest prediction of a race or sprint that was issued by a moment, from the history.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    key : EventKey
        The event.
    as_of : datetime
        The moment, aware UTC.
    session : {"R", "S"}
        The race or the sprint.
    every : bool
        Every prediction that was issued by then, oldest first, instead of the newest.

    Returns
    -------
    pandas.DataFrame
        One row per driver (and issue) with `COLUMNS`, in the predicted order.

    Raises
    ------
    StorageError
        None was issued by then.
    """
    import pandas as pd

    names = issued_until(store, key, as_of, session)
    if not names:
        raise StorageError(f"no prediction for {key} {session} was issued by {format_utc(as_of)} in lake {store.url}")
    wanted = names if every else names[-1:]
    return pd.concat(each(store, lambda name: load_issue(store, name), wanted), ignore_index=True)


def issued_until(store: ObjectStore, key: EventKey, as_of: datetime | None, session: str) -> list[str]:
    """List the predictions of a race or sprint that were issued by a moment; no file is read.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    key : EventKey
        The event.
    as_of : datetime or None
        The moment, aware UTC; None: whenever it was issued.
    session : {"R", "S"}
        The race or the sprint.

    Returns
    -------
    list of str
        Keys in the history, in the order of issue.
    """
    parsed = ((name, parse_issue(name)) for name in history_keys(store, history_prefix(key)))
    mine = [(name, issue.moment) for name, issue in parsed if issue and issue.session == session]
    return [name for name, moment in mine if as_of is None or moment <= stamp(as_of)]


def issued_events(store: ObjectStore, as_of: datetime, session: str = "") -> set[str]:
    """List the events of which a prediction was issued by a moment.

    Parameters
    ----------
    store : ObjectStore
        The lake, whose history is listed; no file is read.
    as_of : datetime
        The moment, aware UTC.
    session : {"", "R", "S"}
        The race or the sprint alone; empty: either.

    Returns
    -------
    set of str
        Partition keys.
    """
    issues = (issue for key in history_keys(store) if (issue := parse_issue(key)))
    until = stamp(as_of)
    return {issue.event for issue in issues if issue.moment <= until and session in ("", issue.session)}


def find_event(store: ObjectStore, events: Iterable[tuple[str, str, str]], text: str, as_of: datetime) -> str:
    """Find the event of a lake that a person means; see `f1lib.domain.lookup.find_event`.

    Parameters
    ----------
    store : ObjectStore
        The lake; its issued predictions are listed.
    events : iterable of tuple
        Partition key, start of the race as sortable text, and circuit of each event of the calendar.
    text : str
        Partition key, name, circuit, locality, country or nickname, or a part of one; with a season or without.
    as_of : datetime
        The moment, aware UTC.

    Returns
    -------
    str
        The partition key. Of several events that fit, the newest of those predicted by then; the newest of all when
        none is.

    Raises
    ------
    BadParameters
        No event fits.
    """
    issued = issued_events(store, as_of)
    known = [lookup.Event(key, start, circuit, key in issued) for key, start, circuit in events]
    return lookup.find_event(known, text, f"lake {store.url}")


def event_of(prediction: pd.DataFrame) -> str:
    """Return the partition key of the event that a prediction is for.

    Parameters
    ----------
    prediction : pandas.DataFrame
        A row per driver with ``event_year`` and ``event_name``.

    Returns
    -------
    str
        Such as ``2025_Abu_Dhabi_Grand_Prix``.
    """
    first = prediction.iloc[0]
    return EventKey(int(first["event_year"]), str(first["event_name"])).partition_key


def features_of(store: ObjectStore, prediction: pd.DataFrame) -> pd.DataFrame:
    """Read the gold rows that an issued prediction was made from.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    prediction : pandas.DataFrame
        An issued prediction, a row per driver.

    Returns
    -------
    pandas.DataFrame
        One row per driver of the predicted session and horizon, with gold's columns.

    Raises
    ------
    RunError
        The lake no longer has the features, or they are of other races.
    """
    first = prediction.iloc[0]
    key = features_key(str(first["gold_run_id"]))
    if not store.exists(key):
        raise RunError(f"lake {store.url} no longer has {key}, which the prediction of {event_of(prediction)} is from")
    rows = parquet_frame(verified_gold(store, key), f"{key} in lake {store.url}")
    own = (rows["event_partition_key"] == event_of(prediction)) & (rows["horizon"] == first["horizon"])
    race: pd.DataFrame = rows[own & (rows["session"] == first["session"])].reset_index(drop=True)
    if race.empty:
        raise RunError(
            f"{key} in lake {store.url} has no row of the race that the prediction of {event_of(prediction)} is of"
        )
    return race
