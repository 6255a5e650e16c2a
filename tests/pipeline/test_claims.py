"""Claims of stages: renewed while they work, and a run that lost its claim changes nothing that others rely on."""

from __future__ import annotations

import pkgutil
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from f1lib.domain.moments import parse_utc
from f1lib.errors import AlreadyRunning
from f1lib.lake.paths_published import parse_record
from f1lib.lake.store import LocalStore
from f1lib.pipeline import doctor
from f1lib.pipeline.tick import named_run, run_stage, tick
from f1lib.predictions.archive import history_keys
from f1lib.tracking.rows import PREDICTION_SORT_KEY
from f1lib.tracking.table import open_tracking
from f1lib.workspace.workspace import Workspace, open_workspace
from tests.support.lakes import AFTER

# What a stage on request is given, the row that it claims, what it does as the lease runs out, a file that it writes.
WRITES: dict[str, tuple[dict[str, Any], tuple[str, str], str, str]] = {
    "ingest": (
        {"units": ["2025_Chinese_Grand_Prix/Q"]},
        ("2025_Chinese_Grand_Prix", "STAGE#01_ingest#Q"),
        "f1lib.bronze.ingest._require_field",
        "bronze/sessions/2025/Chinese_Grand_Prix/Q/results.parquet",
    ),
    "silver": (
        {"seasons": [2025]},
        ("PIPELINE", "STAGE#03_silver"),
        "f1lib.silver.build.build_frames",
        "silver/sessions/results/season=2025/results.parquet",
    ),
    "gold": ({}, ("PIPELINE", "STAGE#04_gold"), "f1lib.gold.build.compute", "gold/training_dataset.parquet"),
    "score": ({}, ("PIPELINE", "STAGE#07_score"), "f1lib.evaluation.issued._standing", "reports/accuracy.json"),
    "report": ({}, ("PIPELINE", "STAGE#08_report"), "f1lib.report.build._newest", "reports/run_summary.json"),
}
EVENT, STAGE = "2025_Japanese_Grand_Prix", "STAGE#06_predict#pre_weekend"


@pytest.fixture
def ws(replayed_lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A lake whose next race is not predicted yet."""
    monkeypatch.setenv("F1_ENGINE", "inprocess")
    lake = shutil.copytree(replayed_lake / "lake", tmp_path / "lake")
    opened = open_workspace(lake=str(lake), source="simulated", as_of=AFTER)
    for key in opened.store.list("predictions/"):
        if "Japanese" in key:
            opened.store.delete(key)
    issued = [str(row[PREDICTION_SORT_KEY]) for row in opened.tracking.predictions(EVENT)]
    opened.tracking.delete_predictions(EVENT, issued)
    return opened


def _once(name: str, key: str, act: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Call ``act`` before the first call of the store's method with a key that begins so."""
    method, acted = getattr(LocalStore, name), list[str]()

    def patched(self: LocalStore, written: str, *more: object) -> object:
        if written.startswith(key) and not acted:
            acted.append(written)
            act()
        return method(self, written, *more)

    monkeypatch.setattr(LocalStore, name, patched)


def test_a_run_that_lost_its_claim_issues_nothing_and_records_nothing(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It slept as it wrote, and another run has taken over and is done by the time it wakes."""
    before = history_keys(ws.store)
    latest = ws.store.read("predictions/latest.json") if ws.store.exists("predictions/latest.json") else b""
    rows = ws.tracking.predictions(EVENT)

    def taken_over() -> None:
        other = open_tracking(ws.tracking.url)
        claim = other.claim(EVENT, STAGE, owner="b", run_id="quick", now=ws.now() + 2 * ws.lease, lease=ws.lease)
        other.release(claim, {"finished_utc": "2025-03-30T11:00:00Z"})

    _once("write", f"predictions/2025/history/{EVENT[5:]}/", taken_over, monkeypatch)
    with pytest.raises(AlreadyRunning, match=r"the lease of .* ran out"):
        run_stage(ws, "predict", {"event": EVENT, "horizon": "pre_weekend"})
    assert history_keys(ws.store) == before
    assert not ws.store.exists("predictions/2025/Japanese_Grand_Prix_predictions.parquet")
    assert (ws.store.read("predictions/latest.json") if latest else b"") == latest
    assert ws.tracking.predictions(EVENT) == rows
    row = ws.tracking.get(EVENT, STAGE) or {}
    assert (row["run_id"], row["finished_utc"]) == ("quick", "2025-03-30T11:00:00Z")


def test_the_lease_begins_with_the_claim_and_not_with_the_tick(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tick that has worked for an hour claims its next step for the whole of a lease."""
    leases = []
    hour = 3600.0
    monkeypatch.setattr("f1lib.workspace.workspace.monotonic", lambda: ws.opened + hour)

    def look() -> None:
        row = ws.tracking.get("PIPELINE", "STAGE#08_report") or {}
        leases.append(parse_utc(str(row["lease_expires_utc"])) - ws.as_of - ws.lease)

    _once("write", "reports/run_summary", look, monkeypatch)
    run_stage(ws, "report", {})
    assert [lease.total_seconds() for lease in leases] == [hour]
    assert tick(ws).failures == []


@pytest.mark.parametrize("stage", WRITES)
def test_a_stage_that_lost_its_claim_writes_no_file_and_moves_no_row(
    ws: Workspace, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It slept as it worked, and another run has taken over by the time it wakes."""
    given, (event, name), work, written = WRITES[stage]
    ws.store.delete(written)
    before = {(r["event_partition_key"], r["session_name_abr"]): r.get("status") for r in ws.tracking.rows()}

    real, slept = pkgutil.resolve_name(work), list[bool]()

    def slow(*given: Any, **named: Any) -> Any:
        if not slept:
            other, late = open_tracking(ws.tracking.url), ws.now() + 2 * ws.lease
            other.claim(event, name, owner="b", run_id="quick", now=late, lease=ws.lease)
            slept.append(True)
        return real(*given, **named)

    monkeypatch.setattr(work, slow)
    with pytest.raises(AlreadyRunning, match=r"the lease of .* ran out"):
        run_stage(ws, stage, given)
    assert slept
    assert not ws.store.exists(written)
    after = {(r["event_partition_key"], r["session_name_abr"]): r.get("status") for r in ws.tracking.rows()}
    assert {key: status for key, status in after.items() if key in before} == before


def _killed(ws: Workspace, stage: str) -> None:
    """A process claims a stage's row and is gone."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    owner = f"{socket.gethostname()}:{gone.pid}"
    ws.tracking.claim("PIPELINE", stage, owner=owner, run_id="20250323T120000Z", now=ws.now(), lease=ws.lease)


@pytest.mark.parametrize("stage", ["01_ingest", "02_weather", "03_silver", "04_gold"])
def test_a_stage_whose_run_was_killed_when_its_work_was_done_is_recorded_by_the_next_tick(
    ws: Workspace, stage: str
) -> None:
    """Its inputs have moved on, so that only its own row tells that it did not end."""
    assert tick(ws).failures == []
    _killed(ws, f"STAGE#{stage}")
    result = tick(ws)
    assert result.failures == []
    assert result.runs[0].step.stage == stage
    row = ws.tracking.get("PIPELINE", f"STAGE#{stage}") or {}
    assert (row["finished_utc"], row["run_id"], row["status"]) == (AFTER, result.run_id, "gold")
    assert not {"owner", "lease_expires_utc", "claim_token", "last_error"} & row.keys()
    records = [parse_record(key) for key in ws.store.list(f"reports/runs/{result.run_id}/")]
    assert stage in [record[1] for record in records if record]
    assert tick(ws).runs == []


def test_the_name_of_a_run_that_was_killed_is_not_used_again(ws: Workspace) -> None:
    """What is left of it, a kernel say, holds no claim under the new name."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    name = named_run(ws, []).run_id
    owner = f"{socket.gethostname()}:{gone.pid}"
    ws.tracking.claim("PIPELINE", "STAGE#03_silver", owner=owner, run_id=name, now=ws.now(), lease=ws.lease)
    assert tick(ws).run_id not in ("", name)


def test_the_doctor_sees_the_claim_of_a_dead_process_before_its_lease_ends(ws: Workspace) -> None:
    assert tick(ws).failures == []
    _killed(ws, "STAGE#03_silver")
    assert [(f.key, f.what) for f in doctor.examine(ws) if f.area == "table"] == [
        ("PIPELINE STAGE#03_silver", "has a claim of a run that died")
    ]
    doctor.repair(ws)
    assert "interrupted" in str((ws.tracking.get("PIPELINE", "STAGE#03_silver") or {})["last_error"])
