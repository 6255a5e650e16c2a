"""Bronze: what is fetched when, what a failure leaves, and that nothing half-written counts."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from unittest import mock

import pytest

from f1lib.bronze.due import due_rows
from f1lib.bronze.ingest import ingest
from f1lib.bronze.schedule import refresh_schedule
from f1lib.domain.moments import parse_utc
from f1lib.domain.weekend import EventKey
from f1lib.errors import BadParameters, NotPublishedYet, RateLimited, SourceBlocked, SourceError
from f1lib.lake.paths import session_folder
from f1lib.tracking.rows import StageRow
from f1lib.tracking.sqlite import SqliteTracking
from f1lib.workspace.workspace import Workspace
from tests.bronze.conftest import opener
from tests.support.f1db_zips import DRIVERS, tiny
from tests.support.scripted import AUSTRALIA, Opener, Scripted, statuses

SATURDAY = "2025-03-15T12:00:00Z"
LATER = "2026-08-01T00:00:00Z"


def failing(ws: Workspace, failures: dict[str, Exception]) -> Scripted:
    refresh_schedule(ws, [])
    scripted = Scripted(ws.source, failures)
    ws.upstreams.session_source = scripted
    return scripted


def test_only_what_is_visible_is_fetched_and_the_second_time_nothing_is(opened: Opener) -> None:
    ws = opened(SATURDAY)
    refresh_schedule(ws, [])
    outcome = ingest(ws, [])
    assert outcome["session"].tolist() == ["P1", "P2", "P3", "Q"]
    assert set(outcome["status"]) == {"ingested"}
    assert outcome["rows"].tolist() == [4, 4, 4, 4]
    assert len(ingest(ws, [])) == 0
    assert statuses(ws)["R"] == "scheduled"


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


def test_progress_is_told_after_each_session(opened: Opener) -> None:
    ws = opened(SATURDAY)
    refresh_schedule(ws, [])
    told: list[tuple[int, int, str]] = []
    ingest(ws, [], progress=lambda *step: told.append(step))
    assert told[0] == (1, 4, f"{AUSTRALIA} P1")
    assert told[-1] == (4, 4, f"{AUSTRALIA} Q")


def fetch_all_and_note_what_is_done_when(root: Path, cores: set[int]) -> None:
    """Ingest two sessions, and write who synced the disk and who reported a session done into ``root/said``."""
    ws = opener(root)(LATER)
    refresh_schedule(ws, [])
    put_rows = SqliteTracking.put_rows

    def say(what: str) -> None:
        with (root / "said").open("a") as file:
            print(os.getpid(), what, file=file)

    def put(table: SqliteTracking, rows: Iterable[StageRow]) -> None:
        say("reported")
        put_rows(table, rows)

    with (
        mock.patch.object(SqliteTracking, "put_rows", put),
        mock.patch.object(os, "sync", partial(say, "on the disk"), create=True),
        mock.patch.object(os, "sched_getaffinity", return_value=cores, create=True),
        mock.patch("f1lib.bronze.ingest._READ_AGAIN_UP_TO", 1),
    ):
        assert set(ingest(ws, [])["status"]) == {"ingested"}


@pytest.mark.parametrize("cores", [{0}, {0, 1}], ids=["alone", "forked"])
def test_of_many_sessions_none_is_reported_done_before_it_is_on_the_disk(tmp_path: Path, cores: set[int]) -> None:
    # In a process of its own: one with threads, as the tests' may be, is not forked.
    process = get_context("spawn").Process(target=fetch_all_and_note_what_is_done_when, args=(tmp_path, cores))
    process.start()
    process.join()
    assert process.exitcode == 0
    order: dict[str, list[str]] = {}
    for line in (tmp_path / "said").read_text().splitlines():
        order.setdefault(line.split()[0], []).append(line.partition(" ")[2])
    assert len(order) == (len(cores) if sys.platform == "linux" else 1)
    assert all(steps == ["on the disk", "reported"] * (2 // len(order)) for steps in order.values())


def test_a_session_that_another_run_works_on_is_left_to_it(opened: Opener) -> None:
    ws = opened(SATURDAY)
    scripted = failing(ws, {})
    lease = {"owner": "laptop", "run_id": "ingest-1", "now": ws.as_of, "lease": timedelta(minutes=10)}
    claim = ws.tracking.claim(AUSTRALIA, "P2", **lease)  # type: ignore[arg-type]
    assert ingest(ws, [])["status"].tolist() == ["ingested", "taken", "ingested", "ingested"]
    assert f"{AUSTRALIA}/P2" not in scripted.asked
    ws.tracking.release(claim, {})
    assert ingest(ws, [])["session"].tolist() == ["P2"]


@pytest.mark.parametrize("kept", [0, 2])
@pytest.mark.parametrize(
    ("file", "unit"),
    [("races-race-results", "R"), ("races-qualifying-results", "Q"), ("races-starting-grid-positions", "G")],
)
def test_half_a_result_or_an_empty_one_is_not_stored_and_asked_for_again(
    opened: Opener, file: str, unit: str, kept: int
) -> None:
    tables = tiny()
    entrant = {"year": 2025, "entrantId": "x", "rounds": "1;2", "testDriver": "false", "constructorId": "mclaren"}
    tables["seasons-entrants-drivers"] = [{**entrant, "driverId": driver} for driver in DRIVERS]
    own = [row for row in tables[file] if row["raceId"] == 1]
    whole = {**tables}
    tables[file] = own[:kept] + [row for row in tables[file] if row["raceId"] != 1]
    ws = opened("2025-03-16T07:00:00Z", tables)
    refresh_schedule(ws, [2025])
    frame = ingest(ws, [f"{AUSTRALIA}/{unit}"])
    assert frame["status"].tolist() == ["due"]
    assert not kept or "2 of 4 drivers have a place yet" in frame["warning"][0]
    assert ws.store.list("bronze/sessions/2025/Australian_Grand_Prix/") == []
    assert ingest(opened("2025-03-16T07:15:00Z", whole), [f"{AUSTRALIA}/{unit}"])["status"].tolist() == ["ingested"]


def test_a_practice_that_two_drivers_ran_is_whole(opened: Opener) -> None:
    tables = tiny()
    tables["races-free-practice-1-results"] = tables["races-free-practice-1-results"][:2]
    ws = opened("2025-03-16T07:00:00Z", tables)
    refresh_schedule(ws, [2025])
    assert ingest(ws, [f"{AUSTRALIA}/P1"])["status"].tolist() == ["ingested"]
