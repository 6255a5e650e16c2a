"""The calendar in the lake: a tracking row for every session, moved and cancelled with its race."""

from __future__ import annotations

import json
from typing import Any

import pytest

from f1lib.bronze import schedule
from f1lib.bronze.ingest import ingest
from f1lib.bronze.schedule import _store, refresh_schedule
from f1lib.errors import SourceError
from f1lib.lake.store import ObjectStore, read_json
from tests.support.f1db_zips import tiny
from tests.support.scripted import AUSTRALIA, CHINA, Opener, statuses

SATURDAY = "2025-03-15T12:00:00Z"


LATER = "2026-08-01T00:00:00Z"


def test_the_calendar_makes_a_row_for_every_session_and_grid_with_what_people_ask_for(opened: Opener) -> None:
    ws = opened(SATURDAY)
    events = refresh_schedule(ws, [])
    assert events["event_partition_key"].tolist() == [AUSTRALIA, CHINA]
    rows = {row["session_name_abr"]: row for row in ws.tracking.rows(CHINA)}
    assert set(rows) == {"P1", "SQ", "S", "Q", "R", "STAGE#starting_grid", "STAGE#sprint_grid"}
    race = rows["R"]
    assert (race["event_year"], race["event_number"], race["event_format"]) == (2025, 2, "sprint_qualifying")
    assert (race["session_type"], race["circuit"], race["source"]) == ("Race", "shanghai", "f1db")
    assert race["session_date_utc"] == "2025-03-23T07:00:00Z"
    assert (race["session_end_utc"], race["available_utc"]) == ("2025-03-23T09:00:00Z", "2025-03-23T09:30:00Z")
    assert rows["STAGE#starting_grid"]["available_utc"] == "2025-03-23T06:00:00Z"
    assert statuses(ws) == {
        **dict.fromkeys(["P1", "P2", "P3", "Q"], "due"),
        **dict.fromkeys(["R", "STAGE#starting_grid"], "scheduled"),
    }


def test_an_unchanged_calendar_writes_nothing_the_second_time(opened: Opener) -> None:
    ws = opened(SATURDAY)
    refresh_schedule(ws, [])
    rows = ws.tracking.rows()
    note = read_json(ws.store, "bronze/schedule/2025/source.json")
    refresh_schedule(opened("2025-03-15T12:10:00Z"), [2025])
    assert ws.tracking.rows() == rows
    assert read_json(ws.store, "bronze/schedule/2025/source.json") == note


def test_the_calendar_of_a_season_that_is_over_is_stored_once_for_each_code_and_each_release(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    note_key = "bronze/schedule/2025/source.json"
    first, newer = opened(LATER), opened(LATER)
    refresh_schedule(first, [2025])
    ingest(first, [])
    before = {key: first.store.read(key) for key in first.store.list("bronze/schedule/2025/")}
    stored: list[int] = []

    def store(lake: ObjectStore, season: int, *more: Any) -> Any:
        stored.append(season)
        return _store(lake, season, *more)

    monkeypatch.setattr(schedule, "_store", store)
    refresh_schedule(first, [2025])
    assert stored == []
    for _ in range(2):
        refresh_schedule(newer, [2025])
        assert stored == [2025]
    monkeypatch.setattr(schedule, "code_version", lambda: "9.0.0+feedbeef")
    for _ in range(2):
        refresh_schedule(newer, [2025])
        assert stored == [2025, 2025]
    assert [key for key in before if first.store.read(key) != before[key]] == [note_key]
    renewed = {"code_version": "9.0.0+feedbeef", "provenance": newer.source.schedule(2025, newer.as_of).provenance}
    assert read_json(first.store, note_key) == json.loads(before[note_key]) | renewed


def test_a_season_nobody_knows_is_an_error_and_leaves_nothing(opened: Opener) -> None:
    ws = opened(SATURDAY)
    with pytest.raises(SourceError, match="no season 2031"):
        refresh_schedule(ws, [2031])
    assert ws.tracking.rows() == []


def test_a_race_that_is_moved_gets_its_new_time_and_is_waited_for_again(opened: Opener) -> None:
    refresh_schedule(opened(SATURDAY), [])
    tables = tiny()
    tables["races"][1] |= {"date": "2025-04-06"}
    ws = opened(SATURDAY, tables)
    refresh_schedule(ws, [])
    assert ws.tracking.get(CHINA, "R")["session_date_utc"] == "2025-04-06T07:00:00Z"  # type: ignore[index]
    assert ws.tracking.get("PIPELINE", "STAGE#00_schedule#2025")["status"] == "ingested"  # type: ignore[index]


def test_a_race_that_leaves_the_calendar_is_no_longer_waited_for_and_may_come_back(opened: Opener) -> None:
    refresh_schedule(opened(SATURDAY), [])
    ws = opened(SATURDAY, {**tiny(), "races": [tiny()["races"][0]]})
    refresh_schedule(ws, [])
    assert set(statuses(ws, CHINA).values()) == {"unavailable"}
    assert all(row["is_cancelled"] for row in ws.tracking.rows(CHINA))
    assert statuses(ws)["Q"] == "due"
    back = opened(SATURDAY)
    refresh_schedule(back, [])
    assert set(statuses(back, CHINA).values()) == {"scheduled"}


def test_what_a_source_had_to_say_when_the_calendar_was_read_is_kept_until_it_is_no_longer_true(opened: Opener) -> None:
    ws = opened(SATURDAY)
    ws.notices.append("NO F1DB RELEASE: github is down")
    refresh_schedule(ws, [])
    assert ws.tracking.get("PIPELINE", "STAGE#00_schedule") == {
        "event_partition_key": "PIPELINE",
        "session_name_abr": "STAGE#00_schedule",
        "notice": "NO F1DB RELEASE: github is down",
    }
    refresh_schedule(opened(SATURDAY), [])
    assert "notice" not in (ws.tracking.get("PIPELINE", "STAGE#00_schedule") or {})


def test_a_calendar_that_another_source_stands_in_for_replaces_none_and_is_asked_for_again(opened: Opener) -> None:
    from dataclasses import replace

    ws = opened(SATURDAY)
    refresh_schedule(ws, [])
    note = read_json(ws.store, "bronze/schedule/2025/source.json")
    tables = tiny()
    tables["races"][1] |= {"date": "2025-04-06"}
    other = opened("2025-03-16T12:00:00Z", tables)
    real = other.source.schedule

    def stand_in(season: int, as_of: Any) -> Any:
        return replace(real(season, as_of), provenance={"tried": [{"source": "fastf1", "error": "500"}]})

    other.source.schedule = stand_in  # type: ignore[method-assign]
    refresh_schedule(other, [2025])
    assert read_json(ws.store, "bronze/schedule/2025/source.json") == note
    stage = ws.tracking.get("PIPELINE", "STAGE#00_schedule")
    assert stage is not None
    assert stage["next_attempt_utc"] == "2025-03-16T13:00:00Z"
    refresh_schedule(opened("2025-03-16T13:00:00Z"), [2025])
    assert "next_attempt_utc" not in (ws.tracking.get("PIPELINE", "STAGE#00_schedule") or {})
