"""A unit of work, a session or grid, is read from its text."""

from __future__ import annotations

import pytest

from f1lib.domain.weekend import EventKey
from f1lib.tracking.units import Unit

AUSTRALIA = "2025_Australian_Grand_Prix"


@pytest.mark.parametrize(
    ("text", "session", "is_grid", "sort_key"),
    [("Q", "Q", False, "Q"), ("G", "R", True, "STAGE#starting_grid"), ("SG", "S", True, "STAGE#sprint_grid")],
)
def test_a_unit_is_read_from_its_text(text: str, session: str, is_grid: bool, sort_key: str) -> None:
    unit = Unit.parse(f"{AUSTRALIA}/{text}")
    assert (unit.event, unit.session, unit.is_grid) == (EventKey.parse(AUSTRALIA), session, is_grid)
    assert unit.sort_key == sort_key
    assert Unit.of_row({"event_partition_key": AUSTRALIA, "session_name_abr": sort_key}) == unit
