"""Bronze: what is fetched when, what a failure leaves, and that nothing half-written counts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from f1lib.bronze import schedule
from f1lib.bronze.due import due_rows
from f1lib.bronze.ingest import ingest
from f1lib.bronze.schedule import _store, refresh_schedule
from f1lib.domain.moments import parse_utc
from f1lib.domain.weekend import EventKey
from f1lib.errors import BadParameters, NotPublishedYet, RateLimited, SourceBlocked, SourceError, StorageError
from f1lib.lake.parquet import read_parquet
from f1lib.lake.paths import session_folder
from f1lib.lake.store import read_json
from f1lib.sources.protocols import SessionData, SessionSource
from f1lib.tracking.rows import Status
from f1lib.tracking.units import Unit
from f1lib.workspace.workspace import Workspace
from tests.support.f1db_zips import tiny, write
from tests.support.workspaces import make_workspace

AUSTRALIA = "2025_Australian_Grand_Prix"
CHINA = "2025_Chinese_Grand_Prix"
SATURDAY = "2025-03-15T12:00:00Z"
LATER = "2026-08-01T00:00:00Z"

Opener = Callable[..., Workspace]


@pytest.fixture
def opened(tmp_path: Path) -> Opener:
    """A workspace over the tiny release at a moment; the same lake each time."""

    def open_at(as_of: str, tables: dict[str, Any] | None = None) -> Workspace:
        release = write(tmp_path / f"release-{len(list(tmp_path.iterdir()))}.zip", tables or tiny())
        return make_workspace(tmp_path / "lake", as_of, f1db=str(release))

    return open_at


class Scripted:
    """The tiny source, failing where it is told to."""

    name = "f1db"
    attribution = ""

    def __init__(self, source: SessionSource, failures: dict[str, Exception]) -> None:
        self._source, self.failures = source, failures
        self.asked: list[str] = []
        self.seasons, self.schedule = source.seasons, source.schedule

    def _ask(self, what: str, ask: Callable[..., SessionData], key: EventKey, session: str, as_of: Any) -> SessionData:
        self.asked.append(what)
        if what in self.failures:
            raise self.failures[what]
        return ask(key, session, as_of)

    def session(self, key: EventKey, session: str, as_of: Any) -> SessionData:
        return self._ask(f"{key}/{session}", self._source.session, key, session, as_of)

    def starting_grid(self, key: EventKey, session: str, as_of: Any) -> SessionData:
        unit = {"R": "G", "S": "SG"}[session]
        return self._ask(f"{key}/{unit}", self._source.starting_grid, key, session, as_of)


def failing(ws: Workspace, failures: dict[str, Exception]) -> Scripted:
    refresh_schedule(ws, [])
    scripted = Scripted(ws.source, failures)
    ws.upstreams.session_source = scripted
    return scripted


def statuses(ws: Workspace, event: str = AUSTRALIA) -> dict[str, str]:
    return {row["session_name_abr"]: row["status"] for row in ws.tracking.rows(event)}


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

    def store(ws: Workspace, season: int, *more: Any) -> Any:
        stored.append(season)
        return _store(ws, season, *more)

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


def test_only_what_is_visible_is_fetched_and_the_second_time_nothing_is(opened: Opener) -> None:
    ws = opened(SATURDAY)
    refresh_schedule(ws, [])
    outcome = ingest(ws, [])
    assert outcome["session"].tolist() == ["P1", "P2", "P3", "Q"]
    assert set(outcome["status"]) == {"ingested"}
    assert outcome["rows"].tolist() == [4, 4, 4, 4]
    assert len(ingest(ws, [])) == 0
    assert statuses(ws)["R"] == "scheduled"


def test_a_session_folder_holds_its_frames_and_a_note_of_their_hashes(opened: Opener) -> None:
    ws = opened(LATER)
    refresh_schedule(ws, [])
    ingest(ws, [])
    base = session_folder(EventKey.parse(AUSTRALIA), "R")
    held = [key.removeprefix(base + "/") for key in ws.store.list(base)]
    names = [
        "pit_stops.parquet",
        "results.parquet",
        "source.json",
        "starting_grid.parquet",
        "starting_grid.source.json",
    ]
    assert held == names
    note = read_json(ws.store, f"{base}/source.json")
    assert list(note["files"]) == ["pit_stops.parquet", "results.parquet"]
    assert note["provenance"]["source"] == "f1db"
    assert read_parquet(ws.store, f"{base}/results.parquet")["source"].tolist() == ["f1db"] * 4
    row = ws.tracking.get(AUSTRALIA, "R")
    assert row is not None
    assert (row["status"], row["attempts"], row["bronze_path"]) == ("ingested", 1, base)
    assert row["content_hash"] == note["content_hash"]


def test_asking_again_for_the_same_answer_changes_nothing(opened: Opener) -> None:
    ws = opened(LATER)
    refresh_schedule(ws, [])
    ingest(ws, [])
    ws.tracking.put_rows([{"event_partition_key": AUSTRALIA, "session_name_abr": "R", "status": Status.GOLD}])
    before = {key: ws.store.read(key) for key in ws.store.list("bronze/")}
    outcome = ingest(opened("2026-08-02T00:00:00Z"), [f"{AUSTRALIA}/R", f"{AUSTRALIA}/G"])
    assert outcome["status"].tolist() == ["ingested", "ingested"]
    assert {key: ws.store.read(key) for key in ws.store.list("bronze/")} == before
    assert ws.tracking.get(AUSTRALIA, "R")["status"] == "gold"  # type: ignore[index]


def test_a_revised_result_replaces_the_old_one_and_climbs_again(opened: Opener) -> None:
    ws = opened(LATER)
    refresh_schedule(ws, [])
    ingest(ws, [])
    ws.tracking.put_rows([{"event_partition_key": AUSTRALIA, "session_name_abr": "R", "status": Status.GOLD}])
    tables = tiny()
    tables["races-race-results"][0] |= {"positionText": "DSQ"}
    tables["races-pit-stops"] = []
    revised = opened("2026-08-02T00:00:00Z", tables)
    ingest(revised, [f"{AUSTRALIA}/R"])
    base = session_folder(EventKey.parse(AUSTRALIA), "R")
    assert read_parquet(ws.store, f"{base}/results.parquet")["position_text"].tolist()[0] == "DSQ"
    assert not ws.store.exists(f"{base}/pit_stops.parquet"), "a file of the old answer would be read with the new one"
    assert ws.tracking.get(AUSTRALIA, "R")["status"] == "ingested"  # type: ignore[index]


@pytest.mark.parametrize(
    "text", ["", "Q", "2025_Australian_Grand_Prix", f"{AUSTRALIA}/X", "australia/Q", f"/{AUSTRALIA}/"]
)
def test_what_names_no_session_is_refused_before_anything_is_asked(opened: Opener, text: str) -> None:
    ws = opened(LATER)
    scripted = failing(ws, {})
    with pytest.raises(BadParameters):
        ingest(ws, [f"{AUSTRALIA}/Q", text])
    assert scripted.asked == []


def test_a_session_that_is_not_in_the_calendar_is_refused(opened: Opener) -> None:
    ws = opened(LATER)
    refresh_schedule(ws, [])
    with pytest.raises(BadParameters, match=r"2025_Atlantis_Grand_Prix has no Q in the calendar; run 00_schedule"):
        ingest(ws, ["2025_Atlantis_Grand_Prix/Q"])


@pytest.mark.parametrize(
    ("text", "session", "is_grid", "sort_key"),
    [("Q", "Q", False, "Q"), ("G", "R", True, "STAGE#starting_grid"), ("SG", "S", True, "STAGE#sprint_grid")],
)
def test_a_unit_is_read_from_its_text(text: str, session: str, is_grid: bool, sort_key: str) -> None:
    unit = Unit.parse(f"{AUSTRALIA}/{text}")
    assert (unit.event, unit.session, unit.is_grid) == (EventKey.parse(AUSTRALIA), session, is_grid)
    assert unit.sort_key == sort_key
    assert Unit.of_row({"event_partition_key": AUSTRALIA, "session_name_abr": sort_key}) == unit


@pytest.mark.parametrize(
    ("error", "status", "again"),
    [
        (NotPublishedYet("not yet"), "due", "2025-03-15T12:15:00Z"),
        (SourceError("upstream is broken"), "failed", "2025-03-15T12:15:00Z"),
        (SourceBlocked("403"), "blocked", "2025-03-15T12:15:00Z"),
        (RateLimited("wait", 3600), "due", "2025-03-15T13:00:00Z"),
    ],
)
def test_a_failure_is_recorded_with_when_to_ask_again(
    opened: Opener, error: SourceError, status: str, again: str
) -> None:
    ws = opened(SATURDAY)
    failing(ws, {f"{AUSTRALIA}/Q": error})
    outcome = ingest(ws, [f"{AUSTRALIA}/Q"])
    assert outcome["status"].tolist() == [status]
    assert outcome["warning"].tolist() == [str(error)]
    row = ws.tracking.get(AUSTRALIA, "Q")
    assert row is not None
    assert (row["status"], row["attempts"], row["last_error"]) == (status, 1, str(error))
    assert row.get("next_attempt_utc") == again
    assert ws.store.list(session_folder(EventKey.parse(AUSTRALIA), "Q")) == []


def test_one_failing_session_stops_no_other_and_is_asked_again_later(opened: Opener) -> None:
    ws = opened(SATURDAY)
    failing(ws, {f"{AUSTRALIA}/P2": SourceError("broken")})
    assert Counter(ingest(ws, [])["status"]) == {"ingested": 3, "failed": 1}
    assert len(ingest(ws, [])) == 0, "it was told to wait"
    soon = opened("2025-03-15T12:20:00Z")
    assert ingest(soon, [])["session"].tolist() == ["P2"]
    row = soon.tracking.get(AUSTRALIA, "P2")
    assert row is not None
    assert (row["status"], row["attempts"]) == ("ingested", 2)
    assert "last_error" not in row


def test_an_upstream_that_asks_to_wait_is_left_alone_by_the_whole_batch(opened: Opener) -> None:
    ws = opened(SATURDAY)
    scripted = failing(ws, {f"{AUSTRALIA}/P2": RateLimited("200 an hour", 600)})
    assert ingest(ws, [])["status"].tolist() == ["ingested", "due", "due", "due"]
    assert scripted.asked == [f"{AUSTRALIA}/P1", f"{AUSTRALIA}/P2"]
    waiting = [row for row in ws.tracking.rows(AUSTRALIA) if row.get("next_attempt_utc") == "2025-03-15T12:10:00Z"]
    assert [row["session_name_abr"] for row in waiting] == ["P2", "P3", "Q"]
    assert [row.get("attempts", 0) for row in waiting] == [1, 0, 0]


def test_a_session_without_an_answer_two_days_after_its_end_is_given_up(opened: Opener) -> None:
    ws = opened(SATURDAY)
    failing(ws, {f"{AUSTRALIA}/Q": NotPublishedYet("nothing yet")})
    late = ws.at(parse_utc("2025-03-15T06:00:00Z") + timedelta(hours=48, seconds=1))
    assert ingest(late, [f"{AUSTRALIA}/Q"])["status"].tolist() == ["unavailable"]
    assert [row["session_name_abr"] for row in due_rows(late.tracking.rows(AUSTRALIA), late.as_of)] == [
        "P1",
        "P2",
        "P3",
        "STAGE#starting_grid",
        "R",
    ]


def test_a_session_in_the_lake_is_not_lost_to_a_later_failure(opened: Opener) -> None:
    ws = opened(LATER)
    refresh_schedule(ws, [])
    ingest(ws, [])
    failing(ws, {f"{AUSTRALIA}/Q": SourceError("broken")})
    assert ingest(ws, [f"{AUSTRALIA}/Q"])["status"].tolist() == ["ingested"]
    assert ws.tracking.get(AUSTRALIA, "Q")["last_error"] == "broken"  # type: ignore[index]


def test_a_bug_in_a_source_is_no_failed_session(opened: Opener) -> None:
    ws = opened(SATURDAY)
    failing(ws, {f"{AUSTRALIA}/P2": ZeroDivisionError("a bug")})
    with pytest.raises(ZeroDivisionError):
        ingest(ws, [])
    assert statuses(ws)["P1"] == "ingested", "what was fetched before is tracked all the same"
    assert statuses(ws)["P2"] == "due"


def test_a_lake_that_fills_up_leaves_no_folder_that_counts(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    ws = opened(LATER)
    refresh_schedule(ws, [])
    write_bytes = ws.store.write

    def full(key: str, data: bytes) -> None:
        if "pit_stops" in key or "Q/source.json" in key:
            raise StorageError(f"cannot write {key}: disk full")
        write_bytes(key, data)

    monkeypatch.setattr(ws.store, "write", full)
    for session in ("R", "Q"):
        with pytest.raises(StorageError, match="disk full"):
            ingest(ws, [f"{AUSTRALIA}/{session}"])
        assert not ws.store.exists(f"{session_folder(EventKey.parse(AUSTRALIA), session)}/source.json")
        assert statuses(ws)[session] == "due"


def test_progress_is_told_after_each_session(opened: Opener) -> None:
    ws = opened(SATURDAY)
    refresh_schedule(ws, [])
    told: list[tuple[int, int, str]] = []
    ingest(ws, [], progress=lambda *step: told.append(step))
    assert told[0] == (1, 4, f"{AUSTRALIA} P1")
    assert told[-1] == (4, 4, f"{AUSTRALIA} Q")


class Answering(Scripted):
    """The tiny source whose race results come as told: partial ones lack laps, and say so."""

    def __init__(self, source: SessionSource) -> None:
        super().__init__(source, {})
        self.laps: Any = None
        self.points = 25.0

    def session(self, key: EventKey, session: str, as_of: Any) -> SessionData:
        import pandas as pd

        data = super().session(key, session, as_of)
        results = data.frames["results"].assign(points=self.points)
        whole = {"source": "fastf1", "complete": True, "conflicts": [{"driver_id": "x"}]}
        partial = {"source": "fastf1", "complete": False, "facts": {"laps": "blocked: timing refuses us"}}
        if self.laps is None:
            return SessionData({"results": results}, partial)
        return SessionData({"results": results, "laps": pd.DataFrame({"lap_number": self.laps})}, whole)


def answering(opened: Opener) -> tuple[Workspace, Answering]:
    ws = opened("2025-03-16T12:00:00Z")
    refresh_schedule(ws, [])
    scripted = Answering(ws.source)
    ws.upstreams.session_source = scripted
    return ws, scripted


def test_results_without_laps_are_kept_marked_and_renewed_when_the_laps_arrive(opened: Opener) -> None:
    ws, source = answering(opened)
    ingest(ws, [f"{AUSTRALIA}/R"])
    row = ws.tracking.get(AUSTRALIA, "R")
    assert row is not None
    assert (row["status"], row["is_partial"]) == ("ingested", True)
    assert row["missing"] == "laps blocked: timing refuses us"
    assert row["source"] == "fastf1"
    ws.tracking.put_rows([{"event_partition_key": AUSTRALIA, "session_name_abr": "R", "status": Status.GOLD}])
    source.laps = [1, 2]
    ingest(ws.at(parse_utc("2025-03-16T12:15:00Z")), [])
    row = ws.tracking.get(AUSTRALIA, "R")
    assert row is not None
    assert (row["status"], row.get("is_partial"), row.get("missing")) == ("ingested", None, None)
    assert row["conflicts"] == 1


def test_laps_that_are_there_are_not_lost_to_a_later_answer_without_them(opened: Opener) -> None:
    ws, source = answering(opened)
    source.laps = [1, 2]
    ingest(ws, [f"{AUSTRALIA}/R"])
    source.laps, source.points = None, 18.0
    ingest(ws.at(parse_utc("2025-03-17T12:00:00Z")), [f"{AUSTRALIA}/R"])
    base = session_folder(EventKey.parse(AUSTRALIA), "R")
    assert len(read_parquet(ws.store, f"{base}/laps.parquet")) == 2
    assert read_parquet(ws.store, f"{base}/results.parquet")["points"].tolist()[0] == 18.0
    assert read_json(ws.store, f"{base}/source.json")["kept"] == ["laps.parquet"]
    assert ws.tracking.get(AUSTRALIA, "R").get("is_partial") is None  # type: ignore[union-attr]


def test_what_was_known_before_a_revision_is_kept_with_the_moment_it_was_fetched(opened: Opener) -> None:
    ws, source = answering(opened)
    source.laps = [1, 2]
    ingest(ws, [f"{AUSTRALIA}/R"])
    source.points = 0.0
    ingest(ws.at(parse_utc("2025-03-23T12:00:00Z")), [f"{AUSTRALIA}/R"])
    aside = f"{session_folder(EventKey.parse(AUSTRALIA), 'R')}/revisions/20250316T120000Z"
    assert read_parquet(ws.store, f"{aside}/results.parquet")["points"].tolist()[0] == 25.0
    assert set(read_json(ws.store, f"{aside}/source.json")["files"]) == {"results.parquet", "laps.parquet"}


def test_a_session_that_another_run_works_on_is_left_to_it(opened: Opener) -> None:
    ws = opened(SATURDAY)
    scripted = failing(ws, {})
    lease = {"owner": "laptop", "run_id": "ingest-1", "now": ws.as_of, "lease": timedelta(minutes=10)}
    claim = ws.tracking.claim(AUSTRALIA, "P2", **lease)  # type: ignore[arg-type]
    assert ingest(ws, [])["status"].tolist() == ["ingested", "taken", "ingested", "ingested"]
    assert f"{AUSTRALIA}/P2" not in scripted.asked
    ws.tracking.release(claim, {})
    assert ingest(ws, [])["session"].tolist() == ["P2"]


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
