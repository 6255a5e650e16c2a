"""SIGKILL at random moments of real ticks, again and again: after the next tick the lake is that of an undisturbed run.

A process that has everything imported forks a child a tick and kills it after a random time; the same tick is begun
anew until one is left to end. Both lakes live through a qualifying, a grid and a race; nothing is issued twice, nothing
is missing, and what is served is the same.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from f1lib.lake import fingerprint, paths
from f1lib.lake.paths import CHAMPION_KEY, GRAPH, run_key
from f1lib.lake.paths_published import ACCURACY
from f1lib.lake.store import open_store, read_json
from f1lib.predictions.archive import history_keys, load_issue
from f1lib.predictions.issue import tracking_rows
from f1lib.tracking.rows import key_of
from f1lib.tracking.table import open_tracking
from f1lib.workspace.workspace import open_workspace
from tests.support.lakes import AFTER
from tests.support.promises import broken_promises
from tests.support.standins import Server, make_bucket, make_tables

KILLS = int(os.environ.get("F1_KILLS", "300"))
SEED = 20260315
EVENT = "2025_Japanese_Grand_Prix"
NAMES_OF_RUNS = {"gold_run_id", "model_run_id"}
# Its lines: a moment, by how many seconds a lease is later than at the first try, when it is killed (0: never).
NURSERY = """
import os, signal, sys, time
from dataclasses import replace
import duckdb, IPython, nbclient, numpy, onnxruntime, pandas, papermill, pyarrow.parquet, scipy.special, sklearn, boto3
import f1lib.bronze.ingest, f1lib.evaluation.gate, f1lib.gold.build, f1lib.model.train, f1lib.predictions.issue
import f1lib.report.build, f1lib.report.cells, f1lib.report.figures, f1lib.silver.build
from f1lib.pipeline.tick import tick
from f1lib.workspace.workspace import open_workspace
lake, tracking = sys.argv[1:]
for line in sys.stdin:
    now, late, kill_after = line.split()
    child = os.fork()
    if child == 0:
        os.dup2(2, 1)
        ws = open_workspace(lake=lake, tracking=tracking, source="simulated", as_of=now)
        result = tick(replace(ws, opened=ws.opened - float(late)))
        for run in result.failures + result.taken:
            print(run.step.stage, run.status, run.error, file=sys.stderr, flush=True)
        os._exit(bool(result.failures + result.taken))
    deadline = time.monotonic() + float(kill_after)
    status, done = 0, 0
    while not done:
        done, status = os.waitpid(child, os.WNOHANG)
        if not done and float(kill_after) and time.monotonic() >= deadline:
            os.kill(child, signal.SIGKILL)
            done, status = os.waitpid(child, 0)
        time.sleep(0.005)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""
_NUMBERS = itertools.count(1)  # a server outlives the test


@dataclass(frozen=True)
class Place:
    """A lake and its table, as addresses."""

    lake: str
    tracking: str

    def state(self) -> dict[str, Any]:
        """What two lakes have alike that lived through the same, whatever their runs are named."""
        ws = open_workspace(lake=self.lake, tracking=self.tracking, source="simulated", as_of=AFTER)
        store, rows = ws.store, ws.tracking.rows()
        held = [key for key in store.list() if key.startswith(("bronze/", "silver/", paths.TRAINING_KEY))]
        issues = {key: tracking_rows(load_issue(store, key)) for key in history_keys(store)}
        events = sorted({key_of(row)[0] for row in rows})
        told = {event: ws.tracking.predictions(event) for event in events}
        serving = {h: entry["run_id"] for h, entry in read_json(store, CHAMPION_KEY)["horizons"].items()}
        scores = read_json(store, ACCURACY)["predictions"] if store.exists(ACCURACY) else []
        return {
            "files": {key: fingerprint.of_bytes(store.read(key)) for key in held},
            "issued": {key: [_nameless(row) for row in issue] for key, issue in issues.items()},
            "told": {event: [_nameless(row) for row in found] for event, found in told.items()},
            "predictions": store.list("predictions/"),
            "serving": {h: fingerprint.of_bytes(store.read(run_key(run, GRAPH))) for h, run in serving.items()},
            "scores": [(row["event_partition_key"], row["horizon"], row["system"], row["mae"]) for row in scores],
            "rows": {key_of(row): _progress(row) for row in rows},
            "broken": broken_promises(store, ws.tracking),
        }


def _nameless(row: Any) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in NAMES_OF_RUNS}


def _progress(row: Any) -> tuple[Any, ...]:
    """A row's state; the report is made from rows that name their last attempts."""
    digest = "" if "08_report" in row["session_name_abr"] else row.get("input_hash")
    return (row.get("status"), row.get("content_hash"), digest, row.get("finished_utc"), row.get("owner"))


class Nursery:
    """The process that forks a tick at a time."""

    def __init__(self, place: Place, log: Path) -> None:
        self.log = log
        with log.open("w") as errors:
            command = [sys.executable, "-c", NURSERY, place.lake, place.tracking]
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )

    def tick(self, now: str, late: float = 0, kill_after: float = 0) -> int:
        """The exit code of one tick: 0, or -9 when it was killed."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{now} {late} {kill_after}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def end(self) -> None:
        """End the process; it has no child by then."""
        self.process.kill()
        self.process.communicate()


@pytest.fixture(params=["folder and SQLite", "S3 and DynamoDB"])
def backend(
    request: pytest.FixtureRequest, replayed_lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """Makes copies of one lived lake on a pair of lake and table."""
    monkeypatch.setenv("F1_ENGINE", "inprocess")
    source = replayed_lake / "lake"
    moto: Server | None = request.getfixturevalue("moto") if request.param == "S3 and DynamoDB" else None

    def copy() -> Place:
        name = f"kills-{next(_NUMBERS)}"
        if moto is None:
            lake = shutil.copytree(source, tmp_path / name)
            return Place(str(lake), f"sqlite:///{lake}/tracking.db")
        place = Place(make_bucket(moto, name), make_tables(moto, name))
        given, store = open_store(str(source)), open_store(place.lake)
        for key in given.list():
            if not key.startswith("tracking.db"):
                store.write(key, given.read(key))
        before, table = open_tracking(f"sqlite:///{source}/tracking.db"), open_tracking(place.tracking)
        table.put_rows(before.rows())
        for event in sorted({key_of(row)[0] for row in before.rows()}):
            table.put_predictions(before.predictions(event))
        return place

    return request.param, copy


def _moments(source: Path) -> list[str]:
    """When qualifying, the grid and the result of the next race are there."""
    rows = {key_of(row)[1]: row for row in open_tracking(f"sqlite:///{source}/tracking.db").rows(EVENT)}
    return [str(rows[name]["available_utc"]) for name in ("Q", "STAGE#starting_grid", "R")]


@pytest.mark.campaign
def test_a_lake_whose_ticks_are_killed_again_and_again_is_that_of_an_undisturbed_run(
    backend: Any, replayed_lake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, copy = backend
    moments = _moments(replayed_lake / "lake")
    undisturbed = copy()
    nursery = Nursery(undisturbed, tmp_path / "undisturbed.log")
    assert [nursery.tick(now) for now in moments] == [0] * len(moments), nursery.log.read_text()
    nursery.end()
    wanted = undisturbed.state()
    assert wanted["broken"] == []
    chance, kills, lakes, different = random.Random(f"{SEED} {name}"), 0, 0, []
    while kills < KILLS:
        place, lakes = copy(), lakes + 1
        nursery = Nursery(place, tmp_path / f"{lakes}.log")
        for now in moments:
            late, ended, patience = 0, -9, 1.0
            while ended == -9:
                ended = nursery.tick(now, late, 0 if kills >= KILLS else chance.uniform(0.02, patience))
                kills += ended == -9
                late += 31 * 60  # beyond the lease, where nobody can see that its owner is dead
                patience *= 1.2  # so that the longest stage ends once
            if ended:
                different.append(f"lake {lakes} at {now}: {nursery.log.read_text().strip()[-500:]}")
        nursery.end()
        found = place.state()
        different += [
            f"lake {lakes}: {part}: {_first(found[part], wanted[part])}"
            for part in wanted
            if found[part] != wanted[part]
        ]
    with capsys.disabled():
        print(f"\n{name}: {kills} SIGKILLs in {lakes} lakes, {len(different)} differences from the undisturbed lake")
    assert different == []


def _first(found: Any, wanted: Any) -> str:
    """The first thing in which two parts of a state differ."""
    if isinstance(found, dict):
        keys = [key for key in sorted({*found, *wanted}) if found.get(key) != wanted.get(key)]
        return f"{len(keys)}, such as {keys[0]}: {str(found.get(keys[0]))[:300]} for {str(wanted.get(keys[0]))[:300]}"
    return f"{[x for x in found if x not in wanted][:3]} for {[x for x in wanted if x not in found][:3]}"
