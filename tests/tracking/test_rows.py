"""The words of a tracking row: statuses and their sets, what is settled, what a change leaves of a row."""

from __future__ import annotations

import json
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from f1lib.tracking import rows, sqlite
from f1lib.tracking.rows import (
    PIPELINE,
    STORED,
    Outcome,
    Status,
    TrackingRow,
    key_of,
    merged,
    moving,
    renewed,
    unsettled,
)

EVENT, OTHER = "2025_Qatar_Grand_Prix", "2024_Qatar_Grand_Prix"
SETS = {
    "STORED": STORED,
    "SETTLED": rows.SETTLED,
    "TO_COME": rows.TO_COME,
    "OPEN": rows.OPEN,
    "TROUBLED": rows.TROUBLED,
}


def row(event: str, session: str, status: str, **more: Any) -> Any:
    return {"event_partition_key": event, "session_name_abr": session, "status": status, **more}


def test_the_statuses_are_those_of_the_lake_s_document() -> None:
    assert " ".join(Status) == "scheduled due ingested silver gold unavailable blocked failed"


@pytest.mark.parametrize("name", SETS)
def test_the_plain_text_of_a_row_that_was_read_is_found_in_every_set(name: str) -> None:
    assert {status for status in Status if str(status.value) in SETS[name]} == SETS[name]
    assert all(type(status) is Status for status in SETS[name])


def test_a_row_is_to_come_or_stored_or_in_trouble_or_given_up() -> None:
    apart = [rows.TO_COME, STORED, rows.TROUBLED, frozenset({Status.UNAVAILABLE})]
    assert sorted(status for part in apart for status in part) == sorted(Status)


def test_a_status_reads_in_messages_and_json_as_its_word() -> None:
    told = f"{Status.GOLD} {Outcome.TAKEN}", json.dumps({Status.GOLD: Status.DUE})
    assert told == ("gold taken", '{"gold": "due"}')


def test_every_column_of_the_table_is_an_attribute_of_the_typed_row() -> None:
    assert set(sqlite._NAMES) - {"attributes"} <= set(get_type_hints(TrackingRow))


@pytest.mark.parametrize("status", Status)
def test_an_event_moves_until_its_rows_are_settled_and_given_back(status: Status) -> None:
    known = [row(EVENT, "R", status.value), row(OTHER, "R", "gold"), row(OTHER, "Q", "gold", owner="laptop:1")]
    assert unsettled(known) == sorted({OTHER, *({EVENT} - ({EVENT} if status in rows.SETTLED else set()))})
    assert unsettled([row(PIPELINE, "STAGE#05_train", "gold")]) == [PIPELINE]


@pytest.mark.parametrize("status", Status)
def test_no_stage_moves_an_event_that_is_wholly_to_come(status: Status) -> None:
    ahead = [row(EVENT, "STAGE#02_weather", "gold"), row(EVENT, "Q", "scheduled"), row(EVENT, "R", status.value)]
    assert moving(ahead) == ([] if status in {*rows.SETTLED, Status.SCHEDULED} else [EVENT])
    assert moving([*ahead, row(EVENT, "S", "scheduled", owner="laptop:1")]) == [EVENT]


def test_rows_of_the_named_events_are_replaced_and_all_are_sorted() -> None:
    old = [row(OTHER, "R", "gold"), row(EVENT, "Q", "due"), row(EVENT, "R", "scheduled")]
    fresh = [row(EVENT, "R", "due")]
    assert [(*key_of(r), r["status"]) for r in renewed(old, [EVENT], fresh)] == [
        (OTHER, "R", "gold"),
        (EVENT, "R", "due"),
    ]


@given(st.dictionaries(st.text(), st.none() | st.integers()), st.dictionaries(st.text(), st.none() | st.integers()))
def test_a_change_wins_and_none_removes(known: dict[str, Any], change: dict[str, Any]) -> None:
    found: Any = merged(known, change)
    assert None not in found.values()
    assert found == {name: value for name, value in (known | change).items() if value is not None}
