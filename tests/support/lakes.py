"""Lakes that are dear to make and read by many modules: made once a test run, whichever worker needs one first."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

# A weekend with a sprint, the second of the simulated season, and the moment its replay ends at.
SEASON, EVENT = 2025, "2025_Chinese_Grand_Prix"
NOW, AFTER = "2025-12-30T00:00:00Z", "2025-03-30T09:30:00Z"
# The evening before the last race of 2025.
SATURDAY = "2025-12-06T16:00:00Z"


def built_once(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], None]) -> Path:
    """The folder ``name`` as ``build`` filled it. Nobody may write into it; `copied` gives a copy to write into.

    The workers of a run share the folder above their own; the first takes the lock, the others wait for it. A
    build that failed is tried again by whoever comes next, so that each shows the error itself.
    """
    own = factory.getbasetemp()
    shared = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "built-once"
    shared.mkdir(exist_ok=True)
    folder, mark = shared / name, shared / f"{name}.done"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not mark.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            build(folder)
            mark.touch()
    return folder


def copied(lake: Path, factory: pytest.TempPathFactory) -> Path:
    """A copy of ``lake`` that one module may write into."""
    return shutil.copytree(lake, factory.mktemp("copy") / "lake")


def begin_simulated(lake: Path, first_season: int) -> list[str]:
    """A lake whose simulated history begins with a season: the options that name it to a command."""
    lake.mkdir()
    marker = {"kind": "simulated", "seed": 3, "first_season": first_season}
    (lake / "lake.json").write_text(json.dumps(marker), encoding="utf-8")
    return ["--source", "simulated", "--lake", str(lake)]


def replay_a_weekend(folder: Path) -> None:
    """``lake`` lives through `EVENT` after a season of history; ``scores.json`` is what `f1 replay` prints."""
    options = begin_simulated(folder / "lake", SEASON - 1)
    words = ["replay", "--season", str(SEASON), "--event", "chin", "--now", NOW, *options]
    _done([*words, "--json", str(folder / "scores.json")])


def tick_on_saturday(f1db_zip: Path) -> Callable[[Path], None]:
    """``lake`` filled from all of F1DB's history by one tick at `SATURDAY`."""
    given = ["--source", "f1db", "--f1db", str(f1db_zip), "--now", SATURDAY]
    return lambda folder: _done(["run", *given, "--lake", str(folder / "lake")])


def _done(words: list[str]) -> None:
    """The command ``words``, its notebooks run in this process."""
    from f1lib.cli.main import main

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("F1_ENGINE", "inprocess")
        assert main(words) == 0
