"""A real weekend, a history small enough to live through it in seconds, and the comparison of two lakes after it."""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

from f1lib.lake.store import ObjectStore

EVENT = "2025_Italian_Grand_Prix"
THURSDAY, FRIDAY = "2025-09-04T08:00:00Z", "2025-09-05T18:00:00Z"
SATURDAY, SUNDAY, MONDAY = "2025-09-06T16:00:00Z", "2025-09-07T12:30:00Z", "2025-09-08T08:00:00Z"


@dataclass(frozen=True)
class Weekend:
    """A weekend to be lived through: where its sessions come from, the moment before it, its ticks by name."""

    event: str
    source: str
    eve: str
    ticks: dict[str, str]

    @property
    def is_live(self) -> bool:
        """Whether upstreams are asked for it, which the replay server stands in for."""
        return self.source == "live"


MONZA = Weekend(EVENT, "f1db", THURSDAY, {"friday": FRIDAY, "saturday": SATURDAY, "sunday": SUNDAY, "monday": MONDAY})
# A sprint weekend whose qualifying, shootout and sprint are recorded with their laps.
BAKU = Weekend(
    "2023_Azerbaijan_Grand_Prix",
    "live",
    "2023-04-26T09:00:00Z",
    {
        "practice": "2023-04-28T11:00:00Z",
        "qualifying": "2023-04-28T14:30:00Z",
        "shootout": "2023-04-29T10:00:00Z",
        "sprint": "2023-04-29T15:30:00Z",
        "sunday": "2023-04-30T10:00:00Z",
        "race": "2023-04-30T14:00:00Z",
    },
)


def since(release: Path, path: Path, year: int, first_round: int = 1) -> Path:
    """A copy of ``release`` whose rows of earlier years than ``year``, and earlier rounds of it, are left out."""
    with zipfile.ZipFile(release) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            rows = list(csv.reader(io.StringIO(old.read(name).decode())))
            if "year" in rows[0] and not name.endswith(("constructors-chronology.csv",)):
                column = rows[0].index("year")
                rows = [rows[0], *(row for row in rows[1:] if int(row[column]) >= year)]
            if "round" in rows[0]:
                column = rows[0].index("round")
                rows = [rows[0], *(row for row in rows[1:] if int(row[column]) >= first_round)]
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows(rows)
            new.writestr(name, text.getvalue())
    return path


def differences(cloud: ObjectStore, local: ObjectStore) -> list[str]:
    """The keys that only one of two lakes has or whose bytes differ.

    Records of runs and the dashboard bear the time they took and the lake they wrote to: of them only the keys count.
    """
    here, there = set(local.list()), set(cloud.list())
    here = {key for key in here if not key.startswith("tracking.db")}
    records = ("reports/runs/", "reports/run_summary")
    unlike = {k for k in here & there if not k.startswith(records) and cloud.read(k) != local.read(k)}
    return sorted((here ^ there) | unlike)
