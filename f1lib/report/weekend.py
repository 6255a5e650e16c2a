"""Queries of ``notebooks/explore/weekend.ipynb``: one weekend from its first session to the result of its race."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from f1lib.domain.weekend import FORMAT_SESSIONS, SESSION_NAMES
from f1lib.errors import RunError
from f1lib.lake.parquet import records
from f1lib.predictions import archive, words
from f1lib.report import figures, prediction_facts
from f1lib.report.pages import Html, paragraph

if TYPE_CHECKING:
    from f1lib.api.lake import Lake
    from f1lib.report.figures.style import Picture

_FAVOURITES = 6


def weekend_of(lake: Lake, event: str) -> str:
    """Return the key of an event that was predicted; empty: the last one whose race has a result, else the last one.

    Raises `RunError` when the lake has no prediction.
    """
    if event:
        return lake.event(event)
    issued = archive.issued_events(lake.store, lake.as_of, "R")
    known = [key for key in lake.calendar()["event_partition_key"] if key in issued]
    if not known:
        raise RunError(f"{lake!r} has no prediction yet: run f1 run, or f1 replay, first")
    raced = set(lake.results()["event_partition_key"])
    return str(([key for key in known if key in raced] or known)[-1])


def sessions(lake: Lake, event: str) -> pd.DataFrame:
    """Summarize the sessions of a weekend that were held.

    Parameters
    ----------
    lake : Lake
        The lake.
    event : str
        Partition key of the event.

    Returns
    -------
    pandas.DataFrame
        One row per session, in the order held: ``session first first_team best_lap_seconds second third drivers``.
    """
    lines = []
    for code in dict.fromkeys(code for codes in FORMAT_SESSIONS.values() for code in codes):
        rows = lake.results(int(event[:4]), session=code)
        rows = rows[(rows["event_partition_key"] == event) & rows["finishing_position"].notna()]
        if len(rows):
            names = [*rows["full_name"].head(3), None, None][:3]
            best = {"first_team": rows["team_name"].iloc[0], "best_lap_seconds": rows["best_lap_seconds"].min()}
            found = {"session": SESSION_NAMES[code], "first": names[0], **best, "second": names[1], "third": names[2]}
            lines.append({**found, "drivers": len(rows), "known": rows["available_utc"].iloc[0]})
    columns = ["session", "first", "first_team", "best_lap_seconds", "second", "third", "drivers", "known"]
    held = pd.DataFrame(lines, columns=columns).sort_values("known", kind="stable", ignore_index=True)
    return held.drop(columns="known")


def chances(issues: pd.DataFrame) -> pd.DataFrame:
    """Follow the chances of the favourites through the predictions of a race.

    Parameters
    ----------
    issues : pandas.DataFrame
        Every prediction of the race, as of `f1lib.api.lake.Lake.predictions`.

    Returns
    -------
    pandas.DataFrame
        One row per prediction, oldest first: ``as_of_utc horizon``, and a column a driver with P(win) in percent: the
        six with the highest chance at any time.
    """
    issues = issues.assign(who=issues["abbreviation"].fillna(issues["full_name"]), chance=100 * issues["p_win"])
    best = issues.groupby("who")["chance"].max().sort_values(ascending=False, kind="stable").index[:_FAVOURITES]
    wide = issues.pivot_table(index=["as_of_utc", "horizon"], columns="who", values="chance", sort=False)
    return wide[list(best)].round(1).rename_axis(columns=None).reset_index()


def outcome(lake: Lake, prediction: pd.DataFrame) -> Picture | Html:
    """Draw the last prediction against the result; before the race, a sentence that it is still to come.

    Parameters
    ----------
    lake : Lake
        The lake.
    prediction : pandas.DataFrame
        The newest prediction of the race.

    Returns
    -------
    Picture or Html
        See `f1lib.report.figures.season.outcome`.
    """
    if not _places(lake, prediction):
        return paragraph("The race has no result yet.")
    return figures.season.outcome(prediction_facts.outcome(lake.store, prediction))


def told(lake: Lake, prediction: pd.DataFrame) -> Html:
    """Say in a sentence who is expected to win, or who won and what he was given.

    Parameters
    ----------
    lake : Lake
        The lake.
    prediction : pandas.DataFrame
        The newest prediction of the race.

    Returns
    -------
    Html
        A paragraph.
    """
    rows, places = records(prediction), _places(lake, prediction)
    return paragraph(words.outcome_sentence(rows, places) if places else words.forecast_sentence(rows, ""))


def _places(lake: Lake, prediction: pd.DataFrame) -> dict[str, int]:
    rows = lake.results(int(prediction["event_year"].iloc[0]), session=str(prediction["session"].iloc[0]))
    own = rows[(rows["event_partition_key"] == archive.event_of(prediction)) & rows["finishing_position"].notna()]
    return dict(zip(own["driver_id"], own["finishing_position"], strict=True))
