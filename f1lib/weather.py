"""Forecasts into bronze: today's for what is coming, the ones of its own days for what has been.

A past event gets the forecasts as they were issued when each prediction would have been made, so that
training sees a forecast of the same lead as serving will. What cannot be had is recorded as missing.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from f1lib.errors import BadParameters, SourceError
from f1lib.storage import write_json
from f1lib.tables import read_parquet
from f1lib.terms import EventKey, format_utc, parse_utc, stamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from f1lib.sources.base import WeatherSource
    from f1lib.workspace import Workspace

WEEKEND_EVE = timedelta(hours=24)
_COLUMNS = ["event_partition_key", "asked_utc", "issued_utc", "status", "reason", "key"]


def fetch_forecasts(ws: Workspace, events: list[str]) -> pd.DataFrame:
    """Fetch the forecasts due for ``events``; one row a forecast fetched, or missing with the reason.

    Raises `BadParameters` for an event that is not in the schedule. A source that fails is recorded on the
    event's tracking row and asked again by the next tick.
    """
    rows: list[dict[str, Any]] = []
    source = ws.weather
    for event in events:
        found = _missing(event, ws.as_of, f"source {ws.source_name} has no forecasts") if source is None else None
        rows += [found] if found else _fetch_event(ws, source, event)  # type: ignore[arg-type]
    return pd.DataFrame(rows, columns=_COLUMNS)


def asked_moments(sessions: list[dict[str, Any]], as_of: datetime) -> list[datetime]:
    """When the forecasts of an event are asked for: now while it is ahead, else at each of its turns.

    ``sessions`` are the event's rows of table ``sessions``. The turns are the eve of the weekend, the moment
    each session before the race became visible, and the publication of the grid: the predictions' moments.
    """
    race = next(row for row in sessions if row["session"] == "R")
    if race["session_start_utc"] > as_of:
        return [as_of]
    turns = [row["available_utc"] for row in sessions if row["session"] != "R"]
    first = min(row["session_start_utc"] for row in sessions) - WEEKEND_EVE
    return sorted({moment.to_pydatetime() for moment in (first, *turns, race["grid_available_utc"])})


def _fetch_event(ws: Workspace, source: WeatherSource, event: str) -> list[dict[str, Any]]:
    key = EventKey.parse(event)
    event_row, sessions = _schedule_rows(ws, key)
    kind = "forecast" if event_row["race_start_utc"] > ws.as_of else "historical_forecast"
    rows: list[dict[str, Any]] = []
    digest = hashlib.sha256()
    error = ""
    for moment in asked_moments(sessions, ws.as_of):
        try:
            document = source.forecast(event_row, sessions, moment)
        except SourceError as failure:
            error = str(failure)
            rows.append(_missing(event, moment, error))
            break
        if document is None:
            rows.append(_missing(event, moment, "the event is out of the forecast's reach"))
            continue
        issued = parse_utc(document["f1lib"]["issued_utc"])
        path = f"bronze/weather/{kind}/{key.season}/{key.folder}/{stamp(issued)}.json"
        write_json(ws.store, path, document)
        digest.update(json.dumps(document["hourly"], sort_keys=True).encode())
        row = {"event_partition_key": event, "asked_utc": format_utc(moment), "issued_utc": format_utc(issued)}
        rows.append({**row, "status": "fetched", "reason": "", "key": path})
    _track(ws, key, rows, digest.hexdigest()[:16], error)
    return rows


def _schedule_rows(ws: Workspace, key: EventKey) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    events = read_parquet(ws.store, f"bronze/schedule/{key.season}/events.parquet")
    sessions = read_parquet(ws.store, f"bronze/schedule/{key.season}/sessions.parquet")
    found = events[events["event_partition_key"] == key.partition_key].to_dict("records")
    if not found:
        raise BadParameters(f"event {key} is not in the schedule of {key.season}; `f1 status` lists what is")
    mine = sessions[sessions["event_partition_key"] == key.partition_key].to_dict("records")
    return _named(found[0]), [_named(row) for row in mine]


def _named(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in row.items()}


def _track(ws: Workspace, key: EventKey, rows: list[dict[str, Any]], content: str, error: str) -> None:
    row: dict[str, Any] = {"event_partition_key": key.partition_key, "session_name_abr": "STAGE#02_weather"}
    row |= {"event_year": key.season, "event_name": key.event_name, "last_error": error or None}
    known = ws.tracking.get(key.partition_key, "STAGE#02_weather") or {}
    if not error:
        row["finished_utc"] = format_utc(ws.as_of)
    if any(r["status"] == "fetched" for r in rows) and known.get("content_hash") != content:
        row |= {"status": "ingested", "content_hash": content, "updated_at_utc": format_utc(ws.as_of)}
    ws.tracking.put_rows([row])


def _missing(event: str, moment: datetime, reason: str) -> dict[str, Any]:
    row = {"event_partition_key": event, "asked_utc": format_utc(moment), "issued_utc": ""}
    return {**row, "status": "missing", "reason": reason, "key": ""}
