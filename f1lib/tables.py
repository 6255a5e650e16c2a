"""The contract of every table: grain, columns, dtypes, units; and the one way SQL files are run.

The contracts stand in ``tables.csv`` beside this module, a row a column. `conform` casts a frame to its
contract and is called on every write and read of silver and gold. ``timestamp`` is aware UTC in
microseconds; text is pandas' ``string``, counts are ``Int64``, flags ``boolean``: missing is ``<NA>``.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from f1lib.errors import BadGrain, MissingColumn, TableError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import pandas as pd

    from f1lib.storage import ObjectStore

_PANDAS_DTYPES = {"timestamp": "datetime64[us, UTC]"}


@dataclass(frozen=True)
class Column:
    """One column of a table: its dtype, whether it belongs to the key, whether it may be null."""

    name: str
    dtype: str
    key: bool
    nullable: bool
    unit: str
    meaning: str

    @property
    def pandas_dtype(self) -> str:
        """The dtype as pandas spells it."""
        return _PANDAS_DTYPES.get(self.dtype, self.dtype)


@dataclass(frozen=True)
class Table:
    """A table's name and columns, in order."""

    name: str
    columns: tuple[Column, ...]

    @property
    def grain(self) -> list[str]:
        """The names of the key columns: one row each."""
        return [c.name for c in self.columns if c.key]

    @property
    def names(self) -> list[str]:
        """All column names in the contract's order."""
        return [c.name for c in self.columns]


@cache
def contracts() -> dict[str, Table]:
    """Every table's contract by name, read once from ``tables.csv``."""
    text = resources.files("f1lib").joinpath("tables.csv").read_text(encoding="utf-8")
    columns: dict[str, list[Column]] = {}
    for row in csv.DictReader(text.splitlines()):
        column = Column(
            row["column"], row["dtype"], row["key"] == "yes", row["nullable"] == "yes", row["unit"], row["meaning"]
        )
        columns.setdefault(row["table"], []).append(column)
    return {name: Table(name, tuple(cols)) for name, cols in columns.items()}


def contract(name: str) -> Table:
    """The contract of one table.

    Raises `TableError` for a name that is not in ``tables.csv``.
    """
    try:
        return contracts()[name]
    except KeyError:
        raise TableError(f"there is no table {name!r}; known: {', '.join(contracts())}") from None


def conform(frame: pd.DataFrame, name: str, *, where: str = "") -> pd.DataFrame:
    """Cast ``frame`` to the contract of table ``name``: its columns, in order, in their dtypes.

    ``where`` names the file or source in the error. Raises `MissingColumn`, `BadGrain` (a null or repeated
    key), or `TableError` (a value that cannot be cast, a null where none may be). Columns beyond the
    contract are dropped; the caller's frame is left alone.
    """
    table = contract(name)
    place = f"table {name}" + (f" ({where})" if where else "")
    missing = [c for c in table.names if c not in frame.columns]
    if missing:
        raise MissingColumn(f"{place}: no column {', '.join(missing)}; it has {', '.join(map(str, frame.columns))}")
    out = frame[table.names].reset_index(drop=True)
    for column in table.columns:
        out[column.name] = _cast(out[column.name], column, place)
    _check_nulls(out, table, place)
    check_grain(out, table.grain, place)
    return out


def empty(name: str) -> pd.DataFrame:
    """A frame of no rows that fulfils the contract of table ``name``."""
    return _empty(name).copy()


@cache
def _empty(name: str) -> pd.DataFrame:
    import pandas as pd

    return conform(pd.DataFrame({c: [] for c in contract(name).names}), name)


def check_grain(frame: pd.DataFrame, grain: list[str], place: str) -> None:
    """Raise `BadGrain` unless the ``grain`` columns are a key of ``frame``."""
    nulls = [c for c in grain if frame[c].isna().any()]
    if nulls:
        raise BadGrain(f"{place}: null in key column {', '.join(nulls)}")
    repeated = frame.duplicated(grain)
    if repeated.any():
        first = frame.loc[repeated, grain].iloc[0].to_dict()
        raise BadGrain(f"{place}: {int(repeated.sum())} rows repeat a key of ({', '.join(grain)}), first {first}")


def _cast(values: pd.Series[Any], column: Column, place: str) -> pd.Series[Any]:
    import pandas as pd

    try:
        if column.dtype == "timestamp":
            return pd.to_datetime(values, utc=True).astype("datetime64[us, UTC]")
        if column.dtype == "float64":
            return pd.to_numeric(values).astype("float64")
        if column.dtype == "Int64":
            return pd.to_numeric(values).astype("Int64")
        return values.astype(column.pandas_dtype)  # type: ignore[call-overload,no-any-return]
    except (TypeError, ValueError) as error:
        raise TableError(f"{place}: column {column.name} is not {column.dtype}: {error}") from error


def _check_nulls(frame: pd.DataFrame, table: Table, place: str) -> None:
    for column in table.columns:
        if column.nullable or column.key:
            continue
        holes = int(frame[column.name].isna().sum())
        if holes:
            raise TableError(f"{place}: column {column.name} is null in {holes} of {len(frame)} rows")


@cache
def sql_text(name: str) -> str:
    """The text of ``f1lib/sql/<name>.sql``, for example ``sql_text("silver/results")``."""
    path = resources.files("f1lib").joinpath("sql", f"{name}.sql")
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise TableError(f"there is no SQL file {name}.sql under f1lib/sql") from None


def connect() -> Any:
    """A DuckDB connection in memory: UTC, nothing on disk, no extensions fetched."""
    import duckdb

    connection = duckdb.connect(
        ":memory:", config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    )
    connection.execute("SET TimeZone = 'UTC'")
    # It would draw into the terminal after two seconds. Not SET: in a notebook that asks for ipywidgets.
    connection.execute("PRAGMA disable_progress_bar")
    return connection


def run_sql(name: str, frames: Mapping[str, pd.DataFrame], parameters: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """Run one SQL file over ``frames`` (table name -> frame) on DuckDB and return its rows.

    ``parameters`` fill the statement's ``$name`` places. Nothing outlives the call.
    """
    with connect() as connection:
        for table, frame in frames.items():
            connection.register(table, frame)
        return connection.execute(sql_text(name), dict(parameters or {})).fetch_df()  # type: ignore[no-any-return]


def read_parquet(store: ObjectStore, key: str, columns: Collection[str] | None = None) -> pd.DataFrame:
    """The Parquet file under ``key`` as a frame, with the dtypes it was written with; None = all its columns.

    Of ``columns`` those that the file does not have are left out. Raises `StorageError` when there is none and
    `TableError` when the bytes are no Parquet file.
    """
    return parquet_frame(store.read(key), f"{key} in lake {store.url}", columns)


def parquet_frame(data: bytes, where: str, columns: Collection[str] | None = None) -> pd.DataFrame:
    """`read_parquet` of bytes that have been read; ``where`` they stand is named in the error."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        wanted = [c for c in file.schema_arrow.names if columns is None or c in columns]
        return file.read(wanted, use_threads=False).to_pandas()  # type: ignore[no-any-return]
    except (pa.ArrowInvalid, OSError) as error:
        raise TableError(f"{where} is no Parquet file: {error}; delete it and run again") from error


def parquet_bytes(frame: pd.DataFrame) -> bytes:
    """``frame`` (its index is dropped) as Parquet, zstd; the same frame gives the same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    table = pa.Table.from_pandas(frame, preserve_index=False, nthreads=1)
    pq.write_table(table, sink, compression="zstd", write_statistics=False)
    return bytes(sink.getvalue().to_pybytes())


def write_parquet(store: ObjectStore, key: str, frame: pd.DataFrame) -> None:
    """Put ``frame`` under ``key`` as `parquet_bytes`."""
    store.write(key, parquet_bytes(frame))
