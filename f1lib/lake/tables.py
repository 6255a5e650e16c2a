"""Table contracts: grain, columns, dtypes and units of every table.

The contracts are in ``tables.csv`` beside this module, one row for each column. `conform` casts a frame to its contract
and is called on every write and read of silver and gold. ``timestamp`` is aware UTC in microseconds; text is pandas'
``string``, counts are ``Int64``, flags ``boolean``, and a missing value is ``<NA>``.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from f1lib.errors import BadGrain, MissingColumn, TableError

if TYPE_CHECKING:
    import pandas as pd


_PANDAS_DTYPES = {"timestamp": "datetime64[us, UTC]"}


@dataclass(frozen=True)
class Column:
    """One column of a table: its dtype, whether it is part of the key, whether it may be null."""

    name: str
    dtype: str
    key: bool
    nullable: bool
    unit: str
    meaning: str

    @property
    def pandas_dtype(self) -> str:
        """The name of the dtype in pandas."""
        return _PANDAS_DTYPES.get(self.dtype, self.dtype)


@dataclass(frozen=True)
class Table:
    """Name and columns of a table, in order."""

    name: str
    columns: tuple[Column, ...]

    @property
    def grain(self) -> list[str]:
        """The names of the key columns."""
        return [c.name for c in self.columns if c.key]

    @property
    def names(self) -> list[str]:
        """All column names, in order."""
        return [c.name for c in self.columns]


@cache
def contracts() -> dict[str, Table]:
    """Return the contract of every table by name, read once from ``tables.csv``."""
    text = resources.files("f1lib.lake").joinpath("tables.csv").read_text(encoding="utf-8")
    columns: dict[str, list[Column]] = {}
    for row in csv.DictReader(text.splitlines()):
        column = Column(
            row["column"], row["dtype"], row["key"] == "yes", row["nullable"] == "yes", row["unit"], row["meaning"]
        )
        columns.setdefault(row["table"], []).append(column)
    return {name: Table(name, tuple(cols)) for name, cols in columns.items()}


def contract(name: str) -> Table:
    """Return the contract of one table; raises `TableError` for a name that is not in ``tables.csv``."""
    try:
        return contracts()[name]
    except KeyError:
        raise TableError(f"there is no table {name!r}; known: {', '.join(contracts())}") from None


def conform(frame: pd.DataFrame, name: str, *, where: str = "") -> pd.DataFrame:
    """Cast a frame to the contract of a table and check its grain and nulls.

    Parameters
    ----------
    frame : pd.DataFrame
        Rows with at least the columns of the contract; others are dropped. It is not changed.
    name : str
        Name of the table in ``tables.csv``.
    where : str, default ""
        The file or source of the rows, for the error message.

    Returns
    -------
    pd.DataFrame
        The same rows in the same order, with the contract's columns in its order and dtypes, and a new index from 0.

    Raises
    ------
    MissingColumn
        When a column of the contract is absent.
    BadGrain
        When a key is null or repeated.
    TableError
        For an unknown table, a value that cannot be cast, or a null in a column that may not be null.
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
    """Make a frame without rows that fulfils a table's contract.

    Parameters
    ----------
    name : str
        Name of the table in ``tables.csv``.

    Returns
    -------
    pd.DataFrame
        No rows; the contract's columns in its order and dtypes.

    Raises
    ------
    TableError
        For an unknown table.
    """
    return _empty(name).copy()


@cache
def _empty(name: str) -> pd.DataFrame:
    import pandas as pd

    return conform(pd.DataFrame({c: [] for c in contract(name).names}), name)


def check_grain(frame: pd.DataFrame, grain: list[str], place: str) -> None:
    """Check that columns are a key of a frame.

    Parameters
    ----------
    frame : pd.DataFrame
        Rows to check.
    grain : list[str]
        The key columns.
    place : str
        The table or file, for the error message.

    Raises
    ------
    BadGrain
        When a key is null or repeated.
    """
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
