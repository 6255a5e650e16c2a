"""Ticks with nothing due in a process that is warm: ``python -m benchmarks.warm LAKE NOW``; prints JSON."""

from __future__ import annotations

import json
import sys
from time import perf_counter, process_time

from f1lib.pipeline.tick import tick
from f1lib.workspace.workspace import open_workspace

TIMES, AT_ONCE = 9, 10  # the clock of the CPU is coarse beside one tick


def main() -> None:
    """Measure."""
    ws = open_workspace(lake=sys.argv[1], source="simulated", as_of=sys.argv[2])
    wall: list[float] = []
    cpu: list[float] = []
    for number in range(TIMES + 1):
        began, used = perf_counter(), process_time()
        for _ in range(AT_ONCE):
            if tick(ws.at(ws.as_of)).runs:
                raise SystemExit("something was due")
        if number:
            wall.append((perf_counter() - began) / AT_ONCE)
            cpu.append((process_time() - used) / AT_ONCE)
    print(json.dumps({"tick, nothing due, simulated, warm": {"wall": wall, "CPU": cpu}}))


if __name__ == "__main__":
    main()
