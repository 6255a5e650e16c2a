"""`f1 run`: a tick by the command."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from f1lib.cli.main import main
from f1lib.cli.run import _said
from f1lib.domain.moments import format_utc, parse_utc, stamp
from f1lib.pipeline.rules import Step
from f1lib.pipeline.tick import StageRun, TickResult
from f1lib.tracking.rows import Outcome, TrackingRow, key_of
from f1lib.workspace.workspace import open_workspace


def test_when_nothing_is_due_the_next_race_is_named(
    weekend_lake: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *weekend_lake]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("nothing is due at 2025-03-30 09:30 UTC; next race: 2025_Japanese_Grand_Prix at ")
    assert not said.err.strip()


def test_a_tick_with_nothing_due_imports_no_library_that_takes_long(weekend_lake: list[str]) -> None:
    heavy = ["duckdb", "jinja2", "numpy", "pandas", "papermill", "pydantic", "requests", "rich", "sklearn", "xgboost"]
    heavy += ["importlib.metadata", "f1lib.cli.predictions"]
    program = (
        "import sys; from f1lib.cli.main import main\n"
        f"main(sys.argv[1:]); print([name for name in {heavy} if name in sys.modules])"
    )
    command = [sys.executable, "-c", program, "run", *weekend_lake]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.startswith("nothing is due")
    assert said.splitlines()[-1] == "[]"


def test_what_somebody_else_is_at_is_named_with_status_3(
    weekend_lake: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    later = "2025-04-02T00:00:00Z"
    ws = open_workspace(source="simulated", lake=weekend_lake[3], as_of=later)
    ws.tracking.claim(
        "PIPELINE", "STAGE#00_schedule", owner="cloud", run_id="tick", now=ws.as_of, lease=timedelta(minutes=10)
    )
    assert main(["run", *weekend_lake[:-1], later]) == 3
    said = capsys.readouterr()
    assert said.out.startswith("not done here: ")
    assert "cloud" in said.out


def test_a_stage_that_fails_is_told_on_standard_error_with_status_1(
    weekend_lake: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("f1lib.bronze.schedule.refresh_schedule", fails)
    assert main(["run", *weekend_lake[:-1], "2025-04-05T00:00:00Z"]) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith("f1: 1 stage(s) failed and will be retried by the next run: stage 00_schedule failed: ")
    assert "No space left on device" in said[-1]


def test_a_model_that_is_not_there_is_refused_before_any_stage_runs(
    weekend_lake: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = open_workspace(source="simulated", lake=weekend_lake[3], as_of=weekend_lake[-1]).tracking.rows()
    monkeypatch.setenv("F1_MODEL", "best_v9")
    assert main(["run", *weekend_lake[:-1], "2025-04-06T00:00:00Z"]) == 2
    assert "no model configuration 'best_v9'" in capsys.readouterr().err
    after = open_workspace(source="simulated", lake=weekend_lake[3], as_of=weekend_lake[-1]).tracking.rows()
    assert after == before


def test_a_moment_before_the_lakes_is_refused(weekend_lake: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", *weekend_lake[:-1], "2025-03-01T00:00:00Z"]) == 2
    assert "give an earlier moment a lake of its own" in capsys.readouterr().err


def test_laps_that_this_tick_could_not_have_are_said_once_with_a_reason() -> None:
    now = "2025-03-15T12:00:00Z"
    lacks = "laps blocked: timing refuses us; openf1: a session runs"
    row: TrackingRow = {"event_partition_key": "2025_Australian_Grand_Prix", "missing": lacks, "updated_at_utc": now}
    rows: list[TrackingRow] = [{**row, "session_name_abr": name} for name in ("P1", "P2", "P3")]
    rows[0]["updated_at_utc"] = "2025-03-14T12:00:00Z"
    ingested = StageRun(Step("01_ingest", "", {}), Outcome.FINISHED, 1.0)
    said = [line for line in _said(TickResult("run", [ingested], rows=rows), parse_utc(now)) if "laps" in line]
    assert said == [f"laps are missing of 2 session(s): {lacks}"]
    assert not [line for line in _said(TickResult("", [], rows=rows), parse_utc(now)) if "laps" in line]


def test_quiet_says_nothing_when_nothing_is_due_and_a_sentence_for_what_it_issued(
    weekend_lake: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    race = open_workspace(source="simulated", lake=weekend_lake[3]).tracking.get("2025_Japanese_Grand_Prix", "R")
    assert race is not None
    saturday = format_utc(parse_utc(race["session_date_utc"]) - timedelta(hours=18))
    assert main(["run", "--quiet", *weekend_lake[:-1], saturday]) == 0
    said = capsys.readouterr()
    assert re.fullmatch(r"2025_Japanese_Grand_Prix: .* wins with a chance of \d+ %, .*starts on .*\n", said.out)
    assert main(["run", "--quiet", *weekend_lake[:-1], saturday]) == 0
    assert capsys.readouterr() == ("", "")


def test_quiet_says_nothing_of_a_prediction_that_came_out_the_same(
    weekend_lake: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    race = open_workspace(source="simulated", lake=weekend_lake[3]).tracking.get("2025_Japanese_Grand_Prix", "R")
    assert race is not None
    later = format_utc(parse_utc(race["session_date_utc"]) - timedelta(hours=17))
    assert main(["run", "--quiet", *weekend_lake[:-1], later]) == 0
    ws = open_workspace(source="simulated", lake=weekend_lake[3], as_of=later)
    made = [key_of(row) for row in ws.tracking.rows("2025_Japanese_Grand_Prix") if "06_predict" in key_of(row)[1]]
    assert made
    ws.tracking.put_rows(
        [{"event_partition_key": event, "session_name_abr": name, "input_hash": "another"} for event, name in made]
    )
    capsys.readouterr()
    later = format_utc(parse_utc(later) + timedelta(minutes=30))
    assert main(["run", "--quiet", *weekend_lake[:-1], later]) == 0
    assert [key for key in ws.store.list(f"reports/runs/{stamp(parse_utc(later))}/") if "06_predict" in key]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--source", "f1db"], "holds simulated data and source f1db is real"),
        (["--source", "f1db", "--f1db", "none.zip", "--lake", "new"], "there is no F1DB release at"),
        (["--source", "f1db", "--f1db", "wrong.zip", "--lake", "new"], "wrong.zip is no complete zip file"),
        (["--source", "simulated", "--lake", "wrong.zip"], "wrong.zip is a file: give a folder"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_status_2_before_anything_is_done(
    weekend_lake: list[str],
    words: list[str],
    named: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wrong.zip").write_text("no zip")
    before = {file: file.stat().st_mtime_ns for file in Path(weekend_lake[3]).rglob("*")}
    assert main(["run", *weekend_lake, *words]) == 2
    assert named in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["wrong.zip"]
    assert {file: file.stat().st_mtime_ns for file in Path(weekend_lake[3]).rglob("*")} == before
