"""A season of two-hourly ticks, every fourth one under a fault, ends in the lake of a season without faults.

The world is the same for both: F1DB's releases of 2024 with results that are late, results that are revised days
later, and races whose time is changed the day before. In one lake ticks are killed, starved of disk and run two at
once, the release is cut off, files of the lake are damaged. After each fault the tick is run once more, as the next
one would.

F1_TICKS shortens the season; ``make campaign`` lives through 3,600 ticks, an hour and a half.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from f1lib.domain.moments import format_utc, parse_utc
from tests.faults.test_year_of_ticks import OF_A_RESULT, Year, every, year_of
from tests.support.nursery import FAILED, FINE, TAKEN, Answer, Nursery
from tests.support.poison import HOWS, KINDS, damage
from tests.support.releases import Rows, edited, without

TICKS = int(os.environ.get("F1_TICKS", "3600"))
SEASON, HISTORY = 2024, 2022
KILLED = -9
TABLES = ("races", "races-race-results")
LARGEST_MEGABYTES = 2048  # of a tick, as on AWS
# What a driver brings to a place in a result; the rest of a row belongs to the place.
OF_A_DRIVER = (
    "driverNumber",
    "driverId",
    "constructorId",
    "engineManufacturerId",
    "gridPositionNumber",
    "gridPositionText",
)


@dataclass(frozen=True)
class World:
    """A year with late results; of some races they are ``revised`` after a time, of some the start is ``moved``."""

    year: Year
    revised: dict[int, datetime]
    moved: dict[int, datetime]

    def release(self, now: datetime, folder: Path) -> Path:
        """The release as it is at a moment."""
        withheld = self.year.withheld(now)
        wrong = {race for race, until in self.revised.items() if race not in withheld and now < until}
        early = {race for race, until in self.moved.items() if now < until}
        names = ["_".join(map(str, sorted(races))) for races in (withheld, wrong, early)]
        path = folder / f"f1db-{'-'.join(names)}.zip"
        if not path.exists():
            late = without(self.year.release, folder / "late.zip", withheld, OF_A_RESULT)
            edited(late, path, lambda name, rows: _changed(name, rows, wrong, early), TABLES)
        return path


def _changed(name: str, rows: Rows, wrong: set[int], early: set[int]) -> Rows:
    """Exchange the fifth and the sixth of the ``wrong`` results; announce ``early`` races two hours too late."""
    if name == "races":
        return [row | {"time": _later(row["time"])} if int(row["id"]) in early else row for row in rows]
    if name != "races-race-results" or not wrong:
        return rows
    places = {(int(row["raceId"]), row["positionDisplayOrder"]): row for row in rows if int(row["raceId"]) in wrong}
    for race in wrong:
        fifth, sixth = places[race, "5"], places[race, "6"]
        for column in OF_A_DRIVER:
            fifth[column], sixth[column] = sixth[column], fifth[column]
    return rows


def _later(time: str) -> str:
    return f"{int(time[:2]) + 2:02d}{time[2:]}" if time and int(time[:2]) < 22 else time


def world_of(release: Path, folder: Path) -> World:
    """A season's world, from its seed."""
    year = year_of(release, folder, SEASON, HISTORY, 70, seed=SEASON)
    chance, races = random.Random(SEASON), sorted(year.starts)
    revised = {race: year.arrivals[race] + timedelta(hours=chance.randint(20, 90)) for race in races[1::3]}
    moved = {race: year.starts[race] - timedelta(hours=30) for race in races[2::4]}
    return World(year, revised, moved)


@dataclass
class Life:
    """One lake and what happened to it."""

    lake: Path
    nursery: Nursery
    happened: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    megabytes: float = 0.0

    def run(self, now: datetime, release: Path, allowed: set[int], **how: Any) -> Answer:
        """Run a tick, or two, whose exit codes are ``allowed``."""
        answer = self.nursery.run(format_utc(now), release, **how)
        self.megabytes = max(self.megabytes, answer.megabytes)
        if not allowed.issuperset(answer.codes):
            self.wrong.append(f"{format_utc(now)} {how} {answer.codes}: {self.nursery.said()}")
        return answer


def _kill(life: Life, now: datetime, release: Path, chance: random.Random) -> datetime:
    answer = life.run(now, release, {FINE, KILLED}, kill_after=chance.uniform(0.05, 6))
    life.happened["killed"] += answer.codes == [KILLED]
    return now


def _two_at_once(life: Life, now: datetime, release: Path, _chance: random.Random) -> datetime:
    answer = life.run(now, release, {FINE, TAKEN}, children=2)
    life.happened["one of two waited"] += TAKEN in answer.codes
    return now


def _source_error(life: Life, now: datetime, release: Path, chance: random.Random) -> datetime:
    """The release breaks off; the source is whole again when it is asked next."""
    broken = release.with_name("broken.zip")
    broken.write_bytes(release.read_bytes()[: chance.randint(0, release.stat().st_size - 1)])
    life.happened["source failed"] += life.run(now, broken, {FINE, FAILED}).codes == [FAILED]
    return now + timedelta(minutes=20)


def _full_disk(life: Life, now: datetime, release: Path, chance: random.Random) -> datetime:
    answer = life.run(now, release, {FINE, FAILED}, bytes_a_file=chance.choice([3_000, 20_000, 60_000, 300_000]))
    life.happened["disk was full"] += answer.codes == [FAILED]
    return now


def _poison(life: Life, now: datetime, release: Path, chance: random.Random) -> datetime:
    rng = np.random.default_rng(chance.randrange(2**32))
    key = damage(life.lake, chance.choice(list(KINDS)), chance.choice(HOWS), rng)
    if key:
        failed = life.run(now, release, {FINE, FAILED}).codes == [FAILED]
        life.happened["stopped at a damaged file" if failed else "file damaged"] += 1
        life.run(now, release, {FINE, FAILED}, repair=True)
    return now


FAULTS: list[Callable[[Life, datetime, Path, random.Random], datetime]]
FAULTS = [_kill, _two_at_once, _source_error, _full_disk, _poison]


def live(world: World, folder: Path, name: str, moments: list[datetime], chance: random.Random | None) -> Life:
    """Live through ``moments``; with ``chance`` every fourth under a fault."""
    folder = folder / name
    folder.mkdir()
    life = Life(folder / "lake", Nursery(folder / "lake", folder / "log"))
    try:
        for now in moments:
            release = world.release(now, folder)
            if chance and chance.random() < 0.25:
                now = chance.choice(FAULTS)(life, now, release, chance)
            life.run(now, release, {FINE})
            life.happened["ticks"] += 1
        life.run(now, release, {FINE}, repair=True)
    finally:
        life.nursery.end()
    return life


def forecasts(lake: Path) -> dict[tuple[str, str, str], Any]:
    """What was last issued of each race or sprint and horizon, whatever its runs are named."""
    found: dict[tuple[str, str, str], Any] = {}
    for path in sorted((lake / "predictions" / str(SEASON) / "history").rglob("*.parquet")):
        frame = pd.read_parquet(path)
        kept = [name for name in frame.columns if name.startswith(("p_", "predicted_")) or name == "driver_id"]
        first = frame.iloc[0]
        found[path.parent.name, first["session"], first["horizon"]] = frame[kept].to_dict("list")
    return found


def moments_of_issue(lake: Path) -> dict[str, list[datetime]]:
    """When the predictions of each race were issued."""
    found: dict[str, list[datetime]] = {}
    for path in sorted((lake / "predictions" / str(SEASON) / "history").rglob("*.parquet")):
        if "_sprint" not in path.stem:
            found.setdefault(f"{SEASON}_{path.parent.name}", []).append(parse_utc(path.stem.partition("_")[0]))
    return found


def files_of(lake: Path) -> set[str]:
    """The keys that do not name a run."""
    keys = (path.relative_to(lake).as_posix() for path in lake.rglob("*") if path.is_file())
    return {
        key
        for key in keys
        if not key.startswith(("reports/runs/", "models/run_id=", "gold/gold_driver", "predictions/"))
    }


@pytest.mark.campaign
@pytest.mark.timeout(12 * 3600)
def test_a_season_under_faults_ends_in_the_lake_of_a_season_without(
    f1db_zip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = world_of(f1db_zip, tmp_path)
    first = min(world.year.starts.values()) - timedelta(days=5, minutes=30)
    moments = list(every(2, first, first + timedelta(hours=2 * (TICKS - 1))))
    with ThreadPoolExecutor(2) as pool:  # each waits for a process of its own
        calmly = pool.submit(live, world, tmp_path, "calm", moments, None)
        roughly = pool.submit(live, world, tmp_path, "rough", moments, random.Random(TICKS))
    calm, life = calmly.result(), roughly.result()
    assert calm.wrong == []
    with capsys.disabled():
        print(f"\n{dict(life.happened)}; {len(life.wrong)} ticks ended otherwise than they may")
        print(f"a tick took {life.megabytes:.0f} MB at most, {calm.megabytes:.0f} MB without faults")
    assert life.wrong == [], "\n".join(life.wrong[:5])
    issued, wanted = forecasts(life.lake), forecasts(calm.lake)
    assert set(issued) == set(wanted)
    assert [key for key in wanted if repr(issued[key]) != repr(wanted[key])] == []
    starts = {world.year.events[race]: start for race, start in world.year.starts.items()}
    late = [
        (e, m)
        for lake in (life.lake, calm.lake)
        for e, ms in moments_of_issue(lake).items()
        for m in ms
        if m >= starts[e]
    ]
    assert late == []
    layers = ("silver/sessions", "gold/training_dataset.parquet")
    for key in sorted(files_of(calm.lake)):
        if key.startswith(layers) and key.endswith(".parquet"):
            assert (life.lake / key).read_bytes() == (calm.lake / key).read_bytes(), key
    odd = {key for key in files_of(life.lake) ^ files_of(calm.lake) if "/revisions/" not in key}
    assert odd == set()
    assert max(life.megabytes, calm.megabytes) < LARGEST_MEGABYTES
    print(f"{len(issued)} forecasts issued, all before the start, all equal")
