"""Tracking rows indexed by event, session and stage, for the planner."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from f1lib.domain.moments import format_utc, has_come
from f1lib.tracking.rows import PIPELINE, STORED, SessionRow, StageRow, TrackingRow, key_of
from f1lib.tracking.stage_keys import GRID_ROWS, PENALTIES_ROW, SESSIONS, WEATHER_ROW, Stage, StageKey, suffix_of

if TYPE_CHECKING:
    from collections.abc import Iterable


# The calendar is followed closely from this long before a weekend's first session.
BEFORE_A_WEEKEND = timedelta(days=2)
# A race's result that is not there by then is missing, and the source behind.
RESULT_IS_LATE = timedelta(days=3)


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


def data_until(rows: Iterable[SessionRow], now: datetime) -> str:
    """Return when the newest result in the lake became available, whatever the clock says; empty without any."""
    held = [row for row in rows if row["session_name_abr"] in SESSIONS and row.get("status") in STORED]
    return max(
        (row["available_utc"] for row in held if has_come(row.get("available_utc"), format_utc(now))), default=""
    )


def behind(rows: Iterable[SessionRow], now: datetime) -> str:
    """Return a sentence on the races of a year whose result is late by `RESULT_IS_LATE`; empty when none is."""
    rows = list(rows)
    since, late = format_utc(now - timedelta(days=365)), format_utc(now - RESULT_IS_LATE)
    missing = sorted(
        (row["available_utc"], row["event_partition_key"])
        for row in rows
        if row["session_name_abr"] == "R"
        and not row.get("is_cancelled")
        and row.get("status") not in STORED
        and row.get("attempts")
        and since < row.get("available_utc", "") < late
    )
    if not missing:
        return ""
    more = f" and of {len(missing) - 1} later ones" if len(missing) > 1 else ""
    until = data_until(rows, now)
    return f"THE SOURCE IS BEHIND: no result of {missing[0][1]}{more} yet; data until {until or 'no session'}"


def notices(rows: Iterable[TrackingRow], now: datetime) -> list[str]:
    """Return what the sources said when the calendar was read, and whether their results are `behind`."""
    rows = list(rows)
    return [text for text in (*(row.get("notice") for row in rows), behind(rows, now)) if text]


def is_session(row: StageRow) -> bool:
    """Return whether a row is a session's or a starting grid's."""
    return row["session_name_abr"] in SESSIONS or row["session_name_abr"] in GRID_ROWS.values()


def is_input(row: StageRow) -> bool:
    """Return whether a row is for data that silver and gold read; a season's calendar has the season as its suffix."""
    name = row["session_name_abr"]
    return is_session(row) or name in (WEATHER_ROW, PENALTIES_ROW) or bool(suffix_of(Stage.SCHEDULE, name))
