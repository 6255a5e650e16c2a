"""F1DB (https://github.com/f1db/f1db, CC BY 4.0): schedules, results and grids from one CSV release.

>>> source = F1dbSource(Path("f1db-csv.zip"), first_season=2010)
>>> source.session(EventKey(2025, "Abu Dhabi Grand Prix"), "Q", as_of).frames["results"]

A release holds more than was known at ``as_of``. A session is given from its scheduled end plus
`weekend.PUBLICATION_LAG` on, a starting grid from `weekend.GRID_LEAD` before the start. The calendar is given as the
release has it. F1DB has no laps, weather or race control messages.
"""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from f1lib.domain.moments import format_utc
from f1lib.domain.weekend import EventKey
from f1lib.errors import NotPublishedYet, SourceError
from f1lib.sources.f1db import frames as f1db_frames
from f1lib.sources.f1db.calendar import calendar
from f1lib.sources.f1db.release_files import Release
from f1lib.sources.failures import readable
from f1lib.sources.plausible import refuse, words
from f1lib.sources.protocols import Schedule, SessionData

ATTRIBUTION = "F1DB, https://github.com/f1db/f1db (CC BY 4.0)"
# Month by which next season's calendar is published (the FIA's World Council confirms it in autumn).
_NEXT_CALENDAR_MONTH = 12


class F1dbSource:
    """See `protocols.SessionSource`; ``release`` is the path of ``f1db-csv.zip``.

    Raises `SourceError` for a file that is not a complete F1DB CSV release.
    """

    name = "f1db"
    attribution = ATTRIBUTION

    def __init__(self, release: Path | str, *, first_season: int = 2010) -> None:
        self._release = Release(Path(release), first_season)
        self._parts: dict[str, Any] = {}
        self._schedules: dict[int, Schedule] = {}

    def seasons(self, as_of: datetime) -> list[int]:
        """Return the seasons with races up to the year of ``as_of``; the next year's from December on."""
        last = as_of.year + (1 if as_of.month >= _NEXT_CALENDAR_MONTH else 0)
        return sorted(int(year) for year in self._calendar[0]["event_year"].unique() if year <= last)

    def schedule(self, season: int, as_of: datetime) -> Schedule:
        """See `SessionSource.schedule`."""
        if season not in self.seasons(as_of):
            known = self.seasons(as_of)
            span = f"{known[0]}-{known[-1]}" if known else "none"
            raise SourceError(f"F1DB knows no season {season} at {format_utc(as_of)} (it has {span})")
        if season not in self._schedules:
            self._schedules[season] = self._schedule(season)
        return self._schedules[season]

    def _schedule(self, season: int) -> Schedule:
        """Return a season's calendar, which is the same at every ``as_of``."""
        events, sessions = (
            frame[frame["event_year"] == season].drop(columns="race_id").reset_index(drop=True)
            for frame in self._calendar[:2]
        )
        provenance = self._provenance("races", "circuits", "grands-prix", "seasons-entrants-drivers")
        if odd := self._calendar[2].get(season):
            provenance |= {"warnings": odd}
        return Schedule(events, sessions, provenance, f1db_frames.entries(self._release, season))

    def session(self, key: EventKey, session: str, as_of: datetime) -> SessionData:
        """See `SessionSource.session`: ``results``, and ``pit_stops`` of a race that has any."""
        row = self._row(key, session)
        what = f"{key} {session}"
        _wait_until(row["available_utc"], as_of, what)
        results = self._part("results", session, row["race_id"])
        if results is None:
            raise NotPublishedYet(f"{what}: this F1DB release has no results of it (cancelled, or not in yet)")
        frames = {"results": results}
        if session == "R" and (stops := self._part("pit_stops", "R", row["race_id"])) is not None:
            frames["pit_stops"] = stops
        refused: list[dict[str, Any]] = []
        if any(self._parts[f"{kind}/{session}"][2] for kind in frames):
            frames, refused = refuse(frames, session)
        provenance = self._provenance(f1db_frames.RESULT_FILES[session])
        if refused:
            provenance |= {"refused": refused}
        return SessionData(frames, provenance, [*_oddities(what, results), *words(refused)])

    def starting_grid(self, key: EventKey, session: str, as_of: datetime) -> SessionData:
        """See `SessionSource.starting_grid`."""
        if session not in f1db_frames.GRID_FILES:
            raise SourceError(f"{key} {session}: only R and S have a starting grid")
        row = self._row(key, session)
        what = f"{key} starting grid of {session}"
        _wait_until(row["grid_available_utc"], as_of, what)
        grid = self._part("grid", session, row["race_id"])
        if grid is None:
            raise NotPublishedYet(f"{what}: this F1DB release has none (cancelled, or not in yet)")
        provenance = self._provenance(f1db_frames.GRID_FILES[session])
        return SessionData({"starting_grid": grid}, provenance, _oddities(what, grid))

    def grid_penalties(self, session: str = "R") -> pd.DataFrame:
        """Return the grid penalties of all races or sprints as they turned out; when each was announced is not known.

        Parameters
        ----------
        session : {"R", "S"}
            Races or sprints.

        Returns
        -------
        pandas.DataFrame
            One row a penalty: ``event_partition_key driver_id penalty`` (`f1lib.domain.starting_grid`).

        Raises
        ------
        SourceError
            When the release is damaged.
        """
        events = self._calendar[0][["race_id", "event_partition_key"]]
        found = f1db_frames.grid_penalties(self._release, session).merge(events, on="race_id", validate="many_to_one")
        return found[["event_partition_key", "driver_id", "penalty"]]

    @cached_property
    def _calendar(self) -> tuple[pd.DataFrame, pd.DataFrame, dict[int, list[str]]]:
        with readable(f"the calendar of {self._release.path.name}"):
            return calendar(self._release)

    @cached_property
    def _sessions(self) -> dict[tuple[str, str], dict[Hashable, Any]]:
        rows = self._calendar[1].to_dict("records")
        return {(row["event_partition_key"], row["session"]): row for row in rows}

    def _row(self, key: EventKey, session: str) -> dict[Hashable, Any]:
        try:
            return self._sessions[key.partition_key, session]
        except KeyError:
            raise SourceError(f"F1DB's calendar has no session {session} of {key}") from None

    def _part(self, kind: str, session: str, race_id: Hashable) -> pd.DataFrame | None:
        """Return a race's rows of one file in official order, None where it has none; a file is converted once."""
        name = f"{kind}/{session}"
        if name not in self._parts:
            order = ["race_id", "driver_id", "stop"] if kind == "pit_stops" else ["race_id", "position", "driver_id"]
            with readable(f"{kind} of {session} in {self._release.path.name}"):
                whole = self._converted(kind, session)
                rows = whole.sort_values(order, kind="stable", ignore_index=True)
                at = rows.groupby("race_id", sort=False).indices  # a race's rows follow each other
                places = {race: (i[0], i[-1] + 1) for race, i in at.items()}
                has_odd = bool(refuse({kind: rows}, session)[1])
                self._parts[name] = rows.drop(columns="race_id"), places, has_odd
        parts, places, _ = self._parts[name]
        if race_id not in places:
            return None
        found: pd.DataFrame = parts.iloc[slice(*places[race_id])].reset_index(drop=True)
        return found

    def _converted(self, kind: str, session: str) -> pd.DataFrame:
        if kind == "results":
            return f1db_frames.results(self._release, session)
        if kind == "grid":
            return f1db_frames.starting_grids(self._release, session)
        return f1db_frames.pit_stops(self._release)

    def _provenance(self, *files: str) -> dict[str, Any]:
        return {
            "source": self.name,
            "attribution": ATTRIBUTION,
            "release": self._release.path.name,
            "sha256": self._release.sha256,
            "files": [self._release.file(file) for file in files],
        }


def _wait_until(visible: datetime, as_of: datetime, what: str) -> None:
    if as_of < visible:
        raise NotPublishedYet(f"{what} is visible from {format_utc(visible)}, not yet at {format_utc(as_of)}")


def _oddities(what: str, rows: pd.DataFrame) -> list[str]:
    if not (again := rows["driver_id"].duplicated()).any():
        return []
    repeated = rows.loc[again, "driver_id"]
    return [f"{what}: {driver} has more than one row" for driver in sorted(set(repeated))]
