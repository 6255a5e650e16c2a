"""Refuse impossible values at the source, and note what was refused.

>>> frames, refused = refuse(frames, "Q")
>>> refused[0]
{'driver_id': 'sergio-perez', 'column': 'lap_time_seconds', 'value': 73.717, 'reason': '...', 'lap_number': 3}

A refused value is null from then on; the rest of its row stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from f1lib.domain.moments import format_utc
from f1lib.domain.weekend import FORMAT_SESSIONS, SESSION_LENGTH, before_race

LAP, SECTORS = "lap_time_seconds", ["sector1_seconds", "sector2_seconds", "sector3_seconds"]


@dataclass(frozen=True)
class Rule:
    """Bounds of some columns of one frame, in their unit, with the reason for them.

    ``most`` None stands for four times the session's scheduled length, which no stoppage has reached.
    """

    frame: str
    columns: tuple[str, ...]
    least: float
    most: float | None
    reason: str


_SPEEDS = ("speed_i1_kmh", "speed_i2_kmh", "speed_fl_kmh", "speed_st_kmh")
_TIMED = ("q1_seconds", "q2_seconds", "q3_seconds", "best_lap_seconds")
RULES = (
    Rule("laps", (LAP,), 45.0, None, "the shortest lap ever raced takes 53 s (Sakhir 2020)"),
    Rule("laps", tuple(SECTORS), 5.0, None, "no sector is driven in less than 5 s, or takes longer than the session"),
    Rule("laps", ("session_time_seconds",), -3600.0, 86_400.0, "a session's clock starts within the hour before it"),
    Rule("laps", _SPEEDS, 0.0, 420.0, "the record is 397 km/h"),
    Rule("results", _TIMED, 45.0, None, "the shortest lap ever raced takes 53 s (Sakhir 2020)"),
    Rule("results", ("race_time_seconds",), 60.0, None, "a race takes minutes, and at most three hours (article 5.4)"),
    Rule("results", ("gap_seconds",), 0.0, None, "nobody who is behind finished before the winner"),
    Rule("results", ("gap_laps", "laps", "pit_stop_count"), 0.0, 200.0, "a count is not negative; Monaco has 78 laps"),
    Rule("results", ("points",), 0.0, 60.0, "points are not negative; the most a race has given is 50"),
    Rule("pit_stops", ("duration_seconds",), 1.0, None, "no pit lane is driven through in a second"),
    Rule("weather", ("air_temp_c", "track_temp_c"), -20.0, 80.0, "degrees Celsius at a circuit"),
    Rule("weather", ("humidity_pct",), 0.0, 100.0, "a share"),
    Rule("weather", ("wind_speed_kmh",), 0.0, 200.0, "above hurricane force nobody drives"),
)


def refuse(frames: Mapping[str, pd.DataFrame], session: str) -> tuple[dict[str, pd.DataFrame], list[dict[str, Any]]]:
    """Remove the values of a session that break a rule of `RULES`, and laps faster than every credible one.

    Parameters
    ----------
    frames : mapping of str to pandas.DataFrame
        As in `SessionData.frames`; the caller's stay as they are.
    session : str
        Code of the session, for its length.

    Returns
    -------
    frames : dict of str to pandas.DataFrame
        The frames with null where a value was refused.
    refused : list of dict
        One entry a refused value: ``driver_id`` (where the frame has it), ``column``, ``value``, ``reason``, and
        ``lap_number`` of a lap.
    """
    found = dict(frames)
    refused: list[dict[str, Any]] = []
    for rule in RULES:
        for column in rule.columns:
            if rule.frame in found and column in found[rule.frame]:
                most = rule.most if rule.most is not None else 4 * SESSION_LENGTH[session].total_seconds()
                # On an array: a session's rules take a third of the time they take on a Series (docs/performance.md).
                values = pd.to_numeric(found[rule.frame][column], errors="coerce").to_numpy("float64", na_value=np.nan)
                wrong = (values < rule.least) | (values > most)
                found[rule.frame] = _without(found[rule.frame], wrong, column, rule.reason, refused)
    if "laps" in found:
        floor = fastest_credible_lap(found["laps"])
        reason = f"flagged inaccurate, a sector missing, and faster than every credible lap ({floor} s)"
        if floor:
            too_fast = (found["laps"][LAP] < floor) & ~is_credible(found["laps"])
            found["laps"] = _without(found["laps"], too_fast.to_numpy(bool, na_value=False), LAP, reason, refused)
    return found, refused


def is_credible(laps: pd.DataFrame) -> pd.Series[bool]:
    """Whether each lap is flagged accurate or has three sectors.

    Parameters
    ----------
    laps : pandas.DataFrame
        One row a lap, with ``is_accurate`` and the three sector times.

    Returns
    -------
    pandas.Series of bool
        One value a row of ``laps``. Where no lap of the session has a sector, laps without a flag count as credible.
    """
    accurate = laps["is_accurate"]
    if laps[SECTORS].isna().all(axis=None):
        return accurate.fillna(True).astype(bool)
    return accurate.fillna(False).astype(bool) | laps[SECTORS].notna().all(axis=1)


def fastest_credible_lap(laps: pd.DataFrame) -> float | None:
    """Return the time of the fastest lap that `is_credible`.

    Parameters
    ----------
    laps : pandas.DataFrame
        One row a lap, with ``is_accurate``, ``lap_time_seconds`` and the three sector times.

    Returns
    -------
    float or None
        Seconds; None when no lap is credible.
    """
    credible = laps.loc[is_credible(laps), LAP].dropna()
    return float(credible.min()) if len(credible) else None


def _without(
    frame: pd.DataFrame, wrong: npt.NDArray[np.bool_], column: str, reason: str, refused: list[dict[str, Any]]
) -> pd.DataFrame:
    """Return ``frame`` with ``column`` null where ``wrong``, and add each such value to ``refused``."""
    if not wrong.any():
        return frame
    named = [name for name in ("driver_id", "lap_number") if name in frame]
    for row in frame.loc[wrong, [*named, column]].to_dict("records"):
        own = {"column": column, "value": float(row[column]), "reason": reason}
        refused.append({name: row[name] for name in named if name == "driver_id"} | own)
        if "lap_number" in named:
            refused[-1]["lap_number"] = int(row["lap_number"])
    return frame.assign(**{column: frame[column].mask(wrong)})


def in_order(sessions: list[dict[str, Any]], event_format: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Refuse the times of sessions that would not come one after the other, the race last.

    Parameters
    ----------
    sessions : list of dict
        One event's rows of table ``sessions``.
    event_format : str
        `EventFormat`, which says the order (`FORMAT_SESSIONS`).

    Returns
    -------
    sessions : list of dict
        The same rows. Of two sessions in the wrong order the one further from its usual time before the race gets that
        time (``time_is_estimated``): an upstream that dates qualifying a day late would put its result after the start.
    odd : list of str
        One sentence a refused time.
    """
    order = [name for name in FORMAT_SESSIONS[event_format] if any(row["session"] == name for row in sessions)]
    rows = {row["session"]: row for row in sessions}
    odd: list[str] = []
    race = rows["R"]["session_start_utc"] if "R" in rows else None
    while race and (wrong := [pair for pair in pairwise(order) if not _follows(*(rows[name] for name in pair))]):
        usual = {name: race - before_race(event_format, name) for name in wrong[0] if name != "R"}
        name = max(usual, key=lambda name: abs(rows[name]["session_start_utc"] - usual[name]))
        was, now = rows[name]["session_start_utc"], usual[name]
        odd.append(
            f"{rows[name]['event_partition_key']} {name}: {format_utc(was)} is not in the order of "
            f"{', '.join(order)}; taken as {format_utc(now)}"
        )
        times = [key for key, value in rows[name].items() if key.endswith("_utc") and value is not None]
        rows[name] = rows[name] | {key: rows[name][key] + (now - was) for key in times} | {"time_is_estimated": True}
    return [rows[row["session"]] for row in sessions], odd


def _follows(first: dict[str, Any], second: dict[str, Any]) -> bool:
    return bool(first["session_start_utc"] < second["session_start_utc"])


def words(refused: list[dict[str, Any]]) -> list[str]:
    """Return what was refused as warnings: one a column and reason, with its count and first value."""
    grouped: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in refused:
        grouped.setdefault((row["column"], row["reason"]), []).append(row)
    return [
        f"refused {len(rows)} of {column}, the first {rows[0]['value']:g}"
        + (f" of {rows[0]['driver_id']}" if "driver_id" in rows[0] else "")
        + f": {reason}"
        for (column, reason), rows in grouped.items()
    ]
