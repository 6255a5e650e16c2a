"""Parquet files of the lake."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from f1lib.errors import TableError
from f1lib.lake.parquet import parquet_bytes, parquet_frame, parquet_rows, read_parquet, write_parquet
from f1lib.lake.store import LocalStore


def test_only_the_columns_asked_for_are_read_and_one_that_is_not_there_is_left_out(tmp_path: Path) -> None:
    store, key = LocalStore(tmp_path), "gold/training_dataset.parquet"
    whole = pd.DataFrame({"event_year": [2024, 2025], "grid_position": [1.0, None], "driver_id": ["a", "b"]})
    write_parquet(store, key, whole)
    some = read_parquet(store, key, ["grid_position", "event_year", "nowhere"])
    assert list(some) == ["event_year", "grid_position"]
    assert some["grid_position"].equals(whole["grid_position"])


def test_damaged_metadata_of_pandas_is_an_error_that_names_the_file() -> None:
    whole = parquet_bytes(pd.DataFrame({"moment": pd.to_datetime(["2025-12-06T16:00:00Z"])}))
    assert b"pandas_type" in whole
    with pytest.raises(TableError, match=r"gold/x.parquet is no Parquet file: KeyError\('pandas_type'\)"):
        parquet_frame(whole.replace(b"pandas_type", b"pandas_t?pe"), "gold/x.parquet")


def test_text_that_is_not_utf8_is_an_error_that_names_the_file() -> None:
    damaged = parquet_bytes(pd.DataFrame({"driver_id": ["lando-norris"]})).replace(b"lando", b"lan\xff\xfe")
    with pytest.raises(TableError, match=r"gold/x.parquet is no Parquet file"):
        parquet_rows(damaged, "gold/x.parquet")
