"""Parquet files of the lake."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from f1lib.lake.parquet import read_parquet, write_parquet
from f1lib.lake.store import LocalStore


def test_only_the_columns_asked_for_are_read_and_one_that_is_not_there_is_left_out(tmp_path: Path) -> None:
    store, key = LocalStore(tmp_path), "gold/training_dataset.parquet"
    whole = pd.DataFrame({"event_year": [2024, 2025], "grid_position": [1.0, None], "driver_id": ["a", "b"]})
    write_parquet(store, key, whole)
    some = read_parquet(store, key, ["grid_position", "event_year", "nowhere"])
    assert list(some) == ["event_year", "grid_position"]
    assert some["grid_position"].equals(whole["grid_position"])
