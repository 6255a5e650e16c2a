"""The Lambda function in the real runtime and a sandbox like Lambda's: size, cold start, a weekend, memory.

    python benchmarks/lambda_sandbox.py --f1db f1db-csv.zip [--since 2010] [--python python3.13]

Needs bubblewrap, a memory cgroup that can be made, and PyPI (the image's packages and the emulator, kept in the
cache). S3 and DynamoDB are moto's server on the same machine, so its share of the two cores counts as well.
The same weekend is then lived through in a local folder with the same packages, and the lakes compared key by key.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "aws")]

import image  # noqa: E402
from sandbox import RUNTIME_ROOT, Sandbox, cache, interpreter, runtime, sandbox  # noqa: E402
from standins import CREDENTIALS, Server, free_port, make_bucket, make_tables, running  # noqa: E402
from weekends import EVENT, FRIDAY, MONDAY, SATURDAY, SUNDAY, THURSDAY, differences, since  # noqa: E402

RELEASE = "/mnt/f1db-csv.zip"
WEEKEND = {"friday": FRIDAY, "saturday": SATURDAY, "sunday": SUNDAY, "monday": MONDAY}
NO_OP = {"action": "tick", "stages": ["08_report"], "now": THURSDAY}


@contextlib.contextmanager
def box_over(moto: Server, release: Path, python: Path, task: Path) -> Iterator[Sandbox]:
    """The image's function, in a sandbox of its own."""
    files = {image.TASK_ROOT: task, RELEASE: release, **interpreter(python)}
    files[RUNTIME_ROOT] = runtime(cache() / f"awslambdaric-{python.name}", python)
    variables = {"S3_BUCKET_NAME": "weekend", "DYNAMODB_TABLE_NAME": "weekend-sessions", "F1_F1DB": RELEASE}
    variables |= {"PREDICTIONS_TABLE_NAME": "weekend-predictions", "AWS_ENDPOINT_URL": moto.url}
    with tempfile.TemporaryDirectory() as folder, sandbox(Path(folder) / "s", variables, files, str(python)) as box:
        yield box


def whole_tick(box: Sandbox, moment: str) -> dict[str, Any]:
    """Ticks at ``moment`` until one is complete; the steps of all, and their seconds."""
    steps, seconds = [], 0.0
    while True:
        answer = box.answer({"action": "tick", "now": moment})
        if "steps" not in answer:
            raise RuntimeError(f"tick at {moment}: {answer}")
        steps += answer["steps"]
        seconds += box.seconds[-1]
        if answer["complete"]:
            return {"steps": steps, "seconds": seconds}


def locally(release: Path, python: Path, task: Path, lake: Path) -> None:
    """The same ticks by the command, with the image's packages, into a folder."""
    environment = {
        **image.environment(),
        "HOME": str(lake.parent),
        "TMPDIR": str(lake.parent),
        "F1_ENGINE": "inprocess",
    }
    environment |= {"PYTHONPATH": str(task), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TZ": ":UTC"}
    options = ["--lake", str(lake), "--source", "f1db", "--f1db", str(release)]
    for moment in (THURSDAY, *WEEKEND.values()):
        command = [str(python), "-m", "f1lib", "run", *options, "--now", moment]
        done = subprocess.run(command, env=environment, cwd=lake.parent, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{command}: {done.stderr[-2000:]}")


def measure(release: Path, python: Path) -> dict[str, Any]:
    """Everything the module's first lines promise, as a dictionary."""
    from f1lib.storage import open_store
    from f1lib.tracking import open_tracking

    task = image.build(cache() / f"lambda-image-{python.name}", python)
    found: dict[str, Any] = {"python": python.name, "image_megabytes": image.megabytes(task), "ticks": {}, "load": {}}
    os.environ.update(CREDENTIALS)
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with running(command, port) as moto, tempfile.TemporaryDirectory() as folder:
        tracking = open_tracking(make_tables(moto, "weekend"))
        lake = open_store(make_bucket(moto, "weekend").replace("/lake?", "?"))

        def cold() -> float:
            with box_over(moto, release, python, task) as box:
                box.answer(NO_OP)
                return box.seconds[0]

        found["cold_empty_lake"] = [cold() for _ in range(5)]
        with box_over(moto, release, python, task) as box:
            for name, moment in {"history": THURSDAY, **WEEKEND}.items():
                found["load"][name] = os.getloadavg()[0]
                found["ticks"][name] = whole_tick(box, moment)
                found["ticks"][name]["megabytes"] = box.megabytes()
                print(f"{name} done: {found['ticks'][name]['seconds']:.1f} s", file=sys.stderr, flush=True)
            found["warm_no_op"] = [_timed(box, MONDAY) for _ in range(9)]
            found["left_in_tmp"] = [path for path in box.left() if "keep/matplotlib" not in path]
        found["cold_no_op"] = [_cold_no_op(moto, release, python, task) for _ in range(3)]
        local = Path(folder) / "lake"
        locally(release, python, task, local)
        found["keys"] = len(lake.list())
        found["different"] = differences(lake, open_store(str(local)))
        table = open_tracking(f"sqlite:///{local}/tracking.db")
        found["same_rows"] = tracking.rows() == table.rows()
        found["same_predictions"] = tracking.predictions(EVENT) == table.predictions(EVENT)
        found["predictions"] = len(tracking.predictions(EVENT))
        found["notebooks"] = len([key for key in lake.list("reports/runs/") if key.endswith(".ipynb")])
    return found


def _timed(box: Sandbox, moment: str) -> float:
    answer = box.answer({"action": "tick", "now": moment})
    if answer.get("steps") != []:
        raise RuntimeError(f"not a no-op: {answer}")
    return box.seconds[-1]


def _cold_no_op(moto: Server, release: Path, python: Path, task: Path) -> float:
    with box_over(moto, release, python, task) as box:
        return _timed(box, MONDAY)


def main() -> None:
    """Measure and print; says why where it cannot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--f1db", default="", help="an F1DB CSV release")
    parser.add_argument("--since", type=int, default=2010, help="leave out earlier seasons")
    parser.add_argument("--python", default=sys.executable, help="the interpreter of the image")
    options = parser.parse_args()
    if not options.f1db:
        print("skipped: the weekend needs a real F1DB release, give --f1db f1db-csv.zip")
        return
    python = Path(shutil.which(options.python) or options.python).resolve()
    with tempfile.TemporaryDirectory() as folder:
        release = since(Path(options.f1db), Path(folder) / "f1db-csv.zip", options.since)
        try:
            found = measure(release, python)
        except pytest.skip.Exception as missing:
            print(f"skipped: {missing}")
            return
    report(found)


def report(found: dict[str, Any]) -> None:
    """Print what was measured, a line a figure."""
    print(f"image contents  {found['image_megabytes']:8.0f} MB  ({found['python']})")
    for name in ("cold_empty_lake", "cold_no_op", "warm_no_op"):
        times = sorted(found[name])
        spread = f"least {times[0]:.2f}, most {times[-1]:.2f}"
        print(f"{name.replace('_', ' '):16s}{statistics.median(times):8.2f} s   {spread}")
    for name, tick in found["ticks"].items():
        stages = "  ".join(f"{step['stage'][:2]} {step['seconds']:.1f}" for step in tick["steps"])
        facts = f"peak {tick['megabytes']:.0f} MB, load {found['load'][name]:.1f}"
        print(f"{name:16s}{tick['seconds']:8.1f} s   {facts}: {stages}")
    print(f"left in /tmp: {found['left_in_tmp']}")
    print(f"predictions in the table: {found['predictions']}, executed notebooks: {found['notebooks']}")
    print(f"keys: {found['keys']}, different from the local lake: {found['different']}")
    print(f"same rows: {found['same_rows']}, same predictions: {found['same_predictions']}")


if __name__ == "__main__":
    main()
