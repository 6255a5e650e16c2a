"""Moments as text: what sorts before what."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from f1lib.domain.moments import NEVER, format_utc, has_come

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
