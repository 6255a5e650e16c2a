"""A process that has everything imported and forks a child a tick: to be killed, starved of disk, or two at once.

    python -m tests.support.nursery my-lake

Its lines are JSON: ``now``, ``f1db`` and, where they are asked for, ``children`` (1), ``kill_after`` seconds,
``bytes_a_file`` that a file may have, and ``repair``, which runs ``f1 doctor --repair`` instead of a tick. It answers
with the exit code of each child (0; 1 where a stage failed; 2 where another run had it; 3 for what is no `F1LibError`;
-9 where it was killed) and the megabytes that the largest one took.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
import traceback
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

# What a child finds imported.
HEAVY = "duckdb IPython nbclient numpy onnxruntime pandas papermill pyarrow.parquet scipy.special sklearn"
STAGES = "f1lib.bronze.ingest f1lib.evaluation.gate f1lib.gold.build f1lib.model.train f1lib.pipeline.doctor "
STAGES += "f1lib.predictions.issue f1lib.report.build f1lib.report.cells f1lib.report.figures f1lib.silver.build"
FINE, FAILED, TAKEN, BROKEN = 0, 1, 2, 3


@dataclass(frozen=True)
class Answer:
    """What became of the children."""

    codes: list[int]
    megabytes: float


class Nursery:
    """The process, as its caller sees it; what its children say of failures is in ``log``."""

    def __init__(self, lake: Path, log: Path) -> None:
        self.log = log
        with log.open("w") as errors:
            command = [sys.executable, "-m", "tests.support.nursery", str(lake)]
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )

    def run(self, now: str, f1db: Path, **how: Any) -> Answer:
        """Fork the children and wait for them."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({"now": now, "f1db": str(f1db), **how}) + "\n")
        self.process.stdin.flush()
        return Answer(**json.loads(self.process.stdout.readline()))

    def said(self) -> str:
        """The last of what the children said."""
        return self.log.read_text()[-1500:]

    def end(self) -> None:
        """End the process; it has no child by then."""
        self.process.kill()
        self.process.communicate()


def _child(lake: Path, order: dict[str, Any]) -> int:
    from f1lib.evaluation import gate
    from f1lib.pipeline import doctor
    from f1lib.pipeline.tick import tick
    from tests.support.workspaces import make_workspace

    gate.CHANCE = 0.0  # a model of one or two seasons does not pass, rightly; here it serves
    ws = make_workspace(lake, order["now"], f1db=order["f1db"], engine="inprocess", weather="none")
    ws = replace(ws, owner=f"{socket.gethostname()}:{os.getpid()}")
    if order.get("repair"):
        said, left = doctor.repair(ws)
        print(f"{order['now']} repaired {said}, left {left}", file=sys.stderr, flush=True)
        return FAILED if left else FINE
    result = tick(ws)
    _unbound()
    for run in result.failures + result.taken:
        print(order["now"], run.step.stage, run.status, run.error, file=sys.stderr, flush=True)
    return FAILED if result.failures else TAKEN if result.taken else FINE


def _unbound() -> None:
    """Lift the bound of a full disk: it holds for the log as well, which is larger after a few hundred ticks."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def _fork(lake: Path, order: dict[str, Any]) -> int:
    from f1lib.errors import F1LibError

    child = os.fork()
    if child:
        return child
    code = BROKEN
    os.dup2(2, 1)
    try:
        if bound := order.get("bytes_a_file"):
            resource.setrlimit(resource.RLIMIT_FSIZE, (bound, resource.RLIM_INFINITY))
        code = _child(lake, order)
    except F1LibError as error:
        code = FAILED
        _unbound()
        print(order["now"], error, file=sys.stderr, flush=True)
    except BaseException:
        _unbound()
        traceback.print_exc()
    finally:
        os._exit(code)


def _answer(lake: Path, order: dict[str, Any]) -> dict[str, Any]:
    children = [_fork(lake, order) for _ in range(order.get("children", 1))]
    deadline, codes, most = time.monotonic() + order.get("kill_after", float("inf")), [], 0
    for child in children:
        done, status, used = os.wait4(child, os.WNOHANG)
        while not done:
            if time.monotonic() >= deadline:
                os.kill(child, signal.SIGKILL)
            time.sleep(0.005)
            done, status, used = os.wait4(child, os.WNOHANG)
        codes.append(os.waitstatus_to_exitcode(status))
        most = max(most, used.ru_maxrss)
    return {"codes": codes, "megabytes": most / 1024}


def main() -> None:
    """Answer line by line."""
    for name in (*HEAVY.split(), *STAGES.split()):
        importlib.import_module(name)
    lake = Path(sys.argv[1])
    for line in sys.stdin:
        print(json.dumps(_answer(lake, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
