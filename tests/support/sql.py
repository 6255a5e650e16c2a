"""One SQL file of silver run by itself."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from f1lib.lake.sql import connect, sql_text


def run_sql(name: str, frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Run one SQL file over ``frames`` (table name -> frame) and return its rows."""
    with connect() as connection:
        for table, frame in frames.items():
            connection.register(table, frame)
        found: pd.DataFrame = connection.execute(sql_text(name)).fetch_df()
    return found
