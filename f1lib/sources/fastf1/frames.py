"""Convert what FastF1 loaded to the frames of `protocols`: laps, pit stops, weather, race control.

Drivers get their canonical ids from the session's own list; a car number is only used to find the driver of a lap in
the list of the same session.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from f1lib.sources.protocols import PIT_STOP_COLUMNS, RACE_CONTROL_COLUMNS, WEATHER_COLUMNS

KMH_PER_MS = 3.6
LAP_COLUMNS = (
    "driver_id lap_number driver_number team_id lap_time_seconds sector1_seconds sector2_seconds sector3_seconds "
    "speed_i1_kmh speed_i2_kmh speed_fl_kmh speed_st_kmh compound tyre_life fresh_tyre stint position track_status "
    "is_accurate is_deleted is_pit_in is_pit_out session_time_seconds"
).split()
# FastF1's columns, in the order of `WEATHER_COLUMNS` and `RACE_CONTROL_COLUMNS`.
_WEATHER = "Time AirTemp Humidity Pressure Rainfall TrackTemp WindDirection WindSpeed".split()
_MESSAGES = "Time Lap Category Flag Scope Sector RacingNumber Message".split()
_COMPOUNDS = frozenset("SOFT MEDIUM HARD INTERMEDIATE WET HYPERSOFT ULTRASOFT SUPERSOFT".split())
_TIMES = {
    "lap_time_seconds": "LapTime",
    "sector1_seconds": "Sector1Time",
    "sector2_seconds": "Sector2Time",
    "sector3_seconds": "Sector3Time",
    "session_time_seconds": "Time",
}
_SPEEDS = {"speed_i1_kmh": "SpeedI1", "speed_i2_kmh": "SpeedI2", "speed_fl_kmh": "SpeedFL", "speed_st_kmh": "SpeedST"}


def laps(raw: pd.DataFrame, people: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Convert FastF1's ``Laps``.

    Parameters
    ----------
    raw : pandas.DataFrame
        FastF1's ``Laps``, one row a lap.
    people : mapping
        Car number -> identity (``driver_id``, ``team_id``), see `results.people`.

    Returns
    -------
    pandas.DataFrame
        One row a driver and lap, in that order, with `LAP_COLUMNS`: times in seconds, speeds in km/h, tyre life in
        laps, ``session_time_seconds`` at the end of the lap. A lap of a number that is not in ``people`` is left out.
    """
    raw = pd.DataFrame(raw)
    out = pd.DataFrame({name: seconds(raw[column]) for name, column in _TIMES.items()})
    out = out.assign(**{name: pd.to_numeric(raw[column]) for name, column in _SPEEDS.items()})
    numbers = raw["DriverNumber"].astype("string")
    out = out.assign(
        driver_id=numbers.map({number: row["driver_id"] for number, row in people.items()}),
        team_id=numbers.map({number: row["team_id"] for number, row in people.items()}),
        driver_number=numbers,
        lap_number=_whole(raw["LapNumber"]),
        compound=compound(raw["Compound"]),
        tyre_life=pd.to_numeric(raw["TyreLife"]).astype("float64"),
        fresh_tyre=flag(raw["FreshTyre"]),
        stint=_whole(raw["Stint"]),
        position=_whole(raw["Position"]),
        track_status=text(raw["TrackStatus"]),
        is_accurate=flag(raw["IsAccurate"]),
        is_deleted=flag(raw["Deleted"]),
        is_pit_in=raw["PitInTime"].notna().astype("boolean"),
        is_pit_out=raw["PitOutTime"].notna().astype("boolean"),
    )
    out = out[out["driver_id"].notna() & out["lap_number"].notna()]
    ordered = out.sort_values(["driver_id", "lap_number", "session_time_seconds"], kind="stable")
    return ordered[LAP_COLUMNS].reset_index(drop=True).astype({"driver_id": "string", "team_id": "string"})


def pit_stops(raw: pd.DataFrame, people: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Find the pit stops of a race: a lap that ends in the pit lane before one that starts there.

    Parameters
    ----------
    raw : pandas.DataFrame
        FastF1's ``Laps``, one row a lap.
    people : mapping
        Car number -> identity (``driver_id``), see `results.people`.

    Returns
    -------
    pandas.DataFrame
        One row a driver and stop, in that order, with `PIT_STOP_COLUMNS`. ``duration_seconds`` is the time in the pit
        lane, red flags included. A car that comes in and does not leave again has not stopped.
    """
    rows = []
    frame = pd.DataFrame(raw).sort_values(["DriverNumber", "LapNumber"], kind="stable")
    for number, own in frame.groupby("DriverNumber", sort=True):
        if str(number) not in people:
            continue
        came, left = seconds(own["PitInTime"]), seconds(own["PitOutTime"]).shift(-1)
        stops = pd.DataFrame({"lap": _whole(own["LapNumber"]), "duration_seconds": (left - came).round(3)})
        stops = stops[came.notna() & left.notna()].reset_index(drop=True)
        rows.append(stops.assign(driver_id=people[str(number)]["driver_id"], stop=stops.index + 1))
    whole = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=PIT_STOP_COLUMNS)
    kinds = {"driver_id": "string", "stop": "Int64", "lap": "Int64", "duration_seconds": "float64"}
    return whole[PIT_STOP_COLUMNS].sort_values(["driver_id", "stop"], kind="stable", ignore_index=True).astype(kinds)


def weather(raw: pd.DataFrame) -> pd.DataFrame:
    """Convert FastF1's ``weather_data``.

    Parameters
    ----------
    raw : pandas.DataFrame
        One row a minute; wind in m/s.

    Returns
    -------
    pandas.DataFrame
        One row a minute, by time, with `WEATHER_COLUMNS`: session time in seconds, temperatures in C, humidity in
        percent, pressure in mbar, wind in km/h and degrees.
    """
    out = pd.DataFrame(raw)[_WEATHER].set_axis(WEATHER_COLUMNS, axis=1)
    wind = (pd.to_numeric(out["wind_speed_kmh"]) * KMH_PER_MS).round(3)
    out = out.assign(time_seconds=seconds(out["time_seconds"]), rainfall=flag(out["rainfall"]), wind_speed_kmh=wind)
    kinds = {name: "float64" for name in WEATHER_COLUMNS if name != "rainfall"}
    return out[WEATHER_COLUMNS].astype(kinds).sort_values("time_seconds", kind="stable", ignore_index=True)


def race_control(raw: pd.DataFrame) -> pd.DataFrame:
    """Convert FastF1's ``race_control_messages``.

    Parameters
    ----------
    raw : pandas.DataFrame
        One row a message; times in UTC without a time zone.

    Returns
    -------
    pandas.DataFrame
        One row a message, in the order they were given, with `RACE_CONTROL_COLUMNS`; ``time_utc`` aware.
    """
    out = pd.DataFrame(raw)[_MESSAGES].set_axis(RACE_CONTROL_COLUMNS, axis=1).reset_index(drop=True)
    texts = {name: text(out[name]) for name in ("category", "flag", "scope", "driver_number", "message")}
    times = pd.to_datetime(out["time_utc"], utc=True).astype("datetime64[us, UTC]")
    return out.assign(time_utc=times, lap=_whole(out["lap"]), sector=_whole(out["sector"]), **texts)


def seconds(times: pd.Series[Any]) -> pd.Series[float]:
    """Return durations in seconds, to the millisecond.

    Parameters
    ----------
    times : pandas.Series of timedelta
        Durations; missing ones NaT.

    Returns
    -------
    pandas.Series of float
        Seconds; NaN for missing ones.
    """
    return pd.to_timedelta(times).dt.total_seconds().round(3)


def flag(values: pd.Series[Any]) -> pd.Series[bool]:
    """Return truth values of any spelling as ``boolean``.

    Parameters
    ----------
    values : pandas.Series
        Python's or numpy's truth values, their texts, or None.

    Returns
    -------
    pandas.Series of boolean
        Null for anything else.
    """
    known: dict[Any, bool] = {True: True, False: False, "True": True, "False": False}
    return values.map(lambda value: known.get(value) if not pd.isna(value) else None).astype("boolean")


def text(values: pd.Series[Any]) -> pd.Series[str]:
    """Return texts with every spelling of a missing one as null.

    Parameters
    ----------
    values : pandas.Series
        Texts, with ``nan``, ``None`` or blanks where pandas or FastF1 had none.

    Returns
    -------
    pandas.Series of string
        Stripped texts, see `word`.
    """
    cleaned = values.map(word)
    return cleaned.astype("string")


def word(value: Any) -> str | None:
    """Return one text without blanks around it; None for any spelling of a missing one."""
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return None
    found = str(value).strip()
    return None if found in ("", "nan", "None", "NaN", "NaT", "<NA>") else found


def compound(values: pd.Series[Any]) -> pd.Series[str]:
    """Return tyre compounds in FastF1's spelling.

    Parameters
    ----------
    values : pandas.Series
        FastF1's ``Compound``.

    Returns
    -------
    pandas.Series of string
        A name that is no compound (``TEST_UNKNOWN``) is ``UNKNOWN``, an empty one null.
    """

    def named(value: Any) -> str | None:
        found = word(value)
        return found if found is None or found in _COMPOUNDS else "UNKNOWN"

    return values.map(named).astype("string")


def _whole(values: pd.Series[Any]) -> pd.Series[int]:
    return pd.to_numeric(values, errors="coerce").round().astype("Int64")
