"""The report gathers the lake's state, and leaves alone what did not change."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from shutil import copytree

import pytest

from f1lib.errors import RunError
from f1lib.evaluation.issued import score_issued
from f1lib.lake.paths_published import NEXT_RACES, SUMMARY
from f1lib.predictions import issue
from f1lib.report import build, cells
from f1lib.workspace.workspace import Workspace
from tests.support.made_up_predictions import prediction_frame
from tests.support.report_rows import EVENT, ROWS
from tests.support.workspaces import make_workspace


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    opened = make_workspace(tmp_path / "lake", "2025-12-06T16:00:00Z")
    opened.tracking.put_rows(ROWS)
    return opened


def test_the_summary_names_the_next_race_the_errors_and_the_stages(ws: Workspace) -> None:
    issue.publish(ws.store, ws.tracking, prediction_frame())
    summary = build.build_summary(ws)
    assert [race["event_partition_key"] for race in summary["next_races"]] == [EVENT]
    assert summary["pipeline"]["sessions"] == {"failed": 1, "gold": 1, "scheduled": 1}
    assert [e["last_error"] for e in summary["pipeline"]["errors"]] == ["SourceError: no"]
    assert [(s["stage"], s["href"]) for s in summary["pipeline"]["stages"]] == [("05_train", None)]
    assert summary["source"]["data_until_utc"] == "2025-12-06T15:30:00Z"
    assert summary["source"]["attribution"].startswith("F1DB, https://github.com/f1db/f1db")
    assert json.loads(ws.store.read(SUMMARY)) == summary
    assert json.loads(ws.store.read(NEXT_RACES))["races"] == summary["next_races"]
    assert summary["latest_predictions"][0]["driver_id"] == "driver-00"


def test_a_sprint_has_a_page_of_its_own_without_a_race_prediction(ws: Workspace) -> None:
    issue.publish(ws.store, ws.tracking, prediction_frame().assign(session="S"))
    assert list(build.build_summary(ws)["pages"]) == ["races/2025/Abu_Dhabi_Grand_Prix_sprint.html"]
    page = ws.store.read("reports/races/2025/Abu_Dhabi_Grand_Prix_sprint.html").decode()
    assert "<h1>2025 Abu Dhabi Grand Prix, sprint</h1>" in page


def test_a_page_is_written_anew_only_when_its_race_changed(ws: Workspace) -> None:
    issue.publish(ws.store, ws.tracking, prediction_frame())
    (page,) = build.build_summary(ws)["pages"]
    ws.store.write(f"reports/{page}", b"as it was")
    build.build_summary(ws)
    assert ws.store.read(f"reports/{page}") == b"as it was"
    issue.publish(ws.store, ws.tracking, prediction_frame().assign(p_dnf=0.2))
    build.build_summary(ws)
    assert b"Abu Dhabi Grand Prix" in ws.store.read(f"reports/{page}")


def test_a_page_is_written_anew_once_when_the_code_has_changed(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    issue.publish(ws.store, ws.tracking, prediction_frame())
    (page,) = build.build_summary(ws)["pages"]
    monkeypatch.setattr(build, "code_version", lambda: "9.0.0+feedbeef")
    ws.store.write(f"reports/{page}", b"as it was")
    build.build_summary(ws)
    assert b"Abu Dhabi Grand Prix" in ws.store.read(f"reports/{page}")
    ws.store.write(f"reports/{page}", b"as it was")
    build.build_summary(ws)
    assert ws.store.read(f"reports/{page}") == b"as it was"


@pytest.mark.skipif(sys.platform != "linux", reason="forks are Linux's")
def test_pages_drawn_in_two_processes_are_those_of_one(ws: Workspace, tmp_path: Path) -> None:
    """In processes of their own, for the tests' own may have threads."""
    issue.publish(ws.store, ws.tracking, prediction_frame())
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from f1lib.report import build\n"
        "from tests.support.workspaces import make_workspace\n"
        "os.sched_getaffinity = lambda _: set(range(int(sys.argv[2])))\n"
        "me, drawn = os.getpid(), build._race_pages\n"
        "def noted(*given):\n"
        "    assert (os.getpid() == me) == (sys.argv[2] == '1')\n"
        "    return drawn(*given)\n"
        "build._race_pages = noted\n"
        "build.build_summary(make_workspace(Path(sys.argv[1]), '2025-12-06T16:00:00Z'))\n"
    )
    pages = []
    for processors in ("1", "2"):
        lake = tmp_path / processors
        copytree(tmp_path / "lake", lake)
        subprocess.run([sys.executable, "-c", program, str(lake), processors], check=True, timeout=120)
        reports = sorted(path for path in (lake / "reports").rglob("*") if path.is_file())
        pages.append({str(path.relative_to(lake)): path.read_bytes() for path in reports})
    assert pages[0] == pages[1]
    assert "reports/races/2025/Abu_Dhabi_Grand_Prix.html" in pages[0]


def test_an_empty_lake_is_told_what_to_run_first(tmp_path: Path) -> None:
    empty = make_workspace(tmp_path / "new", "2025-12-06T16:00:00Z")
    with pytest.raises(RunError, match="run 00_schedule first"):
        build.build_summary(empty)


def test_a_race_without_a_model_in_the_lake_has_a_page_without_reasons(ws: Workspace) -> None:
    issue.publish(ws.store, ws.tracking, prediction_frame())
    (page,) = build.build_summary(ws)["pages"]
    text = ws.store.read(f"reports/{page}").decode()
    assert 'id="why"' not in text
    assert "not in this lake" in ws.store.read("reports/health.html").decode()
    assert "No weather forecast was out" in text


def test_scoring_before_any_race_leaves_a_document_to_report_on(ws: Workspace) -> None:
    issue.publish(ws.store, ws.tracking, prediction_frame())
    assert cells.score_table(score_issued(ws)).empty
    assert build.build_summary(ws)["accuracy"] == {"means": [], "calibration": {}}
