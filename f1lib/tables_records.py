"""The rows of a frame as JSON has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from f1lib.terms import format_utc

if TYPE_CHECKING:
    import pandas as pd


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
