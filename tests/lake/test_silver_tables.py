"""``silver/files.json`` is believed only as far as it names files of silver, and a season has every table."""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from f1lib.domain.moments import parse_utc
from f1lib.errors import TableError
from f1lib.lake import integrity, paths
from f1lib.lake.parquet import write_parquet
from f1lib.lake.silver_tables import read_table
from f1lib.lake.store import ObjectStore, open_store, write_json
from f1lib.lake.tables import empty

HASHES = {year: {paths.silver_key(table, year): "ab" * 32 for table in paths.SILVER_TABLES} for year in (2023, 2024)}
NOTE = {
    "seasons": {str(year): files for year, files in HASHES.items()},
    "weather": {"2023": [], "2024": ["bronze/weather/forecast/2024/Monaco_Grand_Prix/20240501T000000Z.json"]},
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ObjectStore:
    return open_store(str(tmp_path_factory.mktemp("lake")))


@given(place=st.integers(0, len(json.dumps(NOTE)) - 1), letter=st.characters(codec="ascii"))
def test_one_letter_changed_names_no_file_that_silver_does_not_have(
    store: ObjectStore, place: int, letter: str
) -> None:
    text = json.dumps(NOTE)
    store.write(paths.SILVER_NOTE, (text[:place] + letter + text[place + 1 :]).encode())
    for year, files in integrity.silver_files(store).items():
        assert {*files} <= {paths.silver_key(table, year) for table in paths.SILVER_TABLES}
    for key in chain.from_iterable(integrity.silver_note(store).get("weather", {}).values()):
        assert parse_utc(key.rpartition("/")[2].removesuffix(".json"))


def test_a_sound_note_is_read_as_it_is(store: ObjectStore) -> None:
    write_json(store, paths.SILVER_NOTE, NOTE)
    assert integrity.silver_note(store) == NOTE


@pytest.mark.parametrize("note", [{"seasons": ["2024"]}, {"seasons": {"2024": 3}}, {"seasons": {"2024": {"x": "y"}}}])
def test_a_note_of_another_form_counts_as_lost(store: ObjectStore, note: object) -> None:
    write_json(store, paths.SILVER_NOTE, note)
    assert integrity.silver_note(store) == {}


@pytest.mark.parametrize("table", ["results", "events"])
def test_a_table_that_lacks_a_season_of_the_others_is_an_error_and_no_season_without_rows(
    tmp_path: Path, table: str
) -> None:
    store = open_store(str(tmp_path / "lake"))
    for year in (2023, 2024):
        for name in paths.SILVER_TABLES:
            write_parquet(store, paths.silver_key(name, year), empty(name))
    store.delete(paths.silver_key(table, 2024))
    assert len(read_table(store, table, [2023])) == 0
    for seasons in (None, [2024], [2023, 2024]):
        with pytest.raises(TableError, match=rf"silver of 2024 in lake .* has no table {table}: run 03_silver again"):
            read_table(store, table, seasons)
