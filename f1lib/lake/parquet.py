"""Parquet files of the lake as frames, and the rows of a frame as JSON values."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from f1lib.domain.moments import format_utc
from f1lib.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import pandas as pd
    import pyarrow as pa

    from f1lib.lake.store import ObjectStore

_REMEDY = "delete it and run again"


def read_parquet(store: ObjectStore, key: str, columns: Collection[str] | None = None) -> pd.DataFrame:
    """Read the Parquet file under ``key``.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    key : str
        Key of the file.
    columns : Collection[str], optional
        Columns to read; those that the file does not have are left out. Default: all.

    Returns
    -------
    pd.DataFrame
        Rows and columns in the order of the file, with the dtypes it was written with.

    Raises
    ------
    NoSuchKey
        When there is no such file.
    StorageError
        When it cannot be read.
    TableError
        When the bytes are not a Parquet file.
    """
    return parquet_frame(store.read(key), f"{key} in lake {store.url}", columns)


def parquet_frame(data: bytes, where: str, columns: Collection[str] | None = None) -> pd.DataFrame:
    """Parse the bytes of a Parquet file.

    Parameters
    ----------
    data : bytes
        Content of the file.
    where : str
        Where the bytes were read from, for the error message.
    columns : Collection[str], optional
        Columns to read; those that the file does not have are left out. Default: all.

    Returns
    -------
    pd.DataFrame
        Rows and columns in the order of the file, with the dtypes it was written with.

    Raises
    ------
    TableError
        When the bytes are not a Parquet file.
    """
    with _damage(where):  # each column is let go once it is in the frame: 20 MB at the peak of gold
        frame: pd.DataFrame = parquet_table(data, where, columns).to_pandas(self_destruct=True)
    give_back()  # 65 MB after the training dataset
    return frame


def give_back() -> None:
    """Give memory that pyarrow has freed, and holds for its next use, back to the system."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()


def parquet_rows(data: bytes, where: str, columns: Collection[str] | None = None) -> list[dict[str, Any]]:
    """Parse the bytes of a Parquet file without pandas, whose import takes longer than a small file.

    Parameters
    ----------
    data, where, columns
        As in `parquet_frame`.

    Returns
    -------
    list[dict[str, Any]]
        A mapping of column -> value for each row, in the order of the file.

    Raises
    ------
    TableError
        When the bytes are not a Parquet file.
    """
    with _damage(where):
        rows: list[dict[str, Any]] = parquet_table(data, where, columns).to_pylist()
    return rows


def parquet_table(
    data: bytes, where: str, columns: Collection[str] | None = None, *, remedy: str = _REMEDY
) -> pa.Table:
    """Parse the bytes of a Parquet file as an Arrow table.

    Parameters
    ----------
    data, where, columns
        As in `parquet_frame`.
    remedy : str
        What is to be done about a damaged file, for the error message.

    Returns
    -------
    pyarrow.Table
        Rows and columns in the order of the file.

    Raises
    ------
    TableError
        When the bytes are not a Parquet file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with _damage(where, remedy):
        file = pq.ParquetFile(pa.BufferReader(data))
        wanted = [c for c in file.schema_arrow.names if columns is None or c in columns]
        return file.read(wanted, use_threads=False)


@contextmanager
def _damage(where: str, remedy: str = _REMEDY) -> Iterator[None]:
    """Raise what pyarrow raises of a damaged file as `TableError`; of pandas' metadata in it that is anything."""
    import pyarrow as pa

    damaged = (pa.ArrowException, OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError)
    try:
        yield
    except damaged as error:
        raise TableError(f"{where} is no Parquet file: {error!r}; {remedy}") from error


def parquet_bytes(frame: pd.DataFrame) -> bytes:
    """Serialize a frame as Parquet with zstd compression; equal frames give equal bytes.

    Parameters
    ----------
    frame : pd.DataFrame
        Rows to serialize; the index is dropped.

    Returns
    -------
    bytes
        Content of the file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    try:
        table = pa.Table.from_pandas(frame, preserve_index=False, nthreads=1)
    except (pa.ArrowException, UnicodeEncodeError) as error:
        raise TableError(f"a table of {len(frame)} rows cannot be stored: {error}") from error
    pq.write_table(table, sink, compression="zstd", write_statistics=False)
    return bytes(sink.getvalue().to_pybytes())


def write_parquet(store: ObjectStore, key: str, frame: pd.DataFrame) -> None:
    """Write a frame under ``key`` as `parquet_bytes`.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    key : str
        Key of the file; a file already there is replaced.
    frame : pd.DataFrame
        Rows to write; the index is dropped.

    Raises
    ------
    StorageError
        When the file cannot be written.
    """
    store.write(key, parquet_bytes(frame))


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Convert the rows of a frame to JSON values.

    Parameters
    ----------
    frame : pd.DataFrame
        Rows to convert; the index is dropped.

    Returns
    -------
    list[dict[str, Any]]
        A mapping of column -> value for each row, in order: numbers, booleans, text and lists; timestamps as text of
        `format_utc`; None for a missing value.
    """
    return [{str(k): _plain(v) for k, v in row.items()} for row in frame.to_dict("records")]


def _plain(value: Any) -> Any:
    import pandas as pd

    if isinstance(value, list | tuple) or hasattr(value, "tolist"):
        values = value.tolist() if hasattr(value, "tolist") else list(value)
        return [_plain(v) for v in values] if isinstance(values, list) else values
    if isinstance(value, pd.Timestamp):
        return format_utc(value.to_pydatetime())
    return None if pd.isna(value) else value
