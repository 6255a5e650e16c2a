"""Fetch weather forecasts into bronze.

An event that is ahead gets the forecast of now. A past one gets the forecasts as they were issued when each of its
predictions would have been made, so that training sees forecasts of the same lead as serving. A forecast that does
not exist is recorded as missing. Every forecast is kept; only one that differs materially (`Material`) makes
the layers above run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean
from typing import Any, NamedTuple

import pandas as pd

from f1lib.domain.moments import format_utc, parse_utc
from f1lib.domain.weekend import EventKey
from f1lib.errors import BadParameters, SourceError
from f1lib.lake import fingerprint, paths
from f1lib.lake.integrity import sealed
from f1lib.lake.parquet import read_parquet
from f1lib.lake.store import ObjectStore, read_json, write_json
from f1lib.sources.protocols import WeatherSource
from f1lib.tracking.rows import Status, TrackingRow, WeatherRow
from f1lib.tracking.stage_keys import WEATHER_ROW
from f1lib.tracking.table import TrackingTable
from f1lib.workspace.workspace import Workspace

WEEKEND_EVE = timedelta(hours=24)
# A source that failed is asked again after this time.
TRY_AGAIN_AFTER = timedelta(hours=1)
_COLUMNS = ["event_partition_key", "asked_utc", "issued_utc", "status", "reason", "key"]


class Quantity(NamedTuple):
    """Wording of a forecast's quantity: ``name`` in a sentence, ``label`` before its value, ``unit`` after."""

    name: str
    label: str
    unit: str


QUANTITIES = {
    "probability_points": Quantity("chance of rain", "rain", "%"),
    "precipitation_mm": Quantity("rain", "", "mm"),
    "temperature_c": Quantity("air", "air", "C"),
    "wind_kmh": Quantity("wind", "wind", "km/h"),
}


@dataclass(frozen=True)
class Material:
    """Differences from the forecast last acted on at which predictions are made again."""

    probability_points: float = 15.0
    precipitation_mm: float = 1.0
    temperature_c: float = 3.0
    wind_kmh: float = 10.0


def fetch_forecasts(ws: Workspace, events: list[str], material: Material = Material()) -> pd.DataFrame:
    """Fetch the forecasts that are due for ``events``.

    After a source fails it is not asked for the remaining events; each has the error on its tracking row and is asked
    for again an hour later.

    Parameters
    ----------
    ws : Workspace
        Its weather source is asked, its lake and tracking table are written.
    events : list of str
        Partition keys, such as ``2025_Australian_Grand_Prix``.
    material : Material
        Differences that count as a change of the forecast.

    Returns
    -------
    pandas.DataFrame
        One row a forecast: ``event_partition_key``, ``asked_utc``, ``issued_utc``, ``status`` (``fetched`` or
        ``missing``), ``reason`` and ``key`` in the lake; times as ISO 8601 text, empty where there is none.

    Raises
    ------
    BadParameters
        For an event that is not in the schedule.
    StorageError
        When the lake cannot be read or written.
    """
    rows: list[dict[str, Any]] = []
    source = ws.weather
    down = "" if source else f"source {ws.source_name} has no forecasts"
    for event in events:
        if source is None or down:
            found, error = [_missing(event, ws.as_of, down)], down if source else ""
            if error:
                _track(ws.tracking, ws.as_of, EventKey.parse(event), [], material, error)
        else:
            found, down = _fetch_event(ws, source, event, material)
        rows += found
    return pd.DataFrame(rows, columns=_COLUMNS)


def past_events(rows: list[TrackingRow], seasons: list[int], as_of: datetime) -> list[str]:
    """Return the races that are over and whose weather was never asked for.

    Parameters
    ----------
    rows : list of TrackingRow
        The tracking table.
    seasons : list of int
        Years; empty for all.
    as_of : datetime
        Races that ended by then count, aware UTC.

    Returns
    -------
    list of str
        Partition keys, oldest first.
    """
    asked = {r["event_partition_key"] for r in rows if r["session_name_abr"] == WEATHER_ROW and _is_asked(r)}
    races = [r for r in rows if r["session_name_abr"] == "R" and not r.get("is_cancelled")]
    over = [r for r in races if r["session_end_utc"] <= format_utc(as_of) and r["event_partition_key"] not in asked]
    over = [r for r in over if not seasons or r["event_year"] in seasons]
    return [r["event_partition_key"] for r in sorted(over, key=lambda r: str(r["session_date_utc"]))]


def fetch_past(ws: Workspace, events: list[str], on_event: Callable[[str], None]) -> str:
    """Fetch what was forecast for past races, and the weather the archive has of them.

    One or two calls a race. The archive's values go to ``bronze/weather/archive/`` and are never taken for a forecast.

    Parameters
    ----------
    ws : Workspace
        Its weather source is asked, its lake and tracking table are written.
    events : list of str
        Partition keys, see `past_events`.
    on_event : callable
        Called with the partition key of each event that is done.

    Returns
    -------
    str
        Why it ended early; empty when every event is done.

    Raises
    ------
    BadParameters
        For an event that is not in the schedule.
    StorageError
        When the lake cannot be read or written.
    """
    source = ws.weather
    if source is None:
        return f"source {ws.source_name} has no weather; see the setting `weather`"
    for event in events:
        rows = fetch_forecasts(ws, [event])
        error = (ws.tracking.get(event, WEATHER_ROW) or {}).get("last_error")
        if not error and hasattr(source, "observed"):
            error = _fetch_observed(ws, source, EventKey.parse(event))
        if error:
            return str(error)
        row = _weather_row(EventKey.parse(event))
        row |= {"past_asked_utc": format_utc(ws.as_of), "forecasts": int((rows["status"] == "fetched").sum())}
        ws.tracking.put_rows([row])
        on_event(event)
    return ""


def _is_asked(row: WeatherRow) -> bool:
    return bool(row.get("past_asked_utc"))


def _fetch_observed(ws: Workspace, source: Any, key: EventKey) -> str:
    event_row, sessions = schedule_rows(ws.store, key)
    try:
        document = source.observed(event_row, sessions, ws.as_of)
    except SourceError as error:
        return str(error)
    if document is not None:
        path = paths.forecast_key("archive", key, ws.as_of)
        write_json(ws.store, path, sealed(document))
        ws.tracking.put_rows([_weather_row(key) | {"status": Status.INGESTED, "updated_at_utc": format_utc(ws.as_of)}])
    return ""


def _weather_row(key: EventKey) -> WeatherRow:
    row: WeatherRow = {"event_partition_key": key.partition_key, "session_name_abr": WEATHER_ROW}
    return {**row, "event_year": key.season, "event_name": key.event_name}


def asked_moments(sessions: list[dict[str, Any]], as_of: datetime) -> list[datetime]:
    """Return the times for which forecasts of an event are asked for.

    That is ``as_of`` while the race is ahead. For a past event they are the times of its predictions: the eve of the
    weekend, the moment each session before the race became available, and the publication of the grid. ``sessions`` are
    the event's rows of table ``sessions``.
    """
    race = next(row for row in sessions if row["session"] == "R")
    if race["session_start_utc"] > as_of:
        return [as_of]
    turns = [row["available_utc"] for row in sessions if row["session"] != "R"]
    first = min(row["session_start_utc"] for row in sessions) - WEEKEND_EVE
    return sorted({moment.to_pydatetime() for moment in (first, *turns, race["grid_available_utc"])})


def _fetch_event(
    ws: Workspace, source: WeatherSource, event: str, material: Material
) -> tuple[list[dict[str, Any]], str]:
    """Return the outcome of each forecast of one event, and why its source failed, if it did."""
    key = EventKey.parse(event)
    event_row, sessions = schedule_rows(ws.store, key)
    rows: list[dict[str, Any]] = []
    documents: list[dict[str, Any]] = []
    error = ""
    if event_row["latitude"] != event_row["latitude"] or event_row["latitude"] is None:
        rows.append(_missing(event, ws.as_of, "no coordinates are known for its circuit"))
        _track(ws.tracking, ws.as_of, key, [], material, "")
        return rows, ""
    kind = "forecast" if event_row["race_start_utc"] > ws.as_of else "historical_forecast"
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
        documents.append(document)
        issued = parse_utc(document["f1lib"]["issued_utc"])
        path = paths.forecast_key(kind, key, issued)
        ws.hold(event)
        write_json(ws.store, path, sealed(document))
        row = {"event_partition_key": event, "asked_utc": format_utc(moment), "issued_utc": format_utc(issued)}
        rows.append({**row, "status": "fetched", "reason": "", "key": path})
    ws.hold(event)
    _track(ws.tracking, ws.as_of, key, documents, material, error, sessions)
    return rows, error


def schedule_rows(store: ObjectStore, key: EventKey) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the rows of an event and of its sessions in the calendar; raises `BadParameters` for an unknown event."""
    events = read_parquet(store, paths.schedule_table(key.season, "events"))
    sessions = read_parquet(store, paths.schedule_table(key.season, "sessions"))
    found = events[events["event_partition_key"] == key.partition_key].to_dict("records")
    if not found:
        raise BadParameters(f"event {key} is not in the schedule of {key.season}; `f1 status` lists what is")
    mine = sessions[sessions["event_partition_key"] == key.partition_key].to_dict("records")
    return _named(found[0]), [_named(row) for row in mine]


def _named(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in row.items()}


def _track(
    tracking: TrackingTable,
    as_of: datetime,
    key: EventKey,
    documents: list[dict[str, Any]],
    material: Material,
    error: str,
    sessions: list[dict[str, Any]] | None = None,
) -> None:
    """Update the event's tracking row."""
    known: WeatherRow = tracking.get(key.partition_key, WEATHER_ROW) or {}
    row = _weather_row(key) | _told(known, documents, sessions or [], material, as_of)
    row["last_error"] = error or None
    row["next_attempt_utc"] = format_utc(as_of + TRY_AGAIN_AFTER) if error else None
    if not error:
        row["finished_utc"] = format_utc(as_of)
    tracking.put_rows([row])


def _told(
    known: WeatherRow,
    documents: list[dict[str, Any]],
    sessions: list[dict[str, Any]],
    material: Material,
    as_of: datetime,
) -> WeatherRow:
    """Return the columns of the tracking row that forecasts change.

    ``content_hash`` changes, and the layers above run, only when the forecast changed materially.
    """
    if not documents:
        return {}
    hours = [json.dumps(document["hourly"], sort_keys=True) for document in documents]
    content = fingerprint.of_text(*hours)[: fingerprint.SHORT]
    told = race_weather(documents[-1], sessions)
    changes = material_changes(known.get("acted_on"), told, material)
    ahead = len(documents) == 1 and known.get("acted_on") is not None
    if known.get("content_hash") == content or (ahead and not changes):
        return {}
    row: WeatherRow = {"status": Status.INGESTED, "content_hash": content, "updated_at_utc": format_utc(as_of)}
    return {**row, "acted_on": told, "changes": changes}


def row_of_forecasts(store: ObjectStore, event: str, keys: list[str], material: Material) -> WeatherRow:
    """Return the tracking row of an event as the forecasts in the lake leave it.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    event : str
        Partition key.
    keys : list of str
        Its forecasts in the order of their issue: each ``forecast`` was fetched by itself, all ``historical_forecast``
        at once.
    material : Material
        Differences that count as a change of the forecast.

    Returns
    -------
    WeatherRow
        ``finished_utc`` is when the newest forecast was issued; it was fetched then or later.

    Raises
    ------
    BadParameters
        For an event that is not in the schedule.
    """
    key = EventKey.parse(event)
    _, sessions = schedule_rows(store, key)
    row = _weather_row(key)
    past = [name for name in keys if (found := paths.parse_forecast(name)) and found.kind == "historical_forecast"]
    for group in [*([name] for name in keys if name not in past), past]:
        documents = [read_json(store, name) for name in group]
        if documents:
            issued = parse_utc(documents[-1]["f1lib"]["issued_utc"])
            row |= _told(row, documents, sessions, material, issued)
            row["finished_utc"] = max(row.get("finished_utc", ""), format_utc(issued))
    return row


def race_weather(document: Mapping[str, Any], sessions: list[dict[str, Any]]) -> dict[str, dict[str, float | None]]:
    """Summarise a forecast over the scheduled hours of race and sprint.

    Returns session code (R, S) -> air temperature, precipitation, its probability and wind. Hours as in
    ``silver/sql/weather_forecast.sql``: precipitation and its probability are of the hour before, and unknown when one
    hour's is.
    """
    hourly = document["hourly"]
    hours = [parse_utc(text) for text in hourly["time"]]
    found: dict[str, dict[str, float | None]] = {}
    for session in sessions:
        if session["session"] not in ("R", "S"):
            continue
        start, end = session["session_start_utc"], session["session_end_utc"]
        held = [n for n, at in enumerate(hours) if start.replace(minute=0, second=0, microsecond=0) <= at < end]
        summed = [n for n, at in enumerate(hours) if start < at < end + timedelta(hours=1)]
        found[session["session"]] = {
            "probability_points": _summary(max, hourly["precipitation_probability"], summed, len(held)),
            "precipitation_mm": _summary(sum, hourly["precipitation"], summed, len(held)),
            "temperature_c": _summary(fmean, hourly["temperature_2m"], held),
            "wind_kmh": _summary(fmean, hourly["wind_speed_10m"], held),
        }
    return found


def material_changes(
    before: Mapping[str, Mapping[str, Any]] | None, now: Mapping[str, Mapping[str, Any]], material: Material
) -> list[str]:
    """Describe what differs materially between two forecasts.

    Parameters
    ----------
    before, now : mapping
        Forecasts as of `race_weather`; ``before`` None when there was none.
    material : Material
        The smallest difference of each quantity that counts. A value that appears or disappears always does.

    Returns
    -------
    list of str
        One text a quantity, such as ``R: chance of rain 10 -> 40 %``; empty when nothing differs.
    """
    if before is None:
        return []
    found = []
    for session, values in now.items():
        for name, value in values.items():
            old = before.get(session, {}).get(name)
            if old == value or (None not in (old, value) and abs(value - old) < getattr(material, name)):
                continue
            words = QUANTITIES[name]
            found.append(f"{session}: {words.name} {_value_text(old)} -> {_value_text(value)} {words.unit}")
    return found


def _summary(summary: Any, values: list[Any], hours: list[int], least: int = 0) -> float | None:
    """Return a summary of the known values; None without any, or with ``least`` when that many or one is missing."""
    known = [float(values[n]) for n in hours if values[n] is not None]
    is_whole = not least or (len(known) == len(hours) >= least)
    return round(float(summary(known)), 2) if known and is_whole else None


def _value_text(value: float | None) -> str:
    return "unknown" if value is None else f"{value:g}"


def _missing(event: str, moment: datetime, reason: str) -> dict[str, Any]:
    row = {"event_partition_key": event, "asked_utc": format_utc(moment), "issued_utc": ""}
    return {**row, "status": "missing", "reason": reason, "key": ""}
