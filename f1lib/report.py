"""The report: the lake's state gathered into the dashboard, and what the stage notebooks show.

Everything is returned and written through the store; nothing is shown from here.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pandas as pd

from f1lib import (
    __version__,
    dashboard,
    html,
    predictions_shap,
    registry,
    report_facts,
    report_health,
    report_race,
    report_state,
)
from f1lib.errors import RunError
from f1lib.html import Html
from f1lib.predictions import event_of, find_newest, history_keys, raced_of, read_issues, records
from f1lib.predictions_health import health
from f1lib.predictions_score import ACCURACY, means
from f1lib.predictions_why import explain
from f1lib.storage import find_json, write_json
from f1lib.terms import EventKey, format_utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from f1lib.workspace import Workspace

SUMMARY = "reports/run_summary.json"
DASHBOARD = "reports/run_summary.html"
NEXT_RACES = "reports/next_races.json"
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
    races = report_state.next_races(rows, format_utc(ws.as_of))
    latest = next((r["event_partition_key"] for r in races if _newest(ws, r["event_partition_key"]) is not None), "")
    prediction, sprint = _newest(ws, latest), _newest(ws, latest, "S")
    runs = report_state.executed_notebooks(ws.store)
    served = health(ws.store, prediction)
    alarms = report_facts.alarms(accuracy, prediction, served)
    summary: dict[str, Any] = {
        "as_of_utc": format_utc(ws.as_of),
        "run_id": ws.run_id,
        "code_version": __version__,
        "source": report_state.source_of(ws, rows),
        "next_races": races,
        **_of_next(ws, prediction),
        "training_runs": report_state.training_runs(ws.store),
        "champion": registry.champion(ws.store),
        "accuracy": {name: accuracy[name] for name in ("means", "calibration")},
        "races": dashboard.race_rows(pd.DataFrame(scored)) if scored else [],
        "pipeline": {**report_health.pipeline(rows, report_state.page_finder(runs)), "alarms": alarms},
        "health": served,
        "runs": runs,
    }
    summary["pages"] = _race_pages(ws, scored, runs)
    write_json(ws.store, SUMMARY, summary)
    write_json(ws.store, NEXT_RACES, {"as_of_utc": summary["as_of_utc"], "source": ws.source_name, "races": races})
    ws.store.write(DASHBOARD, dashboard.dashboard_html(summary, prediction, pd.DataFrame(scored), sprint).encode())
    return summary


def summary_table(summary: Mapping[str, Any]) -> pd.DataFrame:
    """What the report stage shows: a line a topic."""
    serving = [f"{r['model']} at {r['horizon']} ({r['run_id']})" for r in summary["training_runs"] if r["serves"]]
    latest = summary["latest_predictions"]
    first = latest[0] if latest else {}
    lines = {
        "data until": summary["source"]["data_until_utc"] or "-",
        "next race": summary["next_races"][0]["event_partition_key"] if summary["next_races"] else "-",
        "predicted": f"{first['horizon']}, favourite {_favourite(latest)}" if latest else "-",
        "serving": "; ".join(serving) or "-",
        "races scored": len({r["event_partition_key"] for r in summary["races"]}),
        "open errors": len(summary["pipeline"]["errors"]),
        "pages": ", ".join([DASHBOARD, *summary["pages"]][:3]),
    }
    return pd.DataFrame({"state": pd.Series(lines, dtype="object").astype(str)})


def prediction_table(prediction: pd.DataFrame) -> Html:
    """A prediction as a table with bars, in its order."""
    rows = dashboard.prediction_rows(prediction)
    table = html.macro("tables.html.j2", "prediction")
    lines = [f"{r['predicted_rank']:>2} {r['full_name']:<24} P(win) {r['p_win']:.1%}" for r in rows]
    return Html(str(table("prediction", rows, dashboard.caption_of(prediction))), "\n".join(lines))


def reasons(ws: Workspace, prediction: pd.DataFrame) -> Html:
    """What moves each driver, in places and in words; see `predictions_why`."""
    found = report_race.reasons(prediction, explain(ws.store, prediction))
    table = html.macro("tables.html.j2", "effects")
    caption = "Places moved by each kind of knowledge (forward is negative), strongest first"
    lines = [f"{row['full_name']}: {row['words']}" for row in found["rows"]]
    return Html(str(table("effects", found["groups"], found["rows"], caption)), "\n".join(lines))


def changes(ws: Workspace, prediction: pd.DataFrame) -> Html:
    """What changed since the prediction of the same race before this one, and which inputs did."""
    session = str(prediction["session"].iloc[0])
    found = report_race.changes(read_issues(ws.store, EventKey.parse(event_of(prediction)), session))
    if not found:
        return Html("<p>This is the first prediction of the race.</p>", "This is the first prediction of the race.")
    newest = found[0]
    table = html.macro("tables.html.j2", "changes")
    return Html(str(table(newest["reasons"], newest["rows"], "Drivers who moved")), "\n".join(newest["reasons"]))


def score_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Means over races (not sprints) a horizon and system; empty before the first race."""
    found = pd.DataFrame(means(scores[scores["session"] == "R"] if len(scores) else scores))
    return found[[c for c in found.columns if not c.endswith("_se")]].round(4)


def _favourite(rows: Iterable[Mapping[str, Any]]) -> str:
    best = max(rows, key=lambda row: row["p_win"])
    return f"{best['full_name']} ({html.percent(best['p_win'])})"


def _of_next(ws: Workspace, prediction: pd.DataFrame | None) -> dict[str, Any]:
    if prediction is None:
        return {"latest_predictions": [], "weather": {}}
    return {
        "latest_predictions": records(prediction),
        "weather": dict(report_facts.weather_words(ws.store, prediction)),
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
    held = set(ws.store.list("reports/races/"))
    pages: dict[str, str] = {}
    for (event, session), issued in issues.items():
        scores = [e for e in scored if (e["event_partition_key"], e["session"]) == (event, session)]
        notebooks = report_state.notebooks_of(runs, event)
        name = dashboard.race_page_name(event, session)
        pages[name] = hashlib.sha256(repr((__version__, issued, scores, notebooks)).encode()).hexdigest()[:16]
        if before.get(name) != pages[name] or f"reports/{name}" not in held:
            every = read_issues(ws.store, EventKey.parse(event), session)
            page = _race_page(ws, every, _parts(ws, issued[-1]), scores, notebooks)
            ws.store.write(f"reports/{name}", page.encode())
    return pages


def _race_page(
    ws: Workspace,
    issues: list[pd.DataFrame],
    parts: pd.DataFrame | None,
    scores: Sequence[Mapping[str, Any]],
    notebooks: Sequence[Mapping[str, str]],
) -> str:
    newest = issues[-1]
    return report_race.race_page(
        issues,
        effects=_effects(ws, newest),
        parts=parts,
        weather=report_facts.weather_words(ws.store, newest),
        outcome=report_facts.outcome(ws.store, newest) if scores else pd.DataFrame(),
        scores=[{**s, "races": 1} for s in scores],
        hashes=report_facts.hashes(ws.store, newest),
        notebooks=notebooks,
    )


def _parts(ws: Workspace, issued: str) -> pd.DataFrame | None:
    """What each feature gave, as it was kept with the prediction; None for one issued without."""
    return predictions_shap.read(ws.store, issued) if ws.store.exists(predictions_shap.key_of(issued)) else None


def _effects(ws: Workspace, prediction: pd.DataFrame) -> pd.DataFrame:
    """Why, for a race's page; nothing where the model or the features have left the lake: the page says no more."""
    try:
        return explain(ws.store, prediction)
    except RunError:
        return pd.DataFrame()
