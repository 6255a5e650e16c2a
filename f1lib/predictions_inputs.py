"""The features that an issued prediction was made from, as they stand in the lake."""

from __future__ import annotations

from typing import TYPE_CHECKING

from f1lib.errors import RunError
from f1lib.gold_lake import FEATURES_PREFIX
from f1lib.predictions import event_of
from f1lib.tables import read_parquet

if TYPE_CHECKING:
    import pandas as pd

    from f1lib.storage import ObjectStore


def features_key(gold_run_id: str) -> str:
    """Where the features that a gold run made for a race to come stand."""
    return f"{FEATURES_PREFIX}run_id={gold_run_id}/gold_driver_event_features.parquet"


def features_of(store: ObjectStore, prediction: pd.DataFrame) -> pd.DataFrame:
    """The gold rows that an issued prediction was made from; raises `RunError` when the lake no longer has them."""
    first = prediction.iloc[0]
    key = features_key(str(first["gold_run_id"]))
    if not store.exists(key):
        raise RunError(f"lake {store.url} no longer has {key}, which the prediction of {event_of(prediction)} is from")
    rows = read_parquet(store, key)
    own = (rows["event_partition_key"] == event_of(prediction)) & (rows["horizon"] == first["horizon"])
    race: pd.DataFrame = rows[own & (rows["session"] == first["session"])].reset_index(drop=True)
    return race
