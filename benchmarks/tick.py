"""What a tick costs: an empty lake filled, then the same tick again with nothing due, each in a cold process.

    python benchmarks/tick.py [--source f1db --f1db f1db-csv.zip] [--now 2025-12-06T16:00:00Z]
    python benchmarks/tick.py --source fastf1 --f1db f1db-csv.zip --now 2023-04-28T14:30:00Z --recordings recordings

Prints wall seconds and the peak memory of each process. The tick with nothing due is run `REPEATS` times: the median,
against the limits of 1.0 s and 150 MB. ``--recordings`` lets the tests' replay server answer for the upstreams.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from time import perf_counter

REPEATS = 7
SECONDS, MEGABYTES = 1.0, 150.0
REPLAY_SERVER = Path(__file__).resolve().parents[1] / "tests" / "support" / "replay_server.py"


def tick(arguments: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Run ``f1 run`` in a process of its own: wall seconds, and its peak memory in MB (kernels are not counted)."""
    started = perf_counter()
    command = [sys.executable, "-m", "f1lib", "run", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ | environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with status {process.returncode}")
    return perf_counter() - started, usage.ru_maxrss / 1024


def replay_server(recordings: str, stack: ExitStack) -> dict[str, str]:
    """Start the server on a free port; the environment that points every upstream at it."""
    command = [sys.executable, str(REPLAY_SERVER), "--port", "0", "--recordings", recordings]
    process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
    stack.callback(process.terminate)
    assert process.stdout is not None
    return {"F1_UPSTREAM_BASE": process.stdout.readline().split()[0].partition("=")[2]}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", default="simulated")
    parser.add_argument("--f1db", default="")
    parser.add_argument("--now", default="2025-12-06T16:00:00Z")
    parser.add_argument("--recordings", default="")
    options = parser.parse_args()
    with ExitStack() as stack:
        lake = stack.enter_context(tempfile.TemporaryDirectory())
        arguments = ["--source", options.source, "--now", options.now, "--lake", lake]
        arguments += ["--f1db", options.f1db] if options.f1db else []
        environment = {"FASTF1_CACHE": str(Path(lake) / "fastf1-cache")}
        environment |= replay_server(options.recordings, stack) if options.recordings else {}
        first, peak = tick(arguments, environment)
        again = [tick(arguments, environment) for _ in range(REPEATS)]
    seconds, memory = median(s for s, _ in again), max(m for _, m in again)
    span = f"{min(again)[0]:.2f}-{max(again)[0]:.2f} s"
    met = "met" if seconds < SECONDS and memory < MEGABYTES else "MISSED"
    print(f"{options.source}: empty lake to prediction {first:7.1f} s  peak {peak:.0f} MB")
    print(f"{options.source}: nothing due {seconds:.2f} s ({span}, {REPEATS} times)  peak {memory:.0f} MB")
    print(f"ratio {seconds / first:.4f}; limits of {SECONDS} s and {MEGABYTES:.0f} MB: {met}")


if __name__ == "__main__":
    main()
