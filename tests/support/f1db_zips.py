"""F1DB releases for tests: a tiny one made up here, and changed copies of any."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from f1lib.sources.f1db.release_files import FILES, Release

Row = dict[str, Any]
Tables = dict[str, list[Row]]

DRIVERS = {
    "lando-norris": ("Lando Norris", "NOR", "4", "mclaren"),
    "max-verstappen": ("Max Verstappen", "VER", "1", "red-bull"),
    "oscar-piastri": ("Oscar Piastri", "PIA", "81", "mclaren"),
    "yuki-tsunoda": ("Yuki Tsunoda", "TSU", "22", "racing-bulls"),
}
_TEAMS = {"mclaren": "McLaren", "red-bull": "Red Bull", "racing-bulls": "Racing Bulls"}


def tiny() -> Tables:
    """2025: a finished conventional weekend and a finished sprint weekend; 2026: a race still without a time."""
    tables: Tables = {name: [] for name in FILES}
    tables["constructors"] = [{"id": key, "name": name} for key, name in _TEAMS.items()]
    tables["countries"] = [{"id": "australia", "name": "Australia"}, {"id": "spain", "name": "Spain"}]
    tables["drivers"] = [{"id": key, "name": d[0], "abbreviation": d[1]} for key, d in DRIVERS.items()]
    for circuit, country in (("melbourne", "australia"), ("shanghai", "china"), ("madring", "spain")):
        place = {"id": circuit, "name": circuit.title(), "fullName": circuit.title(), "type": "STREET"}
        tables["circuits"].append({**place, "countryId": country, "latitude": 1.5, "longitude": 2.5})
    for grand_prix, name in (("australia", "Australian"), ("china", "Chinese"), ("spain", "Spanish")):
        tables["grands-prix"].append({"id": grand_prix, "fullName": f"{name} Grand Prix"})
    tables["races"] = [_australia(), _china(), _madrid()]
    _conventional_weekend(tables, 1)
    _sprint_weekend(tables, 2)
    return tables


def write(path: Path, tables: Tables, *, extra_column: str = "") -> Path:
    """Write the tables as a release; ``extra_column`` is added to every file, filled with ``?``."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in tables.items():
            columns = [column.rstrip("#") for column in FILES[name].split()] + ([extra_column] if extra_column else [])
            text = io.StringIO()
            writer = csv.DictWriter(text, columns, restval="?" if extra_column else "", lineterminator="\n")
            writer.writeheader()
            filled = [{c: row.get(c) for c in columns if c != extra_column} for row in rows]
            writer.writerows(filled)
            archive.writestr(Release.file(name), text.getvalue())
    return path


def changed(release: Path, path: Path, changes: dict[str, Callable[[str], str | None]]) -> Path:
    """A copy of a release with the text of some files changed; a change to None leaves the file out."""
    with zipfile.ZipFile(release) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            name = member.removeprefix("f1db-").removesuffix(".csv")
            text: str | None = old.read(member).decode()
            if name in changes:
                text = changes[name](str(text))
            if text is not None:
                new.writestr(member, text)
    return path


def appended(rows: list[Row]) -> Callable[[str], str]:
    """A change for `changed`: more rows, columns that are not given left empty."""

    def append(text: str) -> str:
        columns = next(csv.reader([text.splitlines()[0]]))
        more = io.StringIO()
        writer = csv.DictWriter(more, columns, extrasaction="ignore", lineterminator="\n")
        writer.writerows(rows)
        return text.rstrip("\n") + "\n" + more.getvalue()

    return append


def result(race: int, position: int, text: str, driver: str, **values: Any) -> Row:
    """One row of a result or grid file of 2025."""
    row = {"raceId": race, "year": 2025, "positionDisplayOrder": position, "positionText": text, "driverId": driver}
    return {**row, "driverNumber": DRIVERS[driver][2], "constructorId": DRIVERS[driver][3], **values}


def _australia() -> Row:
    row = {"id": 1, "year": 2025, "round": 1, "date": "2025-03-16", "time": "04:00", "grandPrixId": "australia"}
    row |= {"qualifyingFormat": "KNOCKOUT", "circuitId": "melbourne", "circuitType": "STREET"}
    row |= {"freePractice1Date": "2025-03-14", "freePractice1Time": "01:30"}
    row |= {"freePractice2Date": "2025-03-14", "freePractice2Time": "05:00"}
    row |= {"freePractice3Date": "2025-03-15", "freePractice3Time": "01:30"}
    return {**row, "qualifyingDate": "2025-03-15", "qualifyingTime": "05:00", "officialName": "The Australian one"}


def _china() -> Row:
    row = {"id": 2, "year": 2025, "round": 2, "date": "2025-03-23", "time": "07:00", "grandPrixId": "china"}
    row |= {"qualifyingFormat": "KNOCKOUT", "sprintQualifyingFormat": "SPRINT_SHOOTOUT", "circuitId": "shanghai"}
    row |= {"freePractice1Date": "2025-03-21", "freePractice1Time": "03:30", "circuitType": "RACE"}
    row |= {"sprintQualifyingDate": "2025-03-21", "sprintQualifyingTime": "07:30"}
    row |= {"sprintRaceDate": "2025-03-22", "sprintRaceTime": "03:00"}
    return {**row, "qualifyingDate": "2025-03-22", "qualifyingTime": "07:00"}


def _madrid() -> Row:
    row = {"id": 3, "year": 2026, "round": 1, "date": "2026-09-13", "grandPrixId": "spain", "circuitId": "madring"}
    return {**row, "qualifyingFormat": "KNOCKOUT", "circuitType": "STREET"}


def _conventional_weekend(tables: Tables, race: int) -> None:
    order = ["lando-norris", "oscar-piastri", "max-verstappen", "yuki-tsunoda"]
    for n in (1, 2, 3):
        tables[f"races-free-practice-{n}-results"] += _timed(race, order, 77000 + n)
    tables["races-qualifying-results"] += _qualified(race, order)
    tables["races-starting-grid-positions"] += [
        result(race, 1, "PL", "oscar-piastri", gridPenaltyPositions=None),
        result(race, 2, "1", "lando-norris"),
        result(race, 3, "2", "max-verstappen"),
        result(race, 4, "3", "yuki-tsunoda", gridPenaltyPositions=5),
    ]
    slots = {
        "lando-norris": (1, "1"),
        "max-verstappen": (2, "2"),
        "yuki-tsunoda": (3, "3"),
        "oscar-piastri": ("", "PL"),
    }
    grid = {d: {"gridPositionNumber": number, "gridPositionText": text} for d, (number, text) in slots.items()}
    win = {"laps": 57, "timeMillis": 6126304, "points": 25, "pitStops": 2}
    tables["races-race-results"] += [
        result(race, 1, "1", "lando-norris", **win, **grid["lando-norris"]),
        result(race, 2, "2", "max-verstappen", laps=56, gapLaps=1, points=18, pitStops=1, **grid["max-verstappen"]),
        result(race, 3, "DNF", "yuki-tsunoda", laps=3, reasonRetired="Engine", pitStops=0, **grid["yuki-tsunoda"]),
        result(race, 4, "DSQ", "oscar-piastri", laps=57, reasonRetired="Fuel", **grid["oscar-piastri"]),
    ]
    tables["races-fastest-laps"].append({"raceId": race, "year": 2025, "driverId": "lando-norris", "timeMillis": 82167})
    stop = {"raceId": race, "year": 2025, "driverId": "lando-norris"}
    tables["races-pit-stops"] += [{**stop, "stop": n, "lap": 15 * n, "timeMillis": 22500} for n in (1, 2)]


def _sprint_weekend(tables: Tables, race: int) -> None:
    order = ["max-verstappen", "lando-norris", "oscar-piastri", "yuki-tsunoda"]
    tables["races-free-practice-1-results"] += _timed(race, order, 91000)
    tables["races-sprint-qualifying-results"] += _qualified(race, order)
    tables["races-qualifying-results"] += _qualified(race, order)
    for kind, points in (("race", 25), ("sprint-race", 8)):
        grid = "races-starting-grid-positions" if kind == "race" else "races-sprint-starting-grid-positions"
        tables[grid] += [result(race, n, str(n), driver) for n, driver in enumerate(order, 1)]
        won = {"laps": 19, "timeMillis": 1838426, "points": points, "gridPositionNumber": 1, "gridPositionText": "1"}
        tables[f"races-{kind}-results"] += [
            result(race, 1, "1", order[0], **won),
            result(race, 2, "2", order[1], laps=19, timeMillis=1839426, gapMillis=1000, points=points - 7),
            result(race, 3, "DNS", order[2], reasonRetired="Electrical"),
            result(race, 4, "DSQ", order[3], laps=19),
        ]


def _timed(race: int, order: list[str], millis: int) -> list[Row]:
    return [result(race, n, str(n), d, timeMillis=millis + n * 100, laps=20) for n, d in enumerate(order, 1)]


def _qualified(race: int, order: list[str]) -> list[Row]:
    rows = []
    for n, driver in enumerate(order, 1):
        segments = {f"q{s}Millis": 76000 - 300 * s + 50 * n for s in (1, 2, 3) if n <= 5 - s}
        rows.append(result(race, n, str(n) if segments else "NC", driver, **segments, laps=12))
    return rows
