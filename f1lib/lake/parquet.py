"""The rows of a frame as JSON has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from f1lib.domain.moments import format_utc
from f1lib.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd

    from f1lib.lake.store import ObjectStore


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


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of ``frame`` as JSON values: numbers, text, lists, moments as text, None for what is missing."""
    return [{str(k): _plain(v) for k, v in row.items()} for row in frame.to_dict("records")]


def _plain(value: Any) -> Any:
    import pandas as pd

    if isinstance(value, list | tuple) or hasattr(value, "tolist"):
        values = value.tolist() if hasattr(value, "tolist") else list(value)
        return [_plain(v) for v in values] if isinstance(values, list) else values
    if isinstance(value, pd.Timestamp):
        return format_utc(value.to_pydatetime())
    return None if pd.isna(value) else value
