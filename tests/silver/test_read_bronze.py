"""A weather document gives the hours it was written with, or is refused as damaged."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from f1lib.errors import TableError
from f1lib.lake.integrity import sealed
from f1lib.silver.read_bronze import hours_of

DOCUMENT = sealed(
    {
        "f1lib": {
            "event_partition_key": "2024_Monaco_Grand_Prix",
            "provenance": "forecast",
            "source": "open-meteo",
            "issued_utc": "2024-05-24T06:00:00Z",
        },
        "hourly": {"time": ["2024-05-26T13:00", "2024-05-26T14:00"], "precipitation_probability": [10, 20]},
    }
)
TEXT = json.dumps(DOCUMENT)
HOURS = [row["hour_utc"] for row in hours_of(DOCUMENT, "forecast")]


@given(place=st.integers(0, len(TEXT) - 1), cut=st.integers(0, 3), letter=st.characters(codec="ascii"))
def test_a_document_with_a_letter_changed_has_its_hours_or_is_refused(place: int, cut: int, letter: str) -> None:
    changed = TEXT[:place] + letter + TEXT[place + cut :]
    try:
        document = json.loads(changed)
    except ValueError:
        return
    try:
        rows = hours_of(document, "forecast")
    except TableError:
        return
    is_sealed = document["f1lib"].get("hours_sha256") is not None
    assert [row["hour_utc"] for row in rows] == HOURS or not is_sealed


@pytest.mark.parametrize("hour", ["2-05-26T13:00", "", None, 5])
def test_an_hour_that_is_no_moment_is_the_fault_of_the_document(hour: object) -> None:
    document = sealed({**DOCUMENT, "hourly": {**DOCUMENT["hourly"], "time": [hour, "2024-05-26T14:00"]}})
    with pytest.raises(TableError, match="is no Open-Meteo document"):
        hours_of(document, "forecast")
