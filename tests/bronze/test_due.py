"""When a session is asked for, and when again: each rule on hand-made rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from f1lib.bronze.due import LONGEST_WAIT, PATIENCE, after_error, after_success, back_off, due_rows
from f1lib.domain.moments import format_utc, parse_utc
from f1lib.errors import NotPublishedYet, RateLimited, SourceBlocked, SourceError

ENDED = datetime(2025, 3, 15, 6, 0, tzinfo=UTC)
VISIBLE = ENDED + timedelta(minutes=30)
RACE_END = datetime(2025, 3, 16, 6, 0, tzinfo=UTC)


def row(session: str = "Q", **more: Any) -> Any:
    known = {"event_partition_key": "2025_Australian_Grand_Prix", "session_name_abr": session, "status": "scheduled"}
    return known | {"session_end_utc": format_utc(ENDED), "available_utc": format_utc(VISIBLE)} | more


def is_due(known: Any, now: datetime) -> bool:
    return bool(due_rows([known], now))


def test_a_session_is_due_from_its_end_plus_the_lag_and_not_before() -> None:
    assert not is_due(row(), VISIBLE - timedelta(seconds=1))
    assert is_due(row(), VISIBLE)


@pytest.mark.parametrize("error", [NotPublishedYet("nothing yet"), SourceError("broken"), SourceBlocked("403")])
def test_what_has_no_answer_is_asked_again_with_growing_pauses_for_48_hours_and_then_daily_for_two_weeks(
    error: SourceError,
) -> None:
    known, now, waits, given_up = row(), VISIBLE, [], None
    while known.get("next_attempt_utc") or known["status"] == "scheduled":
        assert is_due(known, now)
        known |= after_error(known, error, RACE_END + timedelta(days=9), now)
        if known["next_attempt_utc"]:
            again = parse_utc(known["next_attempt_utc"])
            known["reread_utc"] = None
            assert not is_due(known, again - timedelta(seconds=1))
            waits.append(again - now)
            given_up = given_up or (now if waits[-1] > LONGEST_WAIT else None)
            now = again
    minutes = [int(wait.total_seconds() // 60) for wait in waits]
    assert minutes[:6] == [15, 30, 60, 120, 240, 360]
    daily = minutes.index(24 * 60)
    assert set(minutes[6:daily]) == {360}
    assert set(minutes[daily:]) == {24 * 60}
    assert given_up
    assert PATIENCE - LONGEST_WAIT <= given_up - VISIBLE <= PATIENCE + LONGEST_WAIT
    assert timedelta(days=13) <= now - ENDED <= timedelta(days=14)
    assert known["status"] == ("blocked" if isinstance(error, SourceBlocked) else "unavailable")
    known["reread_utc"] = None
    assert not is_due(known, now + timedelta(days=1))


def test_the_time_that_an_upstream_asks_to_wait_is_kept_to_the_second() -> None:
    known = row() | after_error(row(), RateLimited("200 an hour", 754), RACE_END, VISIBLE)
    assert known["status"] == "due"
    assert known["next_attempt_utc"] == format_utc(VISIBLE + timedelta(seconds=754))


def test_a_fault_while_old_history_is_brought_in_does_not_give_it_up() -> None:
    years_later = ENDED + timedelta(days=900)
    assert after_error(row(), SourceError("broken"), RACE_END, years_later)["status"] == "failed"
    assert after_error(row(), NotPublishedYet("never held"), RACE_END, years_later)["status"] == "unavailable"


def test_results_without_laps_are_completed_as_soon_as_the_laps_are_there() -> None:
    partial = row(status="gold") | after_success(row(), RACE_END, VISIBLE, is_whole=False)
    assert partial["is_partial"] is True
    assert not is_due(partial, VISIBLE + timedelta(minutes=14))
    assert is_due(partial, VISIBLE + timedelta(minutes=15))
    whole = partial | after_success(partial, RACE_END, VISIBLE + timedelta(minutes=15), is_whole=True)
    assert (whole["is_partial"], whole["next_attempt_utc"], whole["failures"]) == (None, None, None)
    late = after_success(row(), RACE_END, ENDED + PATIENCE, is_whole=False)
    assert "next_attempt_utc" not in {name for name, value in late.items() if value}


@pytest.mark.parametrize("session", ["Q", "R", "S", "STAGE#starting_grid"])
def test_results_are_read_again_up_to_ninety_days_after_the_race(session: str) -> None:
    known, now, days = row(session), VISIBLE, []
    while True:
        known = row(session, status="gold") | after_success(known, RACE_END, now, is_whole=True)
        if not known["reread_utc"]:
            break
        assert not is_due(known, parse_utc(known["reread_utc"]) - timedelta(seconds=1))
        now = parse_utc(known["reread_utc"])
        assert is_due(known, now)
        days.append((now - RACE_END).days)
    assert days == [1, 3, 7, 30, 90]


def test_a_practice_is_not_revised_but_one_that_was_given_up_is_asked_for_again() -> None:
    assert after_success(row("P1"), RACE_END, VISIBLE, is_whole=True)["reread_utc"] is None
    late = ENDED + timedelta(hours=49)
    given_up = row("P1") | after_error(row("P1"), NotPublishedYet("no"), RACE_END, late)
    assert given_up["status"] == "unavailable"
    assert not is_due(given_up, late + timedelta(hours=1))
    assert is_due(given_up, late + timedelta(days=1))


def test_a_reading_that_fails_is_made_up_for_and_what_is_there_stays() -> None:
    known = row("R", status="gold", reread_utc=format_utc(RACE_END + timedelta(days=1)))
    now = RACE_END + timedelta(days=1)
    after = known | after_error(known, SourceError("500"), RACE_END, now)
    assert after["status"] == "gold"
    assert is_due(after, now + timedelta(hours=1))
    assert not is_due(after, now)


def test_what_was_called_off_is_never_asked_for() -> None:
    assert not is_due(row(is_cancelled=True), VISIBLE)
    assert not is_due(row(status="unavailable"), VISIBLE)
    assert not is_due(row(status="blocked"), VISIBLE)


@given(st.integers(1, 10_000))
def test_the_pause_never_shrinks_and_has_a_bound(failures: int) -> None:
    assert timedelta(minutes=15) <= back_off(failures) <= back_off(failures + 1) <= LONGEST_WAIT
