"""What a tick costs: an empty lake filled, then the same tick again with nothing due.

    python benchmarks/tick.py [--source f1db --f1db f1db-csv.zip] [--now 2025-12-06T16:00:00Z]

Prints wall seconds and the peak memory of the largest process of each, and their ratio, taken in one run.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from time import perf_counter


def tick(arguments: list[str]) -> tuple[float, float]:
    """Run ``f1 run`` in a process of its own: wall seconds, and peak memory so far in MB."""
    started = perf_counter()
    subprocess.run([sys.executable, "-m", "f1lib", "run", *arguments], check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", default="simulated")
    parser.add_argument("--f1db", default="")
    parser.add_argument("--now", default="2025-12-06T16:00:00Z")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as lake:
        arguments = ["--source", options.source, "--now", options.now, "--lake", lake]
        arguments += ["--f1db", options.f1db] if options.f1db else []
        first, peak = tick(arguments)
        repeat, _ = tick(arguments)
    print(f"empty lake to prediction  {first:7.1f} s  peak {peak:.0f} MB")
    print(f"the same tick again       {repeat:7.2f} s  ratio {repeat / first:.4f}")


if __name__ == "__main__":
    main()
