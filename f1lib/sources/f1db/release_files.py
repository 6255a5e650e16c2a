"""Read and check an F1DB release: one zip of CSV files.

Only the files and columns named in `FILES` are read; a release may have more of both. In `FILES` a ``#`` marks a whole
number; everything else is text. An empty field is null (F1DB's own convention).
"""

from __future__ import annotations

import csv
import io
import lzma
import struct
import zipfile
import zlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from f1lib.errors import SourceError
from f1lib.lake import fingerprint

if TYPE_CHECKING:
    import pandas as pd

# A release has 2 MB, which unpack to 9 MB.
MAX_BYTES = 50_000_000
# What `zipfile` raises for a damaged archive, or for one that it cannot read.
BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, RuntimeError, ValueError, OSError)
_WHO = "raceId# year# positionDisplayOrder# positionText driverNumber driverId constructorId"
_TIMED = f"{_WHO} timeMillis# laps#"
_SEGMENTS = f"{_TIMED} q1Millis# q2Millis# q3Millis#"
_RACED = (
    f"{_WHO} laps# timeMillis# gapMillis# gapLaps# reasonRetired points gridPositionNumber# gridPositionText pitStops#"
)
_GRIDDED = f"{_WHO} gridPenalty gridPenaltyPositions#"

FILES: dict[str, str] = {
    "circuits": "id name fullName type countryId latitude longitude",
    "constructors": "id name",
    "countries": "id name",
    "drivers": "id name abbreviation",
    "grands-prix": "id fullName",
    "races": (
        "id# year# round# date time grandPrixId officialName qualifyingFormat sprintQualifyingFormat circuitId "
        "circuitType freePractice1Date freePractice1Time freePractice2Date freePractice2Time freePractice3Date "
        "freePractice3Time qualifyingDate qualifyingTime sprintQualifyingDate sprintQualifyingTime sprintRaceDate "
        "sprintRaceTime"
    ),
    "seasons-entrants-drivers": "year# constructorId driverId rounds testDriver",
    "races-free-practice-1-results": _TIMED,
    "races-free-practice-2-results": _TIMED,
    "races-free-practice-3-results": _TIMED,
    "races-qualifying-results": _SEGMENTS,
    "races-sprint-qualifying-results": _SEGMENTS,
    "races-sprint-race-results": _RACED,
    "races-race-results": _RACED,
    "races-starting-grid-positions": _GRIDDED,
    "races-sprint-starting-grid-positions": _GRIDDED,
    "races-pit-stops": "raceId# year# driverId stop# lap# timeMillis#",
    "races-fastest-laps": "raceId# year# driverId timeMillis#",
}


class Release:
    """CSV files of one release, each read when it is first needed.

    Rows of seasons before ``first_season`` are dropped. Raises `SourceError` for a file that is not a zip, is
    truncated, or is not an F1DB release.
    """

    def __init__(self, path: Path, first_season: int) -> None:
        self.path = path
        self.first_season = first_season
        self._frames: dict[str, pd.DataFrame] = {}
        if self.file("races") not in self._members:
            raise SourceError(
                f"{path.name} holds no {self.file('races')}: it is no F1DB CSV release (take f1db-csv.zip from "
                "https://github.com/f1db/f1db/releases)"
            )
        for name in FILES:
            self._check_header(name)

    def _check_header(self, name: str) -> None:
        """Raise `SourceError` for a missing file or column, before anything is written from the release."""
        file = self.file(name)
        if file not in self._members:
            raise SourceError(f"{self.path.name} has no {file}; take a complete F1DB CSV release")
        try:
            with self._zip.open(self._members[file]) as lines:
                header = lines.readline().decode("utf-8-sig", "replace")
        except BROKEN as error:
            raise SourceError(f"{file} in {self.path.name} is damaged ({error}): download it again") from error
        try:
            columns = next(csv.reader([header]), [])
        except csv.Error as error:
            raise SourceError(f"{file} in {self.path.name} is no CSV file: {error}") from error
        missing = [column for column in map(self._plain, FILES[name].split()) if column not in columns]
        if missing:
            raise SourceError(f"{file} in {self.path.name} has no column {', '.join(missing)}")
        if twice := [column for column in map(self._plain, FILES[name].split()) if columns.count(column) > 1]:
            raise SourceError(f"{file} in {self.path.name} has column {', '.join(twice)} more than once")

    @staticmethod
    def _plain(column: str) -> str:
        return column.rstrip("#")

    @staticmethod
    def file(name: str) -> str:
        """Return the file name of a key of `FILES`: ``races`` -> ``f1db-races.csv``."""
        return f"f1db-{name}.csv"

    @cached_property
    def sha256(self) -> str:
        """Checksum of the zip's bytes."""
        return fingerprint.of_bytes(self._bytes)

    def frame(self, name: str) -> pd.DataFrame:
        """Read one file of `FILES`.

        Parameters
        ----------
        name : str
            Key of `FILES`, such as ``races``.

        Returns
        -------
        pandas.DataFrame
            One row a line of the file, in its order, with the columns named in `FILES`: text as ``object``, whole
            numbers as ``Int64``. It is shared: callers do not change it.

        Raises
        ------
        SourceError
            When the file is damaged or a column is not a number; the message names both.
        """
        if name not in self._frames:
            self._frames[name] = self._read(name)
        return self._frames[name]

    @cached_property
    def _bytes(self) -> bytes:
        try:
            if self.path.stat().st_size > MAX_BYTES:
                raise SourceError(f"{self.path.name} has more than {MAX_BYTES} bytes: it is no F1DB CSV release")
            return self.path.read_bytes()
        except OSError as error:
            raise SourceError(f"cannot read the F1DB release {self.path}: {error.strerror or error}") from error

    @cached_property
    def _zip(self) -> zipfile.ZipFile:
        try:
            return open_release(self._bytes)
        except BROKEN as error:
            raise SourceError(
                f"{self.path.name} is no complete zip file ({error}; {len(self._bytes)} bytes): download it again"
            ) from error

    @cached_property
    def _members(self) -> dict[str, str]:
        """File name -> member: a release may be wrapped in a folder."""
        return {Path(member).name: member for member in self._zip.namelist() if not member.endswith("/")}

    def _content(self, file: str) -> bytes:
        try:
            return self._zip.read(self._members[file])
        except BROKEN as error:
            raise SourceError(f"{file} in {self.path.name} is damaged ({error}): download it again") from error

    def _read(self, name: str) -> pd.DataFrame:
        import pandas as pd

        file = self.file(name)
        wanted = [self._plain(column) for column in FILES[name].split()]
        try:
            raw = pd.read_csv(
                io.BytesIO(self._content(file)),
                dtype=str,
                keep_default_na=False,
                na_values=[""],
                usecols=lambda column: column in wanted,
            )
        except (ValueError, pd.errors.ParserError) as error:
            raise SourceError(f"{file} in {self.path.name} is no CSV file: {str(error).splitlines()[0]}") from error
        counts = [column[:-1] for column in FILES[name].split() if column.endswith("#")]
        if "year" in counts:
            year = self._whole(raw["year"], file)
            raw = raw[(year >= self.first_season).fillna(False)]
        numbers = {column: self._whole(raw[column], file) for column in counts}
        frame = raw.assign(**numbers)[wanted].reset_index(drop=True)
        if "id" in frame and (odd := frame["id"].isna() | frame["id"].duplicated()).any():
            found = frame["id"][odd].iloc[0]
            raise SourceError(f"{file} in {self.path.name}: id {found} is empty or stands there more than once")
        return frame

    def _whole(self, values: pd.Series[str], file: str) -> pd.Series[int]:
        import pandas as pd

        try:
            return pd.to_numeric(values).astype("Int64")
        except (ValueError, TypeError, OverflowError) as error:
            raise SourceError(
                f"{file} in {self.path.name}: column {values.name} is not a whole number ({error})"
            ) from error


def open_release(content: bytes) -> zipfile.ZipFile:
    """Open a release's zip; raises `SourceError` before anything is unpacked where that would be too much."""
    archive = zipfile.ZipFile(io.BytesIO(content))
    if (size := sum(member.file_size for member in archive.infolist())) > MAX_BYTES:
        raise SourceError(f"the zip unpacks to {size} bytes, more than {MAX_BYTES}: it is no F1DB CSV release")
    return archive
