"""A small world of silver tables for the tests of gold: three seasons, four circuits, four teams, two reserves.

Everything is drawn from one seeded generator; the frames fulfil the contracts of `f1lib.lake.tables`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from f1lib.domain.identities import lineages
from f1lib.domain.weekend import FORMAT_SESSIONS, GRID_LEAD, PUBLICATION_LAG, SESSION_LENGTH, SESSION_NAMES, EventKey
from f1lib.lake import tables

SEASONS = (2022, 2023, 2024)
CIRCUITS = ("bahrain", "monaco", "spa-francorchamps", "interlagos")
FORMATS = {2022: "sprint", 2023: "sprint_shootout", 2024: "sprint_qualifying"}
TEAMS = ("red-bull", "mercedes", "alphatauri", "haas")
DRIVERS = {f"driver-{i}": TEAMS[i // 2] for i in range(8)}
RENAMED = {("alphatauri", 2024): "rb"}
POINTS = (25, 18, 15, 12, 10, 8, 6, 4) + (0,) * 14
# Hours before the race's start, in the order of the format's sessions.
_HOURS = {
    "conventional": (51, 47, 27, 23, 0),
    "sprint": (51, 46, 27, 22, 0),
    "sprint_shootout": (51, 47, 28, 23, 0),
    "sprint_qualifying": (51, 47, 28, 23, 0),
}


def world(
    seed: int = 1, *, seasons: tuple[int, ...] = SEASONS, drivers: dict[str, str] | None = None
) -> dict[str, Any]:
    """The silver tables by name. Driver i's skill is i, with noise; the last round of a season is a sprint weekend."""
    rng = np.random.default_rng(seed)
    lineup = DRIVERS if drivers is None else drivers
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in tables.contracts()}
    for season in seasons:
        for number, circuit in enumerate(CIRCUITS, start=1):
            teams = {driver: RENAMED.get((team, season), team) for driver, team in lineup.items()}
            _event(rng, rows, season, number, circuit, teams)
    known = {n: pd.DataFrame(r) for n, r in rows.items() if r}
    return {
        name: tables.conform(frame.reindex(columns=tables.contract(name).names), name) for name, frame in known.items()
    }


def _event(
    rng: np.random.Generator, rows: dict[str, Any], season: int, number: int, circuit: str, lineup: dict[str, str]
) -> None:
    key = EventKey(season, f"{circuit.title()} Grand Prix")
    place = {
        "event_partition_key": key.partition_key,
        "event_year": season,
        "event_number": number,
        "event_name": key.event_name,
        "source": "simulated",
    }
    kind = FORMATS[season] if number == len(CIRCUITS) else "conventional"
    start = pd.Timestamp(f"{season}-03-07 14:00", tz="UTC") + pd.Timedelta(weeks=number)
    street = "STREET" if circuit == "monaco" else "RACE"
    rows["events"].append(
        place
        | {"event_format": kind, "circuit_id": circuit, "circuit": circuit, "circuit_type": street}
        | {"race_start_utc": start, "is_cancelled": False}
    )
    skill = {d: i + rng.normal(0, 1.5) for i, d in enumerate(lineup)}
    for code, hours in zip(FORMAT_SESSIONS[kind], _HOURS[kind], strict=True):
        begin = start - pd.Timedelta(hours=hours)
        times = {
            "session_start_utc": begin,
            "session_end_utc": begin + SESSION_LENGTH[code],
            "available_utc": begin + SESSION_LENGTH[code] + PUBLICATION_LAG,
            "grid_available_utc": begin - GRID_LEAD if code in "RS" else pd.NaT,
        }
        session = {"session": code, "session_name": SESSION_NAMES[code], "time_is_estimated": False}
        rows["sessions"].append(place | session | times)
        here = place | {"session": code, "available_utc": times["available_utc"]}
        _session(rng, rows, here, times["grid_available_utc"], skill, lineup)
        if code == "R":
            _weather(rng, rows, here, begin)


def _session(
    rng: np.random.Generator,
    rows: dict[str, Any],
    here: dict[str, Any],
    grid_utc: Any,
    skill: dict[str, float],
    lineup: dict[str, str],
) -> None:
    pace = {d: 90 + 0.3 * s + rng.normal(0, 0.3) for d, s in skill.items()}
    order = sorted(pace, key=lambda d: pace[d])
    code, is_race = here["session"], here["session"] in ("R", "S")
    grid = {d: i + 1 for i, d in enumerate(sorted(order, key=lambda d: skill[d] + rng.normal(0, 1)))}
    retired = set(order[-1:]) if is_race and rng.random() < 0.5 else set()
    for position, driver in enumerate(order, start=1):
        who = _identity(driver, lineup[driver])
        lap = pace[driver]
        segment = 3 if position <= 3 else 2 if position <= 6 else 1
        times = {f"q{i}_seconds": lap + 0.4 * (3 - i) for i in (1, 2, 3) if i <= segment}
        rows["results"].append(
            here | who | (times if code in ("Q", "SQ", "SS") else {})
            | {
                "finishing_position": position,
                "classified_position": "R" if driver in retired else str(position),
                "status": "retired" if driver in retired else "finished",
                "points": float(POINTS[position - 1] * (driver not in retired)) if is_race else None,
                "grid_position": grid[driver] if is_race else None,
                "laps": 50, "best_lap_seconds": min(times.values()) if code in ("Q", "SQ", "SS") else lap,
                "is_entrant": True, "is_classified": driver not in retired,
                "pit_stop_count": int(rng.integers(1, 4)) if code == "R" else None,
            }
        )  # fmt: skip
        if is_race:
            slot = {"grid_position": grid[driver], "is_pit_lane": False, "available_utc": grid_utc}
            rows["starting_grid"].append(here | who | slot)
        if code == "R":
            stop = {"driver_id": driver, "stop": 1, "lap": 12, "duration_seconds": 22 + rng.normal(0, 1)}
            rows["pit_stops"].append(here | stop)
        if code in ("R", "P2"):
            rows["laps"] += [here | lap_row for lap_row in _laps(rng, driver, lap)]


def _identity(driver: str, team: str) -> dict[str, Any]:
    return {
        "driver_id": driver, "driver_number": driver[7:], "abbreviation": f"D{driver[7:]}",
        "full_name": driver.title(),
        "team_id": team, "team_name": team.title(), "team_lineage": lineages().get(team, team),
    }  # fmt: skip


def _laps(rng: np.random.Generator, driver: str, pace: float) -> list[dict[str, Any]]:
    return [
        {
            "driver_id": driver, "lap_number": n, "lap_time_seconds": pace + 2 + 0.03 * n + rng.normal(0, 0.2),
            "sector1_seconds": pace / 3 + rng.normal(0, 0.1), "sector2_seconds": pace / 3, "sector3_seconds": pace / 3,
            "speed_st_kmh": 310 + rng.normal(0, 3), "compound": "MEDIUM" if n <= 12 else "HARD",
            "tyre_life": float(n if n <= 12 else n - 12), "stint": 1 if n <= 12 else 2, "track_status": "1",
            "is_deleted": False, "is_pit_in": n == 12, "is_pit_out": n == 13,
        }
        for n in range(1, 25)
    ]  # fmt: skip


def _weather(rng: np.random.Generator, rows: dict[str, Any], here: dict[str, Any], start: pd.Timestamp) -> None:
    wet = bool(rng.random() < 0.4)
    observed = {"provenance": "simulated", "condition": "wet" if wet else "dry", "air_temp_c": 20.0}
    rows["weather_observed"].append(here | observed)
    for lead in (80, 50, 20, 2):
        issued = start - pd.Timedelta(hours=lead)
        rows["weather_forecast"].append(
            here
            | {
                "issued_utc": issued,
                "available_utc": issued + pd.Timedelta(hours=3),
                "provenance": "simulated",
                "lead_hours": float(lead),
            }
            | {"air_temp_c": 20 + rng.normal(0, 3), "humidity_pct": 50.0, "precipitation_mm": rng.random()}
            | {"precipitation_probability_pct": 30.0, "wind_speed_kmh": 10.0, "wind_direction_deg": 180.0}
            | {"condition": ["dry", "mixed", "wet"][int(rng.integers(3))]}
        )


def entries(lineup: dict[str, str], season: int) -> pd.DataFrame:
    """The entry list of a season's first race; known a week before its first session, as silver has it."""
    first = pd.Timestamp(f"{season}-03-14 14:00", tz="UTC") - pd.Timedelta(hours=51)
    rows = [
        {key: value for key, value in _identity(driver, team).items() if key != "driver_number"}
        | {"event_year": season, "available_utc": first - pd.Timedelta(days=7), "source": "simulated"}
        for driver, team in lineup.items()
    ]
    return tables.conform(pd.DataFrame(rows), "entries")
