"""Compare the history of issued predictions with the table ``f1_predictions``, and restore either from the other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from f1lib.domain.moments import parse_utc
from f1lib.domain.weekend import EventKey
from f1lib.errors import F1LibError, NoSuchKey
from f1lib.lake.parquet import write_parquet
from f1lib.lake.paths_published import Issue, history_prefix, issue_key, parse_issue
from f1lib.lake.store import ObjectStore, each
from f1lib.predictions.archive import COLUMNS, history_keys, load_issue
from f1lib.predictions.issue import check, tracking_rows
from f1lib.tracking.table import TrackingTable

_WHOLE = ("event_year", "predicted_rank", "position_p10", "position_p50", "position_p90")
_TEXT = (
    "event_name session horizon driver_number driver_id abbreviation full_name team_id team_name model_run_id "
    "gold_run_id forecast_hash source"
).split()
_OTHER = {"as_of_utc", "is_podium_prediction", "position_probabilities"}
LOST, UNREADABLE, DIFFERS, UNLISTED = (
    "is missing",
    "cannot be read",
    "differs from table f1_predictions",
    "is not in table f1_predictions",
)


@dataclass(frozen=True)
class Fault:
    """A prediction that is not the same in the history and in the table; ``rows`` are the table's."""

    key: str
    what: str
    rows: list[dict[str, Any]]


def faults(store: ObjectStore, tracking: TrackingTable, event: str) -> list[Fault]:
    """Compare the predictions issued for an event with the table's rows of them.

    Parameters
    ----------
    store : ObjectStore
        The lake with the history.
    tracking : TrackingTable
        The table.
    event : str
        Partition key.

    Returns
    -------
    list of Fault
        What differs, in the order of the keys. Of several issues of one moment and horizon the table has the last.
    """
    key = EventKey.parse(event)
    stored = history_keys(store, history_prefix(key))
    issues = {name: issue for name in stored if (issue := parse_issue(name))}
    last = {_kind(issue): name for name, issue in issues.items()}
    listed: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for row in tracking.predictions(event):
        moment = parse_utc(row["as_of_utc"])
        name = issue_key(key, moment, row["horizon"], row["session"])
        issue = parse_issue(name)
        if issue:
            listed.setdefault(_kind(issue), []).append(row)
            last.setdefault(_kind(issue), name)
    whole = dict(zip(stored, each(store, lambda name: _sound(store, name), stored), strict=True))
    found = []
    for name in sorted({*stored, *last.values()}):
        kind = _kind(issues[name]) if name in issues else _kind_of(name)
        rows = listed.get(kind, []) if last.get(kind) == name else []
        what = _what(name in whole, whole.get(name), rows, is_last=last.get(kind) == name)
        if what:
            found.append(Fault(name, what, rows))
    return found


def lost(store: ObjectStore, tracking: TrackingTable, event: str) -> list[str]:
    """Find predictions of an event that the table lists and the history lacks; no file is read.

    Parameters
    ----------
    store : ObjectStore
        The lake with the history.
    tracking : TrackingTable
        The table.
    event : str
        Partition key.

    Returns
    -------
    list of str
        Their keys, sorted.
    """
    key = EventKey.parse(event)
    kept = {_kind_of(name) for name in history_keys(store, history_prefix(key))}
    rows = tracking.predictions(event)
    listed = {issue_key(key, parse_utc(row["as_of_utc"]), row["horizon"], row["session"]) for row in rows}
    return sorted(name for name in listed if _kind_of(name) not in kept)


def _kind(issue: Issue) -> tuple[str, str, str]:
    return issue.moment, issue.horizon, issue.session


def _kind_of(name: str) -> tuple[str, str, str]:
    issue = parse_issue(name)
    return _kind(issue) if issue else ("", "", "")


def _sound(store: ObjectStore, name: str) -> pd.DataFrame | None:
    """Read an issued prediction; None for one that cannot be read or is none."""
    try:
        prediction = load_issue(store, name)
        check(prediction)
    except NoSuchKey:
        raise
    except (F1LibError, KeyError, TypeError, ValueError):
        return None
    return prediction


def _what(is_stored: bool, prediction: pd.DataFrame | None, rows: list[dict[str, Any]], *, is_last: bool) -> str:
    if not is_stored:
        return LOST
    if prediction is None:
        return UNREADABLE
    if not is_last:
        return ""
    if not rows:
        return UNLISTED
    return "" if _by_driver(tracking_rows(prediction)) == _by_driver(rows) else DIFFERS


def _by_driver(rows: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["driver_id"]: {name: row[name] for name in COLUMNS if name in row} for row in rows}


def frame_of(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Convert rows of the table to a prediction.

    Parameters
    ----------
    rows : list of dict
        The table's rows of one prediction, one a driver.

    Returns
    -------
    pandas.DataFrame
        A row per driver with `archive.COLUMNS` in the predicted order, as `issue.rows_of` makes it.

    Raises
    ------
    MissingColumn, BadGrain, RunError
        See `issue.check`.
    """
    frame = pd.DataFrame(rows).reindex(columns=list(COLUMNS))
    texts: Any = {name: frame[name].astype(object).where(frame[name].notna(), None) for name in _TEXT}
    floats = [name for name in COLUMNS if name not in {*_WHOLE, *_TEXT, *_OTHER}]
    lists: Any = [[float(value) for value in row] for row in frame["position_probabilities"]]
    frame = frame.assign(**texts, position_probabilities=lists, as_of_utc=pd.to_datetime(frame["as_of_utc"], utc=True))
    kinds = dict.fromkeys(_WHOLE, "int64") | dict.fromkeys(floats, "float64")
    frame = frame.astype(kinds | {"is_podium_prediction": "bool", "as_of_utc": "datetime64[us, UTC]"})
    frame = frame.sort_values("predicted_rank", kind="stable", ignore_index=True)
    check(frame)
    return frame


def restore(store: ObjectStore, tracking: TrackingTable, fault: Fault) -> str:
    """Restore a prediction in the history from the table, or in the table from the history.

    Parameters
    ----------
    store : ObjectStore
        The lake with the history.
    tracking : TrackingTable
        The table.
    fault : Fault
        What `faults` found.

    Returns
    -------
    str
        What was done; empty when neither has it whole, and what is left of it stays.
    """
    if fault.what == UNLISTED:
        tracking.put_predictions(tracking_rows(load_issue(store, fault.key)))
        return f"{fault.key}: written into table f1_predictions"
    try:
        prediction = frame_of(fault.rows) if fault.rows else None
    except (F1LibError, KeyError, TypeError, ValueError):
        prediction = None
    if prediction is not None:
        write_parquet(store, fault.key, prediction)
        return f"{fault.key}: restored from table f1_predictions"
    if fault.what == DIFFERS:
        tracking.put_predictions(tracking_rows(load_issue(store, fault.key)))
        return f"{fault.key}: written into table f1_predictions, whose rows are damaged"
    return ""
