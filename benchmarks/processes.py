"""Commands as processes of their own, with what they and all their children take: seconds, CPU, memory over time.

Memory is the proportional set size of all processes together (Linux): a page that two share counts once. Where the
system does not tell it, the resident sets are added up.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

INTERVAL, QUICK = 0.2, 40  # the first samples follow each other closely: a tick without work takes 0.1 s


class Failed(RuntimeError):
    """A command that was measured ended with an error."""


@dataclass(frozen=True)
class Sample:
    """All processes of a command at one moment: the clock, the CPU seconds they have taken, the bytes they hold."""

    when: float
    cpu: float
    memory: int


@dataclass
class Measured:
    """What a command took from its beginning to its end.

    ``output`` is its standard output, ``largest`` the resident set that its largest process had, by the kernel: between
    two samples a short run may have held more than either saw.
    """

    wall: float
    cpu: float
    output: str
    samples: list[Sample] = field(default_factory=list)
    largest: int = 0

    @property
    def peak(self) -> int:
        """The most memory that all processes held at one moment, in bytes."""
        return max([self.largest, *(sample.memory for sample in self.samples)])

    def between(self, begin: float, end: float) -> tuple[float, int]:
        """CPU seconds and peak memory of a part of the run, by the samples in it and the one before."""
        before = [s for s in self.samples if s.when <= begin][-1:]
        inside = before + [s for s in self.samples if begin < s.when <= end]
        if len(inside) < 2:
            return 0.0, max((s.memory for s in inside), default=0)
        return inside[-1].cpu - inside[0].cpu, max(s.memory for s in inside)


def run(command: Sequence[str], folder: Path, variables: Mapping[str, str] | None = None) -> Measured:
    """Run a command to its end in ``folder`` and measure it; its standard error goes to this process's own.

    Raises `Failed` when it ends with another status than 0.
    """
    known: dict[int, float] = {}
    samples: list[Sample] = []
    with tempfile.TemporaryFile("w+") as output:
        began = time.perf_counter()
        process = subprocess.Popen([*command], cwd=folder, env={**os.environ, **(variables or {})}, stdout=output)
        ended = threading.Event()

        def look() -> None:
            while not ended.wait(INTERVAL if len(samples) > QUICK else INTERVAL / 40):
                samples.append(_sample(process.pid, known))

        looking = threading.Thread(target=look)
        looking.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - began
        finally:
            ended.set()
            looking.join()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise Failed(f"{' '.join(map(str, command))} ended with status {process.returncode}")
        output.seek(0)
        text = output.read()
    # Children that were waited for are in the usage of the process; what a sample saw of the others is no less.
    cpu = max(usage.ru_utime + usage.ru_stime, samples[-1].cpu if samples else 0.0)
    return Measured(wall, cpu, text, samples, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))


def _sample(pid: int, known: dict[int, float]) -> Sample:
    """Look at a process and its descendants; ``known`` holds the CPU seconds of each, also of those that ended."""
    memory = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for process in [parent, *parent.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
                times, held = process.cpu_times(), process.memory_full_info()
                known[process.pid] = times.user + times.system
                memory += getattr(held, "pss", held.rss)
    return Sample(time.time(), sum(known.values()), memory)
