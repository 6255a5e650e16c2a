"""The Lambda function in the real runtime and a sandbox like Lambda's: size, cold start, a weekend, memory.

    python benchmarks/lambda_sandbox.py --f1db f1db-csv.zip [--since 2010] [--python python3.13] [--live recordings]
    python benchmarks/lambda_sandbox.py --f1db f1db-csv.zip --cold [--against path/to/checkout]

Monza 2025 from F1DB; with ``--live`` Baku 2023, a sprint weekend, from FastF1, every upstream replayed.

Needs bubblewrap, a memory cgroup that can be made, npm for dynalite, and PyPI (the image's packages and the
emulator, kept in the cache). S3 is moto's server and DynamoDB is dynalite, both on the same two cores. The lake's
history up to Thursday is made on the local side and copied; then both sides live through the weekend on their own,
with the same packages, and the lakes are compared key by key. Seconds are wall seconds and, in brackets, those of
CPU that the function took, which other work on the machine does not change.

``--cold`` measures empty processes only: nothing due `COLD` times, then each chain of the weekend, all in sandboxes of
their own; with ``--against`` in turns with the image of another checkout, built from that one's Dockerfile.
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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from f1lib.lake.parquet import read_parquet  # noqa: E402
from f1lib.lake.store import ObjectStore, open_store  # noqa: E402
from f1lib.tracking.table import TrackingTable, open_tracking  # noqa: E402
from tests.support import image  # noqa: E402
from tests.support.replay_server import ReplayServer, serve_open_meteo  # noqa: E402
from tests.support.sandbox import RUNTIME_ROOT, Sandbox, cache, interpreter, runtime, sandbox  # noqa: E402
from tests.support.standins import CREDENTIALS, Server, dynalite_command, free_port, make_bucket, make_tables, running  # noqa: E402
from tests.support.weekends import BAKU, MONZA, Weekend, differences, since  # noqa: E402

RELEASE, COLD = "/mnt/f1db-csv.zip", 9


@dataclass(frozen=True)
class Bench:
    """What every sandbox of one measurement shares."""

    moto: Server
    dynalite: Server
    release: Path
    python: Path
    task: Path
    weekend: Weekend
    upstreams: str

    @contextlib.contextmanager
    def box(self) -> Iterator[Sandbox]:
        """The image's function, in a sandbox of its own."""
        files = {image.TASK_ROOT: self.task, RELEASE: self.release, **interpreter(self.python)}
        files[RUNTIME_ROOT] = runtime(cache() / f"awslambdaric-{self.python.name}", self.python)
        variables = {"S3_BUCKET_NAME": "weekend", "DYNAMODB_TABLE_NAME": "weekend-sessions", "F1_F1DB": RELEASE}
        variables |= {"PREDICTIONS_TABLE_NAME": "weekend-predictions", "AWS_ENDPOINT_URL": self.moto.url}
        variables |= {"AWS_ENDPOINT_URL_DYNAMODB": self.dynalite.url, **self._source()}
        with tempfile.TemporaryDirectory() as folder, sandbox(Path(folder), variables, files, str(self.python)) as box:
            yield box

    def _source(self) -> dict[str, str]:
        base = {"F1_UPSTREAM_BASE": self.upstreams} if self.upstreams else {}
        return {"F1_SOURCE": self.weekend.source, **base}

    def locally(self, lake: Path, moments: list[str]) -> None:
        """Ticks by the command, with the image's packages, in a folder."""
        environment = {**image.environment(), "HOME": str(lake.parent), "TMPDIR": str(lake.parent), "TZ": ":UTC"}
        environment |= {"F1_ENGINE": "inprocess", "FASTF1_CACHE": str(lake.parent / "fastf1"), **self._source()}
        environment |= {"PYTHONPATH": str(self.task), "LANG": "C.UTF-8"}
        environment |= {"PATH": os.environ["PATH"], "JUPYTER_PATH": str(self.task / "share" / "jupyter")}
        options = ["--lake", str(lake), "--f1db", str(self.release)]
        for moment in moments:
            command = [str(self.python), "-m", "f1lib", "run", *options, "--now", moment]
            done = subprocess.run(
                command, env=environment, cwd=lake.parent, capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise RuntimeError(f"{command}: {done.stderr[-2000:]}")


def whole_tick(box: Sandbox, moment: str) -> dict[str, Any]:
    """Ticks at ``moment`` until one is complete; the steps of all, and their seconds."""
    steps, seconds, before, load = [], 0.0, box.cpu_seconds(), os.getloadavg()[0]
    while True:
        answer = box.answer({"action": "tick", "now": moment})
        if "steps" not in answer:
            raise RuntimeError(f"tick at {moment}: {answer}")
        steps += answer["steps"]
        seconds += box.seconds[-1]
        if answer["complete"]:
            cpu = box.cpu_seconds() - before
            return {"steps": steps, "seconds": seconds, "cpu": cpu, "load": load, "megabytes": box.megabytes()}


def measure(release: Path, python: Path, weekend: Weekend = MONZA, recordings: Path | None = None) -> dict[str, Any]:
    """Everything the module's first lines promise, as a dictionary; a live ``weekend`` is replayed from recordings."""
    task = image.build(cache() / f"lambda-image-{python.name}", python)
    found: dict[str, Any] = {"python": python.name, "image_megabytes": image.megabytes(task)}
    with contextlib.ExitStack() as stack:
        folder, upstreams = stack.enter_context(tempfile.TemporaryDirectory()), ""
        if weekend.is_live:
            server = stack.enter_context(ReplayServer(recordings))
            serve_open_meteo(server)
            upstreams = server.base
        bench = stack.enter_context(standing(release, python, task, weekend, upstreams))
        return found | lived_through(bench, Path(folder) / "lake")


@contextlib.contextmanager
def standing(release: Path, python: Path, task: Path, weekend: Weekend, upstreams: str = "") -> Iterator[Bench]:
    """The stand-ins of one image, empty."""
    os.environ.update(CREDENTIALS)
    port, second = free_port(), free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    other = [*dynalite_command(), "--host", "127.0.0.1", "--port", str(second), "--createTableMs", "0"]
    with running(command, port) as moto, running(other, second) as dynalite:
        yield Bench(moto, dynalite, release, python, task, weekend, upstreams)


def measure_cold(release: Path, python: Path, against: Path | None) -> dict[str, Any]:
    """Wall and CPU seconds of empty processes, by image; with nothing due those of `COLD` sandboxes."""
    tasks = {"this": image.build(cache() / f"lambda-image-{python.name}", python)}
    if against:
        with patch.multiple(image, ROOT=against, DOCKERFILE=against / "lambda_runner" / "Dockerfile"):
            tasks["against"] = image.build(cache() / f"lambda-image-{python.name}-against", python)
    found: dict[str, Any] = {name: {"megabytes": image.megabytes(task)} for name, task in tasks.items()}
    with contextlib.ExitStack() as stack:
        sides = {n: stack.enter_context(standing(release, python, task, MONZA)) for n, task in tasks.items()}
        for bench in sides.values():
            lake = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "lake"
            bench.locally(lake, [MONZA.eve])
            copy_lake(lake, *places(bench), MONZA.event)
        for name, moment in [*[("nothing due", MONZA.eve)] * COLD, *MONZA.ticks.items()]:
            for side, bench in sides.items():
                found[side].setdefault(name, []).append(_cold(bench, {"action": "tick", "now": moment}))
            print(f"{name} done", file=sys.stderr, flush=True)
    return found


def places(bench: Bench) -> tuple[ObjectStore, TrackingTable]:
    """The lake and the tables of an image, made."""
    tracking = open_tracking(make_tables(bench.dynalite, "weekend"))
    return open_store(make_bucket(bench.moto, "weekend").replace("/lake?", "?")), tracking


def lived_through(bench: Bench, local: Path) -> dict[str, Any]:
    """The figures of the weekend on both sides, and how they differ in the end."""
    weekend, last = bench.weekend, list(bench.weekend.ticks.values())[-1]
    lake, tracking = places(bench)
    no_op = {"action": "tick", "stages": ["08_report"], "now": weekend.eve}
    found: dict[str, Any] = {"ticks": {}, "cold_empty_lake": [_cold(bench, no_op) for _ in range(5)]}
    bench.locally(local, [weekend.eve])
    copy_lake(local, lake, tracking, weekend.event)
    print("history is there", file=sys.stderr, flush=True)
    with bench.box() as box:
        for name, moment in weekend.ticks.items():
            found["ticks"][name] = whole_tick(box, moment)
            print(f"{name} done: {found['ticks'][name]['seconds']:.1f} s", file=sys.stderr, flush=True)
        found["warm_no_op"] = [_timed(box, last) for _ in range(9)]
        found["left_in_tmp"] = [path for path in box.left() if "keep/matplotlib" not in path]
    found["cold_no_op"] = [_cold(bench, {"action": "tick", "now": last}) for _ in range(3)]
    bench.locally(local, [*weekend.ticks.values()])
    steps = [step for tick in found["ticks"].values() for step in tick["steps"]]
    found["without_record"] = [step["stage"] for step in steps if not lake.exists(step["notebook"])]
    return found | compared(local, lake, tracking, weekend.event)


def copy_lake(local: Path, lake: ObjectStore, tracking: TrackingTable, event: str) -> None:
    """The local lake and its rows, put where the function looks."""
    here, table = open_store(str(local)), open_tracking(f"sqlite:///{local}/tracking.db")
    keys = [key for key in here.list() if not key.startswith("tracking.db")]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: lake.write(key, here.read(key)), keys))
    tracking.put_rows(table.rows())
    tracking.put_predictions(table.predictions(event))


def compared(local: Path, lake: ObjectStore, tracking: TrackingTable, event: str) -> dict[str, Any]:
    """How the two sides differ after the weekend, and what the cloud's holds."""
    table = open_tracking(f"sqlite:///{local}/tracking.db")
    records = [key for key in lake.list("reports/runs/") if key.endswith(".ipynb")]
    folder = f"bronze/sessions/{event.replace('_', '/', 1)}/"
    laps = [key for key in lake.list(folder) if key.endswith("/laps.parquet") and "/revisions/" not in key]
    issued = tracking.predictions(event)
    return {
        "keys": len(lake.list()),
        "different": differences(lake, open_store(str(local))),
        "same_rows": tracking.rows() == table.rows(),
        "same_predictions": issued == table.predictions(event),
        "predictions": len(issued),
        "issued": sorted({(row["session"], row["horizon"]) for row in issued}),
        "laps": {key.split("/")[-2]: len(read_parquet(lake, key)) for key in laps},
        "notebooks": len(records),
    }


def _timed(box: Sandbox, moment: str) -> float:
    answer = box.answer({"action": "tick", "now": moment})
    if answer.get("steps") != []:
        raise RuntimeError(f"not a no-op: {answer}")
    return box.seconds[-1]


def _cold(bench: Bench, event: dict[str, Any]) -> tuple[float, float]:
    """Wall seconds to the answer and CPU seconds of everything in the sandbox, from an empty process."""
    with bench.box() as box:
        answer = box.answer(event)
        if not answer.get("complete") or answer["failed"]:  # an error has neither
            raise RuntimeError(f"{event}: {answer}")
        return box.seconds[0], box.cpu_seconds()


def main() -> None:
    """Measure and print; says why where it cannot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--f1db", default="", help="an F1DB CSV release")
    parser.add_argument("--since", type=int, default=2010, help="leave out earlier seasons")
    parser.add_argument("--live", type=Path, help="recordings of the upstreams: live through Baku from FastF1")
    parser.add_argument("--python", default=sys.executable, help="the interpreter of the image")
    parser.add_argument("--cold", action="store_true", help="empty processes only")
    parser.add_argument("--against", type=Path, help="with --cold: another checkout, whose image is measured in turns")
    options = parser.parse_args()
    if not options.f1db:
        print("skipped: the weekend needs a real F1DB release, give --f1db f1db-csv.zip")
        return
    python = Path(shutil.which(options.python) or options.python).resolve()
    with tempfile.TemporaryDirectory() as folder:
        release = since(Path(options.f1db), Path(folder) / "f1db-csv.zip", options.since)
        try:
            if options.cold:
                report_cold(measure_cold(release, python, options.against and options.against.resolve()))
                return
            found = measure(release, python, BAKU if options.live else MONZA, options.live)
        except pytest.skip.Exception as missing:
            print(f"skipped: {missing}")
            return
    report(found)


def report_cold(found: dict[str, Any]) -> None:
    """Print the cold figures, an image a column: wall seconds and in brackets CPU, medians."""
    for name in next(iter(found.values())):
        cells = []
        for side, figures in found.items():
            if name == "megabytes":
                cells.append(f"{side} {figures[name]:.0f}")
            else:
                wall, cpu = (statistics.median(values) for values in zip(*figures[name], strict=True))
                cells.append(f"{side} {wall:.2f} s ({cpu:.2f} s)")
        print(f"{name:16s}{'   '.join(cells)}")


def report(found: dict[str, Any]) -> None:
    """Print what was measured, a line a figure."""
    print(f"image contents  {found['image_megabytes']:8.0f} MB  ({found['python']})")
    for name in ("cold_empty_lake", "cold_no_op", "warm_no_op"):
        times = sorted(one[0] if isinstance(one, tuple) else one for one in found[name])
        spread = f"least {times[0]:.2f}, most {times[-1]:.2f}"
        print(f"{name.replace('_', ' '):16s}{statistics.median(times):8.2f} s   {spread}")
    for name, tick in found["ticks"].items():
        stages = "  ".join(f"{step['stage'][:2]} {step['seconds']:.1f}" for step in tick["steps"])
        facts = f"({tick['cpu']:.1f} s)  peak {tick['megabytes']:.0f} MB, load {tick['load']:.1f}"
        print(f"{name:16s}{tick['seconds']:8.1f} s   {facts}: {stages}")
    print(f"left in /tmp: {found['left_in_tmp']}")
    print(f"predictions in the table: {found['predictions']}, executed notebooks: {found['notebooks']}")
    print(f"issued: {found['issued']}, rows of laps in bronze: {found['laps']}")
    print(f"keys: {found['keys']}, different from the local lake: {found['different']}")
    print(f"same rows: {found['same_rows']}, same predictions: {found['same_predictions']}")


if __name__ == "__main__":
    main()
