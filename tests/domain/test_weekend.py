import pytest
from hypothesis import given
from hypothesis import strategies as st

from f1lib.domain.weekend import EventKey, plain, slug
from f1lib.errors import BadParameters


def test_an_event_key_reads_its_own_partition_key_back() -> None:
    key = EventKey(2025, "São Paulo Grand Prix")
    assert key.partition_key == "2025_São_Paulo_Grand_Prix"
    assert EventKey.parse(key.partition_key) == key


@pytest.mark.parametrize("text", ["", "2025", "Abu_Dhabi", "25_Abu_Dhabi_Grand_Prix", "2025_Abu Dhabi"])
def test_a_text_that_is_no_partition_key_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadParameters, match="2025_Australian_Grand_Prix"):
        EventKey.parse(text)


@given(st.text(min_size=1))
def test_no_event_name_can_leave_its_folder(name: str) -> None:
    folder = slug(name)
    assert folder
    assert "/" not in folder
    assert "\\" not in folder
    assert not folder.startswith(".")


def test_people_may_type_names_without_accents_or_underscores() -> None:
    assert plain("São Paulo") == plain("sao_paulo") == "saopaulo"
