"""What is news in a prediction: kept as JSON beside every one issued, in the history, and never changed.

``{"as_of_utc", "horizon", "since", "reasons", "lacks", "drivers"}``: which one it replaces (null for the first of a
race), which inputs differ, what the sessions so far lack (laps that a source refuses: such a prediction is renewed
when they arrive), and where each driver stood before.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from f1lib.domain.moments import format_utc, has_come
from f1lib.lake.paths_published import change_log_key, raced_of
from f1lib.lake.store import read_json, write_json
from f1lib.predictions.changes import what_changed, why_changed
from f1lib.tracking.rows import TROUBLED, TrackingRow
from f1lib.tracking.stage_keys import WEATHER_ROW, short_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from f1lib.lake.store import ObjectStore
    from f1lib.workspace.workspace import Workspace


def keep_change_log(
    ws: Workspace, event: str, issued: str, prediction: pd.DataFrame, before: pd.DataFrame | None
) -> dict[str, Any]:
    """Write the news of the prediction stored under ``issued`` beside it, and return them; see `lacks`."""
    rows = ws.tracking.rows(event)
    first = prediction.iloc[0]
    news: dict[str, Any] = {"as_of_utc": format_utc(first["as_of_utc"]), "horizon": str(first["horizon"])}
    news |= {"since": None, "reasons": [], "lacks": missing_inputs(rows, news["as_of_utc"]), "drivers": []}
    if before is not None:
        old = before.iloc[0]
        since = format_utc(old["as_of_utc"])
        news["since"] = {"as_of_utc": since, "horizon": str(old["horizon"])}
        news["reasons"] = why_changed(before, prediction) + _forecast_words(rows, since)
        news["drivers"] = json.loads(what_changed(before, prediction).to_json(orient="records", force_ascii=False))
    write_json(ws.store, change_log_key(issued), news)
    return news


def newest_change_log(store: ObjectStore, issues: Iterable[str], session: str = "R") -> dict[str, Any]:
    """The news of the last of ``issues`` (keys in order) for a race or sprint (``S``); empty where none is kept."""
    keys = [change_log_key(key) for key in issues if raced_of(key)[1] == session and store.exists(change_log_key(key))]
    return dict(read_json(store, keys[-1])) if keys else {}


def issue_before(issues: Iterable[str], issued: str) -> str:
    """The key that ``issued`` comes after among ``issues`` (keys in order), for the same session; empty if none."""
    keys = [key for key in issues if raced_of(key) == raced_of(issued)]
    place = keys.index(issued)
    return keys[place - 1] if place else ""


def missing_inputs(rows: Iterable[TrackingRow], moment: str) -> list[str]:
    """What the sessions held by ``moment`` lack that may still come, a sentence each."""
    held = [row for row in rows if has_come(row.get("available_utc"), moment) and not row.get("is_cancelled")]
    lacking = [row for row in held if row.get("is_partial") or row.get("status") in TROUBLED]
    return [
        f"{short_name(row['session_name_abr'])}: {row.get('missing') or row.get('last_error')}"
        for row in sorted(lacking, key=lambda r: str(r["available_utc"]))
    ]


def _forecast_words(rows: Iterable[TrackingRow], since: str) -> list[str]:
    """By how much the forecast changed after ``since``."""
    weather = next((row for row in rows if row["session_name_abr"] == WEATHER_ROW), None)
    return weather.get("changes", []) if weather and weather.get("updated_at_utc", "") > since else []
