"""Tracking rows indexed by event, session and stage, for the planner."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from f1lib.domain.moments import format_utc
from f1lib.tracking.rows import PIPELINE, STORED, SessionRow, StageRow, TrackingRow, key_of
from f1lib.tracking.stage_keys import GRID_ROWS, SESSIONS, WEATHER_ROW, Stage, StageKey, suffix_of

if TYPE_CHECKING:
    from collections.abc import Iterable


# The calendar is followed closely from this long before a weekend's first session.
BEFORE_A_WEEKEND = timedelta(days=2)


class Rows:
    """Tracking rows with lookups by key, event and stage."""

    def __init__(self, rows: Iterable[TrackingRow]) -> None:
        self.by_key = {key_of(row): row for row in rows}
        self.sessions: dict[str, dict[str, SessionRow]] = {}
        self.inputs = [row for row in self.by_key.values() if is_input(row)]  # whose status goes on to silver and gold
        for (event, session), row in self.by_key.items():
            if session in SESSIONS and not row.get("is_cancelled"):
                self.sessions.setdefault(event, {})[session] = row

    def stage(self, stage: str, event: str = PIPELINE, suffix: str = "") -> StageRow:
        """Return the row of a stage.

        Parameters
        ----------
        stage : str
            A `Stage`.
        event : str, default `PIPELINE`
            Partition key of the event that the stage ran for.
        suffix : str, default ""
            Tells several rows of one stage apart, such as a horizon or a season.

        Returns
        -------
        StageRow
            The row, empty when the stage never ran.
        """
        return self.by_key.get((event, StageKey(stage, suffix).sort_key), {})

    @cached_property
    def races(self) -> list[SessionRow]:
        """The race rows by start."""
        found = [sessions["R"] for sessions in self.sessions.values() if "R" in sessions]
        return sorted(found, key=lambda row: (row["session_date_utc"], row["event_partition_key"]))

    def next_race(self, now: datetime) -> SessionRow | None:
        """Return the first race that starts after ``now``, None when the calendar has none."""
        return next((row for row in self.races if row["session_date_utc"] > format_utc(now)), None)

    def is_under_way(self, now: datetime) -> bool:
        """Whether a race has started whose result is not expected yet."""
        moment = format_utc(now)
        return any(row["session_date_utc"] <= moment < row.get("available_utc", "") for row in self.races)

    def seasons_near_a_weekend(self, now: datetime) -> list[int]:
        """Return the seasons with a weekend that begins soon or lacks an answer; none while a race is under way."""
        soon, late = format_utc(now + BEFORE_A_WEEKEND), format_utc(now - BEFORE_A_WEEKEND)
        return sorted(
            {
                int(race["event_year"])
                for race in ([] if self.is_under_way(now) else self.races)
                for sessions in [self.sessions[race["event_partition_key"]].values()]
                if min(row["session_date_utc"] for row in sessions) <= soon
                and any(row.get("status") not in STORED and row.get("available_utc", "") >= late for row in sessions)
            }
        )

    def next_sprint(self, now: datetime) -> SessionRow | None:
        """Return the sprint of the next race's weekend, None when there is none or it has started."""
        race = self.next_race(now)
        sprint = self.sessions[race["event_partition_key"]].get("S") if race else None
        return sprint if sprint and sprint["session_date_utc"] > format_utc(now) else None


def is_session(row: StageRow) -> bool:
    """Return whether a row is a session's or a starting grid's."""
    return row["session_name_abr"] in SESSIONS or row["session_name_abr"] in GRID_ROWS.values()


def is_input(row: StageRow) -> bool:
    """Return whether a row is for data that silver and gold read; a season's calendar has the season as its suffix."""
    name = row["session_name_abr"]
    return is_session(row) or name == WEATHER_ROW or bool(suffix_of(Stage.SCHEDULE, name))
