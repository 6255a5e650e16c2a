"""Two sources' results of one session laid side by side: where they differ, driver by driver."""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from f1lib.domain.weekend import EventKey
from f1lib.sources.fastf1 import jolpica, results

# event, session, driver, column, FastF1's value, F1DB's value
Difference = tuple[str, str, str, str, str, str]

OFFICIAL = (
    "driver_number team_id position position_text grid points race_time_seconds gap_seconds gap_laps "
    "best_lap_seconds q1_seconds q2_seconds q3_seconds"
).split()
TIMED = ["driver_number", "team_id", "best_lap_seconds", "order"]
_LETTERS = {"R": "DNF", "D": "DSQ", "W": "DNS", "N": "NC", "F": "DNQ", "E": "EX"}
_DOCUMENT = re.compile(r"https://api\.jolpi\.ca/ergast/f1/(20\d\d)/(\d+)/(results|qualifying|sprint)\.json")


def differences(
    key: EventKey, session: str, ours: pd.DataFrame, theirs: pd.DataFrame, columns: list[str]
) -> list[Difference]:
    """What both know and state differently; who is only in one of them differs in ``present``.

    ``theirs`` may repeat a driver: his first row counts. ``grid`` is the slot, ``PL`` or nothing; ``order`` the
    place among those whose best lap both give alike.
    """
    first, second = (_prepared(frame) for frame in (ours, theirs))
    where = (key.partition_key, session)
    found: list[Difference] = [
        (*where, driver, "present", str(driver in first.index), str(driver in second.index))
        for driver in sorted(set(first.index) ^ set(second.index))
    ]
    both = sorted(set(first.index) & set(second.index))
    if "order" in columns:
        best = [frame["best_lap_seconds"] for frame in (first, second)]
        alike = [d for d in both if pd.notna(best[0][d]) and _same(best[0][d], best[1][d])]
        for frame in (first, second):
            frame["order"] = frame.loc[alike, "position"].rank().astype("Int64")
    for driver in both:
        for column in columns:
            one, other = first.loc[driver, column], second.loc[driver, column]
            unknown = pd.isna(one) or pd.isna(other)
            if not unknown and not _same(one, other):
                found.append((*where, driver, column, _shown(one), _shown(other)))
    return found


def jolpica_documents(recordings: Path) -> Iterator[tuple[int, int, str, pd.DataFrame]]:
    """Season, round, session and results of every recorded document of qualifying, sprint and race since 2018."""
    codes = {endpoint: code for code, endpoint in jolpica.ENDPOINTS.items()}
    for url, entry in json.loads((recordings / "index.json").read_text(encoding="utf-8")).items():
        match = _DOCUMENT.fullmatch(url)
        if not match or int(match[1]) < 2018:
            continue
        body = (recordings / entry["file"]).read_bytes()
        season, session = int(match[1]), codes[match[3]]
        rows = jolpica.official(gzip.decompress(body) if entry["gzip"] else body, season, session)
        who = results.people(pd.DataFrame(), rows, season)
        yield season, int(match[2]), session, results.results(pd.DataFrame(), None, rows, who, session)


def known_differences(file: Path) -> dict[Difference, str]:
    """The listed differences and why each is one."""
    with file.open(encoding="utf-8", newline="") as lines:
        return {tuple(row[:6]): row[6] for row in list(csv.reader(lines))[1:]}  # type: ignore[misc]


def _prepared(frame: pd.DataFrame) -> pd.DataFrame:
    out = frame.drop_duplicates("driver_id").set_index("driver_id")
    out["position_text"] = out["position_text"].map(lambda text: _LETTERS.get(text, text))
    out["grid"] = out["grid_position"].astype("string").fillna(out["grid_text"])
    return out.assign(points=out["points"].fillna(0.0))


def _same(one: Any, other: Any) -> bool:
    if pd.isna(one) or pd.isna(other):
        return bool(pd.isna(one) and pd.isna(other))
    return abs(one - other) < 0.0005 if isinstance(one, float) else bool(one == other)


def _shown(value: Any) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
