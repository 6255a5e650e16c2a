"""What is news in a prediction: kept as JSON beside every one issued, in the history, and never changed.

``{"as_of_utc", "horizon", "since", "reasons", "lacks", "drivers"}``: which one it replaces (null for the first of a
race), which inputs differ, what the sessions so far lack (laps that a source refuses: such a prediction is renewed
when they arrive), and where each driver stood before.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from f1lib.predictions_changes import what_changed, why_changed
from f1lib.storage import write_json
from f1lib.terms import format_utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from f1lib.workspace import Workspace

_WEATHER = "STAGE#02_weather"


def keep_news(
    ws: Workspace, event: str, issued: str, prediction: pd.DataFrame, before: pd.DataFrame | None
) -> dict[str, Any]:
    """Write the news of the prediction stored under ``issued`` beside it, and return them; see `lacks`."""
    rows = ws.tracking.rows(event)
    first = prediction.iloc[0]
    news: dict[str, Any] = {"as_of_utc": format_utc(first["as_of_utc"]), "horizon": str(first["horizon"])}
    news |= {"since": None, "reasons": [], "lacks": lacks(rows, news["as_of_utc"]), "drivers": []}
    if before is not None:
        old = before.iloc[0]
        since = format_utc(old["as_of_utc"])
        news["since"] = {"as_of_utc": since, "horizon": str(old["horizon"])}
        news["reasons"] = why_changed(before, prediction) + _forecast_words(rows, since)
        news["drivers"] = json.loads(what_changed(before, prediction).to_json(orient="records", force_ascii=False))
    write_json(ws.store, news_key(issued), news)
    return news


def news_key(issued: str) -> str:
    """Where the news of an issue stand."""
    return issued.removesuffix(".parquet") + ".news.json"


def lacks(rows: Iterable[Mapping[str, Any]], moment: str) -> list[str]:
    """What the sessions held by ``moment`` lack that may still come, a sentence each."""
    held = [row for row in rows if row.get("available_utc", "9") <= moment and not row.get("is_cancelled")]
    lacking = [row for row in held if row.get("is_partial") or row.get("status") in ("blocked", "failed")]
    return [
        f"{row['session_name_abr'].removeprefix('STAGE#')}: {row.get('missing') or row.get('last_error')}"
        for row in sorted(lacking, key=lambda r: str(r["available_utc"]))
    ]


def _forecast_words(rows: Iterable[Mapping[str, Any]], since: str) -> list[str]:
    """By how much the forecast changed after ``since``."""
    weather = next((row for row in rows if row["session_name_abr"] == _WEATHER), {})
    return list(weather.get("changes") or []) if weather.get("updated_at_utc", "") > since else []
