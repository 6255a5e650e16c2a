"""Moments are UTC, read from and written as text that sorts as they do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from f1lib.domain.moments import NEVER, format_utc, has_come, parse_utc
from f1lib.errors import BadParameters

MOMENTS = st.datetimes(min_value=datetime(1950, 1, 1), max_value=datetime(8999, 12, 31), timezones=st.just(UTC))


@given(MOMENTS, MOMENTS)
def test_moments_come_as_text_in_the_order_of_time(one: datetime, two: datetime) -> None:
    one, two = one.replace(microsecond=0), two.replace(microsecond=0)
    assert has_come(format_utc(one), format_utc(two)) == (one <= two)


@given(MOMENTS)
def test_never_comes_after_every_moment(moment: datetime) -> None:
    assert format_utc(moment) < NEVER


@pytest.mark.parametrize("unknown", [None, "", NEVER])
def test_what_is_not_known_never_comes(unknown: str | None) -> None:
    assert not has_come(unknown, "2099-12-31T23:59:59Z")


def test_a_moment_without_an_offset_is_utc_and_another_offset_is_converted() -> None:
    assert parse_utc("2025-12-06T16:00:00") == datetime(2025, 12, 6, 16, tzinfo=UTC)
    assert parse_utc("2025-12-06T17:00:00+01:00") == datetime(2025, 12, 6, 16, tzinfo=UTC)
    assert parse_utc("2025-12-06T16:00:00Z") == datetime(2025, 12, 6, 16, tzinfo=UTC)


def test_a_bad_date_is_refused_with_an_example_of_a_good_one() -> None:
    with pytest.raises(BadParameters, match="2025-12-06T16:00:00Z"):
        parse_utc("yesterday")


def test_moments_are_written_in_utc_and_naive_ones_refused() -> None:
    there = datetime(2025, 12, 6, 17, tzinfo=timezone(timedelta(hours=1)))
    assert format_utc(there) == "2025-12-06T16:00:00Z"
    with pytest.raises(BadParameters, match="time zone"):
        format_utc(datetime(2025, 12, 6))
