"""What each use of the cache is worth: the same ticks in one process with all uses, and without one of them.

    python benchmarks/caches.py [--f1db f1db-csv.zip] [--event qatar] [--rounds 3]

A real lake (without ``--f1db`` a simulated one, which has laps) is brought to the eve of a weekend of 2025, and goes
through its first session in every round. Then come three ticks with all stages, once with each use left out and once
with none, from the same files. Seconds are those of CPU, which other work on the machine does not change, except for
S3, where a request is taken to be `ROUND_TRIP` long: medians of the rounds, and of their ratios. A use that saves less
than `WORTH` of the ticks is taken out of the code. Those that were are measured by what they would save at most.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from statistics import median
from time import process_time
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from f1lib.gold import incremental
from f1lib.lake.cache import Cache
from f1lib.pipeline.replay import replay_moments
from f1lib.pipeline.tick import tick
from f1lib.tracking import sqlite
from f1lib.workspace.workspace import Workspace, open_workspace

SEASON, EVE, TICKS, WORTH, ROUND_TRIP = 2025, "2025-11-24T00:00:00Z", 3, 0.05, 0.02
USES = (
    "sources: F1DB release",
    "sources: simulated world",
    "silver: bronze files",
    "gold: silver files",
    "gold: history",
    "gold: rows",
    "report: pictures",
    "report: coloured code",
)


class Without(Cache):
    """A cache that never holds anything of one use; of none at all when it is named ``""``."""

    def __init__(self, use: str) -> None:
        super().__init__()
        self.use = use

    def put(self, use: str, name: Hashable, fingerprint: Any, value: Any, keep: int) -> None:
        """Hold it, unless it is of the use left out."""
        if self.use not in ("", use):
            super().put(use, name, fingerprint, value, keep)

    def many(self, use: str, prints: Mapping[str, Any], make: Callable[[str], Any], threads: int = 1) -> dict[str, Any]:
        """The values, forgotten at once where they are of the use left out."""
        found = super().many(use, prints, make, threads)
        if self.use in ("", use):
            self._uses.pop(use)
        return found


@contextmanager
def digests_held() -> Iterator[None]:
    """Taken out: the digests of past events, while the targets are the same ones (nothing else is compared)."""
    held, made = Cache(), incremental.input_digests

    def found(silver: Any, targets: Any, as_of: Any) -> Any:
        return held.one("", "", list(targets.itertuples()), lambda: made(silver, targets, as_of))

    with patch.object(incremental, "input_digests", found):
        yield


@contextmanager
def attributes_held() -> Iterator[None]:
    """Taken out: the parsed JSON of SQLite's rows."""
    with patch.object(sqlite, "json", SimpleNamespace(loads=lru_cache(16384)(json.loads), dumps=json.dumps)):
        yield


OUT = {"gold: digests of past events": digests_held, "tracking: attributes": attributes_held}


def brought_to_the_eve(lake: Path, f1db: str) -> None:
    """A lake with all of history, its models and its pages."""
    source = ["--source", "f1db", "--f1db", f1db] if f1db else ["--source", "simulated"]
    command = [sys.executable, "-m", "f1lib", "run", *source, "--now", EVE, "--lake", str(lake)]
    subprocess.run(command, check=True, env={**os.environ, "F1_ENGINE": "inprocess"}, stdout=subprocess.DEVNULL)


def opened(lake: Path, f1db: str, cache: Cache) -> Workspace:
    """The workspace of the lake, with notebooks in this process."""
    ws = open_workspace(lake=str(lake), source="f1db" if f1db else "simulated", f1db=f1db, as_of=EVE)
    ws = replace(ws, cache=cache, settings=replace(ws.settings, engine="inprocess"))
    ws.upstreams.cache = cache
    return ws


def ticks(lake: Path, options: argparse.Namespace, cache: Cache, moments: list[datetime]) -> float:
    """CPU seconds of the ticks after the first of ``moments``, in a copy of ``lake``."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(lake, Path(folder) / "lake")
        ws = opened(Path(folder) / "lake", options.f1db, cache)
        for moment in moments:
            if moment == moments[1]:
                started = process_time()
            result = tick(ws.at(moment))
            if result.failures or not result.runs:
                raise SystemExit(f"the tick at {moment} did not do its work: {result.failures}")
        return process_time() - started


def measured(lake: Path, options: argparse.Namespace) -> dict[str, list[tuple[float, float]]]:
    """Use -> (with, without) of every round; a use of `OUT` is in the first column when it is put back."""
    first = opened(lake, options.f1db, Cache())
    (event,) = (key for key in first.source.schedule(SEASON, first.as_of).events["event_partition_key"]
                if options.event in key.lower())  # fmt: skip
    moments = [m.when for m in replay_moments(first, SEASON, event)][1 : TICKS + 2]
    ticks(lake, options, Cache(), moments)  # the libraries are loaded
    found: dict[str, list[tuple[float, float]]] = {}
    for number in range(options.rounds):
        whole = ticks(lake, options, Cache(), moments)
        for use in USES:
            found.setdefault(use, []).append((whole, ticks(lake, options, Without(use), moments)))
        for use, put_back in OUT.items():
            with put_back():
                found.setdefault(use, []).append((ticks(lake, options, Cache(), moments), whole))
        found.setdefault("all", []).append((whole, ticks(lake, options, Without(""), moments)))
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr, flush=True)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--f1db", default="", help="an F1DB CSV release; without it the simulated source")
    parser.add_argument("--event", default="qatar", help="a sprint weekend of 2025")
    parser.add_argument("--lake", default="", help="a finished lake at the eve, instead of making one")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lake = Path(options.lake or Path(folder) / "lake")
        if not options.lake:
            brought_to_the_eve(lake, options.f1db)
        rounds = measured(lake, options)
    print(f"{'use':34}{'with':>8}{'without':>9}{'ratio':>7}  worth {WORTH:.0%}?")
    for use, pairs in rounds.items():
        ratio = median(without / with_it for with_it, without in pairs)
        columns = [median(column) for column in zip(*pairs, strict=True)]
        print(f"{use:34}{columns[0]:7.2f}s{columns[1]:8.2f}s{ratio:7.2f}  {'yes' if ratio >= 1 + WORTH else 'no'}")


if __name__ == "__main__":
    main()
