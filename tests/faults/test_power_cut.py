"""Power cuts: copies of a disk as it holds it at random moments of real ticks keep all that was reported done.

The disk is an ext4 image with the default options (``data=ordered``, a commit every 5 s). At a random moment the
processes are stopped, the tracking table is known as it was read just before, and the image is copied. The copy is
mounted, its journal replayed, and held against what was reported; then a tick has to go through in it.
"""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from f1lib.pipeline.tick import tick
from f1lib.tracking.rows import TrackingRow, key_of
from f1lib.tracking.table import open_tracking
from f1lib.workspace.workspace import open_workspace
from tests.support.disk import Disk, mounted, new_image
from tests.support.lakes import begin_simulated
from tests.support.promises import broken_promises

CUTS = int(os.environ.get("F1_POWER_CUTS", "50"))
SEED = 20260314
# Ticks of a season of weekends, one after the other, each moment printed before it begins.
LIVING = """
import sys
from datetime import datetime, timedelta, UTC
from f1lib.pipeline.tick import tick
from f1lib.workspace.workspace import open_workspace
lake, now = sys.argv[1], datetime(2025, 3, 13, tzinfo=UTC)
while True:
    print(now.isoformat(), flush=True)
    result = tick(open_workspace(lake=lake, source="simulated", as_of=now.isoformat()))
    assert not result.failures, result.failures
    now += timedelta(hours=3)
"""


@pytest.mark.campaign
@pytest.mark.parametrize("engine", ["inprocess", "process"])
def test_what_was_reported_done_survives_a_power_cut(
    engine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("F1_ENGINE", engine)
    chance, lost, done, lossy = random.Random(f"{SEED} {engine}"), [], 0, 0
    cuts = CUTS * 4 // 5 if engine == "inprocess" else CUTS // 5
    image, copy = new_image(tmp_path / "disk.img"), tmp_path / "cut.img"
    with mounted(image, tmp_path / "disk") as disk, living(disk) as process:
        for number in range(1, cuts + 1):
            time.sleep(chance.uniform(0.3, 4.0))
            reported, now = cut(disk, process, copy)
            broken = after_the_cut(copy, tmp_path / "after", reported, now)
            done += len([row for row in reported if row.get("finished_utc") or row.get("content_hash")])
            lossy += bool(broken)
            lost += [f"cut {number} at {now}: {line}" for line in broken]
    with capsys.disabled():
        print(f"\n{engine}: {cuts} power cuts, {done} rows reported done; {lossy} lost something, {len(lost)} in all")
    assert lost == []


@contextlib.contextmanager
def living(disk: Disk) -> Iterator[subprocess.Popen[str]]:
    begin_simulated(disk.folder / "lake", 2023)
    os.sync()  # the lake's marker is the test's, not the tick's
    command = [sys.executable, "-c", LIVING, str(disk.folder / "lake")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            parent = psutil.Process(process.pid)
            parent.suspend()  # so that it begins no further notebook
            ended = [*parent.children(recursive=True), parent]
            for one in ended:
                one.kill()
            psutil.wait_procs(ended)


def cut(disk: Disk, process: subprocess.Popen[str], copy: Path) -> tuple[list[TrackingRow], str]:
    """Copy the disk while nobody writes; what the table said just before, and the moment of the tick that ran."""
    assert process.poll() is None, "the ticks ended by themselves"
    reported = open_tracking(f"sqlite:///{disk.folder}/lake/tracking.db").rows()
    stopped = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for one in stopped:
        one.suspend()
    try:
        disk.cut(copy)
    finally:
        for one in stopped:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.resume()
    now = max((str(row.get("updated_at_utc", "")) for row in reported), default="")
    return reported, now or "2025-03-13T00:00:00Z"


def after_the_cut(copy: Path, folder: Path, reported: list[TrackingRow], now: str) -> list[str]:
    """What is broken in the copy: what is said to be done and is not, and what was reported done and is not said."""
    with mounted(copy, folder):
        lake = folder / "lake"
        ws = open_workspace(lake=str(lake), source="simulated", as_of=now)
        found = broken_promises(ws.store, ws.tracking)
        rows = {key_of(row): row for row in ws.tracking.rows()}
        for row in reported:
            for name in ("content_hash", "finished_utc"):
                held = rows.get(key_of(row), {}).get(name)
                if row.get(name) and not held:
                    found.append(f"{key_of(row)} was reported done ({row.get(name)}) and is not any more")
        if not found:
            found += [f"the next tick: {run.error}" for run in tick(ws).failures]
            found += broken_promises(ws.store, ws.tracking)
    return found
