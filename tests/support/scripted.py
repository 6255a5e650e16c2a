"""The tiny F1DB release as the source of a workspace, failing where a test tells it to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from f1lib.domain.weekend import EventKey
from f1lib.sources.protocols import SessionData, SessionSource
from f1lib.workspace.workspace import Workspace

AUSTRALIA = "2025_Australian_Grand_Prix"


CHINA = "2025_Chinese_Grand_Prix"


Opener = Callable[..., Workspace]


class Scripted:
    """The tiny source, failing where it is told to."""

    name = "f1db"
    attribution = ""

    def __init__(self, source: SessionSource, failures: dict[str, Exception]) -> None:
        self._source, self.failures = source, failures
        self.asked: list[str] = []
        self.seasons, self.schedule = source.seasons, source.schedule

    def _ask(self, what: str, ask: Callable[..., SessionData], key: EventKey, session: str, as_of: Any) -> SessionData:
        self.asked.append(what)
        if what in self.failures:
            raise self.failures[what]
        return ask(key, session, as_of)

    def session(self, key: EventKey, session: str, as_of: Any) -> SessionData:
        return self._ask(f"{key}/{session}", self._source.session, key, session, as_of)

    def starting_grid(self, key: EventKey, session: str, as_of: Any) -> SessionData:
        unit = {"R": "G", "S": "SG"}[session]
        return self._ask(f"{key}/{unit}", self._source.starting_grid, key, session, as_of)


def statuses(ws: Workspace, event: str = AUSTRALIA) -> dict[str, str]:
    return {row["session_name_abr"]: row["status"] for row in ws.tracking.rows(event)}
