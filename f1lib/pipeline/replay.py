"""Live through a season by the production path: a tick whenever something becomes known, then the scores.

The ticks are the same ticks as `f1 run` makes; only the clock is an argument, notebooks run in this process
instead of in a kernel each, and scores and report, which nobody reads on the way, are made at the end. An
interrupted replay goes on where it was; a lake that has been brought beyond the season's beginning in any other
way is refused, because what it knows would be a look ahead.
"""

from __future__ import annotations

import gc
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from f1lib.domain.moments import format_utc
from f1lib.domain.weekend import HORIZONS, plain
from f1lib.errors import BadParameters, RunError
from f1lib.lake.paths_published import ACCURACY, REPLAY
from f1lib.lake.store import read_json, write_json
from f1lib.pipeline.tick import tick
from f1lib.tracking.rows import brought_to
from f1lib.tracking.stage_keys import STAGES, Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from f1lib.workspace.workspace import Workspace

# The prediction before a weekend is issued this long before its first session.
PRE_WEEKEND_LEAD = timedelta(hours=24)
_STAGES = frozenset(STAGES)
_AT_THE_END = frozenset((Stage.SCORE, Stage.REPORT))  # nothing is predicted from what they say


class Moment(NamedTuple):
    """When something becomes known, and what it is."""

    when: datetime
    why: str


def replay_season(ws: Workspace, season: int, event: str, on_tick: Callable[[str], None]) -> dict[str, Any]:
    """Tick through ``season`` (or one ``event`` of it) up to ``ws.as_of`` and score what was issued.

    Returns ``{"season", "races", "horizons": {horizon: {system: means}}, "events": [...], "sprints"}``, where
    ``sprints`` holds the same of the sprints. Raises
    `BadParameters` for a season or event the source does not know and for a lake that knows its future already,
    `RunError` when a tick fails.
    """
    if season not in ws.source.seasons(ws.as_of):
        raise BadParameters(f"source {ws.source_name} does not know season {season} at {format_utc(ws.as_of)}")
    event = _named(ws, season, event) if event else ""
    moments = [moment for moment in replay_moments(ws, season, event) if moment.when <= ws.as_of]
    if not moments:
        raise BadParameters(f"nothing of season {season} has begun at {format_utc(ws.as_of)}")
    record = _record(ws, season, event, moments[0].when)
    inprocess = replace(ws, settings=replace(ws.settings, engine="inprocess"))
    for moment in moments:
        text = format_utc(moment.when)
        if text < record["until"]:
            continue
        write_json(ws.store, REPLAY, record | {"until": text})
        result = tick(inprocess.at(moment.when), stages=_STAGES if moment is moments[-1] else _STAGES - _AT_THE_END)
        on_tick(f"{text}  {moment.why}: {', '.join(r.step.stage[3:] for r in result.runs) or 'nothing due'}")
        if result.failures:
            raise RunError(f"the tick at {text} failed: {result.failures[0].error}")
        if any(run.step.stage == Stage.TRAIN for run in result.runs):
            _tidy_up()
    return summarize(inprocess.at(moments[-1].when), season, event)


def _tidy_up() -> None:
    """After a training, when every library is loaded: they are not walked through again, and memory is given back."""
    import pyarrow

    if not gc.get_freeze_count():  # once: what is frozen is never freed
        gc.collect()
        gc.freeze()
    pyarrow.default_memory_pool().release_unused()


def _record(ws: Workspace, season: int, event: str, first: datetime) -> dict[str, Any]:
    """What was replayed in this lake and up to when; raises `BadParameters` when it knows more than that."""
    record: dict[str, Any] = {"replayed": [], "until": ""}
    if ws.store.exists(REPLAY):
        record = dict(read_json(ws.store, REPLAY))
    known = brought_to(ws.tracking.rows())
    goes_on = [season, event] in record["replayed"] or [season, ""] in record["replayed"]
    if known > (record["until"] if goes_on else format_utc(first)):
        raise BadParameters(
            f"lake {ws.store.url} has been brought to {known} already and this replay begins {format_utc(first)}: "
            "give it a lake of its own with --lake"
        )
    if not goes_on:
        record["replayed"].append([season, event])
    return record


def replay_moments(ws: Workspace, season: int, event: str) -> list[Moment]:
    """When something of the season (or of the event with key ``event``) becomes known, ascending.

    Each weekend's eve, each session, each grid.
    """
    sessions = ws.source.schedule(season, ws.as_of).sessions
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


def summarize(ws: Workspace, season: int, event: str) -> dict[str, Any]:
    """The scores of every prediction issued for the season, from ``reports/accuracy.json``."""
    accuracy: dict[str, Any] = {"predictions": [], "sprints": {"predictions": []}}
    if ws.store.exists(ACCURACY):
        accuracy = read_json(ws.store, ACCURACY)
    races, sprints = (
        [e for e in entries if e["event_year"] == season and event in ("", e["event_partition_key"])]
        for entries in (accuracy["predictions"], accuracy["sprints"]["predictions"])
    )
    return {"season": season, **_scores(races), "sprints": _scores(sprints)}


def _scores(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """How many races (or sprints), the means of each horizon and system, and the scores they are means of."""
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


def _named(ws: Workspace, season: int, event: str) -> str:
    """The key of the event that ``event`` means: the key itself, the event's name or a part of it."""
    keys = [str(key) for key in ws.source.schedule(season, ws.as_of).events["event_partition_key"]]
    same = [key for key in keys if plain(event) in (plain(key), plain(key[5:]))]
    for key in same or [key for key in keys if plain(event) in plain(key)]:
        return key
    raise BadParameters(f"season {season} has no event {event!r}; it has {', '.join(keys)}")
