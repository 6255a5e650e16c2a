"""Convert F1DB's result files to the frames of `protocols`, a whole file at once, with ``race_id`` as first column.

F1DB's ids are the canonical ones, so nothing is mapped. Its times are whole milliseconds, ours seconds.
"""

from __future__ import annotations

import pandas as pd

from f1lib.domain.starting_grid import BACK, PIT_LANE
from f1lib.errors import SourceError
from f1lib.sources.f1db.release_files import Release
from f1lib.sources.protocols import ENTRY_COLUMNS, GRID_COLUMNS, PIT_STOP_COLUMNS, RESULT_COLUMNS, shaped

RESULT_FILES = {
    "P1": "races-free-practice-1-results",
    "P2": "races-free-practice-2-results",
    "P3": "races-free-practice-3-results",
    "Q": "races-qualifying-results",
    "SQ": "races-sprint-qualifying-results",
    "SS": "races-sprint-qualifying-results",
    "S": "races-sprint-race-results",
    "R": "races-race-results",
}
GRID_FILES = {"R": "races-starting-grid-positions", "S": "races-sprint-starting-grid-positions"}


def results(release: Release, session: str) -> pd.DataFrame:
    """Return every result of one session code.

    Parameters
    ----------
    release : Release
        An F1DB release.
    session : str
        Key of `RESULT_FILES`.

    Returns
    -------
    pandas.DataFrame
        One row a race and result, in F1DB's order: ``race_id`` and `RESULT_COLUMNS`; times and gaps in seconds.

    Raises
    ------
    SourceError
        When a file is damaged, or names a driver or constructor that the release does not have.
    """
    file = RESULT_FILES[session]
    raw = release.frame(file)
    out = _identity(release, file, raw).assign(laps=raw["laps"])
    if session in ("R", "S"):
        out = out.assign(
            grid_position=raw["gridPositionNumber"],
            grid_text=raw["gridPositionText"],
            status_text=raw["reasonRetired"],
            points=_decimal(raw["points"], release.file(file)),
            race_time_seconds=_seconds(raw["timeMillis"]),
            gap_seconds=_seconds(raw["gapMillis"]),
            gap_laps=raw["gapLaps"],
            pit_stop_count=raw["pitStops"],
            best_lap_seconds=_race_best(release, raw) if session == "R" else None,
        )
    else:
        times = pd.DataFrame({"best": _seconds(raw["timeMillis"])})
        if "q1Millis" in raw:
            segments = {f"q{n}_seconds": _seconds(raw[f"q{n}Millis"]) for n in (1, 2, 3)}
            out = out.assign(**segments)
            times = times.assign(**segments)
        out = out.assign(best_lap_seconds=times.min(axis=1))
    return _shaped(out, RESULT_COLUMNS)


def starting_grids(release: Release, session: str) -> pd.DataFrame:
    """Return every official starting grid of races or sprints.

    Parameters
    ----------
    release : Release
        An F1DB release.
    session : str
        ``R`` or ``S``.

    Returns
    -------
    pandas.DataFrame
        One row a race and driver, in F1DB's order: ``race_id`` and `GRID_COLUMNS`.

    Raises
    ------
    SourceError
        As `results` does.
    """
    file = GRID_FILES[session]
    raw = release.frame(file)
    out = _identity(release, file, raw).assign(grid_penalty_positions=raw["gridPenaltyPositions"])
    return _shaped(out, GRID_COLUMNS)


def grid_penalties(release: Release, session: str) -> pd.DataFrame:
    """Return the penalties in every starting grid of races or sprints, as they turned out.

    Parameters
    ----------
    release : Release
        An F1DB release.
    session : str
        ``R`` or ``S``.

    Returns
    -------
    pandas.DataFrame
        One row a penalty: ``race_id driver_id penalty``, places as a number, `BACK` or `PIT_LANE`.

    Raises
    ------
    SourceError
        When the file is damaged, or has a penalty that is neither a number nor ``SFB``.
    """
    file = GRID_FILES[session]
    raw = release.frame(file)
    odd = raw[raw["gridPenaltyPositions"].isna() & raw["gridPenalty"].notna() & (raw["gridPenalty"] != "SFB")]
    if len(odd):
        raise SourceError(f"{release.file(file)} in {release.path.name}: grid penalty {odd['gridPenalty'].iloc[0]}?")
    kinds = (
        raw["gridPenaltyPositions"].dropna().astype("int64").astype(object),
        raw.loc[raw["gridPenalty"] == "SFB", "gridPenalty"].map(lambda _: BACK),
        raw.loc[raw["positionText"] == "PL", "positionText"].map(lambda _: PIT_LANE),
    )
    penalty = pd.concat(kinds).rename("penalty")
    named = raw[["raceId", "driverId"]].rename(columns={"raceId": "race_id", "driverId": "driver_id"})
    return named.join(penalty, how="inner").reset_index(drop=True)


def entries(release: Release, season: int) -> pd.DataFrame | None:
    """Return the drivers entered for the first race of a season.

    The rounds of F1DB's entry list are filled in during the season. Only round 1 is read, so that who came later is not
    known before the season; before any round is filled in, everybody entered to race counts.

    Parameters
    ----------
    release : Release
        An F1DB release.
    season : int
        Year.

    Returns
    -------
    pandas.DataFrame or None
        One row a driver, by id, with `ENTRY_COLUMNS`; None when the release does not say.

    Raises
    ------
    SourceError
        As `results` does.
    """
    file = "seasons-entrants-drivers"
    raw = release.frame(file)
    raw = raw[(raw["year"] == season) & (raw["testDriver"] != "true")]
    if raw["rounds"].notna().any():
        raw = raw[raw["rounds"].fillna("").str.split(";").map(lambda rounds: "1" in rounds)]
    if raw.empty:
        return None
    known = _identity(
        release, file, raw.assign(raceId=0, driverNumber=None, positionDisplayOrder=None, positionText=None)
    )
    return (
        known[ENTRY_COLUMNS].drop_duplicates("driver_id").sort_values("driver_id", ignore_index=True).astype("string")
    )


def pit_stops(release: Release) -> pd.DataFrame:
    """Return every pit stop of the races.

    Parameters
    ----------
    release : Release
        An F1DB release.

    Returns
    -------
    pandas.DataFrame
        One row a race, driver and stop, in F1DB's order: ``race_id`` and `PIT_STOP_COLUMNS`; ``duration_seconds`` is
        the time in the pit lane.

    Raises
    ------
    SourceError
        When the file is damaged.
    """
    raw = release.frame("races-pit-stops")
    out = pd.DataFrame(
        {
            "race_id": raw["raceId"],
            "driver_id": raw["driverId"],
            "stop": raw["stop"],
            "lap": raw["lap"],
            "duration_seconds": _seconds(raw["timeMillis"]),
        }
    )
    return _shaped(out, PIT_STOP_COLUMNS)


def _identity(release: Release, file: str, raw: pd.DataFrame) -> pd.DataFrame:
    drivers = release.frame("drivers").set_index("id")
    teams = release.frame("constructors").set_index("id")["name"]
    for column, known in (("driverId", drivers.index), ("constructorId", teams.index)):
        strange = raw.loc[~raw[column].isin(known), column]
        if len(strange):
            raise SourceError(
                f"{release.file(file)} in {release.path.name}: {column} {strange.iloc[0]!r} "
                f"is not in {release.file('drivers' if column == 'driverId' else 'constructors')}"
            )
    return pd.DataFrame(
        {
            "race_id": raw["raceId"],
            "driver_id": raw["driverId"],
            "driver_number": raw["driverNumber"],
            "abbreviation": raw["driverId"].map(drivers["abbreviation"]),
            "full_name": raw["driverId"].map(drivers["name"]),
            "team_id": raw["constructorId"],
            "team_name": raw["constructorId"].map(teams),
            "position": raw["positionDisplayOrder"],
            "position_text": raw["positionText"],
        }
    )


def _shaped(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Return `shaped` with ``race_id`` as first column."""
    out = shaped(frame, columns)
    out.insert(0, "race_id", frame["race_id"].astype("int64"))
    return out


def _seconds(millis: pd.Series[int]) -> pd.Series[float]:
    return millis.astype("float64") / 1000.0


def _decimal(values: pd.Series[str], file: str) -> pd.Series[float]:
    try:
        return pd.to_numeric(values).astype("float64")
    except (ValueError, TypeError) as error:
        raise SourceError(f"{file}: column {values.name} is not a number ({error})") from error


def _race_best(release: Release, raw: pd.DataFrame) -> pd.Series[float]:
    fastest = release.frame("races-fastest-laps").groupby(["raceId", "driverId"])["timeMillis"].min()
    best = fastest.reindex(pd.MultiIndex.from_frame(raw[["raceId", "driverId"]]))
    return pd.Series(best.astype("float64").to_numpy() / 1000.0, index=raw.index)
