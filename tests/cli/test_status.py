"""`f1 status`: the weekend at a glance, and what the sources state differently."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from f1lib.bronze.schedule import refresh_schedule
from f1lib.cli.main import main
from f1lib.lake.store import write_json
from f1lib.tracking.rows import Status, TrackingRow
from f1lib.workspace.workspace import Workspace
from tests.support.f1db_zips import tiny, write
from tests.support.workspaces import make_workspace

AUSTRALIA = "2025_Australian_Grand_Prix"
SATURDAY = "2025-03-15T12:00:00Z"


@pytest.fixture
def ws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("COLUMNS", "200")
    release = write(tmp_path / "f1db.zip", tiny())
    opened = make_workspace(tmp_path / "lake", SATURDAY, f1db=str(release))
    refresh_schedule(opened, [])
    return opened


def shown(ws: Workspace, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    assert main(["status", *more, "--source", "f1db", "--lake", ws.store.url, "--now", SATURDAY]) == 0
    return " ".join(capsys.readouterr().out.split())


def test_a_weekend_shows_its_sessions_weather_predictions_and_what_is_due_now_and_next(
    ws: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    key: TrackingRow = {"event_partition_key": AUSTRALIA}
    told = {"R": {"probability_points": 80.0, "precipitation_mm": 4.0, "temperature_c": 21.5, "wind_kmh": None}}
    ws.tracking.put_rows(
        [
            key | {"session_name_abr": "Q", "status": Status.GOLD, "is_partial": True, "missing": "laps blocked: 403"},
            key | {"session_name_abr": "P3", "status": Status.FAILED, "last_error": "timed out after 3 attempts"},
            key | {"session_name_abr": "STAGE#02_weather", "acted_on": told, "finished_utc": SATURDAY},
            key | {"session_name_abr": "STAGE#06_predict#post_practice", "finished_utc": SATURDAY},
            {
                "event_partition_key": "PIPELINE",
                "session_name_abr": "STAGE#00_schedule",
                "notice": "NO F1DB RELEASE: x",
            },
        ]
    )
    text = shown(ws, capsys)
    for words in (
        "gold, partial",
        "laps blocked: 403",
        "timed out after 3 attempts",
        "weather: R rain 80 %, 4 mm, air 21.5 C, asked 2025-03-15T12:00:00Z",
        "predicted: post_practice",
        "*** NO F1DB RELEASE: x ***",
        "due now: 00_schedule",
        "next: 2025_Australian_Grand_Prix starting_grid is fetched, 2025-03-16T03:00:00Z (in 15 h)",
    ):
        assert words in text


def test_what_the_sources_state_differently_is_a_row_a_driver_and_column(
    ws: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "the sources agree" in shown(ws, capsys, "--conflicts")
    conflict = {"driver_id": "yuki-tsunoda", "column": "best_lap_seconds", "fastf1": 109.972, "f1db": 111.373}
    note = {"provenance": {"conflicts": [conflict]}}
    write_json(ws.store, "bronze/sessions/2025/Australian_Grand_Prix/P1/source.json", note)
    row: TrackingRow = {"event_partition_key": AUSTRALIA, "session_name_abr": "P1", "conflicts": 1}
    ws.tracking.put_rows([row])
    text = shown(ws, capsys, "--conflicts")
    assert "1 differences between fastf1 and f1db" in text
    assert "yuki-tsunoda best_lap_seconds 109.972 111.373" in text


def test_values_that_were_refused_are_listed_with_the_reason(ws: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    refused = {"driver_id": "yuki-tsunoda", "column": "lap_time_seconds", "value": 61.2, "reason": "too fast"}
    note = {"provenance": {"refused": [refused]}}
    write_json(ws.store, "bronze/sessions/2025/Australian_Grand_Prix/P1/source.json", note)
    row: TrackingRow = {"event_partition_key": AUSTRALIA, "session_name_abr": "P1", "conflicts": 1}
    ws.tracking.put_rows([row])
    text = shown(ws, capsys, "--conflicts")
    assert "1 values that cannot be, refused" in text
    assert "61.2" in text
    assert "too fast" in text


def test_values_that_were_revised_are_listed_with_what_they_were(
    ws: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    revised = {"driver_id": "lando-norris", "column": "position", "was": 1.0, "is": 3.0}
    note = {"provenance": {}, "revised": [revised]}
    write_json(ws.store, "bronze/sessions/2025/Australian_Grand_Prix/P1/source.json", note)
    row: TrackingRow = {"event_partition_key": AUSTRALIA, "session_name_abr": "P1", "conflicts": 1}
    ws.tracking.put_rows([row])
    text = shown(ws, capsys, "--conflicts")
    assert "1 values that were revised" in text
    assert "lando-norris position 1.0 3.0" in text


def test_json_holds_what_is_shown(ws: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["status", "--json", "--source", "f1db", "--lake", ws.store.url, "--now", SATURDAY]
    assert main(words) == 0
    state = json.loads(capsys.readouterr().out)
    assert state["next_race"]["event"] == AUSTRALIA
    assert [s["session"] for s in state["next_race"]["sessions"]] == ["P1", "P2", "P3", "Q", "starting_grid", "R"]
    assert state["next"] == {"at_utc": "2025-03-16T03:00:00Z", "what": f"{AUSTRALIA} starting_grid is fetched"}


def test_a_corrected_date_of_the_calendar_is_listed_with_its_evidence(
    ws: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    note = {"provenance": {"warnings": ["2021_Turkish_Grand_Prix R: held on 2021-10-10, not 2021-10-03: evidence"]}}
    write_json(ws.store, "bronze/schedule/2021/source.json", note)
    assert "calendar: 2021_Turkish_Grand_Prix R: held on 2021-10-10" in shown(ws, capsys, "--conflicts")
