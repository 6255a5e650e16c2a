"""The recorded answers and the F1DB tables of the shared real data, as Python objects."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def recorded(shared_data: Path, part: str) -> list[tuple[str, bytes]]:
    """URL and body of every recorded answer whose URL contains ``part``."""
    folder = shared_data / "recordings"
    found = []
    for url, entry in json.loads((folder / "index.json").read_text("utf-8")).items():
        if part in url and entry["status"] == 200:
            body = (folder / entry["file"]).read_bytes()
            found.append((url, gzip.decompress(body) if entry["gzip"] else body))
    return found


def recorded_calendar(shared_data: Path, season: int) -> list[Row]:
    """FastF1's event schedule of a season as it was recorded, without the testing."""
    [(_, body)] = recorded(shared_data, f"schedule_{season}.json")
    columns = json.loads(body)
    rows = [{name: values[number] for name, values in columns.items()} for number in columns["round_number"]]
    return [row for row in rows if row["event_format"] != "testing"]


def f1db_rows(f1db_zip: Path, name: str) -> list[dict[str, str]]:
    """The rows of one F1DB file as text."""
    with zipfile.ZipFile(f1db_zip) as archive:
        return list(csv.DictReader(io.StringIO(archive.read(f"f1db-{name}.csv").decode())))
