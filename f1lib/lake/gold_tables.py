"""The columns of the training dataset that are no features, and how the dataset is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from f1lib.lake import parquet, paths

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd

    from f1lib.lake.store import ObjectStore


KEYS = ["event_partition_key", "session", "horizon", "driver_id"]
IDENTITY = (
    "event_year event_number event_name circuit_id as_of_utc driver_number abbreviation full_name team_id team_name "
    "team_lineage"
).split()
LABELS = ["finishing_position", "is_dnf", "points", "n_entrants"]


def read_training_dataset(store: ObjectStore, columns: Collection[str] | None = None) -> pd.DataFrame:
    """The training dataset, or some of its columns; raises `StorageError` when 04_gold has not written it yet."""
    return parquet.read_parquet(store, paths.TRAINING_KEY, columns)
