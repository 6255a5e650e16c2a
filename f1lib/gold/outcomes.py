"""Outcomes beside the results that models learn from: which races and sprints were wet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from f1lib.domain import csv_files
from f1lib.lake import sql, tables

if TYPE_CHECKING:
    import pandas as pd


def wet_races(silver: Mapping[str, Any], as_of: datetime) -> pd.DataFrame:
    """List which races and sprints were wet, as far as it is known.

    Parameters
    ----------
    silver : Mapping[str, Any]
        Silver tables, as in `f1lib.gold.build.compute`.
    as_of : datetime
        What was known at this moment (UTC) is used.

    Returns
    -------
    pd.DataFrame
        ``event_partition_key session is_wet`` (1 or 0), one row per race or sprint of which it is known
        (``gold/sql/steps/wet_races.sql``).
    """
    import pandas as pd

    with sql.connect() as connection:
        for name in ("events", "laps", "weather_observed"):
            connection.register(name, silver[name] if name in silver else tables.empty(name))
        connection.register("known_wet_races", pd.DataFrame(csv_files.rows("domain/data/wet_races.csv")))
        found: pd.DataFrame = connection.execute(sql.sql_text("gold/steps/wet_races"), {"as_of": as_of}).df()
    return found
