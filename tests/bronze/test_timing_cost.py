"""What a backfill of timing takes is said before it starts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from f1lib.bronze.timing_cost import CALLS_AN_HOUR, estimate

PRACTICE = [f"2024_Event_{n}_Grand_Prix/P{day}" for n in range(100) for day in (1, 2, 3)]


def test_the_limit_of_calls_decides_how_long_many_sessions_take() -> None:
    said = estimate(PRACTICE, 1)
    assert (said.sessions, said.calls) == (300, 2700)
    assert said.hours == (2700 - CALLS_AN_HOUR) / CALLS_AN_HOUR
    assert said.in_words() == (
        "300 sessions, about 2700 calls (FastF1 allows 500 an hour) and 4.4 h; "
        "it can be stopped, and the same command goes on"
    )


def test_a_few_sessions_take_the_time_of_the_work() -> None:
    assert "3 sessions, about 27 calls" in estimate(PRACTICE[:3], 1).in_words()
    assert "and 1 min;" in estimate(PRACTICE[:3], 1).in_words()


@given(st.lists(st.sampled_from([*PRACTICE[:3], "2024_Event_0_Grand_Prix/R"])), st.integers(1, 8))
def test_more_sessions_never_take_less_and_more_workers_never_longer(units: list[str], workers: int) -> None:
    said, more = estimate(units, workers), estimate([*units, PRACTICE[0]], workers)
    assert more.calls > said.calls
    assert more.hours >= said.hours
    assert estimate(units, workers + 1).hours <= said.hours
