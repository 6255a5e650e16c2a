"""History and live weekends as one source: of the running season what is settled is history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from f1lib.sources.combined import CombinedSource
from f1lib.sources.protocols import SessionData


class Fake:
    """A source that answers everything, and remembers what."""

    attribution = ""

    def __init__(self, name: str, schedule: Any) -> None:
        self.name, self.asked, self._schedule = name, [], schedule  # type: ignore[var-annotated]

    def schedule(self, season: int, as_of: datetime) -> Any:
        return self._schedule

    def session(self, key: Any, session: str, as_of: datetime) -> SessionData:
        import pandas as pd

        self.asked.append(session)
        frame = pd.DataFrame(columns=["driver_id"])
        return SessionData({"results": frame}, {"source": self.name})


def test_of_the_running_season_what_is_settled_is_history_unless_laps_are_wanted(f1db_zip: Path) -> None:
    from f1lib.domain.weekend import EventKey
    from f1lib.sources.f1db.source import F1dbSource

    calendar = F1dbSource(f1db_zip).schedule(2025, datetime(2025, 6, 1, tzinfo=UTC))
    key = EventKey(2025, "Australian Grand Prix")
    for live_for, days, first in ((35, 34, "fastf1"), (35, 36, "f1db"), (None, 36, "fastf1")):
        history, live = Fake("f1db", calendar), Fake("fastf1", calendar)
        settled = None if live_for is None else timedelta(days=live_for)
        source = CombinedSource(history, live, live_for=settled)  # type: ignore[arg-type]
        found = source.session(key, "R", datetime(2025, 3, 16, 8, tzinfo=UTC) + timedelta(days=days))
        assert found.provenance["source"] == first
