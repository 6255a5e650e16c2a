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


def test_a_season_whose_calendar_nobody_gives_is_said_and_the_others_are_read(opened: Opener) -> None:
    ws = opened(SATURDAY)
    real = ws.source.schedule

    def schedule_of(season: int, as_of: Any) -> Any:
        if season == 2026:
            raise SourceError("no connection")
        return real(season, as_of)

    ws.source.schedule, ws.source.seasons = schedule_of, lambda as_of: [2025, 2026]  # type: ignore[method-assign]
    assert refresh_schedule(ws, [])["event_year"].unique().tolist() == [2025]
    stage = ws.tracking.get("PIPELINE", "STAGE#00_schedule") or {}
    assert stage["notice"] == "NO CALENDAR of 2026: no connection"
    assert stage["next_attempt_utc"] == "2025-03-15T13:00:00Z"
    with pytest.raises(SourceError, match="no connection"):
        refresh_schedule(ws, [2026])
    ws.source.seasons = lambda as_of: [2026]  # type: ignore[method-assign]
    with pytest.raises(SourceError, match="no connection"):
        refresh_schedule(ws, [])


def _race(number: int, **changes: str) -> dict[str, Any]:
    """The tiny release with one race changed."""
    tables = tiny()
    tables["races"][number - 1] |= changes
    return tables


@pytest.mark.parametrize("status", ["due", "failed", "blocked", "unavailable"])
def test_a_session_whose_time_changes_is_asked_for_at_its_new_time_whatever_was_tried_before(
    opened: Opener, status: str
) -> None:
    ws = opened("2025-03-15T08:00:00Z")
    refresh_schedule(ws, [2025])
    tried = {"status": status, "failures": 6, "failing_since_utc": "2025-03-15T06:30:00Z", "last_error": "not yet"}
    key = {"event_partition_key": AUSTRALIA, "session_name_abr": "Q", "next_attempt_utc": "2025-03-16T01:00:00Z"}
    ws.tracking.put_rows([{**key, **tried}])  # type: ignore[typeddict-item]
    put_off = _race(1, qualifyingDate="2025-03-15", qualifyingTime="22:30", time="05:00")
    refresh_schedule(opened("2025-03-15T10:00:00Z", put_off), [2025])
    row = ws.tracking.get(AUSTRALIA, "Q")
    assert row is not None
    assert (row["status"], row["available_utc"]) == ("scheduled", "2025-03-16T00:00:00Z")
    assert {"next_attempt_utc", "failures", "failing_since_utc"}.isdisjoint(row)
    later = opened("2025-03-16T00:00:00Z", put_off)
    assert ingest(later, [])["session"].tolist() == ["P1", "P2", "P3", "Q"]


def test_a_session_that_was_held_and_is_put_off_for_days_is_another_one_and_its_answer_a_revision(
    opened: Opener,
) -> None:
    ws = opened("2025-03-16T07:00:00Z")
    refresh_schedule(ws, [2025])
    ingest(ws, [f"{AUSTRALIA}/Q", f"{AUSTRALIA}/P1"])
    again = _race(1, date="2025-04-06", qualifyingDate="2025-04-05", freePractice3Date="2025-04-05")
    after = opened("2025-03-16T08:00:00Z", again)
    refresh_schedule(after, [2025])
    assert {name: statuses(after)[name] for name in ("P1", "Q", "R")} == {
        "P1": "ingested",
        "Q": "scheduled",
        "R": "scheduled",
    }
    keys = ws.store.list("bronze/sessions/2025/Australian_Grand_Prix/Q/")
    assert keys
    assert all("revisions/" in key for key in keys)
    refresh_schedule(after, [2025])
    held = opened("2025-04-05T08:00:00Z", again)
    assert f"{AUSTRALIA}/Q" in [f"{e}/{s}" for e, s in ingest(held, [])[["event_partition_key", "session"]].to_numpy()]


def test_a_difference_of_hours_leaves_a_session_that_was_held_as_it_is(opened: Opener) -> None:
    ws = opened("2025-03-15T07:00:00Z")
    refresh_schedule(ws, [2025])
    ingest(ws, [f"{AUSTRALIA}/Q"])
    refresh_schedule(opened("2025-03-15T07:10:00Z", _race(1, qualifyingTime="09:00")), [2025])
    assert statuses(ws)["Q"] == "ingested"
    assert ws.store.exists("bronze/sessions/2025/Australian_Grand_Prix/Q/source.json")


def test_a_renamed_event_keeps_its_key_its_answers_and_is_asked_for_by_its_new_name(opened: Opener) -> None:
    ws = opened("2025-03-15T07:00:00Z")
    refresh_schedule(ws, [2025])
    ingest(ws, [])
    tables = _race(1, grandPrixId="victoria")
    tables["grands-prix"].append({"id": "victoria", "fullName": "Victorian Grand Prix"})
    renamed = opened("2025-03-16T12:00:00Z", tables)
    events = refresh_schedule(renamed, [2025])
    assert events["event_partition_key"].tolist() == [AUSTRALIA, CHINA]
    assert events["event_name"].tolist()[0] == "Australian Grand Prix"
    assert {row["event_partition_key"] for row in renamed.tracking.rows()} == {"PIPELINE", AUSTRALIA, CHINA}
    assert set(ingest(renamed, [])["status"]) == {"ingested"}
    assert statuses(renamed)["R"] == "ingested"
    assert ws.store.list("bronze/sessions/2025/Victorian") == []
    refresh_schedule(opened("2025-03-16T13:00:00Z"), [2025])
    assert "asked_as" not in (ws.tracking.get(AUSTRALIA, "R") or {"asked_as": ""})


def test_an_event_at_another_circuit_on_another_date_is_no_renamed_one(opened: Opener) -> None:
    ws = opened("2025-03-10T07:00:00Z")
    refresh_schedule(ws, [2025])
    tables = _race(1, grandPrixId="victoria", date="2025-05-04", circuitId="madring")
    tables["grands-prix"].append({"id": "victoria", "fullName": "Victorian Grand Prix"})
    refresh_schedule(opened("2025-03-11T12:00:00Z", tables), [2025])
    assert set(statuses(ws).values()) == {"unavailable"}
    assert set(statuses(ws, "2025_Victorian_Grand_Prix").values()) == {"scheduled"}


def test_a_renumbered_event_that_moves_to_another_circuit_is_the_same_event(opened: Opener) -> None:
    ws = opened("2025-03-10T07:00:00Z")
    refresh_schedule(ws, [2025])
    refresh_schedule(opened("2025-03-11T12:00:00Z", _race(2, round="3", circuitId="madring")), [2025])
    row = ws.tracking.get(CHINA, "R")
    assert row is not None
    assert (row["event_number"], row["circuit"], row["status"]) == (3, "madring", "scheduled")


def test_a_new_release_has_past_sessions_of_its_source_compared_and_what_was_missing_asked_for(opened: Opener) -> None:
    tables = tiny()
    late = {**tables, "races-race-results": []}
    ws = opened("2025-03-20T12:00:00Z", late)
    refresh_schedule(ws, [2025])
    ingest(ws, [])
    assert statuses(ws)["R"] == "unavailable"
    live: Any = {"event_partition_key": AUSTRALIA, "session_name_abr": "P1", "source": "fastf1", "reread_utc": None}
    ws.tracking.put_rows([live])
    refresh_schedule(opened("2025-03-20T13:00:00Z", late), [2025])
    tables["races-qualifying-results"][0] |= {"driverNumber": "99"}
    newer = opened("2025-06-20T12:00:00Z", tables)
    refresh_schedule(newer, [2025])
    frame = ingest(newer, [])
    asked = frame[frame["event_partition_key"] == AUSTRALIA].set_index("session")
    assert "P1" not in asked.index, "its laps come from elsewhere"
    assert asked.loc["R", "status"] == "ingested"
    assert asked.loc["Q", "warning"] == "1 values were revised"
    note = read_json(ws.store, "bronze/sessions/2025/Australian_Grand_Prix/Q/source.json")
    assert note["revised"] == [{"driver_id": "lando-norris", "column": "driver_number", "was": "4", "is": "99"}]
    refresh_schedule(newer, [2025])
    assert ingest(newer, []).empty, "compared once"


def test_times_that_would_put_qualifying_after_the_race_are_refused_and_said(opened: Opener) -> None:
    ws = opened("2025-03-14T12:00:00Z", _race(1, qualifyingDate="2025-03-16", qualifyingTime="04:00"))
    refresh_schedule(ws, [2025])
    row = ws.tracking.get(AUSTRALIA, "Q")
    assert row is not None
    assert row["session_date_utc"] == "2025-03-15T04:00:00Z"
    notice = (ws.tracking.get("PIPELINE", "STAGE#00_schedule") or {}).get("notice", "")
    assert f"{AUSTRALIA} Q: 2025-03-16T04:00:00Z is not in the order of P1, P2, P3, Q, R" in str(notice)
