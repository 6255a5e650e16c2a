"""What people call an event, and what is meant."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from f1lib.domain import lookup
from f1lib.domain.circuits import circuits
from f1lib.domain.csv_files import rows
from f1lib.domain.lookup import Event, find_event
from f1lib.errors import BadParameters

EVENTS = [
    Event("2024_São_Paulo_Grand_Prix", "2024-11-03", "interlagos", True),
    Event("2024_Italian_Grand_Prix", "2024-09-01", "monza", True),
    Event("2025_Emilia_Romagna_Grand_Prix", "2025-05-18", "imola"),
    Event("2025_Miami_Grand_Prix", "2025-05-04", "miami"),
    Event("2025_Belgian_Grand_Prix", "2025-07-27", "spa-francorchamps"),
    Event("2025_Spanish_Grand_Prix", "2025-06-01", "catalunya"),
    Event("2025_Dutch_Grand_Prix", "2025-08-31", "zandvoort"),
    Event("2025_Italian_Grand_Prix", "2025-09-07", "monza"),
    Event("2025_Azerbaijan_Grand_Prix", "2025-09-21", "baku"),
    Event("2025_United_States_Grand_Prix", "2025-10-19", "austin"),
    Event("2025_São_Paulo_Grand_Prix", "2025-11-09", "interlagos"),
    Event("2025_Las_Vegas_Grand_Prix", "2025-11-23", "las-vegas"),
    Event("2025_Abu_Dhabi_Grand_Prix", "2025-12-07", "yas-marina"),
]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("2025_Abu_Dhabi_Grand_Prix", "2025_Abu_Dhabi_Grand_Prix"),
        ("abu dhabi", "2025_Abu_Dhabi_Grand_Prix"),
        ("zandvoort", "2025_Dutch_Grand_Prix"),
        ("spa", "2025_Belgian_Grand_Prix"),
        ("baku", "2025_Azerbaijan_Grand_Prix"),
        ("vegas", "2025_Las_Vegas_Grand_Prix"),
        ("COTA", "2025_United_States_Grand_Prix"),
        ("united states", "2025_United_States_Grand_Prix"),
        ("united states grand prix", "2025_United_States_Grand_Prix"),
        ("imola", "2025_Emilia_Romagna_Grand_Prix"),
        ("monza", "2024_Italian_Grand_Prix"),  # predicted
        ("monza 2025", "2025_Italian_Grand_Prix"),
        ("2025 monza", "2025_Italian_Grand_Prix"),
        ("brazil", "2024_São_Paulo_Grand_Prix"),
        ("INTERLAGOS 2025", "2025_São_Paulo_Grand_Prix"),
        ("2025_sao", "2025_São_Paulo_Grand_Prix"),
        ("span", "2025_Spanish_Grand_Prix"),
    ],
)
def test_names_of_event_circuit_place_and_country_find_it(text: str, key: str) -> None:
    assert find_event(EVENTS, text, "lake x") == key


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("zandvort", "no event 'zandvort' in lake x: did you mean zandvoort?"),
        ("vergas", "did you mean Vegas?"),
        ("interlagoss 2025", "did you mean interlagos?"),
        ("monza 1999", "no event 'monza 1999' in lake x"),
        ("", "no event '' in lake x"),
        ("Atlantis", "it has 2024_São_Paulo_Grand_Prix, 2024_Italian_Grand_Prix, "),
    ],
)
def test_what_fits_nothing_is_refused_with_the_name_most_like_it(text: str, said: str) -> None:
    with pytest.raises(BadParameters) as refused:
        find_event(EVENTS, text, "lake x")
    assert said in str(refused.value)


def test_every_nickname_is_that_of_a_known_circuit() -> None:
    assert {row["circuit_id"] for row in rows("domain/data/nicknames.csv")} <= set(circuits())


@given(st.sampled_from(EVENTS), st.data())
def test_every_name_with_its_season_finds_an_event_that_bears_it(event: Event, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(event.names))
    found = find_event(EVENTS, f"{event.key[:4]} {name}", "lake x")
    assert name in next(known.names for known in EVENTS if known.key == found)


@given(st.text())
def test_any_text_is_found_or_refused(text: str) -> None:
    with contextlib.suppress(BadParameters):
        assert find_event(EVENTS, text, "lake x") in {event.key for event in EVENTS}


def test_a_name_itself_counts_before_one_that_begins_with_it_or_contains_it() -> None:
    names = {"a": ["spanish"], "b": ["spa"], "c": ["monte spa"]}
    assert lookup.matches("Spa", names) == ["b"]
    assert lookup.matches("span", names) == ["a"]
    assert lookup.matches("te s", names) == ["c"]
    assert lookup.matches(" -_", names) == []
