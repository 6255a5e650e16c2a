"""Keys of the files that people and other programs read: predictions, reports, and the list of a backfill.

The rules for a key, and the keys of the layers below, are in `f1lib.lake.paths`. An argument ``issued`` is the key of
a prediction in the history, a file that never changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from f1lib.domain.moments import stamp
from f1lib.domain.weekend import HORIZONS, EventKey, slug
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
    """Return the key of the newest prediction of a race (``R``) or sprint (``S``)."""
    return f"{PREDICTIONS_PREFIX}{event.season}/{event.folder}{_sprint(session)}_predictions.parquet"


def history_prefix(event: EventKey) -> str:
    """Return the folder of all predictions issued for an event."""
    return f"{PREDICTIONS_PREFIX}{event.season}/history/{event.folder}/"


def issue_key(event: EventKey, moment: datetime, horizon: str, session: str = "R", number: int = 1) -> str:
    """Return ``predictions/2025/history/Australian_Grand_Prix/20250315T060000Z_post_qualifying.parquet``.

    Parameters
    ----------
    event : EventKey
        The event that is predicted.
    moment : datetime
        ``as_of`` of the prediction, aware UTC.
    horizon : str
        One of `HORIZONS`.
    session : str, default "R"
        ``R`` for the race, ``S`` for the sprint.
    number : int, default 1
        Which of the predictions issued at one moment; the second one has ``-2`` after the moment.

    Returns
    -------
    str
        Key of the issued prediction.
    """
    counted = stamp(moment) if number == 1 else f"{stamp(moment)}-{number}"
    return f"{history_prefix(event)}{counted}_{horizon}{_sprint(session)}.parquet"


class Issue(NamedTuple):
    """Parts of the key of an issued prediction: ``event`` is the partition key, ``moment`` as `stamp` writes it."""

    event: str
    moment: str
    number: int
    horizon: str
    session: str


def parse_issue(key: str) -> Issue | None:
    """Parse the key of an issued prediction; None for any other key."""
    match = _ISSUE.fullmatch(key)
    if match is None:
        return None
    season, folder, moment, number, horizon, sprint = match.groups()
    return Issue(f"{season}_{folder}", moment, int(number or 1), horizon, "S" if sprint else "R")


def in_order_of_issue(keys: Iterable[str]) -> list[str]:
    """Return the issued predictions among ``keys``, by event and in the order in which they were issued."""
    found = {key: issue for key in keys if (issue := parse_issue(key))}

    def order(key: str) -> tuple[str, str, int, int, str]:
        issue = found[key]
        return key[: key.rindex("/") + 1], issue.moment, HORIZONS.index(issue.horizon), issue.number, key

    return sorted(found, key=order)


def raced_of(issued: str) -> tuple[str, str]:
    """Return the event's partition key and the session, ``R`` or ``S``, of an issued prediction's key.

    Raises `StorageError` for any other key.
    """
    issue = parse_issue(issued)
    if issue is None:
        raise StorageError(f"{issued!r} is not the key of an issued prediction")
    return issue.event, issue.session


def explanation_key(issued: str) -> str:
    """Return the key of the feature contributions to an issued prediction."""
    return issued.replace("/history/", "/explanations/")


def change_log_key(issued: str) -> str:
    """Return the key of the changes between the prediction before ``issued`` and ``issued``."""
    return issued.removesuffix(".parquet") + ".news.json"


_CHAMPIONSHIP = re.compile(r"predictions/(\d+)/championship/(\d{8}T\d{6}Z)\.parquet")


def championship_key(season: int, moment: datetime) -> str:
    """Return ``predictions/2025/championship/20251206T160000Z.parquet``, the title chances issued at ``moment``."""
    return f"{PREDICTIONS_PREFIX}{season}/championship/{stamp(moment)}.parquet"


def championship_keys(keys: Iterable[str], season: int = 0, until: datetime | None = None) -> list[str]:
    """Select the keys of issued title chances.

    Parameters
    ----------
    keys : iterable of str
        Keys of the lake.
    season : int, default 0
        The season; 0 for all.
    until : datetime, optional
        Aware UTC; those issued later are left out.

    Returns
    -------
    list of str
        In the order of issue.
    """
    found = {key: match.groups() for key in keys if (match := _CHAMPIONSHIP.fullmatch(key))}
    last = stamp(until) if until else ""
    own = [key for key, (year, at) in found.items() if season in (0, int(year)) and (not last or at <= last)]
    return sorted(own, key=lambda key: found[key][::-1])


# Reports ------------------------------------------------------------------------------------------------------------

REPORTS_PREFIX = "reports/"
SUMMARY = "reports/run_summary.json"
DASHBOARD = "reports/run_summary.html"
INDEX = "reports/index.html"
FEED = "reports/feed.xml"
CALENDAR = "reports/calendar.ics"
SEASON = "reports/season.html"
HEALTH_PAGE = "reports/health.html"
NEXT_RACES = "reports/next_races.json"
ACCURACY = "reports/accuracy.json"
REPLAY = "reports/replay.json"
RACE_PAGES_PREFIX = "reports/races/"
CHAMPIONSHIP_PAGES_PREFIX = "reports/championship/"
DRIVER_PAGES_PREFIX = "reports/drivers/"
SEASON_PAGES_PREFIX = "reports/seasons/"
RECORDS_PREFIX = "reports/runs/"
_SCORECARD = {
    "R": "reports/scorecard",
    "S": "reports/scorecard_sprints",
    "championship": "reports/scorecard_championship",
}


# An absolute path in a text; a web address and the middle of a relative path are none.
_LOCAL_PATH = re.compile(r"(?<![\w.:/+=-])(?:file://|sqlite:///)?/(?:[\w.@+-]+/)+([\w.@+-]+)/?")


def without_folders(value: Any) -> Any:
    """Replace every absolute path in a text by its last part; lists and mappings are gone through.

    What is published names no folder of the machine that made it.
    """
    if isinstance(value, str):
        return _LOCAL_PATH.sub(r"\1", value)
    if isinstance(value, dict):
        return {k: v if str(k).startswith("image/") else without_folders(v) for k, v in value.items()}
    return [without_folders(item) for item in value] if isinstance(value, list) else value


def link(key: str) -> str:
    """Return the address of ``key`` relative to a page directly in ``reports/``."""
    return key.removeprefix(REPORTS_PREFIX)


def race_page_key(event: str, session: str = "R") -> str:
    """Return ``reports/races/2025/Australian_Grand_Prix.html`` for the race of ``event``, a partition key."""
    season, _, folder = event.partition("_")
    return f"{RACE_PAGES_PREFIX}{season}/{folder}{_sprint(session)}.html"


def championship_page_key(season: int) -> str:
    """Return ``reports/championship/2025.html``, the page of a season's titles."""
    return f"{CHAMPIONSHIP_PAGES_PREFIX}{season}.html"


def driver_page_key(driver_id: str) -> str:
    """Return ``reports/drivers/max-verstappen.html``, the page of a driver."""
    return f"{DRIVER_PAGES_PREFIX}{slug(driver_id)}.html"


def season_page_key(season: int) -> str:
    """Return ``reports/seasons/2025.html``, the index of a season's races."""
    return f"{SEASON_PAGES_PREFIX}{season}.html"


def race_picture_key(event: str, session: str = "R") -> str:
    """Return ``reports/races/2025/Australian_Grand_Prix.png``, a race's picture for where it is shared."""
    return race_page_key(event, session).removesuffix("html") + "png"


def published_copy(key: str) -> str:
    """Return the key of the copy of a file of ``predictions/`` directly in ``reports/``."""
    return REPORTS_PREFIX + key.removeprefix(PREDICTIONS_PREFIX)


def scorecard_key(session: str, kind: str) -> str:
    """Return ``reports/scorecard.json``: a backtest of races (``R``), of sprints (``S``) or of the ``championship``."""
    return f"{_SCORECARD[session]}.{kind}"


def others_key(name: str, kind: str) -> str:
    """Return ``reports/others/f1predict.html``: scores of another's forecasts; ``kind`` is ``json`` or ``html``."""
    return f"{REPORTS_PREFIX}others/{slug(name)}.{kind}"


def records_prefix(run_id: str) -> str:
    """Return the folder of a run's executed notebooks."""
    return f"{RECORDS_PREFIX}{run_id}/"


def record_key(run_id: str, stage: str, suffix: str = "") -> str:
    """Return ``reports/runs/20250315T060000Z/06_predict-2025_Australian_Grand_Prix.ipynb``.

    Parameters
    ----------
    run_id : str
        Id of the run that executed the notebook.
    stage : str
        The stage, which is the notebook's name.
    suffix : str, default ""
        Tells several executions of a stage in one run apart, such as an event's partition key.

    Returns
    -------
    str
        Key of the executed notebook.
    """
    return f"{records_prefix(run_id)}{stage}{'-' + suffix if suffix else ''}.ipynb"


def record_page(record: str) -> str:
    """Return the key of an executed notebook's HTML page, beside the notebook."""
    return record.removesuffix(".ipynb") + ".html"


def parse_record(key: str) -> tuple[str, str] | None:
    """Return the run and name (stage and suffix) of an executed notebook; None for any other key."""
    match = re.fullmatch(rf"{RECORDS_PREFIX}([^/]+)/(.+)\.ipynb", key)
    return (match[1], match[2]) if match else None


def parse_record_page(key: str) -> tuple[str, str] | None:
    """Return the run and name (stage and suffix) of an executed notebook's page; None for any other key."""
    match = re.fullmatch(rf"{RECORDS_PREFIX}([^/]+)/(.+)\.html", key)
    return (match[1], match[2]) if match else None


def sweep_prefix(sweep: str) -> str:
    """Return the folder of a sweep's folds."""
    return f"{REPORTS_PREFIX}sweeps/{sweep}/folds/"


def sweep_fold(sweep: str, model: str, season: int) -> str:
    """Return ``reports/sweeps/<sweep>/folds/<model>-2025.parquet``.

    Parameters
    ----------
    sweep : str
        Name of the sweep.
    model : str
        Name of the configuration.
    season : int
        The season on which the fold is scored.

    Returns
    -------
    str
        Key of the scores of the configuration in the season.
    """
    return f"{sweep_prefix(sweep)}{model}-{season}.parquet"


def sweep_summary(sweep: str) -> str:
    """Return the key of a sweep's scores averaged over all folds."""
    return f"{REPORTS_PREFIX}sweeps/{sweep}/summary.json"


# Backfill -----------------------------------------------------------------------------------------------------------


def units_key(run_id: str) -> str:
    """Return the key of the list of sessions that a backfill's state machine works through."""
    return f"backfill/{run_id}/units.json"
