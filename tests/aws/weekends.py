"""A season small enough to ingest, train and predict in seconds, cut out of the real F1DB release."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

EVENT = "2025_Italian_Grand_Prix"
SATURDAY, SUNDAY, MONDAY = "2025-09-06T16:00:00Z", "2025-09-07T12:30:00Z", "2025-09-08T08:00:00Z"


def since(release: Path, path: Path, year: int) -> Path:
    """A copy of ``release`` whose rows of earlier years than ``year`` are left out."""
    with zipfile.ZipFile(release) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            rows = list(csv.reader(io.StringIO(old.read(name).decode())))
            if "year" in rows[0] and not name.endswith(("constructors-chronology.csv",)):
                column = rows[0].index("year")
                rows = [rows[0], *(row for row in rows[1:] if int(row[column]) >= year)]
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows(rows)
            new.writestr(name, text.getvalue())
    return path
