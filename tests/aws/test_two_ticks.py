"""EventBridge delivers twice, sandboxes die: ticks in processes of their own, on every pair of lake and table."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from f1lib.bronze.timing_backfill import bring_all
from f1lib.domain.weekend import EventKey
from f1lib.lake import silver_tables
from f1lib.lake.store import open_store
from f1lib.pipeline.tick import tick
from f1lib.sources.protocols import SessionData
from f1lib.tracking.rows import PIPELINE, TrackingRow
from f1lib.tracking.table import open_tracking
from f1lib.workspace.workspace import Workspace, open_workspace
from tests.support.standins import Server, make_bucket, make_tables
from tests.support.weekends import since

NOW, NEXT, AFTER_THE_LEASE = "2025-03-24T08:00:00Z", "2025-03-24T08:05:00Z", "2025-03-24T08:31:00Z"
# A tick that stops before the first object below a prefix is written, says so, and goes on when it is told to.
TICKER = """
import json, sys
from f1lib.pipeline import tick as runner
from f1lib.workspace import open_workspace
lake, tracking, f1db, now, stages, pause = sys.argv[1:]
ws = open_workspace(lake=lake, tracking=tracking, source="f1db", f1db=f1db, as_of=now)
ws.owner = "lambda:1"
kind = type(ws.store)
write = kind.write
def paused(self, key, content):
    global pause
    if pause and key.startswith(pause):
        pause = ""
        sys.__stdout__.write("working\\n")
        sys.__stdout__.flush()
        sys.stdin.readline()
    write(self, key, content)
kind.write = paused
result = runner.tick(ws, stages=frozenset(stages.split()))
print(json.dumps([[run.step.stage, run.status, run.error] for run in result.runs]), flush=True)
"""


_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Place:
    """A lake and a table, as URLs."""

    lake: str
    tracking: str
    release: Path

    @contextlib.contextmanager
    def ticking(self, now: str, pause: str = "") -> Iterator[subprocess.Popen[str]]:
        """A tick in a process of its own."""
        command = [sys.executable, "-c", TICKER, self.lake, self.tracking, str(self.release), now, STAGES, pause]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def open(self, now: str) -> Workspace:
        """The workspace of a sandbox: on Lambda nobody can look whether an owner is still alive."""
        places: dict[str, Any] = {"lake": self.lake, "tracking": self.tracking, "f1db": str(self.release)}
        return replace(open_workspace(**places, source="f1db", as_of=now), owner="lambda:2")

    def tick(self, now: str) -> list[list[str]]:
        """The runs of a whole tick in this process: stage, status, error."""
        ws = self.open(now)
        return [[run.step.stage, run.status, run.error] for run in tick(ws, stages=frozenset(STAGES.split())).runs]


STAGES = "00_schedule 01_ingest 03_silver"


@pytest.fixture(
    params=["folder and SQLite", pytest.param("S3 and DynamoDB", marks=pytest.mark.campaign), "S3 and dynalite"]
)
def place(request: pytest.FixtureRequest, release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("F1_ENGINE", "inprocess")
    if request.param == "folder and SQLite":
        return Place(str(tmp_path / "lake"), f"sqlite:///{tmp_path}/tracking.db", release)
    name = f"ticks-{request.param[-4:].lower()}-{next(_NUMBERS)}"  # a server outlives the test
    moto: Server = request.getfixturevalue("moto")
    tables: Server = moto if request.param == "S3 and DynamoDB" else request.getfixturevalue("dynalite")
    return Place(make_bucket(moto, name), make_tables(tables, name), release)


@pytest.fixture(scope="module")
def release(f1db_zip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return since(f1db_zip, tmp_path_factory.mktemp("release") / "f1db-csv.zip", 2025)


def _answer(process: subprocess.Popen[str]) -> list[Any]:
    assert process.stdout
    line = process.stdout.readline()
    assert line.startswith("["), f"the tick ended with {process.wait()}: {line!r}"
    return list(json.loads(line))


def test_of_two_ticks_one_works_and_a_killed_one_s_work_is_done_once_more_when_its_lease_ends(place: Place) -> None:
    folder = "bronze/sessions/2025/"
    with place.ticking(NOW, pause=folder) as first:
        assert first.stdout
        assert first.stdout.readline() == "working\n", "it has the calendar and is at the sessions"
        with place.ticking(NEXT) as other:
            second = _answer(other)
        assert [run[:2] for run in second] == [["00_schedule", "finished"], ["01_ingest", "taken"]]
        assert "is being worked on by" in second[1][2], "it says who is at it"
        os.kill(first.pid, signal.SIGKILL)
    early = place.tick(NEXT)
    assert [run[:2] for run in early] == [["01_ingest", "taken"]], "its lease has not ended"
    store, table = open_store(place.lake), open_tracking(place.tracking)
    assert not [key for key in store.list(folder) if key.endswith("source.json")], "nothing of its work is visible"
    late = place.tick(AFTER_THE_LEASE)
    assert [run[:2] for run in late] == [
        ["00_schedule", "finished"],
        ["01_ingest", "finished"],
        ["03_silver", "finished"],
    ]
    ingested = [row for row in table.rows() if row.get("attempts") and row["event_partition_key"] != PIPELINE]
    assert {row["attempts"] for row in ingested} == {1}, "each session was brought in once"
    assert place.tick(AFTER_THE_LEASE) == []
    assert not [row for row in table.rows() if row.get("owner")]
    results = silver_tables.read_table(store, "results")
    drivers = results[["event_partition_key", "session", "driver_id"]]
    assert len(drivers) > 100
    assert not drivers.duplicated().any()


def test_a_session_a_laptop_is_at_is_left_to_it_by_the_cloud_and_both_fill_one_lake(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The laptop alone reaches live timing; the schedule in the cloud ticks while it is at qualifying."""
    event = "2025_Australian_Grand_Prix"
    tick(place.open(NOW), stages=frozenset(["00_schedule"]))
    meanwhile: list[tuple[set[str], TrackingRow]] = []

    class Timing:
        name = "fastf1"

        def session(self, key: EventKey, code: str, as_of: datetime) -> SessionData:
            cloud = place.open(NOW)
            assert tick(cloud, stages=frozenset(["01_ingest"])).failures == []
            rows = {row["session_name_abr"]: row for row in cloud.tracking.rows(event)}
            brought = {name for name, row in rows.items() if row.get("status") == "ingested"}
            meanwhile.append((brought, rows["Q"]))
            data = cloud.source.session(key, code, as_of)
            return replace(data, provenance={**data.provenance, "source": self.name, "complete": True})

    monkeypatch.setattr("f1lib.workspace.sources.open_timing", lambda *_: Timing())
    laptop = replace(place.open(NOW), owner="laptop:1")
    done = bring_all(laptop, [f"{event}/Q"], 1, lambda: laptop.as_of, lambda _outcome: None)
    assert [outcome["status"] for outcome in done] == ["ingested"]
    ((brought, under_way),) = meanwhile
    assert {"P1", "P2", "P3", "R"} <= brought
    assert (under_way["owner"], under_way["status"]) == ("laptop:1", "due")
    rows = {row["session_name_abr"]: row for row in place.open(NOW).tracking.rows(event)}
    assert {rows[name]["source"] for name in ("P1", "P2", "P3", "R")} == {"f1db"}
    assert (rows["Q"]["source"], rows["Q"]["status"], rows["Q"]["attempts"]) == ("fastf1", "ingested", 1)
    assert not [row for row in rows.values() if row.get("owner")]
    assert tick(place.open(NEXT), stages=frozenset(["01_ingest"])).runs == [], "and nothing is fetched twice"


def test_an_ingest_that_takes_too_long_is_cut_and_the_tick_goes_on_with_the_rest(
    release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A history of hours comes in parts, each written down, so that Lambda's limit loses no more than the last."""
    monkeypatch.setenv("F1_ENGINE", "inprocess")
    monkeypatch.setattr("f1lib.bronze.ingest.perf_counter", itertools.count().__next__)  # a session a second
    monkeypatch.setattr("f1lib.pipeline.tick.perf_counter", itertools.count(0, 10).__next__)
    ws = Place(str(tmp_path / "lake"), "", release).open(NOW)
    ws = replace(ws, settings=replace(ws.settings, ingest_seconds=5))
    left = iter([True, True, True, False, True, True, True])
    first = tick(ws, stages=frozenset(STAGES.split()), has_time=lambda: next(left))
    assert [run.step.stage for run in first.runs] == ["00_schedule", "01_ingest", "01_ingest"]
    assert not first.complete
    second = tick(ws, stages=frozenset(STAGES.split()), has_time=lambda: next(left))
    assert [run.step.stage for run in second.runs] == ["01_ingest", "03_silver"]
    runs = [run for run in (*first.runs, *second.runs) if run.step.stage == "01_ingest"]
    assert [run.result["sessions"] for run in runs] == [5, 5, 3]
    assert len({run.notebook_key for run in runs}) == 3, "each part keeps its record"
