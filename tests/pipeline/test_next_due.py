"""What a tick would do next, and when."""

from datetime import timedelta

from f1lib.domain.moments import format_utc
from f1lib.pipeline.next_due import clock_words, next_due
from tests.support.weekend_rows import EVENT, RACE, STARTS, calendar_read, session, weekend


def test_what_comes_next_is_the_earliest_of_all_that_is_awaited() -> None:
    now = STARTS["P1"] - timedelta(hours=1)
    rows = [calendar_read(now), *weekend()]
    moment, what = next_due(rows, now)
    assert (moment, what) == (STARTS["P1"] + timedelta(minutes=90), f"{EVENT} P1 is fetched")
    moment, what = next_due([calendar_read(now), *weekend(P1="gold")], RACE - timedelta(days=30))
    assert what.endswith("is fetched")
    waiting = session("Q", "due", next_attempt_utc=format_utc(now + timedelta(minutes=10)))
    assert next_due([calendar_read(now), waiting], now)[1] == f"{EVENT} Q is asked for again"
    assert next_due([calendar_read(now)], now) == (now + timedelta(hours=24), "the calendar is read again")
    assert clock_words(now + timedelta(minutes=130), now).endswith("(in 2 h 10 min)")
