"""Whole commands in processes of their own, in this checkout and, in turns, in another one.

The lake is filled to the eve of Abu Dhabi 2025, lives through the weekend with a tick whenever something becomes known,
and is asked again with nothing due. Both checkouts do each step before either does the next.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from benchmarks.figures import Figures
from benchmarks.processes import Measured, run

EVE = "2025-12-04T09:30:00Z"
WEEKEND = {
    "P1": "2025-12-05T11:00:00Z", "P2": "2025-12-05T14:30:00Z", "P3": "2025-12-06T12:00:00Z",
    "qualifying": "2025-12-06T15:30:00Z", "grid": "2025-12-07T12:00:00Z", "result": "2025-12-07T15:30:00Z",
}  # fmt: skip
WEEKENDS, NO_OPS, PREDICTIONS = 3, 9, 5
WALK = "2019", "2025"
MODEL = "blend_v1"  # older checkouts have it, too
NOTHING_DUE = "tick, nothing due"


@dataclass
class Checkout:
    """A checkout with its own ``.venv``, where its lakes are, and what was measured of it."""

    folder: Path
    scratch: Path
    figures: Figures = field(default_factory=dict)

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / ".venv" / "bin" / "python"

    @property
    def lake(self) -> Path:
        """The lake of its weekend."""
        return self.scratch / "lake"

    def f1(self, *words: str) -> Measured:
        """Run its command."""
        variables = {"XDG_CACHE_HOME": str(self.scratch / "cache"), "F1_CACHE": str(self.scratch / "cache")}
        return run([str(self.python), "-m", "f1lib", *words], self.folder, variables)

    def note(self, name: str, done: Measured) -> Measured:
        """Keep what a command took."""
        self.keep(name, {"wall": done.wall, "CPU": done.cpu, "memory": float(done.peak)})
        return done

    def keep(self, name: str, kinds: Mapping[str, float]) -> None:
        """Add a number of each kind to those of a figure."""
        for kind, number in kinds.items():
            self.figures.setdefault(name, {}).setdefault(kind, []).append(number)


def weekend(checkouts: Sequence[Checkout], source: Sequence[str], say: Callable[[str], None]) -> None:
    """The first run and each chain of a weekend by stage, `WEEKENDS` times; a tick with nothing due, what reads."""
    for _ in range(WEEKENDS):
        _each(checkouts, lambda one: shutil.rmtree(one.scratch, ignore_errors=True), say, "")
        _each(checkouts, lambda one: one.note("first run", _tick(one, source, EVE)), say, "first run")
        for name, moment in WEEKEND.items():
            _each(checkouts, lambda one, n=name, m=moment: _chain(one, source, n, m), say, f"chain of the {name}")  # type: ignore[misc]
    last = WEEKEND["result"]
    nothing_due(checkouts, source, last, say)
    asked = ["predictions", "abu dhabi", *source, "--lake"]
    for _ in range(PREDICTIONS):
        _each(checkouts, lambda one: one.note("f1 predictions", one.f1(*asked, str(one.lake), "--now", last)), say, "")
    _each(checkouts, lambda one: one.note("reports: stage report alone", one.f1(
        "stage", "report", *source, "--lake", str(one.lake), "--now", last)), say, "reports")  # fmt: skip


def nothing_due(
    checkouts: Sequence[Checkout],
    source: Sequence[str],
    moment: str,
    say: Callable[[str], None],
    name: str = NOTHING_DUE,
) -> None:
    """A tick with nothing due, from an empty process, `NO_OPS` times; a first one is not counted."""
    _each(checkouts, lambda one: _tick(one, source, moment), say, "a tick with nothing due")
    for _ in range(NO_OPS):
        _each(checkouts, lambda one: one.note(name, _tick(one, source, moment)), say, "")


def walk_forward(checkouts: Sequence[Checkout], source: Sequence[str], say: Callable[[str], None]) -> None:
    """Walk-forward of `MODEL` over `WALK`, fitted before each race, all horizons, in a lake that has history."""
    words = ["backtest", "--from", WALK[0], "--to", WALK[1], "--model", MODEL, "--refit-every", "1"]
    words += [*source, "--now", WEEKEND["result"], "--lake"]
    _each(
        checkouts,
        lambda one: one.note(f"walk-forward {WALK[0]}-{WALK[1]}", one.f1(*words, str(one.lake))),
        say,
        "walk-forward",
    )


def replay(one: Checkout, source: Sequence[str], say: Callable[[str], None]) -> None:
    """Replay 2025 with all its pages into a lake of its own."""
    words = [
        "replay",
        "--season",
        "2025",
        *source,
        "--now",
        "2025-12-31T00:00:00Z",
        "--lake",
        str(one.scratch / "replay"),
    ]
    _each([one], lambda it: it.note("replay of 2025", it.f1(*words)), say, "replay of 2025")


def _each(
    checkouts: Iterable[Checkout], step: Callable[[Checkout], object], say: Callable[[str], None], what: str
) -> None:
    for one in checkouts:
        step(one)
    if what:
        say(what)


def _tick(one: Checkout, source: Sequence[str], moment: str) -> Measured:
    return one.f1("run", *source, "--now", moment, "--lake", str(one.lake))


def _chain(one: Checkout, source: Sequence[str], name: str, moment: str) -> None:
    """One tick, whole, from ingest to report and by stage: each notebook's record says when it began and ended."""
    before = set(_records(one.lake))
    done = one.note(f"chain of the {name}", _tick(one, source, moment))
    spans = [_span(record) for record in sorted(set(_records(one.lake)) - before)]
    after_schedule = [span for span in spans if span[0] != "schedule"]
    spans.append(("ingest to report", min(s[1] for s in after_schedule), max(s[2] for s in after_schedule)))
    stages: dict[str, dict[str, float]] = {}
    for stage, begin, end in spans:
        cpu, memory = done.between(begin, end)
        held = stages.setdefault(stage, {"wall": 0.0, "CPU": 0.0, "memory": 0.0})
        held["wall"] += end - begin  # a stage that ran for several races or horizons: together
        held["CPU"] += cpu
        held["memory"] = max(held["memory"], memory)
    for stage, kinds in stages.items():
        one.keep(f"{name}: {stage}", kinds)


def _span(record: Path) -> tuple[str, float, float]:
    """Return the stage of a record, and when its notebook began and ended."""
    times = json.loads(record.read_text(encoding="utf-8"))["metadata"]["papermill"]
    begin, end = (_moment(times[name]) for name in ("start_time", "end_time"))
    return record.stem.split("-")[0][3:], begin, end


def _records(lake: Path) -> list[Path]:
    return [*lake.glob("reports/runs/*/*.ipynb")]


def _moment(text: str) -> float:
    return datetime.fromisoformat(text if text[-6] in "+-" else f"{text}+00:00").timestamp()
