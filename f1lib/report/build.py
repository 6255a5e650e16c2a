"""The report: the lake's state gathered into the dashboard, and what the stage notebooks show.

Everything is returned and written through the store; nothing is shown from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from f1lib.domain.moments import format_utc
from f1lib.domain.weekend import EventKey
from f1lib.errors import RunError
from f1lib.evaluation import drift
from f1lib.lake import fingerprint
from f1lib.lake.parquet import records
from f1lib.lake.paths_published import (
    ACCURACY,
    DASHBOARD,
    NEXT_RACES,
    RACE_PAGES_PREFIX,
    SUMMARY,
    explanation_key,
    link,
    race_page_key,
    raced_of,
)
from f1lib.lake.provenance import code_version, made_by
from f1lib.lake.store import find_json, write_json
from f1lib.model import registry
from f1lib.predictions import explain as contributions
from f1lib.predictions.archive import find_newest, history_keys, read_issues
from f1lib.predictions.group_effects import explain
from f1lib.report import dashboard, health, lake_state, prediction_facts, race_page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from f1lib.workspace.workspace import Workspace


_UNSCORED: dict[str, Any] = {
    "predictions": [],
    "others": [],
    "means": [],
    "calibration": {},
    "sprints": {"predictions": [], "means": []},
}


def build_summary(ws: Workspace) -> dict[str, Any]:
    """Gather the lake's state and write the dashboard, its JSON, the next races and the pages of changed races.

    Returns the document of ``reports/run_summary.json``. Raises `RunError` before the calendar was read.
    """
    rows = ws.tracking.rows()
    if not rows:
        raise RunError(f"lake {ws.store.url} is empty: run 00_schedule first")
    accuracy = _UNSCORED | (find_json(ws.store, ACCURACY) or {})
    scored = [*accuracy["predictions"], *accuracy["sprints"]["predictions"]]
    races = lake_state.next_races(rows, format_utc(ws.as_of))
    latest = next((r["event_partition_key"] for r in races if _newest(ws, r["event_partition_key"]) is not None), "")
    prediction, sprint = _newest(ws, latest), _newest(ws, latest, "S")
    runs = lake_state.executed_notebooks(ws.store)
    served = drift.health(ws.store, prediction)
    alarms = prediction_facts.alarms(accuracy, prediction, served)
    summary: dict[str, Any] = {
        "as_of_utc": format_utc(ws.as_of),
        "run_id": ws.run_id,
        **made_by(),
        "source": lake_state.source_of(ws, rows),
        "next_races": races,
        **_of_next(ws, prediction),
        "training_runs": lake_state.training_runs(ws.store),
        "champion": registry.champion(ws.store),
        "accuracy": {name: accuracy[name] for name in ("means", "calibration")},
        "races": dashboard.race_rows(pd.DataFrame(scored)) if scored else [],
        "pipeline": {**health.pipeline(rows, lake_state.page_finder(runs)), "alarms": alarms},
        "health": served,
        "runs": runs,
    }
    summary["pages"] = _race_pages(ws, scored, runs)
    write_json(ws.store, SUMMARY, summary)
    write_json(ws.store, NEXT_RACES, {"as_of_utc": summary["as_of_utc"], "source": ws.source_name, "races": races})
    ws.store.write(
        DASHBOARD, dashboard.dashboard_html(summary, prediction, pd.DataFrame(scored), sprint, ws.cache).encode()
    )
    return summary


def _of_next(ws: Workspace, prediction: pd.DataFrame | None) -> dict[str, Any]:
    if prediction is None:
        return {"latest_predictions": [], "weather": {}}
    return {
        "latest_predictions": records(prediction),
        "weather": dict(prediction_facts.weather_words(ws.store, prediction)),
    }


def _newest(ws: Workspace, event: str, session: str = "R") -> pd.DataFrame | None:
    """The newest prediction of a race or sprint, None where there is none."""
    return find_newest(ws.store, EventKey.parse(event), session) if event else None


def _race_pages(
    ws: Workspace, scored: Sequence[Mapping[str, Any]], runs: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    """Page -> fingerprint of what it shows; pages whose fingerprint is the last report's are left as they stand."""
    before = (find_json(ws.store, SUMMARY) or {}).get("pages", {})
    issues: dict[tuple[str, str], list[str]] = {}
    for key in history_keys(ws.store):
        issues.setdefault(raced_of(key), []).append(key)
    held = set(ws.store.list(RACE_PAGES_PREFIX))
    pages: dict[str, str] = {}
    for (event, session), issued in issues.items():
        scores = [e for e in scored if (e["event_partition_key"], e["session"]) == (event, session)]
        notebooks = lake_state.notebooks_of(runs, event)
        key = race_page_key(event, session)
        name = link(key)
        pages[name] = fingerprint.of_text(repr((code_version(), issued, scores, notebooks)))[: fingerprint.SHORT]
        if before.get(name) != pages[name] or key not in held:
            every = read_issues(ws.store, EventKey.parse(event), session)
            page = _race_page(ws, every, _parts(ws, issued[-1]), scores, notebooks)
            ws.store.write(key, page.encode())
    return pages


def _race_page(
    ws: Workspace,
    issues: list[pd.DataFrame],
    parts: pd.DataFrame | None,
    scores: Sequence[Mapping[str, Any]],
    notebooks: Sequence[Mapping[str, str]],
) -> str:
    newest = issues[-1]
    return race_page.race_page(
        issues,
        effects=_effects(ws, newest),
        parts=parts,
        weather=prediction_facts.weather_words(ws.store, newest),
        outcome=prediction_facts.outcome(ws.store, newest) if scores else pd.DataFrame(),
        scores=[{**s, "races": 1} for s in scores],
        hashes=prediction_facts.hashes(ws.store, newest),
        notebooks=notebooks,
        cache=ws.cache,
    )


def _parts(ws: Workspace, issued: str) -> pd.DataFrame | None:
    """What each feature gave, as it was kept with the prediction; None for one issued without."""
    return contributions.read(ws.store, issued) if ws.store.exists(explanation_key(issued)) else None


def _effects(ws: Workspace, prediction: pd.DataFrame) -> pd.DataFrame:
    """Why, for a race's page; nothing where the model or the features have left the lake: the page says no more."""
    try:
        return explain(ws.store, prediction)
    except RunError:
        return pd.DataFrame()
