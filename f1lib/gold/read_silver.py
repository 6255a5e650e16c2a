"""Read the silver tables as Arrow, with the SHA-256 of every file.

DuckDB reads Arrow without a copy; half a million laps as Python strings would take more memory than all other tables
together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from f1lib.errors import RunError, TableError
from f1lib.lake import fingerprint, integrity, paths
from f1lib.lake.parquet import parquet_table
from f1lib.lake.store import ObjectStore, each
from f1lib.lake.tables import contract, empty

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


# The columns of laps that features read; the others are not loaded.
_LAPS = (
    "event_partition_key session driver_id lap_number lap_time_seconds sector1_seconds sector2_seconds "
    "sector3_seconds speed_st_kmh compound tyre_life stint track_status is_deleted is_pit_in is_pit_out available_utc"
).split()


@dataclass(frozen=True)
class Silver:
    """Silver tables as Arrow, the SHA-256 of each file by its key, and the names of the sources."""

    tables: dict[str, pa.Table]
    hashes: dict[str, str] = field(default_factory=dict)
    sources: list[str] = field(default_factory=list)

    def frame(self, name: str) -> pd.DataFrame:
        """Return one table as a DataFrame with the columns of its contract.

        Parameters
        ----------
        name : str
            One of `paths.SILVER_TABLES`; of ``laps`` only the columns that features read are there.

        Returns
        -------
        pd.DataFrame
            All rows of all seasons, in the order of the files.
        """
        return self.tables[name].to_pandas()  # type: ignore[no-any-return]


def read_silver(store: ObjectStore, seasons: Collection[int] = ()) -> Silver:
    """Read every silver table of every season in the lake.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    seasons : Collection[int]
        Seasons that silver must have by the tracking table, none of whose inputs are new to gold.

    Returns
    -------
    Silver
        All `paths.SILVER_TABLES`; a table without files is empty.

    Raises
    ------
    Damaged
        When a file is lost, or not the one whose hash stands in ``silver/files.json``.
    RunError
        When there is no calendar in silver.
    TableError
        When a file is not Parquet or lacks a column.
    """
    held = store.list(paths.SILVER_PREFIX)
    keys = [key for name in paths.SILVER_TABLES for key in _keys(name, held)]
    data = dict(zip(keys, each(store, store.read, keys), strict=True))
    hashes = fingerprint.of_files(data)
    _check(store, hashes, seasons)
    parts = {key: _parsed(content, key, f"{key} in lake {store.url}") for key, content in data.items()}
    tables = {name: _concatenated(name, [parts[key] for key in _keys(name, keys)]) for name in paths.SILVER_TABLES}
    if not len(tables["events"]):
        raise RunError(f"lake {store.url} has no events in silver: run 03_silver first")
    sources = {str(s) for name in ("events", "results") for s in tables[name].column("source").unique().to_pylist()}
    return Silver(tables, hashes, sorted(sources))


def wrong_silver(store: ObjectStore, hashes: Mapping[str, str], seasons: Collection[int]) -> dict[str, str]:
    """Return what is wrong with silver by key.

    A season that an older version built is not noted: its files must be those that gold was built from last.

    Parameters
    ----------
    store : ObjectStore
        The lake, whose ``silver/files.json`` says which files there are.
    hashes : Mapping[str, str]
        The SHA-256 of the files that are there, by key.
    seasons : Collection[int]
        Seasons that silver must have, none of whose inputs are new to gold.

    Returns
    -------
    dict[str, str]
        One entry a file that is missing or another one.
    """
    known = integrity.silver_files(store)
    inputs = integrity.readable_json(store, paths.gold_note(paths.TRAINING_KEY)).get("inputs", {})
    for season in (s for s in seasons if s not in known):
        of_season = {paths.silver_key(table, season) for table in paths.SILVER_TABLES}
        known[season] = {key: sha for key, sha in inputs.items() if key in of_season}
    events = (paths.silver_key("events", season) for season in seasons)
    wrong = integrity.lost_keys(events, hashes)
    for files in known.values():
        for key, sha256 in files.items():
            if hashes.get(key) != sha256:
                wrong[key] = integrity.CHANGED if key in hashes else integrity.MISSING
    return wrong


def _check(store: ObjectStore, hashes: Mapping[str, str], seasons: Collection[int]) -> None:
    wrong = wrong_silver(store, hashes, seasons)
    if wrong:
        raise integrity.damaged(store, wrong, "run 03_silver again, or `f1 doctor --repair`")


def _keys(name: str, held: Iterable[str]) -> list[str]:
    """Select the keys of one table's files from ``held``."""
    return [key for key in held if key.startswith(paths.silver_prefix(name))]


def _columns(name: str) -> list[str]:
    return _LAPS if name == "laps" else contract(name).names


def _concatenated(name: str, parts: list[pa.Table]) -> pa.Table:
    import pyarrow as pa

    if not parts:
        return pa.Table.from_pandas(empty(name)[_columns(name)], preserve_index=False).replace_schema_metadata(None)
    table = pa.concat_tables(parts, promote_options="permissive")
    # One chunk per season makes DuckDB a fifth slower. Combining the laps would copy too much memory.
    return table if name == "laps" else table.combine_chunks()


def _parsed(data: bytes, key: str, where: str) -> pa.Table:
    name = next(name for name in paths.SILVER_TABLES if _keys(name, [key]))
    wanted, remedy = _columns(name), "run 03_silver again"
    part = parquet_table(data, where, wanted, remedy=remedy)
    if missing := set(wanted) - set(part.column_names):
        raise TableError(f"{where} is no table {name}: it lacks {', '.join(sorted(missing))}; {remedy}")
    return part.select(wanted).replace_schema_metadata(None)
