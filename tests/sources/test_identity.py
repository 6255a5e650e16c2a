"""An answer is of the event that was asked for, or it is refused (law 8)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from f1lib.domain.circuits import circuits
from f1lib.sources.identity import EventIdentity

BAKU = EventIdentity("Azerbaijan Grand Prix", "baku", date(2023, 4, 30))


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (EventIdentity("Azerbaijan Grand Prix", "BAK", date(2023, 4, 30)), True),
        (EventIdentity("Azerbaijan Grand Prix", "Baku", date(2023, 5, 7)), True),  # put off by a week
        (EventIdentity("Grand Prix of Europe", "baku", date(2023, 4, 30)), True),  # renamed
        (EventIdentity("Azerbaijan Grand Prix", "sepang", date(2023, 4, 30)), True),  # moved to another circuit
        (EventIdentity("Australian Grand Prix", "albert_park", date(2023, 4, 2)), False),
        (EventIdentity("Australian Grand Prix", "albert_park", date(2023, 4, 30)), False),
        (EventIdentity("Azerbaijan Grand Prix", "sepang", date(2023, 9, 30)), False),
    ],
)
def test_an_event_is_itself_when_two_of_name_circuit_and_date_agree(other: EventIdentity, same: bool) -> None:
    assert BAKU.is_same(other) is same
    assert other.is_same(BAKU) is same


def test_two_races_at_one_circuit_a_week_apart_are_two_events() -> None:
    austria = EventIdentity("Austrian Grand Prix", "red_bull_ring", date(2020, 7, 5))
    assert not austria.is_same(EventIdentity("Styrian Grand Prix", "spielberg", date(2020, 7, 12)))


@given(
    st.sampled_from(sorted(circuits())),
    st.text(min_size=1, max_size=30),
    st.dates(date(2010, 1, 1), date(2030, 1, 1)),
    st.integers(-2, 2),
)
def test_an_event_is_the_same_as_itself_told_a_day_or_two_off(circuit: str, name: str, day: date, off: int) -> None:
    event = EventIdentity(name, circuit, day)
    assert event.is_same(EventIdentity(name, circuits()[circuit].ergast_id or circuit, day + timedelta(days=off)))
