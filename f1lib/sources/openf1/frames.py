"""OpenF1's rows of one session in the shape that FastF1 gives it, so that both become the same frames by the same code.

What FastF1 reads from pages that OpenF1 does not have is read from its messages of race control, as they state it: the
status of the track, and the deleted laps.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from f1lib.sources.fastf1.jolpica import clock
from f1lib.sources.fastf1.load import Loaded

Rows = list[dict[str, Any]]
_LAPS = (
    "driver_number lap_number date_start lap_duration duration_sector_1 duration_sector_2 duration_sector_3 i1_speed "
    "i2_speed st_speed is_pit_out_lap segments_sector_3"
).split()
_STINTS = "driver_number lap_start stint_number compound tyre_age_at_start".split()
_PIT_LANE = 2064  # value of a segment; races have none
_WEATHER = {
    "AirTemp": "air_temperature",
    "Humidity": "humidity",
    "Pressure": "pressure",
    "Rainfall": "rainfall",
    "TrackTemp": "track_temperature",
    "WindDirection": "wind_direction",
    "WindSpeed": "wind_speed",
}
_MESSAGES = {
    "Time": "date",
    "Lap": "lap_number",
    "Category": "category",
    "Flag": "flag",
    "Scope": "scope",
    "Sector": "sector",
    "RacingNumber": "driver_number",
    "Message": "message",
}
_DELETED = re.compile(r"CAR (\d+) .*TIME (\d:\d\d\.\d{3}) .*(DELETED|REINSTATED)")
_CLEAR, _YELLOW, _SAFETY_CAR, _RED, _VIRTUAL, _VIRTUAL_ENDING = "1", "2", "4", "5", "6", "7"  # FastF1's statuses
_YELLOW_FLAGS = ("YELLOW", "DOUBLE YELLOW")


def loaded(rows: Mapping[str, Rows], zero: datetime) -> Loaded:
    """Bring a session's rows into FastF1's shape.

    Parameters
    ----------
    rows : mapping of str to list of dict
        Rows of the endpoints ``drivers``, ``laps``, ``stints``, ``pit``, ``weather``, ``race_control`` and
        ``session_result``.
    zero : datetime
        Start of the session as OpenF1 has it, aware UTC: session time begins there.

    Returns
    -------
    Loaded
        A part without rows is None. ``statuses`` ends with ``Finished`` once the flag has been shown.
    """
    messages = _messages(rows["race_control"])
    shown = messages is None or (messages["Flag"] == "CHEQUERED").any()
    return Loaded(
        listed=listed(rows["drivers"]),
        laps=_laps(rows, messages, zero) if rows["laps"] else None,
        weather=_weather(rows["weather"], zero),
        messages=messages,
        statuses=["Finished" if shown else "Started"],
    )


def named_drivers(rows: Rows, session_key: Any) -> Rows:
    """Return the drivers of one session of a meeting; a row without a name takes that of its number in the others.

    Parameters
    ----------
    rows : list of dict
        Rows of ``drivers``, of all sessions of a meeting.
    session_key : Any
        OpenF1's key of the session.

    Returns
    -------
    list of dict
        One row a car number. A number that the meeting gives to nobody, or to two drivers, stays without a name.
    """
    names: dict[Any, Rows] = {}
    for row in rows:
        if _name(row) and _name(row) not in map(_name, names.setdefault(row.get("driver_number"), [])):
            names[row.get("driver_number")].append(row)
    found = {}
    for row in (row for row in rows if row.get("session_key") == session_key):
        known = names.get(row.get("driver_number"), [])
        found[row.get("driver_number")] = row if _name(row) or len(known) != 1 else known[0]
    return list(found.values())


def _name(row: Mapping[str, Any]) -> str:
    whole = f"{row.get('first_name') or ''} {row.get('last_name') or ''}".strip()
    return whole if row.get("first_name") and row.get("last_name") else str(row.get("full_name") or "")


def listed(rows: Rows) -> pd.DataFrame:
    """Return drivers as FastF1's ``Session.results`` lists them.

    Parameters
    ----------
    rows : list of dict
        As of `named_drivers`.

    Returns
    -------
    pandas.DataFrame
        One row a car number: ``DriverNumber``, ``FullName``, ``TeamName``, ``Abbreviation``.
    """
    return pd.DataFrame(
        {
            "DriverNumber": [str(row.get("driver_number")) for row in rows],
            "FullName": [_name(row) or None for row in rows],
            "TeamName": [row.get("team_name") for row in rows],
            "Abbreviation": [row.get("name_acronym") for row in rows],
        },
        dtype="object",
    )


def _laps(rows: Mapping[str, Rows], messages: pd.DataFrame | None, zero: datetime) -> pd.DataFrame:
    """Return ``Laps`` as FastF1 has them, without the columns that nothing here reads."""
    raw = pd.DataFrame(rows["laps"]).reindex(columns=_LAPS).astype({"driver_number": int, "lap_number": int})
    raw = _with_stints(raw.sort_values(["driver_number", "lap_number"], kind="stable"), rows["stints"])
    began, took = _since(raw["date_start"], zero), _length(raw["lap_duration"])
    ended = (began + took).fillna(began.groupby(raw["driver_number"]).shift(-1))
    out = raw["is_pit_out_lap"].map(bool)
    stops = {(row.get("driver_number"), row.get("lap_number")): row.get("pit_duration") for row in rows["pit"]}
    in_lane = pd.Series(list(map(stops.get, _places(raw))), raw.index, dtype="float64")
    came_in = _came_in(raw, stops, rows["session_result"])
    came_in_at = ended.fillna(pd.Timedelta(0)).where(came_in)
    left_at = (came_in_at + _length(in_lane.fillna(0.0))).groupby(raw["driver_number"]).shift(1)
    laps = pd.DataFrame(
        {
            "Time": ended,
            "DriverNumber": raw["driver_number"].astype(str),
            "LapNumber": raw["lap_number"],
            "LapTime": took,
            "PitInTime": came_in_at,
            "PitOutTime": left_at.fillna(began).fillna(pd.Timedelta(0)).where(out),
            **{f"Sector{n}Time": _length(raw[f"duration_sector_{n}"]) for n in (1, 2, 3)},
            "SpeedI1": raw["i1_speed"].astype(float),
            "SpeedI2": raw["i2_speed"].astype(float),
            "SpeedFL": float("nan"),
            "SpeedST": raw["st_speed"].astype(float),
            "Stint": raw["stint_number"],
            "Compound": raw["compound"],
            "TyreLife": raw["tyre_age_at_start"] + raw["lap_number"] - raw["lap_start"] + 1,
            "FreshTyre": raw["tyre_age_at_start"].eq(0).where(raw["tyre_age_at_start"].notna()),
            "Position": float("nan"),
            "TrackStatus": _track_status(messages, began, ended, zero),
            "Deleted": _deleted(messages, raw),
        }
    )
    sectors = laps["Sector1Time"] + laps["Sector2Time"] + laps["Sector3Time"]
    adds_up = (sectors - took).abs() <= pd.Timedelta(milliseconds=3)
    green = laps["TrackStatus"].isin(["1", "2", "12", "21"]) | laps["TrackStatus"].isna()
    return laps.assign(IsAccurate=adds_up & green & ~came_in & ~out)


def _places(laps: pd.DataFrame) -> list[tuple[int, int]]:
    return list(zip(laps["driver_number"], laps["lap_number"], strict=True))


def _came_in(laps: pd.DataFrame, stops: Mapping[Any, Any], results: Rows) -> pd.Series[bool]:
    """Return whether each lap ended in the pit lane.

    It did when OpenF1 times the stop, when the next lap begins in the lane, and when the last segment was the lane.
    The last lap of a car that retired did when it has a time: a car that stops on the track has none.
    """
    timed = pd.Series([place in stops for place in _places(laps)], laps.index)
    leaves = laps.groupby("driver_number")["is_pit_out_lap"].shift(-1).eq(True)
    lane = laps["segments_sector_3"].map(lambda found: isinstance(found, list) and _PIT_LANE in found)
    retired = laps["driver_number"].isin([row.get("driver_number") for row in results if row.get("dnf")])
    last = ~laps.duplicated("driver_number", keep="last") & laps["lap_duration"].notna()
    return timed | leaves | lane | (retired & last)


def _with_stints(laps: pd.DataFrame, rows: Rows) -> pd.DataFrame:
    """Add the stint of each lap: the last that began by then."""
    stints = pd.DataFrame(rows).reindex(columns=_STINTS).dropna(subset=["driver_number", "lap_start"])
    stints = stints.astype({"driver_number": int, "lap_start": int, "tyre_age_at_start": float})
    joined = pd.merge_asof(
        laps.sort_values("lap_number", kind="stable"),
        stints.sort_values("lap_start", kind="stable").assign(lap_number=lambda found: found["lap_start"]),
        on="lap_number",
        by="driver_number",
    )
    return joined.sort_values(["driver_number", "lap_number"], kind="stable", ignore_index=True)


def _track_status(
    messages: pd.DataFrame | None, began: pd.Series[Any], ended: pd.Series[Any], zero: datetime
) -> pd.Series[str]:
    """Return the statuses of the track during each lap, in the order they came: ``1``, ``12``, ``24``."""
    found = pd.Series("", ended.index, dtype="object")
    if messages is None:
        return found.mask(found == "")
    changes = _status_changes(messages, zero)
    for (since, status), (until, _) in zip(changes, [*changes[1:], (pd.Timedelta.max, "")], strict=True):
        hit = (began.fillna(ended) <= until) & (ended >= since) & ~found.str.contains(status, regex=False)
        found = found.mask(hit, found + status)
    return found.mask(found == "")


def _status_changes(messages: pd.DataFrame, zero: datetime) -> list[tuple[pd.Timedelta, str]]:
    """Return when the status of the track changed, and to what, after the messages of race control."""
    now, yellow = _CLEAR, set[Any]()
    changes = [(pd.Timedelta.min, now)]
    for at, row in zip(_since(messages["Time"], zero), messages.to_dict("records"), strict=True):
        flag, text, before = row["Flag"], str(row["Message"]).upper(), now
        if row["Scope"] == "Sector":
            yellow = yellow | {row["Sector"]} if flag in _YELLOW_FLAGS else yellow - {row["Sector"]}
            now = (_YELLOW if yellow else _CLEAR) if now in (_CLEAR, _YELLOW) else now
        elif flag == "RED":
            now = _RED
        elif "VIRTUAL SAFETY CAR" in text or "VSC" in text:
            now = _VIRTUAL if "DEPLOYED" in text else _VIRTUAL_ENDING if "ENDING" in text else now
        elif "SAFETY CAR DEPLOYED" in text:
            now = _SAFETY_CAR
        elif flag == "CLEAR":
            now, yellow = _CLEAR, set()
        elif flag == "GREEN" and now == _RED:  # the pit exit opens: the race goes on behind the safety car, or starts
            now = _CLEAR
        changes += [(at, now)] if now != before else []
    return changes


def _deleted(messages: pd.DataFrame | None, laps: pd.DataFrame) -> pd.Series[Any]:
    """Return whether each lap's time was deleted and not reinstated; unknown without messages."""
    if messages is None:
        return pd.Series(None, laps.index, dtype="object")
    gone: dict[tuple[int, float | None], bool] = {}
    for match in filter(None, map(_DELETED.search, messages["Message"].astype(str))):
        gone[int(match[1]), clock(match[2])] = match[3] == "DELETED"
    times = zip(laps["driver_number"], laps["lap_duration"].astype(float).round(3), strict=True)
    return pd.Series([gone.get(place, False) for place in times], laps.index)


def _weather(rows: Rows, zero: datetime) -> pd.DataFrame | None:
    if not rows:
        return None
    raw = pd.DataFrame(rows).reindex(columns=["date", *_WEATHER.values()])
    named = pd.DataFrame({name: raw[column] for name, column in _WEATHER.items()})
    return named.assign(Time=_since(raw["date"], zero), Rainfall=raw["rainfall"].map(bool, na_action="ignore"))


def _messages(rows: Rows) -> pd.DataFrame | None:
    if not rows:
        return None
    raw = pd.DataFrame(rows).reindex(columns=list(_MESSAGES.values()))
    named = pd.DataFrame({name: raw[column] for name, column in _MESSAGES.items()})
    numbers = named["RacingNumber"].map(lambda number: None if pd.isna(number) else str(int(number)))
    return named.assign(Time=pd.to_datetime(raw["date"], utc=True, format="ISO8601"), RacingNumber=numbers)


def _since(moments: pd.Series[Any], zero: datetime) -> pd.Series[Any]:
    return pd.to_datetime(moments, utc=True, format="ISO8601") - pd.Timestamp(zero)


def _length(seconds: pd.Series[Any]) -> pd.Series[Any]:
    return pd.to_timedelta(pd.to_numeric(seconds, errors="coerce").round(3), unit="s").dt.round("ms")
