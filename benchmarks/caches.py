"""What each use of the cache saves: ticks of a weekend in one process, every value that was held made once more.

    python benchmarks/caches.py [--f1db f1db-csv.zip] [--event qatar]

A lake (without ``--f1db`` a simulated one, which has laps) is brought to the eve of a sprint weekend of 2025 and ticked
through it with notebooks in this process: once with all stages, as on AWS, once without scores and report, as a replay
does it. Whenever the cache has a value, it is made all the same, and the CPU seconds of that are what the ticks would
take more without this use: both sides are measured at the same moment, and other work on the machine touches neither.
Measured are the ticks from the second session to the last grid: before, libraries load; after, models are trained.

A use that saves less than `WORTH` of either is taken out of the code; those that were are listed with what they would
save at best. A request that S3 need not answer is taken to last `ROUND_TRIP`, many at once as long as one.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import process_time
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from f1lib.domain.weekend import EventKey
from f1lib.evaluation import issued
from f1lib.gold import incremental, read_silver
from f1lib.lake.cache import Cache
from f1lib.lake.paths import is_written_once
from f1lib.lake.store import REQUESTS, LocalStore
from f1lib.pipeline.replay import replay_moments
from f1lib.pipeline.tick import tick
from f1lib.tracking import sqlite
from f1lib.tracking.stage_keys import STAGES, Stage
from f1lib.workspace.workspace import Workspace, open_workspace

SEASON, EVE, LOADING, WORTH, ROUND_TRIP = 2025, "2025-11-24T00:00:00Z", 2, 0.05, 0.02
S3 = "lake: S3 files written once"


class Saved:
    """CPU seconds by use, and how often a value was there."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.hits: Counter[str] = Counter()

    def again(self, use: str, make: Callable[[], Any]) -> None:
        """Make a value that is held, and note what that took."""
        started = process_time()
        make()
        self.seconds[use] += process_time() - started
        self.hits[use] += 1


class Remaking(Cache):
    """A cache that makes what it holds once more."""

    def __init__(self, saved: Saved) -> None:
        super().__init__()
        self.saved = saved
        self.moment: Any = None

    def one(self, use: str, name: Hashable, fingerprint: Any, make: Callable[[], Any], keep: int = 1) -> Any:
        """As the cache does it."""
        known = self._uses.get(use, {}).get(name)
        if known and known[0] == fingerprint:
            self.saved.again(use, (lambda: self._asked(make())) if use.startswith("sources") else make)
        return super().one(use, name, fingerprint, make, keep)

    def _asked(self, source: Any) -> None:
        """A source reads its files when it is asked: for the schedule, and for what was last raced."""
        sessions = source.schedule(SEASON, self.moment).sessions
        last = sessions[(sessions["available_utc"] <= self.moment) & (sessions["session"] == "R")].iloc[-1]
        source.session(EventKey.parse(last["event_partition_key"]), "R", self.moment)

    def many(self, use: str, prints: Mapping[str, Any], make: Callable[[str], Any], threads: int = 1) -> dict[str, Any]:
        """As the cache does it."""
        known = self._uses.get(use, {})
        for name in [name for name, found in prints.items() if name in known and known[name][0] == found]:
            self.saved.again(use, partial(make, name))
        return super().many(use, prints, make, threads)


def _noted(owner: Any, name: str, use: str, saved: Saved, key: Callable[..., Hashable]) -> Any:
    """``owner.name`` as it is, but for a note of what each call would not have taken whose ``key`` was seen before."""
    made, seen = getattr(owner, name), set()

    def found(*given: Any) -> Any:
        started, known = process_time(), key(*given)
        started, value = process_time(), made(*given)
        if known in seen:
            saved.seconds[use] += process_time() - started
            saved.hits[use] += 1
        seen.add(known)
        return value

    return patch.object(owner, name, found)


@contextmanager
def taken_out(saved: Saved) -> Iterator[None]:
    """The uses that the code no longer has, at their best: what a value depends on is told without being looked at."""
    attributes = SimpleNamespace(loads=json.loads, dumps=json.dumps)
    with ExitStack() as stack:
        for owner, name, use, key in (
            (read_silver, "_parsed", "gold: silver files", lambda data, *_: hash(data)),
            (incremental, "input_digests", "gold: digests of past events", lambda _, targets, *__: len(targets)),
            (issued, "_scored", "evaluation: scored predictions", lambda issue, _: str(issue.iloc[0].to_dict())),
            (attributes, "loads", "tracking: attributes in SQLite", lambda text: text),
        ):
            stack.enter_context(_noted(owner, name, use, saved, key))
        stack.enter_context(patch.object(sqlite, "json", attributes))
        yield


@contextmanager
def counted_requests(saved: Saved) -> Iterator[None]:
    """Reads of files that never change, were the lake in S3: what is read or was written in one process is there."""
    held: set[str] = set()
    read, write, exists = LocalStore.read, LocalStore.write, LocalStore.exists

    def noted(key: str) -> None:
        if is_written_once(key):
            alone = threading.current_thread() is threading.main_thread()
            saved.seconds[S3] += (ROUND_TRIP if alone else ROUND_TRIP / REQUESTS) * (key in held)
            saved.hits[S3] += key in held
            held.add(key)

    def reads(store: LocalStore, key: str) -> bytes:
        data = read(store, key)
        noted(key)
        return data

    def writes(store: LocalStore, key: str, data: bytes) -> None:
        write(store, key, data)
        held.update([key] * is_written_once(key))

    def looks(store: LocalStore, key: str) -> bool:
        found = exists(store, key)
        if found:
            noted(key)
        return found

    with (
        patch.object(LocalStore, "read", reads),
        patch.object(LocalStore, "write", writes),
        patch.object(LocalStore, "exists", looks),
    ):
        yield


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


def weekend(lake: Path, options: argparse.Namespace, saved: Saved, stages: frozenset[str]) -> float:
    """CPU seconds of the ticks of a weekend without what was made once more."""
    cache = Remaking(saved)
    ws = opened(lake, options.f1db, cache)
    sessions = ws.source.schedule(SEASON, ws.as_of).sessions
    event = next(key for key in sessions["event_partition_key"] if options.event in key.lower())
    started = 0.0
    for number, moment in enumerate(replay_moments(sessions, event)[:-1]):
        if number == LOADING:
            saved.seconds.clear()
            saved.hits.clear()
            started = process_time()
        cache.moment = moment.when
        result = tick(ws.at(moment.when), stages=stages)
        if result.failures:
            raise SystemExit(f"the tick at {moment.when} failed: {result.failures[0].error}")
        print(f"{moment.why}: {', '.join(run.step.stage for run in result.runs)}", file=sys.stderr, flush=True)
    return process_time() - started - sum(seconds for use, seconds in saved.seconds.items() if use in cache._uses)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--f1db", default="", help="an F1DB CSV release; without it the simulated source")
    parser.add_argument("--event", default="qatar", help="a sprint weekend of 2025")
    parser.add_argument("--eve", default="", help="a lake brought to the eve before, instead of making one")
    options, saved = parser.parse_args(), Saved()
    with tempfile.TemporaryDirectory() as folder, taken_out(saved), counted_requests(saved):
        eve = Path(options.eve or Path(folder) / "eve")
        if not options.eve:
            brought_to_the_eve(eve, options.f1db)
        quiet = frozenset(STAGES) - {Stage.SCORE, Stage.REPORT}
        for name, stages in (("a replay", quiet), ("all stages", frozenset(STAGES))):
            shutil.copytree(eve, Path(folder) / name)
            total = weekend(Path(folder) / name, options, saved, stages)
            print(f"{name:34}{'hits':>7}{'with':>9}{'without':>9}{'ratio':>7}  worth {WORTH:.0%}?", flush=True)
            for use, seconds in sorted(saved.seconds.items(), key=lambda item: -item[1]):
                ratio = 1 + seconds / total
                worth = "yes" if round(ratio, 2) >= 1 + WORTH else "no"
                print(
                    f"{use:34}{saved.hits[use]:7}{total:8.2f}s{total + seconds:8.2f}s{ratio:7.2f}  {worth}", flush=True
                )


if __name__ == "__main__":
    main()
