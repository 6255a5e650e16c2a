"""State of a lake as JSON: races ahead, model runs, executed notebooks, source of the data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from f1lib.lake import attribution
from f1lib.lake.paths_published import RECORDS_PREFIX, link, parse_record_page
from f1lib.lake.store import ObjectStore
from f1lib.model import registry
from f1lib.tracking.index import behind, data_until
from f1lib.tracking.rows import STORED, TrackingRow
from f1lib.workspace.workspace import Workspace


def next_races(rows: Iterable[TrackingRow], as_of: str) -> list[dict[str, Any]]:
    """List the races that start after ``as_of``, soonest first: event, circuit and start of each."""
    ahead = [
        row
        for row in rows
        if row["session_name_abr"] == "R" and row.get("session_date_utc", "") > as_of and not row.get("is_cancelled")
    ]
    names = ("event_partition_key", "event_year", "event_number", "event_name", "event_format", "circuit")
    return [
        {**{name: row.get(name) for name in names}, "race_start_utc": row["session_date_utc"]}
        for row in sorted(ahead, key=lambda r: (r["session_date_utc"], r["event_partition_key"]))
    ]


def training_runs(store: ObjectStore) -> list[dict[str, Any]]:
    """List every completed model run in the lake, newest first, with its figures and whether it serves."""
    return [
        run
        | {"promoted": about["decision"].get("promoted"), "features": len(about["features"])}
        | {name: about[name] for name in ("seasons", "last_event", "source")}
        | {name: about["metrics"][name] for name in ("rmse", "r2")}
        | {"parity": about["parity"]["max_abs_difference"]}
        for run, about in registry.listed_runs(store)
    ]


def executed_notebooks(store: ObjectStore) -> list[dict[str, Any]]:
    """List the pages of every run, newest run first; ``href`` is relative to ``reports/``."""
    runs: dict[str, list[dict[str, str]]] = {}
    for key in store.list(RECORDS_PREFIX):
        if page := parse_record_page(key):
            runs.setdefault(page[0], []).append({"name": page[1], "href": link(key)})
    return [{"run_id": run_id, "pages": pages} for run_id, pages in sorted(runs.items(), reverse=True)]


def page_finder(runs: Iterable[Mapping[str, Any]]) -> Callable[[str, str], str | None]:
    """Return a lookup in `executed_notebooks`: (run id, notebook's name) -> its link, None when there is none."""
    hrefs = {(str(run["run_id"]), str(page["name"])): str(page["href"]) for run in runs for page in run["pages"]}
    return lambda run_id, name: hrefs.get((run_id, name))


def source_of(ws: Workspace, rows: Iterable[TrackingRow]) -> dict[str, Any]:
    """Return the lake's source and attribution, its seasons, until when it has data and which results are late."""
    rows = list(rows)
    known = [r for r in rows if r.get("status") in STORED and r.get("available_utc")]
    years = [int(r["event_year"]) for r in known if r.get("event_year")]
    return {
        "name": ws.source_name,
        "simulated": ws.source_name == "simulated",
        "attribution": attribution.of_lake(ws.store, ws.source_name),
        "data_until_utc": data_until(rows, ws.as_of) or None,
        "behind": behind(rows, ws.as_of),
        "seasons": [min(years), max(years)] if years else [],
    }
