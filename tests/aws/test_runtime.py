"""The handler inside the real Lambda runtime, in a sandbox like Lambda's, over HTTP, on the stand-ins."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from f1lib.lake.store import ObjectStore, open_store
from tests.support.image import ROOT
from tests.support.sandbox import Sandbox, from_this_environment, sandbox, started
from tests.support.standins import Server, make_bucket, make_tables
from tests.support.weekends import BAKU, SATURDAY, since

RELEASE = "/mnt/f1db-csv.zip"
PROBE = """
import os, sys, tempfile
from pathlib import Path
for folder in ("/", "/var/task", "/var/task/f1lib", "/usr", "/dev", os.environ["HOME"], "/tmp"):
    try:
        Path(folder, "written").write_text("x")
        print("writes", folder)
    except OSError:
        pass
print("shared memory", os.path.exists("/dev/shm"))
print("terminal", sys.stdin.isatty(), os.path.exists("/dev/tty"))
print("user", os.getuid() != 0)
"""


@pytest.fixture(scope="module")
def lake(moto: Server) -> ObjectStore:
    make_tables(moto, "runtime")
    return open_store(make_bucket(moto, "runtime").replace("/lake?", "?"))


@pytest.fixture(scope="module")
def box(moto: Server, lake: ObjectStore, f1db_zip: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    release = since(f1db_zip, tmp_path_factory.mktemp("release") / "f1db-csv.zip", 2025)
    files, python = from_this_environment()
    variables = {"S3_BUCKET_NAME": "runtime", "DYNAMODB_TABLE_NAME": "runtime-sessions", "F1_F1DB": RELEASE}
    variables |= {"PREDICTIONS_TABLE_NAME": "runtime-predictions", "AWS_ENDPOINT_URL": moto.url}
    folder = tmp_path_factory.mktemp("sandbox")
    with sandbox(folder / "s", variables, {**files, RELEASE: release}, python) as running:
        yield running


def _inside(folder: Path, program: str, megabytes: int) -> tuple[int, str]:
    files, python = from_this_environment()
    with started(folder / "s", {}, files, [python, "-c", program], megabytes) as (process, _):
        status = process.wait(60)
    return status, (folder / "s" / "log").read_text()


def test_the_sandbox_is_as_narrow_as_lambda_s(tmp_path: Path) -> None:
    status, output = _inside(tmp_path, PROBE, 256)
    assert output.splitlines() == ["writes /tmp", "shared memory False", "terminal False False", "user True"]
    assert status == 0


def test_who_takes_more_than_the_function_s_memory_is_killed(tmp_path: Path) -> None:
    status, output = _inside(tmp_path, "print(len(bytearray(b'x') * (100 << 20)))", 64)
    assert status != 0
    assert output == ""


def test_a_wrong_event_comes_back_as_an_error_that_names_the_field(box: Sandbox) -> None:
    answer = box.answer({"action": "ingest_session", "event_partition_key": "2025_Italian_Grand_Prix"})
    assert answer["errorType"] == "BadParameters"
    assert answer["errorMessage"] == "event: session_abr: Field required"
    (line,) = [line for line in box.lines() if line.get("level") == "ERROR" and line.get("message") == "failed"]
    assert line["error"] == "BadParameters: event: session_abr: Field required"
    assert line["request_id"] == answer["requestId"]


def test_stages_run_and_leave_their_records_in_the_bucket_and_nothing_in_the_sandbox(
    box: Sandbox, lake: ObjectStore
) -> None:
    asked = {"action": "stage", "stage": "00_schedule", "parameters": {"seasons": [2025]}, "now": SATURDAY}
    first = box.answer(asked)
    report = {"action": "tick", "stages": ["08_report"], "now": SATURDAY}
    second = box.answer(report)
    steps = [*first["steps"], *second["steps"]]
    assert [(step["stage"], step["status"]) for step in steps] == [
        ("00_schedule", "finished"),
        ("08_report", "finished"),
    ]
    for step in steps:
        record = json.loads(lake.read(step["notebook"]))
        assert record["metadata"]["f1lib"]["status"] == "finished"
    assert b"<html" in lake.read("reports/run_summary.html")
    assert box.answer(report)["steps"] == []
    assert [path for path in box.left() if not path.startswith("f1lib/keep/matplotlib/")] == []
    assert _metrics(box) >= {"StageSeconds", "StageRows", "StageFailures", "StepsLeft"}


def _metrics(box: Sandbox) -> set[Any]:
    blobs = [line["_aws"]["CloudWatchMetrics"][0] for line in box.lines() if "_aws" in line]
    return {metric["Name"] for blob in blobs for metric in blob["Metrics"]}


@pytest.mark.campaign
def test_a_whole_weekend_in_the_image_leaves_the_lake_that_a_laptop_leaves(f1db_zip: Path, tmp_path: Path) -> None:
    """The image is built by the Dockerfile's own steps; from Thursday to Monday every stage runs."""
    found = _benchmark().measure(since(f1db_zip, tmp_path / "f1db-csv.zip", 2025), Path(sys.executable).resolve())
    _is_whole(found, {"00", "01", "03", "04", "05", "06", "07", "08"})
    assert found["predictions"] >= 3 * 20


@pytest.mark.campaign
@pytest.mark.timeout(1500)
def test_a_live_sprint_weekend_in_the_image_leaves_the_lake_that_a_laptop_leaves(
    shared_data: Path, f1db_zip: Path, tmp_path: Path
) -> None:
    """FastF1 and Open-Meteo replayed: every session is asked for, race and sprint are predicted, the race is scored."""
    release, python = since(f1db_zip, tmp_path / "f1db-csv.zip", 2019), Path(sys.executable).resolve()
    found = _benchmark().measure(release, python, BAKU, shared_data / "recordings")
    _is_whole(found, {"00", "01", "02", "03", "04", "05", "06", "07", "08"})
    assert found["laps"] == {"Q": 356, "SS": 233, "S": 308}
    assert set(found["issued"]) >= {("R", horizon) for horizon in ("post_practice", "post_qualifying", "pre_race")}
    assert ("S", "post_qualifying") in found["issued"]


def _is_whole(found: dict[str, Any], stages: set[str]) -> None:
    steps = [step for tick in found["ticks"].values() for step in tick["steps"]]
    assert {step["stage"][:2] for step in steps} == stages
    assert found["image_megabytes"] < 1500
    assert max(tick["megabytes"] for tick in found["ticks"].values()) < 1500
    assert found["different"] == []
    assert (found["same_rows"], found["same_predictions"]) == (True, True)
    assert found["without_record"] == []
    assert found["left_in_tmp"] == []


def _benchmark() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        return importlib.import_module("lambda_sandbox")
