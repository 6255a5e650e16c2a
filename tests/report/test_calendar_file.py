"""The calendar as a calendar program reads it: sessions in UTC, changes told once, any name kept whole."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import icalendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from f1lib.report.calendar_file import calendar_ics
from f1lib.report.rounds import Round
from tests.support.report_rows import EVENT
from tests.support.site_lake import NOW, SITE, round_of

RACE: dict[str, Any] = {
    "event_partition_key": EVENT, "session_name_abr": "R", "event_name": "Abu Dhabi Grand Prix",
    "circuit": "yas-marina",
    "session_date_utc": "2025-12-07T13:00:00Z", "session_end_utc": "2025-12-07T15:00:00Z",
    "latitude": 24.4672, "longitude": 54.6031,
}  # fmt: skip
LATER = NOW + timedelta(hours=3)


def _written(
    *rows: dict[str, Any],
    rounds: list[Round] | None = None,
    before: bytes | None = None,
    site: str = "",
    as_of: datetime = NOW,
    source: str = "f1db",
) -> bytes:
    given: Any = rows or (RACE,)
    return calendar_ics(given, [round_of()] if rounds is None else rounds, before, site, as_of, source)


def _events(data: bytes) -> list[Any]:
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    return list(icalendar.Calendar.from_ical(data).walk("VEVENT"))


def test_a_race_stands_at_its_time_and_place_with_its_forecast() -> None:
    (event,) = _events(_written(site=SITE))
    assert (event.start, event.end) == (datetime(2025, 12, 7, 13, tzinfo=UTC), datetime(2025, 12, 7, 15, tzinfo=UTC))
    assert (event["summary"], event["location"]) == ("Abu Dhabi Grand Prix: Race", "Yas Marina, United Arab Emirates")
    assert event["url"] == f"{SITE}races/2025/Abu_Dhabi_Grand_Prix.html"
    first, *rows = event["description"].split("\n")
    assert first == "Forecast after qualifying, 2025-12-06 16:00 UTC:"
    assert len(rows) == 5
    assert rows[0] == "Driver Number 0: wins 43 %, podium 90 %"


def test_after_the_race_the_text_begins_with_the_result() -> None:
    (event,) = _events(_written(rounds=[round_of(result=["driver-01", "driver-00", "driver-05"])]))
    assert event["description"].startswith("Number 1 won (given 30 %), 2 of 3 on the podium.\nForecast")


def test_every_session_of_the_season_is_there_and_none_of_an_earlier_one() -> None:
    practice = {**RACE, "session_name_abr": "P1", "session_date_utc": "2025-12-05T09:30:00Z"}
    stage = {**RACE, "session_name_abr": "STAGE#06_predict#pre_race"}
    old = {**RACE, "event_partition_key": "2024_Abu_Dhabi_Grand_Prix", "session_date_utc": "2024-12-08T13:00:00Z"}
    events = _events(_written(RACE, practice, stage, old))
    assert [event["summary"] for event in events] == ["Abu Dhabi Grand Prix: Practice 1", "Abu Dhabi Grand Prix: Race"]
    assert len({str(event["uid"]) for event in events}) == 2
    assert "description" not in events[0]


def test_a_calendar_of_which_nothing_changed_has_the_same_bytes_later() -> None:
    first = _written()
    assert _written(before=first, as_of=LATER) == first


def test_a_moved_session_keeps_its_id_and_raises_its_sequence() -> None:
    first = _written()
    moved = _written({**RACE, "session_date_utc": "2025-12-07T15:00:00Z"}, before=first, as_of=LATER)
    (before,), (after,) = _events(first), _events(moved)
    assert after["uid"] == before["uid"]
    assert (int(before["sequence"]), int(after["sequence"])) == (0, 1)
    assert (before["dtstamp"].dt, after["dtstamp"].dt) == (NOW, LATER)
    assert after.start == datetime(2025, 12, 7, 15, tzinfo=UTC)


def test_a_session_that_is_called_off_stays_and_says_so() -> None:
    first = _written()
    (event,) = _events(_written({**RACE, "is_cancelled": True}, before=first, as_of=LATER))
    assert (event["status"], int(event["sequence"])) == ("CANCELLED", 1)


def test_a_new_forecast_changes_the_text_and_no_sequence() -> None:
    first = _written(rounds=[])
    (event,) = _events(_written(before=first, as_of=LATER))
    assert (int(event["sequence"]), event["dtstamp"].dt) == (0, LATER)
    assert "Forecast" in event["description"]


def test_a_renamed_event_is_the_same_appointment() -> None:
    first = _written()
    (event,) = _events(_written({**RACE, "event_name": "Grand Prix of the Gulf"}, before=first))
    assert (event["uid"], int(event["sequence"])) == (_events(first)[0]["uid"], 0)
    assert event["summary"] == "Grand Prix of the Gulf: Race"


def test_simulated_sessions_are_called_so() -> None:
    data = _written(source="simulated")
    assert _events(data)[0]["description"].startswith("SIMULATED DATA, nothing of it happened\n")
    assert "SIMULATED" in str(icalendar.Calendar.from_ical(data)["x-wr-calname"])


@pytest.mark.parametrize("before", [b"", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:x"])
def test_a_calendar_that_was_damaged_is_written_anew(before: bytes) -> None:
    assert _written(before=before) == _written()


@settings(deadline=None)
@given(name=st.text(min_size=1, max_size=120))
def test_any_name_is_read_back_as_it_was_but_for_control_characters(name: str) -> None:
    data = _written({**RACE, "event_name": name}, rounds=[])
    kept = "".join(c for c in name if c == "\n" or ((c.isprintable() or ord(c) >= 0xA0) and c not in "\ufffe\uffff"))
    (event,) = _events(data)
    assert event["summary"] == f"{kept}: Race"
    assert _written({**RACE, "event_name": name}, rounds=[], before=data, as_of=LATER) == data
