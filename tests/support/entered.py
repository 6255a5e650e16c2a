"""A lake that knows two drivers, a race that is over and two to come: for what people enter by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from f1lib.domain.moments import parse_utc
from f1lib.lake.parquet import write_parquet
from f1lib.lake.paths import SILVER_TABLES, silver_key
from f1lib.lake.tables import empty
from f1lib.workspace.workspace import Workspace
from tests.support.workspaces import make_workspace

NOW = "2025-12-06T16:00:00Z"
RACES = {"2025_Qatar_Grand_Prix": "11-30", "2025_Abu_Dhabi_Grand_Prix": "12-07", "2026_Australian_Grand_Prix": "12-30"}


def entered_lake(folder: Path) -> Workspace:
    """Make the lake, at `NOW`: Abu Dhabi is the next race."""
    found = make_workspace(folder, NOW)
    drivers = empty("entries").reindex(range(2))
    drivers = drivers.assign(event_year=2025, team_id="t", team_name="T", team_lineage="t")
    drivers = drivers.assign(driver_id=["max-verstappen", "lewis-hamilton"], abbreviation=["VER", "HAM"])
    drivers = drivers.assign(full_name=["Max Verstappen", "Lewis Hamilton"], source="f1db")
    drivers = drivers.assign(available_utc=parse_utc(NOW))
    for table in SILVER_TABLES:
        write_parquet(found.store, silver_key(table, 2025), drivers if table == "entries" else empty(table))
    for event, day in RACES.items():
        row: Any = {"event_partition_key": event, "session_name_abr": "R"}
        row |= {"session_date_utc": f"2025-{day}T13:00:00Z"}
        found.tracking.put_rows([row])
    return found
