"""Change log of an issued prediction: a JSON file beside it in the history, never changed.

``{"as_of_utc", "horizon", "since", "reasons", "lacks", "penalties", "drivers"}``: the moment and horizon of the
prediction; those of the one it replaces (``since``, null for the first of a race); the inputs that differ between the
two; what the sessions held so far still lack (such as laps that a source refused: the prediction is renewed when they
arrive); the grid penalties in its provisional grid; and each driver's change of position and chance.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from f1lib.domain.moments import format_utc, has_come
from f1lib.domain.weekend import Horizon
from f1lib.lake.integrity import readable_json
from f1lib.lake.paths import features_key, gold_note
from f1lib.lake.paths_published import change_log_key, raced_of
from f1lib.lake.penalties import Announced
from f1lib.lake.store import ObjectStore, write_json
from f1lib.predictions.changes import what_changed, why_changed
from f1lib.tracking.rows import TROUBLED, TrackingRow
from f1lib.tracking.stage_keys import WEATHER_ROW, short_name

if TYPE_CHECKING:
    import pandas as pd


def keep_change_log(
    store: ObjectStore, rows: Sequence[TrackingRow], issued: str, prediction: pd.DataFrame, before: pd.DataFrame | None
) -> dict[str, Any]:
    """Write the change log of an issued prediction beside it.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    rows : sequence of TrackingRow
        Tracking rows of the event.
    issued : str
        Key of the prediction in the history.
    prediction : pandas.DataFrame
        The prediction, a row per driver with `archive.COLUMNS`.
    before : pandas.DataFrame or None
        The prediction it replaces; None for the first of a race.

    Returns
    -------
    dict
        The document that was written (see the module's docstring).
    """
    first = prediction.iloc[0]
    news: dict[str, Any] = {"as_of_utc": format_utc(first["as_of_utc"]), "horizon": str(first["horizon"])}
    penalties = penalties_used(store, prediction)
    news |= {"since": None, "reasons": [], "lacks": missing_inputs(rows, news["as_of_utc"])}
    news |= {"penalties": penalties, "drivers": []}
    if before is not None:
        old = before.iloc[0]
        since = format_utc(old["as_of_utc"])
        news["since"] = {"as_of_utc": since, "horizon": str(old["horizon"])}
        told = why_changed(before, prediction) + _forecast_changes(rows, since)
        news["reasons"] = _penalty_changes(penalties_used(store, before), penalties, news["horizon"]) + told
        news["drivers"] = json.loads(what_changed(before, prediction).to_json(orient="records", force_ascii=False))
    write_json(store, change_log_key(issued), news)
    return news


def newest_change_log(store: ObjectStore, issues: Iterable[str], session: str = "R") -> dict[str, Any]:
    """Read the change log of the newest of several issued predictions.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    issues : iterable of str
        Keys in the history, in the order of issue.
    session : {"R", "S"}
        The race or the sprint.

    Returns
    -------
    dict
        The last change log that is stored for the session; empty when there is none.
    """
    keys = [change_log_key(key) for key in issues if raced_of(key)[1] == session and store.exists(change_log_key(key))]
    return readable_json(store, keys[-1]) if keys else {}


def issue_before(issues: Iterable[str], issued: str) -> str:
    """Return the key before ``issued`` among ``issues`` (in order of issue) of its session; empty if there is none."""
    keys = [key for key in issues if raced_of(key) == raced_of(issued)]
    place = keys.index(issued)
    return keys[place - 1] if place else ""


def missing_inputs(rows: Iterable[TrackingRow], moment: str) -> list[str]:
    """List the inputs that sessions held by ``moment`` lack and that may still arrive, one sentence per session."""
    held = [row for row in rows if has_come(row.get("available_utc"), moment) and not row.get("is_cancelled")]
    lacking = [row for row in held if row.get("is_partial") or row.get("status") in TROUBLED]
    return [
        f"{short_name(row['session_name_abr'])}: {row.get('missing') or row.get('last_error')}"
        for row in sorted(lacking, key=lambda r: str(r["available_utc"]))
    ]


def penalties_used(store: ObjectStore, prediction: pd.DataFrame) -> list[str]:
    """List the grid penalties in the provisional grid of a prediction, one sentence each.

    Parameters
    ----------
    store : ObjectStore
        The lake: the note of the features names them.
    prediction : pandas.DataFrame
        An issued prediction, a row per driver with `archive.COLUMNS`.

    Returns
    -------
    list of str
        Such as ``Max Verstappen: 10 places, announced 2025-12-06T15:40:00Z``; empty where the grid is unknown or
        official.
    """
    first = prediction.iloc[0]
    if first["horizon"] != Horizon.POST_QUALIFYING:
        return []
    note = readable_json(store, gold_note(features_key(str(first["gold_run_id"]))))
    names = dict(zip(prediction["driver_id"], prediction["full_name"], strict=True))
    used = [Announced(**row) for row in note.get("penalties", {}).get(first["session"], [])]
    return [f"{names[p.driver_id]}: {p.words}, announced {p.announced_utc}" for p in used]


def _penalty_changes(before: list[str], now: list[str], horizon: str) -> list[str]:
    withdrawn = [text for text in before if text not in now] if horizon == Horizon.POST_QUALIFYING else []
    new = [f"Grid penalty: {text}." for text in now if text not in before]
    return new + [f"Grid penalty withdrawn: {text}." for text in withdrawn]


def _forecast_changes(rows: Iterable[TrackingRow], since: str) -> list[str]:
    """Return the changes of the weather forecast that were tracked after ``since``."""
    weather = next((row for row in rows if row["session_name_abr"] == WEATHER_ROW), None)
    return weather.get("changes", []) if weather and weather.get("updated_at_utc", "") > since else []
