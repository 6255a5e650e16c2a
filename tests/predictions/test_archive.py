"""Reading predictions back: which event a person means."""

from __future__ import annotations

import pytest

from f1lib.errors import BadParameters
from f1lib.predictions.archive import find_event, predicted_events
from f1lib.tracking.rows import TrackingRow


def _race(event: str, date: str) -> TrackingRow:
    return {"event_partition_key": event, "session_name_abr": "R", "session_date_utc": date}


def _issue(event: str, finished: str | None) -> TrackingRow:
    return {"event_partition_key": event, "session_name_abr": "STAGE#06_predict#pre_race", "finished_utc": finished}


ROWS: list[TrackingRow] = [
    _race("2024_São_Paulo_Grand_Prix", "2024-11-03T15:30:00Z"),
    _race("2025_São_Paulo_Grand_Prix", "2025-11-09T17:00:00Z"),
    _race("2026_São_Paulo_Grand_Prix", "2026-11-08T17:00:00Z"),
]


def test_a_key_is_itself_and_a_part_of_it_needs_neither_case_nor_accents() -> None:
    assert find_event(ROWS, "2024_São_Paulo_Grand_Prix", "lake") == "2024_São_Paulo_Grand_Prix"
    assert find_event(ROWS, "2024_sao", "lake") == "2024_São_Paulo_Grand_Prix"


def test_of_several_the_newest_predicted_is_meant_and_the_newest_of_all_when_none_is() -> None:
    assert find_event(ROWS, "paulo", "lake") == "2026_São_Paulo_Grand_Prix"
    issued: list[TrackingRow] = [
        _issue("2025_São_Paulo_Grand_Prix", "2025-11-09T00:00:00Z"),
        _issue("2026_São_Paulo_Grand_Prix", None),
    ]
    assert predicted_events(issued) == {"2025_São_Paulo_Grand_Prix"}
    assert find_event([*ROWS, *issued], "paulo", "lake") == "2025_São_Paulo_Grand_Prix"


def test_what_fits_no_event_is_refused_with_the_lake() -> None:
    with pytest.raises(BadParameters, match="no event 'Atlantis' in lake file:///lake"):
        find_event(ROWS, "Atlantis", "file:///lake")
