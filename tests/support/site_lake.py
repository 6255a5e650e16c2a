"""What the files of the site are made of: issued predictions in a store, and races as `read_rounds` gives them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandas as pd

from f1lib.domain.moments import parse_utc
from f1lib.domain.weekend import EventKey
from f1lib.lake.parquet import records, write_parquet
from f1lib.lake.paths_published import issue_key
from f1lib.lake.store import ObjectStore
from f1lib.report.rounds import Round
from tests.support.made_up_predictions import prediction_frame
from tests.support.report_rows import EVENT, ROWS

NOW = datetime(2025, 12, 6, 16, tzinfo=UTC)
SITE = "https://example.org/f1/"


def issued(store: ObjectStore, as_of: str, horizon: str) -> str:
    """Store a prediction of the next race in the history; return its key."""
    key = issue_key(EventKey.parse(EVENT), parse_utc(as_of), horizon)
    write_parquet(store, key, prediction_frame(horizon=horizon).assign(as_of_utc=pd.Timestamp(as_of)))
    return key


def round_of(
    *, result: list[str] | None = None, score: dict[str, Any] | None = None, forecast: bool = True, **calendar: Any
) -> Round:
    """The next race, with its forecast and, given the drivers in order, its result."""
    rows: list[Any] = prediction_frame().drop(columns="position_probabilities").to_dict("records") if forecast else []
    names = {row["driver_id"]: row for row in records(prediction_frame())}
    placed = [
        {**names[driver], "finishing_position": place, "grid_position": place, "points": 0.0, "status": "finished",
         "classified_position": str(place)}
        for place, driver in enumerate(result or [], start=1)
    ]  # fmt: skip
    return Round(EVENT, "R", {**ROWS[0], **calendar}, tuple(rows), tuple(placed), score or {})
