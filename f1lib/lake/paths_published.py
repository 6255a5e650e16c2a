"""Keys of the lake that people and machines outside read: predictions, reports, and the list of a backfill.

What a key is, and those of the layers below, are in `f1lib.lake.paths`. ``issued`` is the key of a prediction in the
history: a file that never changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from f1lib.domain.moments import stamp
from f1lib.domain.weekend import HORIZONS, EventKey
from f1lib.errors import StorageError

# Predictions --------------------------------------------------------------------------------------------------------

PREDICTIONS_PREFIX = "predictions/"
LATEST = "predictions/latest.json"
LATEST_SCHEMA = "predictions/latest.schema.json"
# .../history/<Event>/<moment>[-number]_<horizon>[_sprint].parquet
_ISSUE = re.compile(
    rf"predictions/(\d+)/history/([^/]+)/(\d{{8}}T\d{{6}}Z)(?:-(\d+))?_({'|'.join(HORIZONS)})(_sprint)?\.parquet"
)


def _sprint(session: str) -> str:
    return "_sprint" if session == "S" else ""


def newest_key(event: EventKey, session: str = "R") -> str:
    """Where the newest prediction of a race (``R``) or sprint (``S``) stands."""
    return f"{PREDICTIONS_PREFIX}{event.season}/{event.folder}{_sprint(session)}_predictions.parquet"


def history_prefix(event: EventKey) -> str:
    """The folder of every prediction ever issued for an event."""
    return f"{PREDICTIONS_PREFIX}{event.season}/history/{event.folder}/"


def issue_key(event: EventKey, moment: datetime, horizon: str, session: str = "R", number: int = 1) -> str:
    """``predictions/2025/history/Australian_Grand_Prix/20250315T060000Z_post_qualifying.parquet``.

    ``number`` tells apart what was issued at one moment: the second one's name has ``-2`` after the moment.
    """
    counted = stamp(moment) if number == 1 else f"{stamp(moment)}-{number}"
    return f"{history_prefix(event)}{counted}_{horizon}{_sprint(session)}.parquet"


class Issue(NamedTuple):
    """What the key of an issued prediction says: ``event`` is the partition key, ``moment`` as `stamp` writes it."""

    event: str
    moment: str
    number: int
    horizon: str
    session: str


def parse_issue(key: str) -> Issue | None:
    """Read `issue_key` back; None for any other key."""
    match = _ISSUE.fullmatch(key)
    if match is None:
        return None
    season, folder, moment, number, horizon, sprint = match.groups()
    return Issue(f"{season}_{folder}", moment, int(number or 1), horizon, "S" if sprint else "R")


def in_order_of_issue(keys: Iterable[str]) -> list[str]:
    """The issued predictions among ``keys``, in the order in which each event's were issued."""
    found = {key: issue for key in keys if (issue := parse_issue(key))}

    def order(key: str) -> tuple[str, str, int, int, str]:
        issue = found[key]
        return key[: key.rindex("/") + 1], issue.moment, HORIZONS.index(issue.horizon), issue.number, key

    return sorted(found, key=order)


def raced_of(issued: str) -> tuple[str, str]:
    """The event (its partition key) and session, ``R`` or ``S``, that a key in the history is for.

    Raises `StorageError` for any other key.
    """
    issue = parse_issue(issued)
    if issue is None:
        raise StorageError(f"{issued!r} is not the key of an issued prediction")
    return issue.event, issue.session


def explanation_key(issued: str) -> str:
    """Where the contribution of each feature to an issued prediction is kept."""
    return issued.replace("/history/", "/explanations/")


def change_log_key(issued: str) -> str:
    """Where the changes since the prediction before ``issued`` are kept."""
    return issued.removesuffix(".parquet") + ".news.json"


# Reports ------------------------------------------------------------------------------------------------------------

REPORTS_PREFIX = "reports/"
SUMMARY = "reports/run_summary.json"
DASHBOARD = "reports/run_summary.html"
NEXT_RACES = "reports/next_races.json"
ACCURACY = "reports/accuracy.json"
REPLAY = "reports/replay.json"
RACE_PAGES_PREFIX = "reports/races/"
RECORDS_PREFIX = "reports/runs/"
_SCORECARD = {"R": "reports/scorecard", "S": "reports/scorecard_sprints"}


def link(key: str) -> str:
    """``key`` as a page directly in ``reports/`` links to it."""
    return key.removeprefix(REPORTS_PREFIX)


def race_page_key(event: str, session: str = "R") -> str:
    """``reports/races/2025/Australian_Grand_Prix.html``: the page of the race of an event (its partition key)."""
    season, _, folder = event.partition("_")
    return f"{RACE_PAGES_PREFIX}{season}/{folder}{_sprint(session)}.html"


def scorecard_key(session: str, kind: str) -> str:
    """``reports/scorecard.json``: a backtest's figures of races or sprints; ``kind`` is ``json`` or ``parquet``."""
    return f"{_SCORECARD[session]}.{kind}"


def records_prefix(run_id: str) -> str:
    """The folder of a run's executed notebooks."""
    return f"{RECORDS_PREFIX}{run_id}/"


def record_key(run_id: str, stage: str, suffix: str = "") -> str:
    """``reports/runs/20250315T060000Z/06_predict-2025_Australian_Grand_Prix.ipynb``: an executed notebook."""
    return f"{records_prefix(run_id)}{stage}{'-' + suffix if suffix else ''}.ipynb"


def record_page(record: str) -> str:
    """The page of an executed notebook, beside it."""
    return record.removesuffix(".ipynb") + ".html"


def parse_record_page(key: str) -> tuple[str, str] | None:
    """The run and name (stage and suffix) of an executed notebook's page; None for any other key."""
    match = re.fullmatch(rf"{RECORDS_PREFIX}([^/]+)/(.+)\.html", key)
    return (match[1], match[2]) if match else None


def sweep_prefix(sweep: str) -> str:
    """The folder of a sweep's folds."""
    return f"{REPORTS_PREFIX}sweeps/{sweep}/folds/"


def sweep_fold(sweep: str, model: str, season: int) -> str:
    """``reports/sweeps/<sweep>/folds/<model>-2025.parquet``: the scores of a configuration in one season."""
    return f"{sweep_prefix(sweep)}{model}-{season}.parquet"


def sweep_summary(sweep: str) -> str:
    """The means over all folds of a sweep."""
    return f"{REPORTS_PREFIX}sweeps/{sweep}/summary.json"


# Backfill -----------------------------------------------------------------------------------------------------------


def units_key(run_id: str) -> str:
    """The list of sessions that a backfill's state machine works through."""
    return f"backfill/{run_id}/units.json"
