"""Live through a season by the production path: a tick whenever something becomes known, then the scores.

The ticks are the same ticks as `f1 run` makes; only the clock is an argument, notebooks run in this process
instead of in one each, and scores and report, which nobody reads on the way, are made at the end. An
interrupted replay goes on where it was; a lake that has been brought beyond the season's beginning in any other
way is refused, because what it knows would be a look ahead.
"""

from __future__ import annotations

import gc
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from f1lib.domain import lookup
from f1lib.domain.moments import format_utc
from f1lib.domain.weekend import HORIZONS
from f1lib.errors import BadParameters, RunError
from f1lib.lake.parquet import give_back
from f1lib.lake.paths_published import ACCURACY, REPLAY
from f1lib.lake.store import read_json, write_json
from f1lib.pipeline.tick import tick
from f1lib.tracking.rows import brought_to
from f1lib.tracking.stage_keys import STAGES, Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from f1lib.lake.store import ObjectStore
    from f1lib.tracking.rows import TrackingRow
    from f1lib.workspace.workspace import Workspace

# The prediction before a weekend is issued this long before its first session.
PRE_WEEKEND_LEAD = timedelta(hours=24)
_STAGES = frozenset(STAGES)
_AT_THE_END = frozenset((Stage.SCORE, Stage.REPORT))  # nothing is predicted from what they say
_NOT_BETWEEN = _AT_THE_END | {Stage.SCHEDULE}  # the calendar of a past season does not change while it is replayed


class Moment(NamedTuple):
    """When something becomes known, and what it is."""

    when: datetime
    why: str


def replay_season(ws: Workspace, season: int, event: str, on_tick: Callable[[str], None]) -> dict[str, Any]:
    """Tick through a season up to ``ws.as_of`` and score what was issued.

    Parameters
    ----------
    ws : Workspace
        A lake that knows nothing of the season yet, or an interrupted replay of it.
    season : int
        The season.
    event : str
        The key, name or part of the name of one event to replay; empty for the whole season.
    on_tick : callable
        Called with a line of text after each tick.

    Returns
    -------
    dict
        See `summarize`.

    Raises
    ------
    BadParameters
        The source does not know the season or event, or the lake knows its future already.
    RunError
        A tick failed.
    """
    if season > ws.as_of.year or season not in ws.source.seasons(ws.as_of):
        raise BadParameters(f"source {ws.source_name} does not know season {season} at {format_utc(ws.as_of)}")
    schedule = ws.source.schedule(season, ws.as_of)
    event = _named(schedule.events, season, event) if event else ""
    moments = [moment for moment in replay_moments(schedule.sessions, event) if moment.when <= ws.as_of]
    if not moments:
        raise BadParameters(f"nothing of season {season} has begun at {format_utc(ws.as_of)}")
    record = _record(ws.store, ws.tracking.rows(), [season, event], moments[0].when)
    inprocess = replace(ws, settings=replace(ws.settings, engine="inprocess"))
    for moment in moments:
        text = format_utc(moment.when)
        if text < record["until"]:
            continue
        write_json(ws.store, REPLAY, record | {"until": text})
        left_out = _NOT_BETWEEN if moment is not moments[0] else _AT_THE_END
        left_out = left_out if moment is not moments[-1] else frozenset()
        result = tick(inprocess.at(moment.when), stages=_STAGES - left_out)
        on_tick(f"{text}  {moment.why}: {', '.join(r.step.stage[3:] for r in result.runs) or 'nothing due'}")
        if result.failures:
            raise RunError(f"the tick at {text} failed: {result.failures[0].error}")
        if any(run.step.stage == Stage.TRAIN for run in result.runs):
            _tidy_up()
    return summarize(ws.store, season, event)


def _tidy_up() -> None:
    """Freeze what is loaded after a first training for the garbage collector, and give pyarrow's free memory back."""
    if not gc.get_freeze_count():  # once: what is frozen is never freed
        gc.collect()
        gc.freeze()
    give_back()


def _record(store: ObjectStore, rows: list[TrackingRow], replayed: list[Any], first: datetime) -> dict[str, Any]:
    """Return what was replayed in this lake and up to when, ``replayed`` (season, event) included.

    Raises `BadParameters` when the lake, whose tracking table is ``rows``, knows more than that.
    """
    record: dict[str, Any] = {"replayed": [], "until": ""}
    if store.exists(REPLAY):
        record = dict(read_json(store, REPLAY))
    known = brought_to(rows)
    goes_on = replayed in record["replayed"] or [replayed[0], ""] in record["replayed"]
    if known > (record["until"] if goes_on else format_utc(first)):
        raise BadParameters(
            f"lake {store.url} has been brought to {known} already and this replay begins {format_utc(first)}: "
            "give it a lake of its own with --lake"
        )
    if not goes_on:
        record["replayed"].append(replayed)
    return record


def replay_moments(sessions: pd.DataFrame, event: str) -> list[Moment]:
    """List the moments at which something of a season becomes known: each weekend's eve, session and grid.

    Parameters
    ----------
    sessions : pandas.DataFrame
        The season's calendar: a row a session, times in UTC (`f1lib.sources.protocols.Schedule.sessions`).
    event : str
        The partition key of one event; empty for the whole season.

    Returns
    -------
    list of Moment
        Ascending.
    """
    if event:
        sessions = sessions[sessions["event_partition_key"] == event]
    eve = sessions.groupby("event_partition_key")["session_start_utc"].min() - PRE_WEEKEND_LEAD
    moments = [Moment(when.to_pydatetime(), f"{key} eve") for key, when in eve.items()]
    for row in sessions.to_dict("records"):
        name = f"{row['event_partition_key']} {row['session']}"
        moments.append(Moment(row["available_utc"].to_pydatetime(), name))
        if row["session"] in ("R", "S"):
            moments.append(Moment(row["grid_available_utc"].to_pydatetime(), f"{name} grid"))
    return sorted(moments)


def summarize(store: ObjectStore, season: int, event: str) -> dict[str, Any]:
    """Collect the scores of every prediction issued for a season, from ``reports/accuracy.json``.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    season : int
        The season.
    event : str
        The partition key of one event; empty for the whole season.

    Returns
    -------
    dict
        ``{"season", "races", "horizons": {horizon: {system: means}}, "events": [...], "sprints"}``, where
        ``sprints`` holds the same of the sprints.
    """
    accuracy: dict[str, Any] = {"predictions": [], "sprints": {"predictions": []}}
    if store.exists(ACCURACY):
        accuracy = read_json(store, ACCURACY)
    races, sprints = (
        [e for e in entries if e["event_year"] == season and event in ("", e["event_partition_key"])]
        for entries in (accuracy["predictions"], accuracy["sprints"]["predictions"])
    )
    return {"season": season, **_scores(races), "sprints": _scores(sprints)}


def _scores(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the number of races (or sprints), the means of each horizon and system, and the scores themselves."""
    horizons: dict[str, dict[str, dict[str, float]]] = {}
    for horizon in [h for h in HORIZONS if any(e["horizon"] == h for e in entries)]:
        horizons[horizon] = _means([e for e in entries if e["horizon"] == horizon])
    return {"races": len({e["event_partition_key"] for e in entries}), "horizons": horizons, "events": entries}


def _means(entries: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    import pandas as pd

    frame = pd.DataFrame(entries)
    known = ("event_partition_key", "event_year", "event_name", "horizon", "system", "as_of_utc", "model_run_id")
    metrics = [c for c in frame.columns if c not in known and pd.api.types.is_numeric_dtype(frame[c])]
    means = frame.groupby("system")[metrics].mean()
    return {str(system): {m: float(row[m]) for m in metrics} for system, row in means.iterrows()}


def _named(events: pd.DataFrame, season: int, text: str) -> str:
    named = zip(events["event_partition_key"], events["race_start_utc"].astype(str), events["circuit_id"], strict=True)
    return lookup.find_event(
        [lookup.Event(key, start, circuit) for key, start, circuit in named], text, f"season {season}"
    )
