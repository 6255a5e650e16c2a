"""A year lived through at ticks of two hours on F1DB's data, with race results that arrive hours or days late.

F1DB publishes a release after each race; here a release without a late result is made for every moment at which one is
awaited. `make campaign` lives through 2024 and 2025; the fast part from the first race of 2024 to the practice
before the second.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from f1lib.domain.moments import format_utc
from f1lib.pipeline.tick import tick
from f1lib.sources.f1db.calendar import calendar
from f1lib.sources.f1db.release_files import Release
from f1lib.workspace.workspace import Workspace
from tests.support.releases import edited, since, without
from tests.support.workspaces import make_workspace

# Files that come with a race's result.
OF_A_RESULT = ("races-race-results", "races-fastest-laps", "races-pit-stops")
NO_PAGES = frozenset({"00_schedule", "01_ingest", "03_silver", "04_gold", "05_train", "06_predict", "07_score"})


@dataclass(frozen=True)
class Year:
    """The races of some months and when F1DB has each result: ``arrivals`` is race id -> time."""

    release: Path
    starts: dict[int, datetime]
    arrivals: dict[int, datetime]
    events: dict[int, str]

    def withheld(self, now: datetime) -> frozenset[int]:
        """The races that have begun and whose result has not arrived."""
        return frozenset(race for race, start in self.starts.items() if start <= now < self.arrivals[race])

    def at(self, now: datetime, folder: Path) -> Path:
        """The release as it is at ``now``."""
        races = self.withheld(now)
        path = folder / f"f1db-{'-'.join(map(str, sorted(races))) or 'whole'}.zip"
        return path if path.exists() else without(self.release, path, races, OF_A_RESULT)


def year_of(release: Path, folder: Path, season: int, history_from: int, latest_hours: int, seed: int) -> Year:
    """A season's races, each result ``latest_hours`` late at most."""
    short = folder / f"short-{season}.zip"
    if not short.exists():
        since(release, short, history_from)
    sessions = calendar(Release(short, history_from))[1]
    races = sessions[(sessions["event_year"] == season) & (sessions["session"] == "R")].to_dict("records")
    chance = random.Random(seed)
    late = [timedelta(hours=chance.randint(1, latest_hours) if latest_hours else 0) for _ in races]
    return Year(
        short,
        {row["race_id"]: row["session_start_utc"] for row in races},
        {row["race_id"]: row["available_utc"] + wait for row, wait in zip(races, late, strict=True)},
        {row["race_id"]: row["event_partition_key"] for row in races},
    )


def live_through(year: Year, lake: Path, folder: Path, moments: Iterable[datetime], history_from: int) -> list[str]:
    """Run a tick at each moment; return what failed."""
    failed = []
    ws: Workspace | None = None
    for now in moments:
        release = str(year.at(now, folder))
        if ws is None or ws.settings.f1db != release:
            ws = make_workspace(lake, now, f1db=release, history_from=history_from, engine="inprocess", weather="none")
        result = tick(ws.at(now), stages=NO_PAGES)
        failed += [f"{format_utc(now)} {run.step.stage}: {run.error}" for run in result.failures]
    return failed


def issued(lake: Path, events: Iterable[str]) -> dict[tuple[str, str], pd.DataFrame]:
    """The last prediction of each race and horizon."""
    found: dict[tuple[str, str], pd.DataFrame] = {}
    for event in events:
        season, name = event.split("_", 1)
        for path in sorted((lake / "predictions" / season / "history" / name).glob("*.parquet")):
            frame = pd.read_parquet(path)
            if (frame["session"] == "R").all():
                found[event, frame["horizon"].iloc[0]] = frame
    return found


def every(hours: int, first: datetime, last: datetime) -> Iterable[datetime]:
    while first <= last:
        yield first
        first += timedelta(hours=hours)


def _check(late: Path, punctual: Path, year: Year, races: Iterable[int]) -> str:
    """Every horizon was issued before the start, and is the punctual year's where the same was known by then."""
    keys = {year.events[race]: race for race in races}
    one, other = issued(late, keys), issued(punctual, keys)
    assert set(one) == set(other)
    equal = 0
    for (event, horizon), frame in one.items():
        moment = frame["as_of_utc"].iloc[0]
        assert moment < year.starts[keys[event]], f"{event} {horizon} was issued after the start"
        if all(arrival <= moment for race, arrival in year.arrivals.items() if year.starts[race] < moment):
            same = [c for c in frame.columns if c.startswith(("p_", "predicted_")) or c == "driver_id"]
            pd.testing.assert_frame_equal(
                frame[same], other[event, horizon][same], check_exact=True, obj=f"{event} {horizon}"
            )
            equal += 1
    assert equal
    return f"{len(one)} predictions of {len(keys)} races issued, {equal} from the same data, and equal"


def _is_near(year: Year, moment: datetime) -> bool:
    """Whether a punctual year has anything to do: from the eve of a weekend to the result."""
    return any(start - timedelta(days=4) <= moment <= start + timedelta(hours=8) for start in year.starts.values())


def weekends(year: Year, races: list[int]) -> tuple[datetime, datetime]:
    """From the eve of the first race's weekend to the last result."""
    return year.starts[races[0]] - timedelta(days=5, minutes=30), max(
        year.arrivals[race] for race in races
    ) + timedelta(hours=4)


def between(year: Year, races: list[int]) -> tuple[datetime, datetime]:
    """From the grid of the first race to the practice before the last."""
    return year.starts[races[0]] - timedelta(minutes=30), year.starts[races[-1]] - timedelta(days=1, hours=12)


def _lived(
    release: Path,
    tmp_path: Path,
    season: int,
    races: int,
    history_from: int,
    hours: int,
    when: Callable[[Year, list[int]], tuple[datetime, datetime]] = weekends,
) -> str:
    late = year_of(release, tmp_path, season, history_from, 70, seed=season)
    punctual = year_of(release, tmp_path, season, history_from, 0, seed=season)
    chosen = sorted(late.starts, key=lambda race: late.starts[race])[:races]
    first, last = when(late, chosen)
    begun = [m for m in every(hours, first, last) if m < late.starts[chosen[0]]]  # no result is awaited yet
    ticks = len(begun)
    assert live_through(late, tmp_path / "late", tmp_path, begun, history_from) == []
    shutil.copytree(tmp_path / "late", tmp_path / "punctual")
    for name, year in (("late", late), ("punctual", punctual)):
        moments = [m for m in every(hours, first, last) if m not in begun and (name == "late" or _is_near(year, m))]
        ticks += len(moments)
        failed = live_through(year, tmp_path / name, tmp_path, moments, history_from)
        assert failed == [], f"{name}: {len(failed)} ticks failed"
    return f"{season}: {ticks} ticks, none failed; {_check(tmp_path / 'late', tmp_path / 'punctual', late, chosen)}"


@pytest.mark.usefixtures("short_history_serves")
def test_a_weekend_with_a_late_result_fails_no_tick_and_loses_no_prediction(f1db_zip: Path, tmp_path: Path) -> None:
    """On half a season of history."""

    def is_kept(row: dict[str, str]) -> bool:
        return row.get("year") != "2023" or int(row.get("round") or 22) > 11

    short = edited(f1db_zip, tmp_path / "half.zip", lambda _name, rows: [row for row in rows if is_kept(row)])
    print(_lived(short, tmp_path, 2024, races=2, history_from=2023, hours=12, when=between))


@pytest.mark.campaign
@pytest.mark.timeout(6 * 3600)
@pytest.mark.usefixtures("short_history_serves")
@pytest.mark.parametrize("season", [2024, 2025])
def test_a_year_with_late_results_fails_no_tick_and_loses_no_prediction(
    f1db_zip: Path, tmp_path: Path, season: int
) -> None:
    print(_lived(f1db_zip, tmp_path, season, races=24, history_from=season - 2, hours=2))
