"""Live through a season by the production path: a tick whenever something becomes known, then the scores.

The ticks are the same ticks as `f1 run` makes; only the clock is an argument, and notebooks run in this
process instead of in a kernel each.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from f1lib.errors import BadParameters, RunError
from f1lib.runner import tick
from f1lib.terms import EventKey, format_utc

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from f1lib.workspace import Workspace

# The prediction before a weekend is issued this long before its first session.
PRE_WEEKEND_LEAD = timedelta(hours=24)


def replay_season(ws: Workspace, season: int, event: str, on_tick: Callable[[str], None]) -> dict[str, Any]:
    """Tick through ``season`` (or one ``event`` of it) up to ``ws.as_of`` and score what was issued.

    Returns ``{"season", "races", "horizons": {horizon: {system: means}}, "events": [...]}``. Raises
    `BadParameters` for a season or event the source does not know, `RunError` when a tick fails.
    """
    inprocess = replace(ws, settings=replace(ws.settings, engine="inprocess"))
    moments = replay_moments(ws, season, event)
    for moment, why in moments:
        if moment > ws.as_of:
            break
        result = tick(inprocess.at(moment))
        if "source" not in inprocess.__dict__ and result.runs:
            inprocess.__dict__["source"] = inprocess.source
        on_tick(f"{format_utc(moment)}  {why}: {', '.join(r.step.stage[3:] for r in result.runs) or 'nothing due'}")
        if result.failures:
            raise RunError(f"the tick at {format_utc(moment)} failed: {result.failures[0].error}")
    return summarize(inprocess.at(moments[-1][0]), season, event)


def replay_moments(ws: Workspace, season: int, event: str) -> list[tuple[datetime, str]]:
    """When something of the season becomes known: each weekend's eve, each session, each grid; ascending."""
    if season not in ws.source.seasons(ws.as_of):
        raise BadParameters(f"source {ws.source_name} does not know season {season}")
    sessions = ws.source.schedule(season, ws.as_of).sessions
    if event:
        sessions = sessions[sessions["event_partition_key"] == _named(sessions, season, event)]
    eve = sessions.groupby("event_partition_key")["session_start_utc"].min() - PRE_WEEKEND_LEAD
    moments = [(when.to_pydatetime(), f"{key} eve") for key, when in eve.items()]
    for row in sessions.to_dict("records"):
        name = f"{row['event_partition_key']} {row['session']}"
        moments.append((row["available_utc"].to_pydatetime(), name))
        if row["session"] in ("R", "S"):
            moments.append((row["grid_available_utc"].to_pydatetime(), f"{name} grid"))
    return sorted(moments)


def summarize(ws: Workspace, season: int, event: str) -> dict[str, Any]:
    """The scores of every prediction issued for the season, from ``reports/accuracy.json``."""
    from f1lib.storage import read_json

    entries = [e for e in read_json(ws.store, "reports/accuracy.json")["predictions"] if e["event_year"] == season]
    if event:
        entries = [e for e in entries if EventKey.parse(event).event_name == e["event_name"]] or entries
    horizons: dict[str, dict[str, dict[str, float]]] = {}
    for horizon in sorted({e["horizon"] for e in entries}):
        horizons[horizon] = _means([e for e in entries if e["horizon"] == horizon])
    races = len({e["event_partition_key"] for e in entries})
    return {"season": season, "races": races, "horizons": horizons, "events": entries}


def _means(entries: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    import pandas as pd

    frame = pd.DataFrame(entries)
    known = ("event_partition_key", "event_year", "event_name", "horizon", "system", "as_of_utc", "model_run_id")
    metrics = [c for c in frame.columns if c not in known and pd.api.types.is_numeric_dtype(frame[c])]
    means = frame.groupby("system")[metrics].mean()
    return {str(system): {m: float(row[m]) for m in metrics} for system, row in means.iterrows()}


def _named(sessions: pd.DataFrame, season: int, event: str) -> str:
    from f1lib.terms import plain

    for key in sessions["event_partition_key"].unique():
        if plain(event) in (plain(key), plain(key[5:])) or plain(event) in plain(key):
            return str(key)
    raise BadParameters(
        f"season {season} has no event {event!r}; it has {', '.join(sessions['event_partition_key'].unique())}"
    )
