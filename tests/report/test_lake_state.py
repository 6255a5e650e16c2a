"""The lake as the report reads it: races ahead, executed notebooks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from f1lib.report import health, lake_state
from f1lib.workspace.workspace import Workspace
from tests.support.report_rows import EVENT, ROWS
from tests.support.workspaces import make_workspace


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    opened = make_workspace(tmp_path / "lake", "2025-12-06T16:00:00Z")
    opened.tracking.put_rows(ROWS)
    return opened


def test_a_stage_leads_to_its_notebook() -> None:
    row: Any = {"event_partition_key": EVENT, "session_name_abr": "STAGE#06_predict#pre_race", "status": "gold",
           "run_id": "20251207T120000Z", "finished_utc": "2025-12-07T12:00:00Z"}  # fmt: skip
    page = {"name": f"06_predict-{EVENT}-pre_race", "href": f"runs/20251207T120000Z/06_predict-{EVENT}-pre_race.html"}
    runs = [{"run_id": "20251207T120000Z", "pages": [page]}]
    (stage,) = health.pipeline([row], lake_state.page_finder(runs))["stages"]
    assert stage["href"] == page["href"]


def test_a_cancelled_race_and_one_under_way_are_not_ahead() -> None:
    race = ROWS[0]
    cancelled: Any = {**race, "event_partition_key": "2025_X_Grand_Prix", "is_cancelled": True}
    assert lake_state.next_races([race, cancelled], "2025-12-06T16:00:00Z")[0]["event_partition_key"] == EVENT
    assert len(lake_state.next_races([race, cancelled], "2025-12-06T16:00:00Z")) == 1
    assert lake_state.next_races([race], "2025-12-07T13:00:00Z") == []


def test_every_executed_notebook_is_linked_newest_run_first(ws: Workspace) -> None:
    for run, name in (
        ("20251201T000000Z", "05_train"),
        ("20251206T160000Z", "06_predict-x"),
        ("20251206T160000Z", "05_train"),
    ):
        ws.store.write(f"reports/runs/{run}/{name}.html", b"x")
        ws.store.write(f"reports/runs/{run}/{name}.ipynb", b"{}")
    runs = lake_state.executed_notebooks(ws.store)
    assert [run["run_id"] for run in runs] == ["20251206T160000Z", "20251201T000000Z"]
    assert [page["href"] for page in runs[0]["pages"]] == [
        "runs/20251206T160000Z/05_train.html",
        "runs/20251206T160000Z/06_predict-x.html",
    ]
