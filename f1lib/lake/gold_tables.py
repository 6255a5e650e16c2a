"""Key, identity and label columns of the training dataset, and the function that reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from f1lib.lake import features, integrity, parquet, paths

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd

    from f1lib.lake.store import ObjectStore


KEYS = ["event_partition_key", "session", "horizon", "driver_id"]
IDENTITY = (
    "event_year event_number event_name circuit_id as_of_utc driver_number abbreviation full_name team_id team_name "
    "team_lineage"
).split()
LABELS = ["finishing_position", "is_dnf", "points", "n_entrants", "is_wet"]
_NOT_TEXT = {"event_year": "int64", "event_number": "int64", "as_of_utc": "datetime64[us, UTC]"}


def no_rows() -> pd.DataFrame:
    """Make a frame of gold rows without any.

    Returns
    -------
    pd.DataFrame
        The columns and dtypes of `f1lib.gold.build.compute`, no rows.
    """
    import pandas as pd

    names = features.feature_names()
    made = pd.DataFrame(columns=[*KEYS, *IDENTITY, *names])
    return made.astype(_NOT_TEXT | dict.fromkeys(names, "float64"))


def read_training_dataset(store: ObjectStore, columns: Collection[str] | None = None) -> pd.DataFrame:
    """Read the training dataset, or some of its columns.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    columns : Collection[str], optional
        Columns to read; those that the file does not have are left out. Default: all.

    Returns
    -------
    pd.DataFrame
        One row for each event, session, horizon and driver (`KEYS`), in the order of the file, with `IDENTITY`,
        `LABELS` and the features; units are in ``features.csv``.

    Raises
    ------
    NoSuchKey
        When the stage 04_gold has not written it yet.
    Damaged
        When the file is not the one that its note names.
    TableError
        When the file is not Parquet.
    """
    data = integrity.verified_gold(store, paths.TRAINING_KEY)
    return parquet.parquet_frame(data, f"{paths.TRAINING_KEY} in lake {store.url}", columns)
