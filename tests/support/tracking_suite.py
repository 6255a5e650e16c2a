"""What every tracking table must do. A backend subclasses `TrackingSuite` and gives a fixture ``url``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from f1lib.domain.moments import format_utc
from f1lib.errors import AlreadyRunning, StorageError
from f1lib.tracking.lease import hold, renewed
from f1lib.tracking.rows import PREDICTION_SORT_KEY, Claim, Status, TrackingRow
from f1lib.tracking.table import TrackingTable, open_tracking

NOW = datetime(2025, 12, 6, 16, 0, tzinfo=UTC)
LEASE = timedelta(minutes=30)
EVENT = "2025_São_Paulo_Grand_Prix"
CLAIMANT = """
import sys
from datetime import datetime, timedelta
from f1lib.errors import AlreadyRunning
from f1lib.tracking.table import open_tracking
url, event, session, owner, now = sys.argv[1:]
table = open_tracking(url)
table.get(event, session)
print("ready", flush=True)
sys.stdin.readline()
try:
    table.claim(event, session, owner=owner, run_id="r1", now=datetime.fromisoformat(now), lease=timedelta(minutes=30))
    print("won", flush=True)
except AlreadyRunning as error:
    print("lost", error, flush=True)
sys.stdin.readline()
"""


def row(session: str, event: str = EVENT, **attributes: Any) -> TrackingRow:
    """A row with ``attributes`` of any kind: the table keeps what it is given."""
    return cast("TrackingRow", {"event_partition_key": event, "session_name_abr": session, **attributes})


def take(table: TrackingTable, session: str = "STAGE#03_silver", now: datetime = NOW, **who: str) -> Claim:
    given = {"owner": "laptop:1", "run_id": "r1", **who}
    return table.claim(EVENT, session, now=now, lease=LEASE, **given)


def prediction(driver: str, as_of: str = "2025-11-08T16:00:00Z", **attributes: Any) -> dict[str, Any]:
    keys = {"event_partition_key": EVENT, "as_of_utc": as_of, "horizon": "post_qualifying", "driver_id": driver}
    return {**keys, **attributes}


class TrackingSuite:
    """Subclass it, override ``url``, and every promise of the port is checked."""

    @pytest.fixture
    def url(self) -> str:
        raise NotImplementedError

    @pytest.fixture
    def table(self, url: str) -> TrackingTable:
        return open_tracking(url)

    # ---- rows ------------------------------------------------------------------------------------------
    def test_rows_and_predictions_are_deleted_by_their_keys_and_no_others(self, table: TrackingTable) -> None:
        table.put_rows([row("Q"), row("R")])
        table.put_predictions([prediction("lando-norris"), prediction("max-verstappen")])
        table.delete([(EVENT, "Q"), (EVENT, "P1")])
        table.delete_predictions(EVENT, ["2025-11-08T16:00:00Z#post_qualifying#lando-norris"])
        assert table.rows() == [row("R")]
        assert [found["driver_id"] for found in table.predictions(EVENT)] == ["max-verstappen"]

    def test_an_untouched_table_is_empty(self, table: TrackingTable) -> None:
        assert table.rows() == []
        assert table.rows(EVENT) == []
        assert table.get(EVENT, "Q") is None
        assert table.predictions(EVENT) == []

    def test_a_row_comes_back_as_it_was_put(self, table: TrackingTable) -> None:
        given = row(
            "Q",
            event_year=2025,
            event_name="São Paulo Grand Prix",
            session_date_utc="2025-11-08T18:00:00Z",
            latitude=-23.7036,
            longitude=-46.6997,
            attempts=0,
            status="scheduled",
            circuit="",
            colours=["grün", "黄", "🏁"],
            details={"wet": True, "dry": False, "laps": [1, 2.5, None], "deep": {"a": {"b": []}}},
        )
        table.put_rows([given])
        assert table.get(EVENT, "Q") == given
        assert table.rows() == [given]
        assert table.rows(EVENT) == [given]

    @pytest.mark.parametrize("number", [0.1, 1e-7, -23.703611111111112, 1 / 3, 1e15, 12345678901234567, 0, -1, 2.0])
    def test_numbers_come_back_exactly(self, table: TrackingTable, number: float) -> None:
        table.put_rows([row("Q", latitude=number, extra={"x": [number]})])
        found: Any = table.get(EVENT, "Q")
        assert found["latitude"] == number
        assert found["extra"] == {"x": [number]}
        assert type(found["latitude"]) in (int, float)

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, NOW, b"x"], ids=str)
    @pytest.mark.parametrize("name", ["latitude", "something_else"])
    def test_what_json_has_not_is_refused_by_name_and_nothing_is_written(
        self, table: TrackingTable, name: str, value: Any
    ) -> None:
        with pytest.raises(StorageError, match=name):
            table.put_rows([row("Q", **{name: value})])
        with pytest.raises(StorageError, match=name):
            table.put_predictions([prediction("max-verstappen", **{name: value})])
        assert table.rows() == []
        assert table.predictions(EVENT) == []

    def test_a_source_s_endless_message_does_not_keep_its_row_from_being_written(self, table: TrackingTable) -> None:
        """DynamoDB refuses rows of more than 400 KB, and the row would be refused at every tick."""
        page = "<html>" + "x" * 1_000_000
        table.put_rows([row("Q", status="failed", last_error=page, missing=page, notice=page)])
        claim = take(table, "Q")
        table.release(claim, {"last_error": page})
        found: Any = table.get(EVENT, "Q")
        assert {found[name] for name in ("last_error", "missing", "notice")} == {page[:600]}

    def test_a_prediction_the_table_would_refuse_is_refused_before_it_is_issued(self, table: TrackingTable) -> None:
        with pytest.raises(StorageError, match="p_win"):
            table.check_predictions([prediction("lando-norris", p_win=float("nan"))])
        tiny = prediction("lando-norris", p_win=1e-140, position_probabilities=[1.0, 1e-300])
        table.check_predictions([tiny])
        table.put_predictions([tiny])
        assert table.predictions(EVENT)[0]["p_win"] < 1e-100

    def test_changing_a_row_that_was_read_changes_no_later_reading(self, table: TrackingTable) -> None:
        table.put_rows([row("Q", status="due", conflicts=2, event_year=2025)])
        for found in (table.rows()[0], table.get(EVENT, "Q") or row("")):
            found |= {"status": Status.GOLD, "conflicts": 9}
            assert table.get(EVENT, "Q") == row("Q", status="due", conflicts=2, event_year=2025)

    def test_rows_are_brought_up_to_date_where_anything_is_unsettled(self, table: TrackingTable) -> None:
        past = "2024_Qatar_Grand_Prix"
        table.put_rows([row("Q", status="ingested"), row("R", status="scheduled"), row("R", past, status="gold")])
        table.put_rows([row("STAGE#03_silver", "PIPELINE", status="gold")])
        rows = table.rows()
        assert table.refresh(rows) == rows
        claim = take(table, "STAGE#06_predict#pre_race")
        table.put_rows([row("Q", status="gold"), row("STAGE#04_gold", "PIPELINE", status="gold")])
        assert table.refresh(rows) == table.rows()
        table.release(claim, {"status": Status.GOLD})
        assert table.refresh(rows) == table.rows()

    def test_a_settled_event_is_brought_up_to_date_where_it_is_named(self, table: TrackingTable) -> None:
        table.put_rows([row("Q", status="gold"), row("R", status="scheduled")])
        table.put_rows([row("R", past, status="gold") for past in ("2024_Qatar_Grand_Prix", "2023_Qatar_Grand_Prix")])
        rows = table.rows()
        table.put_rows([row("R", "2024_Qatar_Grand_Prix", status="ingested")])
        assert table.refresh(rows, {"2024_Qatar_Grand_Prix", EVENT}) == table.rows() != rows

    def test_rows_can_be_asked_for_by_their_status(self, table: TrackingTable) -> None:
        other = "2024_Qatar_Grand_Prix"
        table.put_rows([row("Q", status="silver"), row("R", status="due"), row("R", other, status="silver")])
        assert table.rows(status="silver") == [row("R", other, status="silver"), row("Q", status="silver")]
        assert table.rows(EVENT, status="silver") == [row("Q", status="silver")]
        assert table.rows(status="gold") == []

    def test_a_second_put_merges_and_none_removes(self, table: TrackingTable) -> None:
        table.put_rows([row("Q", status="due", attempts=1, last_error="timeout", note="kept")])
        table.put_rows([row("Q", status="ingested", attempts=None, last_error=None, absent=None)])
        assert table.get(EVENT, "Q") == row("Q", status="ingested", note="kept")

    def test_the_same_row_twice_in_one_put_merges_in_order(self, table: TrackingTable) -> None:
        table.put_rows([row("Q", status="due", note="a"), row("Q", status="silver"), row("Q", note=None)])
        assert table.get(EVENT, "Q") == row("Q", status="silver")

    def test_a_row_without_attributes_is_a_row(self, table: TrackingTable) -> None:
        table.put_rows([row("Q"), row("STAGE#00_schedule", event="PIPELINE")])
        assert table.rows() == [row("Q"), row("STAGE#00_schedule", event="PIPELINE")]

    def test_rows_come_sorted_by_event_and_session_whatever_their_kind(self, table: TrackingTable) -> None:
        keys = [
            ("2010_Bahrain_Grand_Prix", "R"),
            ("2025_Abu_Dhabi_Grand_Prix", "P1"),
            ("2025_Abu_Dhabi_Grand_Prix", "Q"),
            ("2025_Abu_Dhabi_Grand_Prix", "STAGE#06_predict#pre_race"),
            (EVENT, "SQ"),
            ("PIPELINE", "STAGE#00_schedule#2025"),
            ("PIPELINE", "STAGE#05_train"),
        ]
        for number, (event, session) in enumerate(reversed(keys)):
            table.put_rows([row(session, event=event, status="gold" if number % 2 else "due")])
        assert [(r["event_partition_key"], r["session_name_abr"]) for r in table.rows()] == keys
        assert [r["session_name_abr"] for r in table.rows("2025_Abu_Dhabi_Grand_Prix")] == [k[1] for k in keys[1:4]]
        assert table.rows("2025_Abu") == []

    def test_names_that_query_languages_reserve_are_ordinary_attributes(self, table: TrackingTable) -> None:
        names = ["name", "select", "a.b", "#x", ":y", "with blank", "é", "index"]
        attributes: dict[str, Any] = dict(zip(names, range(8), strict=True))
        given = row("Q", **attributes)
        table.put_rows([given])
        table.put_rows([row("Q", select=None)])
        assert table.get(EVENT, "Q") == {k: v for k, v in given.items() if k != "select"}

    def test_more_rows_than_one_page_holds_all_come_back(self, table: TrackingTable) -> None:
        """DynamoDB answers at most 1 MB at a time; this is 2.4 MB: half in one event, half over many."""
        padding = "ü" * 10_000
        many = [row(f"STAGE#{n:03d}", note=padding) for n in range(60)]
        many += [row("Q", event=f"2024_Grand_Prix_{n:03d}", status="gold", note=padding) for n in range(60)]
        table.put_rows(many)
        assert len(table.rows(EVENT)) == 60
        assert table.rows() == sorted(many, key=lambda r: (r["event_partition_key"], r["session_name_abr"]))

    def test_merges_from_many_sides_at_once_all_arrive(self, url: str) -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: open_tracking(url).put_rows([row("Q", **{f"from_{n}": n})]), range(16)))
        assert open_tracking(url).get(EVENT, "Q") == row("Q") | {f"from_{n}": n for n in range(16)}

    def test_the_url_of_a_table_opens_the_same_one(self, table: TrackingTable) -> None:
        table.put_rows([row("Q", status="due")])
        again = open_tracking(table.url)
        assert again.url == table.url
        assert again.rows() == [row("Q", status="due")]

    # ---- claims ----------------------------------------------------------------------------------------
    def test_a_claim_makes_the_row_and_says_who_until_when(self, table: TrackingTable) -> None:
        claim = take(table)
        assert (claim.owner, claim.run_id, claim.expires) == ("laptop:1", "r1", NOW + LEASE)
        found = table.get(EVENT, "STAGE#03_silver")
        expires = format_utc(NOW + LEASE)
        who = {"owner": "laptop:1", "run_id": "r1", "lease_expires_utc": expires, "claim_token": claim.token}
        assert found == row("STAGE#03_silver", **who)
        assert table.rows() == [found]

    def test_a_live_claim_refuses_everybody_and_names_owner_and_expiry(self, table: TrackingTable) -> None:
        take(table, owner="lambda:a")
        for owner in ("laptop:2", "lambda:a"):
            with pytest.raises(AlreadyRunning, match=r"lambda:a \(run r1\) until 2025-12-06T16:30:00Z"):
                take(table, owner=owner, now=NOW + LEASE - timedelta(seconds=1))

    def test_an_expired_claim_can_be_taken_over(self, table: TrackingTable) -> None:
        take(table, owner="lambda:dead")
        taken = take(table, owner="laptop:2", run_id="r2", now=NOW + LEASE)
        found = table.get(EVENT, "STAGE#03_silver")
        assert found is not None
        assert (found["owner"], found["run_id"]) == ("laptop:2", "r2")
        table.release(taken, {"status": Status.GOLD})

    def test_release_gives_back_and_merges_in_one_step(self, table: TrackingTable) -> None:
        table.put_rows([row("STAGE#03_silver", attempts=3, last_error="boom", note="kept", status="failed")])
        claim = take(table)
        table.release(claim, {"status": Status.GOLD, "attempts": None, "last_error": None, "input_hash": "abc"})
        expected = row("STAGE#03_silver", note="kept", status="gold", input_hash="abc", run_id="r1")
        assert table.get(EVENT, "STAGE#03_silver") == expected
        take(table, owner="laptop:2")

    def test_a_claim_keeps_what_the_row_knows(self, table: TrackingTable) -> None:
        known = row("STAGE#03_silver", status="failed", session_date_utc="2025-11-08T18:00:00Z", note={"a": 1.5})
        table.put_rows([known])
        take(table)
        found: Any = table.get(EVENT, "STAGE#03_silver")
        assert {key: found[key] for key in known} == known

    def test_who_lost_the_lease_cannot_release_and_changes_nothing(self, table: TrackingTable) -> None:
        lost = take(table, owner="slow")
        take(table, owner="quick", run_id="r2", now=NOW + LEASE)
        before = table.get(EVENT, "STAGE#03_silver")
        with pytest.raises(AlreadyRunning, match=r"the lease of slow ran out.*quick"):
            table.release(lost, {"status": Status.GOLD})
        assert table.get(EVENT, "STAGE#03_silver") == before

    def test_who_lost_the_lease_cannot_release_after_the_other_is_done(self, table: TrackingTable) -> None:
        lost = take(table, owner="slow")
        taken = take(table, owner="quick", run_id="r2", now=NOW + LEASE)
        table.release(taken, {"status": Status.GOLD})
        with pytest.raises(AlreadyRunning, match="the lease of slow ran out"):
            table.release(lost, {"status": Status.FAILED})
        found = table.get(EVENT, "STAGE#03_silver")
        assert found is not None
        assert found["status"] == "gold"

    def test_a_lease_lost_to_oneself_is_lost_too(self, table: TrackingTable) -> None:
        """Two sandboxes may bear one host name and one run id."""
        first = take(table)
        second = take(table, now=NOW + LEASE)
        with pytest.raises(AlreadyRunning, match="ran out"):
            table.release(first, {"status": Status.FAILED})
        table.release(second, {"status": Status.GOLD})

    def test_a_claim_is_released_once(self, table: TrackingTable) -> None:
        claim = take(table)
        table.release(claim, {"status": Status.GOLD})
        taken = take(table, owner="next", run_id="r2")
        with pytest.raises(AlreadyRunning, match=r"ran out.*next"):
            table.release(claim, {"status": Status.FAILED})
        table.release(taken, {})

    def test_a_late_release_counts_while_nobody_has_taken_over(self, table: TrackingTable) -> None:
        claim = take(table)
        table.release(claim, {"status": Status.GOLD, "finished_utc": format_utc(NOW + 3 * LEASE)})
        found = table.get(EVENT, "STAGE#03_silver")
        assert found is not None
        assert found["status"] == "gold"

    def test_a_renewed_claim_is_not_taken_over_and_is_released_as_it_was_made(self, table: TrackingTable) -> None:
        claim = take(table)
        table.renew(claim, NOW + 2 * LEASE)
        with pytest.raises(AlreadyRunning, match="2025-12-06T17:00:00Z"):
            take(table, owner="other", now=NOW + LEASE)
        table.release(claim, {"status": Status.GOLD})
        assert table.get(EVENT, "STAGE#03_silver") == row("STAGE#03_silver", status="gold", run_id="r1")

    def test_a_claim_that_has_ended_cannot_be_renewed(self, table: TrackingTable) -> None:
        lost = take(table, owner="slow")
        taken = take(table, owner="quick", run_id="r2", now=NOW + LEASE)
        before = table.get(EVENT, "STAGE#03_silver")
        with pytest.raises(AlreadyRunning, match=r"the lease of slow ran out.*quick"):
            table.renew(lost, NOW + 3 * LEASE)
        assert table.get(EVENT, "STAGE#03_silver") == before
        table.release(taken, {})
        for ended in (lost, taken):
            with pytest.raises(AlreadyRunning, match="ran out"):
                table.renew(ended, NOW + 3 * LEASE)

    def test_a_run_holds_its_claim_until_another_has_taken_over(self, table: TrackingTable) -> None:
        ours, other = "20251206T160000Z", "20251206T160000Z-2"
        take(table, run_id=ours)
        hold(table, EVENT, ours, NOW + 2 * LEASE)
        hold(table, EVENT, ours, NOW + LEASE)  # never shortened
        for by_hand in ("", "mine"):
            hold(table, EVENT, by_hand, NOW)
        with pytest.raises(AlreadyRunning, match="2025-12-06T17:00:00Z"):
            take(table, run_id=other, now=NOW + LEASE)
        take(table, run_id=other, now=NOW + 2 * LEASE)
        with pytest.raises(AlreadyRunning, match=f"run {ours} holds no claim"):
            hold(table, EVENT, ours, NOW + 3 * LEASE)

    def test_a_lease_is_renewed_while_the_work_goes_on(self, table: TrackingTable) -> None:
        claim, later = take(table), threading.Event()
        moments = iter([NOW + LEASE, NOW + 2 * LEASE])

        def now() -> datetime:
            try:
                return next(moments)
            except StopIteration:
                later.set()
                return NOW + 2 * LEASE

        with renewed(table, claim, now, timedelta(seconds=0.3)):
            assert later.wait(60)
            with pytest.raises(AlreadyRunning):
                take(table, owner="other", now=NOW + 2 * LEASE - timedelta(seconds=1))
        table.release(claim, {"status": Status.GOLD})
        take(table, owner="other", now=NOW)

    def test_claims_on_different_rows_do_not_meet(self, table: TrackingTable) -> None:
        take(table, "STAGE#03_silver")
        take(table, "STAGE#04_gold")
        table.claim("PIPELINE", "STAGE#03_silver", owner="x", run_id="r", now=NOW, lease=LEASE)
        owners = {(r["event_partition_key"], r["session_name_abr"]): r["owner"] for r in table.rows()}
        assert owners == {
            (EVENT, "STAGE#03_silver"): "laptop:1",
            (EVENT, "STAGE#04_gold"): "laptop:1",
            ("PIPELINE", "STAGE#03_silver"): "x",
        }

    def test_a_put_does_not_break_a_claim(self, table: TrackingTable) -> None:
        claim = take(table, "Q")
        table.put_rows([row("Q", status="ingested", session_date_utc="2025-11-08T18:00:00Z")])
        with pytest.raises(AlreadyRunning):
            take(table, "Q", owner="other")
        table.release(claim, {"attempts": 1})
        found = table.get(EVENT, "Q")
        assert found is not None
        assert (found["status"], found["attempts"]) == ("ingested", 1)

    def test_of_several_processes_at_once_exactly_one_wins(self, table: TrackingTable) -> None:
        table.put_rows([row("Q", status="due")])
        with _claimants(table.url, 4) as processes:
            answers = [_go(process) for process in processes]
        assert sorted(answer.split()[0] for answer in answers) == ["lost", "lost", "lost", "won"]
        found = table.get(EVENT, "Q")
        assert found is not None
        winner = next(n for n, answer in enumerate(answers) if answer.startswith("won"))
        assert found["owner"] == f"process:{winner}"
        assert all(f"worked on by process:{winner}" in answer for answer in answers if answer.startswith("lost"))

    def test_of_several_threads_at_once_exactly_one_wins(self, url: str) -> None:
        def attempt(number: int) -> bool:
            try:
                take(open_tracking(url), "Q")
            except AlreadyRunning:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(attempt, range(8))) == 1

    def test_a_killed_owner_s_work_is_taken_over_when_its_lease_ends(self, table: TrackingTable) -> None:
        with _claimants(table.url, 1) as (process,):
            assert _go(process) == "won"
            os.kill(process.pid, signal.SIGKILL)
        with pytest.raises(AlreadyRunning, match="process:0"):
            take(table, "Q", now=NOW + LEASE - timedelta(seconds=1))
        claim = take(table, "Q", now=NOW + LEASE)
        table.release(claim, {"status": Status.INGESTED})
        assert table.get(EVENT, "Q") == row("Q", status="ingested", run_id="r1")

    # ---- predictions -----------------------------------------------------------------------------------
    def test_predictions_come_back_sorted_by_moment_horizon_and_driver(self, table: TrackingTable) -> None:
        given = [
            prediction("oscar-piastri", as_of="2025-11-09T15:00:00Z"),
            prediction("lando-norris", p_win=0.25, position_probabilities=[0.25, 0.5, 0.25], qualifying_position=None),
            prediction("alexander-albon", full_name="Alexander Albon", expected_points=1e-6, predicted_rank=22),
        ]
        other = {**prediction("lando-norris"), "event_partition_key": "2025_Qatar_Grand_Prix"}
        table.put_predictions([*given, other])
        found = table.predictions(EVENT)
        assert [r["driver_id"] for r in found] == ["alexander-albon", "lando-norris", "oscar-piastri"]
        assert found[1] == {**given[1], PREDICTION_SORT_KEY: "2025-11-08T16:00:00Z#post_qualifying#lando-norris"}
        assert len(table.predictions("2025_Qatar_Grand_Prix")) == 1

    def test_the_same_prediction_again_replaces_the_row(self, table: TrackingTable) -> None:
        table.put_predictions([prediction("lando-norris", p_win=0.2, note="gone")])
        table.put_predictions([prediction("lando-norris", p_win=0.3), prediction("lando-norris", p_win=0.4)])
        assert [(r["p_win"], "note" in r) for r in table.predictions(EVENT)] == [(0.4, False)]

    def test_more_predictions_than_one_page_holds_all_come_back(self, table: TrackingTable) -> None:
        """22 drivers x 6 issues x 10 kB = 1.3 MB."""
        attributes = {"position_probabilities": [1 / 3] * 22, "note": "x" * 9_600}
        moments = [format_utc(NOW + timedelta(hours=n)) for n in range(6)]
        drivers = [f"driver-{n:02d}" for n in range(22)]
        table.put_predictions(prediction(d, as_of=m, **attributes) for m in moments for d in drivers)
        found = table.predictions(EVENT)
        assert [(r["as_of_utc"], r["driver_id"]) for r in found] == [(m, d) for m in moments for d in drivers]
        assert {name: found[-1][name] for name in attributes} == attributes


class _claimants:  # noqa: N801 - read as a function
    """Processes that stand ready to claim one row."""

    def __init__(self, url: str, number: int) -> None:
        self.url = url
        self.number = number

    def __enter__(self) -> list[subprocess.Popen[str]]:
        self.processes = [
            subprocess.Popen(
                [sys.executable, "-c", CLAIMANT, self.url, EVENT, "Q", f"process:{n}", NOW.isoformat()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for n in range(self.number)
        ]
        for process in self.processes:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        for process in self.processes:
            assert process.stdin
            process.stdin.write("\n")
            process.stdin.flush()
        return self.processes

    def __exit__(self, *exception: object) -> None:
        for process in self.processes:
            process.kill()
            process.communicate()


def _go(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def numbered() -> Iterator[str]:
    """Names for tables that no two tests share."""
    number = 0
    while True:
        yield f"t{number}"
        number += 1
