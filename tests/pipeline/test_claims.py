"""Claims of stages: renewed while they work, and a run that lost its claim changes nothing that others rely on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from f1lib.domain.moments import parse_utc
from f1lib.errors import AlreadyRunning
from f1lib.lake.store import LocalStore
from f1lib.pipeline.tick import run_stage, tick
from f1lib.predictions.archive import history_keys
from f1lib.tracking.table import open_tracking
from f1lib.workspace.workspace import Workspace, open_workspace
from tests.support.lakes import AFTER

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
