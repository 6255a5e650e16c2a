"""Page of the pipeline: what serves, what was trained, what failed, and the executed notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from f1lib.lake.paths_published import HEALTH_PAGE
from f1lib.report.dashboard import in_order
from f1lib.report.pages import moment, render


def health_page(summary: Mapping[str, Any]) -> str:
    """Render ``reports/health.html`` from the document of `build.build_summary`."""
    return render(
        "health.html.j2",
        HEALTH_PAGE,
        title="Data and models",
        lead=f"What the forecasts are made from, and how the last runs went. State of {moment(summary['as_of_utc'])}.",
        summary=summary,
        serving=serving_rows(summary),
        health=health_tiles(summary),
        run_horizons=in_order(run["horizon"] for run in summary["training_runs"]),
        source=summary["source"]["name"],
        attribution=summary["source"]["attribution"],
    )


def serving_rows(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List the model run that serves each horizon, since when and why, with its figures."""
    runs = {run["run_id"]: run for run in summary["training_runs"]}
    served = summary["champion"]["horizons"]
    return [
        {**runs[served[h]["run_id"]], "since_utc": served[h]["since"], "why": served[h]["why"]}
        for h in in_order(served)
        if served[h]["run_id"] in runs
    ]


def health_tiles(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List the tiles of the pipeline's health: open errors, alarms, age of the data, sessions by status."""
    pipeline, source = summary["pipeline"], summary["source"]
    alarms = [alarm["name"] for alarm in pipeline["alarms"] if alarm["raised"]]
    tiles = [
        {"label": "open errors", "value": len(pipeline["errors"]), "note": "tried again by the next run"},
        {"label": "alarms raised", "value": len(alarms), "note": ", ".join(alarms) or "all watched numbers are fine"},
        {
            "label": "data until",
            "value": moment(source["data_until_utc"]),
            "note": source.get("behind") or source["name"],
        },
    ]
    sessions = [{"label": f"sessions {status}", "value": n, "note": ""} for status, n in pipeline["sessions"].items()]
    return tiles + sessions
