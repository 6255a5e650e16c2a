"""The tracking rows indexed by event, session and stage, as the orchestrator looks them up."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from f1lib.domain.moments import format_utc
from f1lib.tracking.rows import PIPELINE, SessionRow, StageRow, TrackingRow, key_of
from f1lib.tracking.stage_keys import GRID_ROWS, SESSIONS, WEATHER_ROW, Stage, StageKey, suffix_of

if TYPE_CHECKING:
    from collections.abc import Iterable


class Rows:
    """The tracking rows, looked up the ways the rules need them."""

    def __init__(self, rows: Iterable[TrackingRow]) -> None:
        self.by_key = {key_of(row): row for row in rows}
        self.sessions: dict[str, dict[str, SessionRow]] = {}
        self.inputs = [row for row in self.by_key.values() if is_input(row)]  # they climb through the layers
        for (event, session), row in self.by_key.items():
            if session in SESSIONS and not row.get("is_cancelled"):
                self.sessions.setdefault(event, {})[session] = row

    def stage(self, stage: str, event: str = PIPELINE, suffix: str = "") -> StageRow:
        """A stage's row, or an empty one when it never ran."""
        return self.by_key.get((event, StageKey(stage, suffix).sort_key), {})

    @cached_property
    def races(self) -> list[SessionRow]:
        """The race rows by start."""
        found = [sessions["R"] for sessions in self.sessions.values() if "R" in sessions]
        return sorted(found, key=lambda row: (row["session_date_utc"], row["event_partition_key"]))

    def next_race(self, now: datetime) -> SessionRow | None:
        """The race that starts next after ``now``, or None when the calendar has no further one."""
        return next((row for row in self.races if row["session_date_utc"] > format_utc(now)), None)

    def is_under_way(self, now: datetime) -> bool:
        """Whether a race has started whose result is not expected yet."""
        moment = format_utc(now)
        return any(row["session_date_utc"] <= moment < row.get("available_utc", "") for row in self.races)

    def next_sprint(self, now: datetime) -> SessionRow | None:
        """The sprint of the next race's weekend while it has not started, or None."""
        race = self.next_race(now)
        sprint = self.sessions[race["event_partition_key"]].get("S") if race else None
        return sprint if sprint and sprint["session_date_utc"] > format_utc(now) else None


def is_session(row: StageRow) -> bool:
    """Whether a row stands for a session or a starting grid."""
    return row["session_name_abr"] in SESSIONS or row["session_name_abr"] in GRID_ROWS.values()


def is_input(row: StageRow) -> bool:
    """Whether a row stands for data that silver and gold take in: a season's calendar has the season as its suffix."""
    name = row["session_name_abr"]
    return is_session(row) or name == WEATHER_ROW or bool(suffix_of(Stage.SCHEDULE, name))
