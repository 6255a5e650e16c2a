"""Units of ingestion: one session, or one starting grid, of an event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from f1lib.domain.weekend import EventKey, SessionCode
from f1lib.errors import BadParameters
from f1lib.tracking.stage_keys import GRID_ROWS

if TYPE_CHECKING:
    from f1lib.tracking.rows import StageRow


_GRID_UNITS = {"G": "R", "SG": "S"}


@dataclass(frozen=True)
class Unit:
    """One unit of ingestion: the results of a session, or the starting grid (``is_grid``) of ``R`` or ``S``."""

    event: EventKey
    session: str
    is_grid: bool

    @property
    def sort_key(self) -> str:
        """The sort key of its row in the tracking table."""
        return GRID_ROWS[self.session] if self.is_grid else self.session

    @property
    def text(self) -> str:
        """The unit as `parse` reads it."""
        grids = {session: code for code, session in _GRID_UNITS.items()}
        return f"{self.event.partition_key}/{grids[self.session] if self.is_grid else self.session}"

    @classmethod
    def parse(cls, text: str) -> Unit:
        """Parse ``2025_Australian_Grand_Prix/Q``, ``.../G`` (race grid) or ``.../SG`` (sprint grid).

        Raises `BadParameters` for anything else.
        """
        event, _, code = text.rpartition("/")
        if not event or code not in (*_GRID_UNITS, *SessionCode):
            raise BadParameters(
                f"{text!r} names no session: use 2025_Australian_Grand_Prix/Q with one of "
                f"{' '.join(SessionCode)}, or G or SG for the starting grid of race or sprint"
            )
        return cls(EventKey.parse(event), _GRID_UNITS.get(code, code), code in _GRID_UNITS)

    @classmethod
    def of_row(cls, row: StageRow) -> Unit:
        """Return the unit of a session's or starting grid's tracking row."""
        name = row["session_name_abr"]
        grids = {sort_key: session for session, sort_key in GRID_ROWS.items()}
        return cls(EventKey.parse(row["event_partition_key"]), grids.get(name, name), name in grids)
