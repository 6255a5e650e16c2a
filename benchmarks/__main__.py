"""The benchmark suite: one table of figures, one of ratios, and pyperf's JSON.

    make bench                                      everything; F1_F1DB=f1db-csv.zip for what needs real data
    make bench BENCH=quick                          the gated ratios only, on simulated data (what CI runs)
    make bench AGAINST=path/to/checkout             beside another checkout with its own .venv, in turns
    make bench RECORD=1                             keep the figures in history.jsonl and docs/performance.md
    make bench BENCH=caches|durability|sandbox      one of the studies beside the suite

Ends with status 1 when a gated ratio is more than 30 % worse than the kept one, or a benchmark failed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import figures, flows, history
from benchmarks.processes import Failed, Measured, run

ROOT = Path(__file__).resolve().parents[1]
NOW, GRID = "2025-12-06T16:00:00Z", "2025-12-07T12:00:00Z"
STUDIES = {"caches": "caches", "durability": "durability", "sandbox": "lambda_sandbox"}
SIDES = {"sql": "SQL", "pandas": "pandas"}
WITH_F1DB = "the first run, the chains of a weekend, f1 predictions, reports, training, walk-forward, replay"
SIMULATED = ["--source", "simulated"]
QUICK_GOLD = [("1", "next", ""), ("10", "next", ""), ("1", "all", "sql"), ("1", "all", "pandas")]
MORE_GOLD = [
    ("100", "next", ""),
    ("1", "all", ""),
    ("10", "all", ""),
    ("100", "next", "sql"),
    ("100", "next", "pandas"),
]


class Suite:
    """The measurements of one run, in a folder of their own."""

    def __init__(self, scratch: Path, against: Path | None) -> None:
        self.here = flows.Checkout(ROOT, scratch / "here")
        self.there = flows.Checkout(against, scratch / "there") if against else None
        self.failed: list[str] = []
        self.began = time.monotonic()

    def say(self, text: str) -> None:
        """A line of progress."""
        print(f"{time.monotonic() - self.began:6.0f} s  {text}", file=sys.stderr, flush=True)

    def part(self, what: str, measure: Callable[[], object]) -> None:
        """Measure one part; one that fails is named at the end, and the others go on."""
        try:
            measure()
        except Failed as error:
            self.failed.append(f"{what}: {error}")
        self.say(what)

    def script(self, module: str, *words: str) -> tuple[dict[str, Any], Measured]:
        """Run a module of the suite in a process of its own: the JSON it printed, and what it took."""
        done = run([sys.executable, "-m", f"benchmarks.{module}", *words], ROOT)
        return json.loads(done.output), done

    def take(self, module: str, *words: str, memory_of: str = "") -> None:
        """Keep the figures that a module prints; the peak of its processes under ``memory_of``."""
        found, done = self.script(module, *words)
        for name, kinds in found.items():
            self.here.figures.setdefault(name, {}).update(kinds)
        if memory_of:
            self.here.figures[memory_of]["memory"] = [float(done.peak)]

    def quick(self) -> None:
        """The gated ratios: all on simulated data, so that every machine measures the same."""
        one = self.here
        self.part("simulated lake", lambda: one.note("first run, simulated", flows._tick(one, SIMULATED, NOW)))
        self.part("", lambda: flows.nothing_due([one], SIMULATED, NOW, self.say, "tick, nothing due, simulated"))
        self.part("ticks in a warm process", lambda: self.take("warm", str(one.lake), NOW))
        for times, which, side in QUICK_GOLD:
            self.part(f"gold {times} {which} {side}", lambda t=times, w=which, s=side: self.gold(t, w, s))  # type: ignore[misc]
        self.part("22 drivers", lambda: self.take("inference", str(one.lake), "answer"))
        self.part("requests", lambda: self.take("cloud", str(one.lake), NOW, GRID))

    def gold(self, times: str, which: str, side: str) -> None:
        """Gold over a multiple of history, or seven groups of it on one side."""
        found, done = self.script("gold", str(self.here.lake), times, which, *([side] if side else []))
        over = {"next": "next race", "all": "all of history"}[which]
        name = f"gold, {over}, {times}x" if not side else f"gold, 7 groups, {over}, {SIDES[side]}, {times}x"
        _, memory = done.between(found["began"], found["ended"])
        self.here.figures[name] = {"wall": found["wall"], "CPU": found["CPU"], "memory": [float(memory)]}

    def full(self, f1db: str) -> None:
        """Everything else; what needs real data is left out without an F1DB release."""
        for times, which, side in MORE_GOLD:
            self.part(f"gold {times} {which} {side}", lambda t=times, w=which, s=side: self.gold(t, w, s))  # type: ignore[misc]
        self.part("base install", lambda: self.take("installed", str(ROOT)))
        if not f1db:
            return
        source = ["--source", "f1db", "--f1db", f1db]
        real = [flows.Checkout(each.folder, each.scratch / "f1db", each.figures) for each in self.pair()]
        self.part("weekend", lambda: flows.weekend(real, source, self.say))
        self.part("training", lambda: self.take("inference", str(real[0].lake), "train", memory_of="training"))
        self.part("walk-forward", lambda: flows.walk_forward(real, source, self.say))
        self.part("replay", lambda: flows.replay(real[0], source, self.say))
        if self.there:
            variables = str(self.there.folder)
            done = run([str(self.there.python), str(ROOT / "benchmarks" / "installed.py"), variables], ROOT)
            self.there.figures.update(json.loads(done.output))

    def pair(self) -> list[flows.Checkout]:
        """This checkout and, where one is given, the other."""
        return [self.here, *([self.there] if self.there else [])]


def main() -> int:
    """Measure, print, write; see the module's first lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", default="full", choices=["full", "quick", *STUDIES])
    parser.add_argument("--f1db", default=os.environ.get("F1_F1DB", ""), help="an F1DB CSV release (or F1_F1DB)")
    parser.add_argument("--against", type=Path, help="another checkout, with a .venv of its own")
    parser.add_argument("--record", action="store_true", help="keep the figures of this release")
    parser.add_argument("--json", type=Path, default=ROOT / "build" / "bench" / "bench.json")
    asked = parser.parse_args()
    against, f1db = _checked(asked.against), str(Path(asked.f1db).resolve()) if asked.f1db else ""
    if asked.what in STUDIES:
        words = ["--f1db", f1db] if f1db and asked.what != "durability" else []
        return subprocess.run([sys.executable, "-m", f"benchmarks.{STUDIES[asked.what]}", *words], cwd=ROOT).returncode
    with tempfile.TemporaryDirectory() as scratch:
        suite = Suite(Path(scratch), against)
        suite.quick()
        if asked.what == "full":
            suite.full(f1db)
    other = suite.there.figures if suite.there else None
    figures.write(suite.here.figures, asked.json)
    if other:
        figures.write(other, asked.json.with_name("against.json"))
    kept = history.kept_ratios(history.read())
    measured = figures.ratios(suite.here.figures)
    worse = figures.worse(measured, kept)
    print(figures.table(suite.here.figures, other), figures.ratio_table(measured, kept), sep="\n\n")
    print(f"\nwritten: {asked.json}; compare two of them by python -m pyperf compare_to OLD NEW")
    if asked.what == "full" and not f1db:
        print(f"NOT MEASURED without an F1DB release (F1_F1DB=f1db-csv.zip): {WITH_F1DB}")
    for line in [*(f"WORSE: {line}" for line in worse), *(f"FAILED: {line}" for line in suite.failed)]:
        print(line)
    if asked.record and not suite.failed:
        _keep(suite)
    return int(bool(worse or suite.failed))


def _checked(folder: Path | None) -> Path | None:
    """Refuse a checkout that has no environment of its own."""
    if folder and not (folder / ".venv" / "bin" / "python").exists():
        raise SystemExit(f"{folder} has no .venv: run `make setup` there")
    return folder.resolve() if folder else None


def _keep(suite: Suite) -> None:
    """Keep the lines of both releases, and renew the page's tables."""
    for one in reversed(suite.pair()):
        version = subprocess.run(
            [str(one.python), "-c", "from importlib.metadata import version; print(version('f1lib'))"],
            check=True, capture_output=True, text=True,
        ).stdout.strip()  # fmt: skip
        history.record(history.line(version, history.commit_of(one.folder), one.figures))
    text = history.PAGE.read_text(encoding="utf-8")
    history.PAGE.write_text(history.page_with(text, history.read()), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
