"""Results of one session from what FastF1 loaded, with Jolpica's official rows where they exist.

Qualifying, sprint and race are classified by Jolpica. Until it has them, and for the sessions it never has, the
classification is computed from timing and is provisional.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pandas as pd

from f1lib.domain.identities import driver_id_from_ergast, is_team, team_id
from f1lib.sources.fastf1.frames import seconds, word
from f1lib.sources.protocols import GRID_COLUMNS, RESULT_COLUMNS, shaped

Row = dict[str, Any]

RACE_LIKE = ("R", "S")
QUALIFYING_LIKE = ("Q", "SQ", "SS")
# FIA Sporting Regulations: a car that has not covered 90 % of the winner's laps is not classified.
CLASSIFIED_SHARE = 0.9
# Status of drivers running at the flag but laps down; classified drivers who retired have no gap.
_LAPPED = re.compile(r"Lapped|\+\d+ Laps?")


def people(listed: pd.DataFrame, official: list[Row], season: int, teams: Collection[str] = ()) -> dict[str, Row]:
    """Identify everyone in FastF1's list of a session, then those only Jolpica names.

    A driver who appears under two numbers keeps the first; one whose number is taken is kept under the driver's id,
    because numbers tell laps apart and never drivers. Jolpica's spelling of a name (it has the accents) and its team
    are taken.

    Parameters
    ----------
    listed : pandas.DataFrame
        FastF1's ``Session.results``, one row a driver.
    official : list of dict
        Jolpica's rows, see `jolpica.read`.
    season : int
        Year, for the teams' ids.
    teams : collection of str
        Ids of entered teams that `is_team` does not know yet.

    Returns
    -------
    dict
        Car number -> ``driver_id``, ``driver_number``, ``abbreviation``, ``full_name``, ``team_id``, ``team_name``.
        Rows without a name are left out, and so are drivers of a support race: those without an Ergast id whom Jolpica
        does not name and whose team is not a Formula 1 team.
    """
    known = {row["driver_id"]: row for row in official}
    found: dict[str, Row] = {}
    for row in listed.to_dict("records"):
        name, number = word(row.get("FullName")), word(row.get("DriverNumber"))
        ergast = word(row.get("DriverId")) or ""
        if number is None or not (name or ergast):
            continue
        driver = driver_id_from_ergast(ergast, name or "")
        team = word(row.get("TeamName")) or word(row.get("TeamId")) or ""
        own = {"driver_id": driver, "driver_number": number, "abbreviation": word(row.get("Abbreviation"))}
        own |= {"full_name": name or driver, "team_id": team_id(team, season), "team_name": team}
        own |= {key: value for key, value in _identity(known.get(driver, {})).items() if value}
        if ergast or driver in known or own["team_id"] in teams or is_team(str(own["team_id"])):
            _add(found, number, own)
    for entrant in official:
        _add(found, str(entrant["driver_number"]), _identity(entrant))
    return found


def _add(found: dict[str, Row], number: str, own: Row) -> None:
    """Add a driver under the car number, or under the id where the number is taken; once."""
    if own["driver_id"] not in {other["driver_id"] for other in found.values()}:
        found[own["driver_id"] if number in found else number] = own


def results(
    listed: pd.DataFrame,
    laps: pd.DataFrame | None,
    official: list[Row],
    who: Mapping[str, Row],
    session: str,
    segments: Mapping[str, Row] | None = None,
    stops: pd.DataFrame | None = None,
    fastest: float | None = None,
) -> pd.DataFrame:
    """Classify one session.

    Parameters
    ----------
    listed : pandas.DataFrame
        FastF1's ``Session.results``, one row a driver.
    laps : pandas.DataFrame or None
        Laps, see `frames.laps`.
    official : list of dict
        Jolpica's rows, see `jolpica.read`; empty while it has none.
    who : mapping
        Car number -> identity, see `people`.
    session : str
        Code of the session.
    segments : mapping, optional
        Driver -> qualifying times, see `segment_times`; used where FastF1 has none.
    stops : pandas.DataFrame, optional
        Pit stops, see `frames.pit_stops`.
    fastest : float, optional
        The session's fastest credible lap in seconds; FastF1's times below it are dropped as impossible.

    Returns
    -------
    pandas.DataFrame
        One row a driver with `RESULT_COLUMNS`, in the order of the classification; times and gaps in seconds.

    Notes
    -----
    Without Jolpica's rows ``position_text`` of a race is a number for those who covered 90 % of the winner's laps (FIA
    Sporting Regulations), else ``DNF`` or ``DNS``, and points are unknown.
    """
    timing = _timing(listed, who, session, fastest)
    driven = _driven(laps, stops)
    rank, winner = {row["driver_id"]: row for row in official}, official[0] if official else {}
    rows = []
    for own in who.values():
        driver = own["driver_id"]
        row = {**own, **timing.get(driver, {}), **driven.get(driver, {})}
        if segments and driver in segments:
            row |= {name: row.get(name) or value for name, value in segments[driver].items()}
        rows.append(row | _official(rank.get(driver), winner, session))
    ordered = _ordered(rows, session, has_laps=laps is not None)
    if session in RACE_LIKE and not official:
        ordered = [row | _provisional(row, ordered[0]) for row in ordered]
    return shaped(pd.DataFrame(ordered), RESULT_COLUMNS)


def starting_grid(official: list[Row]) -> pd.DataFrame:
    """Return the grid of a race or sprint from its official results.

    Parameters
    ----------
    official : list of dict
        Jolpica's rows, see `jolpica.read`.

    Returns
    -------
    pandas.DataFrame
        One row a driver with `GRID_COLUMNS`, in grid order, pit-lane starters last. Drivers who did not start have no
        slot and are left out.
    """
    slots = [row for row in official if row["grid"] is not None]
    lane = [row for row in official if row["grid"] is None and row["is_pit_lane"]]
    ordered = sorted(slots, key=lambda row: row["grid"]) + lane
    rows = [
        _identity(row) | {"position": place, "position_text": "PL" if row["grid"] is None else str(row["grid"])}
        for place, row in enumerate(ordered, start=1)
    ]
    return shaped(pd.DataFrame(rows), GRID_COLUMNS)


def segment_times(
    parts: Iterable[pd.DataFrame | None], who: Mapping[str, Row], fastest: float | None = None
) -> dict[str, Row]:
    """Find the best time of each driver in each part of a qualifying session; deleted laps do not count.

    Parameters
    ----------
    parts : iterable of pandas.DataFrame or None
        FastF1's ``Laps`` of Q1, Q2 and Q3, one row a lap.
    who : mapping
        Car number -> identity, see `people`.
    fastest : float, optional
        The session's fastest credible lap in seconds; faster laps do not count.

    Returns
    -------
    dict
        Driver id -> ``q1_seconds``, ``q2_seconds``, ``q3_seconds``, where there are any.
    """
    times: dict[str, Row] = {}
    for number, part in enumerate(parts, start=1):
        if part is None:
            continue
        counts = part["LapTime"].notna() & (part["Deleted"].astype("object") != True)  # noqa: E712
        kept = part[counts & (seconds(part["LapTime"]) >= (fastest or 0.0))]
        for car, best in seconds(kept.groupby("DriverNumber")["LapTime"].min()).items():
            if str(car) in who:
                times.setdefault(who[str(car)]["driver_id"], {})[f"q{number}_seconds"] = float(best)
    return times


def _identity(row: Mapping[str, Any]) -> Row:
    names = ("driver_id", "driver_number", "abbreviation", "full_name", "team_id", "team_name")
    return {name: row[name] for name in names if name in row}


def _timing(listed: pd.DataFrame, who: Mapping[str, Row], session: str, fastest: float | None = None) -> dict[str, Row]:
    """Return place and times of each driver in FastF1's own table, without times below ``fastest``."""
    found = {}
    for row in listed.to_dict("records"):
        own = who.get(word(row.get("DriverNumber")) or "")
        if own is None:
            continue
        values: Row = {"position": _number(row.get("Position"))}
        if session in QUALIFYING_LIKE:
            values |= {f"q{n}_seconds": _length(row.get(f"Q{n}")) for n in (1, 2, 3)}
        elif session not in RACE_LIKE:
            values["best_lap_seconds"] = _length(row.get("Time"))
        too_fast = {n for n, v in values.items() if n.endswith("_seconds") and v is not None and v < (fastest or 0.0)}
        if too_fast and session not in RACE_LIKE:
            values = {name: value for name, value in values.items() if name not in too_fast and name != "position"}
        found[own["driver_id"]] = values
    return found


def _driven(laps: pd.DataFrame | None, stops: pd.DataFrame | None) -> dict[str, Row]:
    """Return laps, best lap and stops of each driver; a deleted lap is no best lap."""
    if laps is None:
        return {}
    stopped = {} if stops is None else stops.groupby("driver_id").size().to_dict()
    counts = laps.groupby("driver_id")["lap_number"].max()
    kept = laps[~laps["is_deleted"].fillna(False) & laps["lap_time_seconds"].notna()]
    fastest = kept.sort_values(["lap_time_seconds", "session_time_seconds"], kind="stable").drop_duplicates("driver_id")
    best = fastest.set_index("driver_id")
    last = laps.groupby("driver_id")["session_time_seconds"].max()
    return {
        str(driver): {
            "laps": int(count),
            "timed_best": _number(best["lap_time_seconds"].get(driver)),
            "best_at": _number(best["session_time_seconds"].get(driver)),
            "ended": _number(last.get(driver)),
            "pit_stop_count": None if stops is None else int(stopped.get(driver, 0)),
        }
        for driver, count in counts.items()
    }


def _official(row: Row | None, winner: Row, session: str) -> Row:
    """Return a driver's official columns; empty without an official row."""
    if row is None:
        return {}
    values: Row = {"official_position": row["position"], "position_text": row["position_text"]}
    if session in QUALIFYING_LIKE:
        return values | {f"q{n}_seconds": row[f"q{n}"] for n in (1, 2, 3)}
    values |= {"grid_position": row["grid"], "status_text": row["status"], "points": row["points"]}
    values |= {"laps": row["laps"], "best_lap_seconds": row["best_lap"]}
    values["grid_text"] = "PL" if row["is_pit_lane"] else str(row["grid"]) if row["grid"] else None
    down = (winner["laps"] or 0) - (row["laps"] or 0)
    if row["status"] and _LAPPED.fullmatch(row["status"]) and down > 0:
        values["gap_laps"] = down
    elif row["race_time"] is not None and winner["race_time"] is not None:
        values["race_time_seconds"] = row["race_time"]
        values["gap_seconds"] = round(row["race_time"] - winner["race_time"], 3) if row is not winner else None
    return values


def _ordered(rows: list[Row], session: str, *, has_laps: bool) -> list[Row]:
    """Return rows in the order of the classification, numbered from 1, with their best lap.

    Practice is ordered by the best lap. Other sessions have the official rows first, then those with a place in
    FastF1's table, then the rest by time or distance.
    """
    timed = [row | {"best_lap_seconds": _best(row, session)} for row in rows]

    def order(row: Row) -> tuple[Any, ...]:
        if session in QUALIFYING_LIKE:
            times = tuple(row.get(f"q{n}_seconds") or 9e9 for n in (3, 2, 1))
        elif session in RACE_LIKE:
            times = (-(row.get("laps") or 0), row.get("ended") or 9e9)
        else:  # of equal times the one set first is ahead; FastF1's order ignores that
            return row["best_lap_seconds"] or 9e9, row.get("best_at") or 9e9, row["driver_id"]
        return row.get("official_position") or 9e9, row.get("position") or 9e9, *times, row["driver_id"]

    placed = [row | {"position": place} for place, row in enumerate(sorted(timed, key=order), start=1)]
    return [row | {"position_text": row.get("position_text") or _text(row, is_timed=has_laps)} for row in placed]


def _text(row: Row, *, is_timed: bool) -> str:
    """Return the place; ``DNS`` for drivers on the list of a timed session who did not leave the garage."""
    return "DNS" if is_timed and not row.get("laps") and not row["best_lap_seconds"] else str(row["position"])


def _best(row: Row, session: str) -> float | None:
    if session in QUALIFYING_LIKE:
        times = [row[f"q{n}_seconds"] for n in (1, 2, 3) if row.get(f"q{n}_seconds")]
        # In a classified qualifying a driver without a time has none: the lap in the timing was deleted.
        return min(times) if times else None if row.get("official_position") else row.get("timed_best")
    return row.get("best_lap_seconds") or row.get("timed_best")


def _provisional(row: Row, winner: Row) -> Row:
    """Return the text of a race place that only timing knows, and the laps behind."""
    enough = int((winner.get("laps") or 0) * CLASSIFIED_SHARE)
    laps = row.get("laps") or 0
    down = (winner.get("laps") or 0) - laps
    classified = bool(laps) and laps >= enough
    text = str(row["position"]) if classified else "DNF" if laps else "DNS"
    return {"position_text": text, "gap_laps": down if classified and down > 0 else None}


def _number(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def _length(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else round(pd.Timedelta(value).total_seconds(), 3)
