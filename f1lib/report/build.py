"""Build the report: the summary of the lake's state, the dashboard and the pages of races."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import pandas as pd

from f1lib.domain.moments import format_utc
from f1lib.domain.weekend import EventKey
from f1lib.errors import RunError, StorageError
from f1lib.evaluation import drift
from f1lib.lake import fingerprint, tables
from f1lib.lake import paths_published as paths
from f1lib.lake.integrity import readable_json
from f1lib.lake.parquet import records
from f1lib.lake.provenance import code_version, made_by
from f1lib.lake.store import ObjectStore, find_json, write_json
from f1lib.model import registry
from f1lib.predictions import championship, duels
from f1lib.predictions import explain as contributions
from f1lib.predictions.archive import find_newest, history_keys, read_issues
from f1lib.predictions.change_log import penalties_used
from f1lib.predictions.group_effects import explain
from f1lib.report import (
    championship_page,
    dashboard,
    fan_words,
    health,
    health_page,
    lake_state,
    prediction_facts,
    race_page,
    site,
)
from f1lib.report.rounds import frames, read_rounds
from f1lib.report.title_words import titles_in_words
from f1lib.tracking.rows import TrackingRow
from f1lib.workspace.forks import in_forks
from f1lib.workspace.workspace import Workspace

_NONE: dict[str, Any] = {"predictions": [], "means": []}
_UNSCORED = _NONE | {"others": [], "calibration": {}, "sprints": _NONE}


def build_summary(ws: Workspace) -> dict[str, Any]:
    """Gather the lake's state and write the dashboard, its JSON, the next races and the pages of changed races.

    Returns the document of ``reports/run_summary.json``. Raises `RunError` before the calendar was read.
    """
    rows = ws.tracking.rows()
    if not rows:
        raise RunError(f"lake {ws.store.url} is empty: run 00_schedule first")
    accuracy = _UNSCORED | (find_json(ws.store, paths.ACCURACY) or {})
    scored = [*accuracy["predictions"], *accuracy["sprints"]["predictions"]]
    races = lake_state.next_races(rows, format_utc(ws.as_of))
    keys = [race["event_partition_key"] for race in races]
    latest = next((event for event in keys if _newest(ws.store, event) is not None), "")
    prediction, sprint = _newest(ws.store, latest), _newest(ws.store, latest, "S")
    runs = lake_state.executed_notebooks(ws.store)
    served = drift.health(ws.store, prediction)
    alarms = prediction_facts.alarms(accuracy, prediction, served)
    summary: dict[str, Any] = {
        "as_of_utc": format_utc(ws.as_of),
        "run_id": ws.run_id,
        **made_by(),
        "source": lake_state.source_of(ws, rows),
        "next_races": races,
        "latest_predictions": [] if prediction is None else records(prediction),
        "weather": {} if prediction is None else dict(prediction_facts.weather_words(ws.store, prediction)),
        "training_runs": lake_state.training_runs(ws.store),
        "champion": registry.champion(ws.store),
        "accuracy": {name: accuracy[name] for name in ("means", "calibration")},
        "how_good": fan_words.how_good(accuracy["predictions"], accuracy["calibration"]),
        "races": dashboard.race_rows(pd.DataFrame(scored)) if scored else [],
        "pipeline": {**health.pipeline(rows, lake_state.page_finder(runs)), "alarms": alarms},
        "health": served,
        "runs": runs,
    }
    titles = _titles(ws.store, int(latest[:4] or ws.as_of.year), ws.as_of)
    summary["titles"] = records(titles)
    ws.hold()
    front = partial(dashboard.dashboard_html, summary, prediction, pd.DataFrame(scored), sprint)
    written, page = _write_pages(ws, rows, scored, _season_words(summary["how_good"], titles), front)
    summary |= written
    _write_front(ws.store, summary, page)
    return summary


def _write_front(store: ObjectStore, summary: Mapping[str, Any], page: str) -> None:
    """Write the summary, the page of the next race, under both its names, and that of data and models."""
    write_json(store, paths.SUMMARY, summary)
    ahead = {"as_of_utc": summary["as_of_utc"], "source": summary["source"]["name"], "races": summary["next_races"]}
    write_json(store, paths.NEXT_RACES, ahead)
    for key in (paths.INDEX, paths.DASHBOARD):
        store.write(key, page.encode())
    store.write(paths.HEALTH_PAGE, health_page.health_page(summary).encode())


def _season_words(how_good: str, titles: pd.DataFrame) -> list[str]:
    return [how_good, titles_in_words(titles)] if len(titles) else [how_good]


def _write_pages(
    ws: Workspace,
    rows: Sequence[TrackingRow],
    scored: Sequence[Mapping[str, Any]],
    season_words: Sequence[str],
    front: Callable[[], str],
) -> tuple[dict[str, dict[str, Any]], str]:
    """Write what changed of the pages and of the site's files, and make the front page meanwhile.

    Returns the fingerprints of the files, what races rest on, and the front page, which is not written.
    """
    last = readable_json(ws.store, paths.SUMMARY)
    before, issues = last.get("pages", {}), history_keys(ws.store)
    rounds = read_rounds(ws.store, rows, issues, scored, ws.as_of)
    framed = frames(rounds, ws.settings.site)
    # Most of the time goes into pictures, half of them on either side.
    parts: list[Callable[[], Any]] = [
        lambda: _race_pages(ws.store, issues, scored, season_words, framed, before),
        lambda: (_title_pages(ws.store, before, ws.as_of), front()),
    ]
    (races, made_from), (titles, page) = in_forks(lambda part: part(), parts, connected=ws.is_connected)
    written = {
        "pages": races | titles,
        "made_from": last.get("made_from", {}) | made_from,
        "site": site.publish(ws, rows, issues, rounds, last.get("site", {})),
    }
    return written, page


def _newest(store: ObjectStore, event: str, session: str = "R") -> pd.DataFrame | None:
    """Return the newest prediction of a race or sprint, None when there is none."""
    return find_newest(store, EventKey.parse(event), session) if event else None


def _race_pages(
    store: ObjectStore,
    issues: Sequence[str],
    scored: Sequence[Mapping[str, Any]],
    season_words: Sequence[str],
    framed: Mapping[tuple[str, str], Mapping[str, Any]],
    before: Mapping[str, str],
) -> tuple[dict[str, str], dict[str, Any]]:
    """Write the pages of races that changed since the last report.

    Returns the fingerprint of every page's contents, and what the prediction of each written page was made from.
    """
    of_race: dict[tuple[str, str], list[str]] = {}
    for key in issues:
        of_race.setdefault(paths.raced_of(key), []).append(key)
    held = set(store.list(paths.RACE_PAGES_PREFIX))
    pages: dict[str, str] = {}
    made_from: dict[str, Any] = {}
    for (event, session), issued in of_race.items():
        scores = [e for e in scored if (e["event_partition_key"], e["session"]) == (event, session)]
        key = paths.race_page_key(event, session)
        name = paths.link(key)
        shown = (code_version(), issued, scores, () if scores else season_words, framed.get((event, session)))
        pages[name] = fingerprint.of_text(repr(shown))[: fingerprint.SHORT]
        if before.get(name) != pages[name] or key not in held:
            every = read_issues(store, EventKey.parse(event), session)
            page = race_page.race_page(
                every,
                effects=_effects(store, every[-1]),
                parts=_parts(store, issued[-1]),
                weather=prediction_facts.weather_words(store, every[-1]),
                outcome=prediction_facts.outcome(store, every[-1]) if scores else pd.DataFrame(),
                scores=[{**s, "races": 1} for s in scores],
                penalties=penalties_used(store, every[-1]),
                season_words=() if scores else season_words,
                duels=_duels(store, every[-1]),
                frame=framed.get((event, session)),
            )
            store.write(key, page.encode())
            facts = [*race_page.provenance(every[-1]), *prediction_facts.hashes(store, every[-1])]
            made_from[name] = [list(fact) for fact in facts]
    return pages, made_from


def _titles(store: ObjectStore, season: int, as_of: datetime) -> pd.DataFrame:
    """Read the title chances that stand; empty while the season has none."""
    try:
        return championship.newest(store, season, as_of)
    except RunError:
        return tables.empty(championship.TABLE)


def _title_pages(store: ObjectStore, before: Mapping[str, str], as_of: datetime) -> dict[str, str]:
    """Write the pages of championships that changed since the last report; return the fingerprints of all."""
    scorecard = readable_json(store, paths.scorecard_key("championship", "json"))
    pages: dict[str, str] = {}
    held = set(store.list(paths.CHAMPIONSHIP_PAGES_PREFIX))
    for season, keys in championship.issued_seasons(store).items():
        key = paths.championship_page_key(season)
        name = paths.link(key)
        pages[name] = fingerprint.of_text(repr((code_version(), keys, scorecard)))[: fingerprint.SHORT]
        if before.get(name) != pages[name] or key not in held:
            issues = championship.read_issues(store, season, as_of)
            if len(issues):
                store.write(key, championship_page.championship_page(issues, scorecard).encode())
    return pages


def _parts(store: ObjectStore, issued: str) -> pd.DataFrame | None:
    """Read the contributions of the features stored with a prediction; None for one issued without."""
    return contributions.read(store, issued) if store.exists(paths.explanation_key(issued)) else None


def _duels(store: ObjectStore, prediction: pd.DataFrame) -> list[dict[str, Any]]:
    """Compute the head-to-heads of team-mates; none when the model or the features are no longer in the lake."""
    try:
        return duels.team_mates(prediction, duels.head_to_heads(store, prediction))
    except (RunError, StorageError):
        return []


def _effects(store: ObjectStore, prediction: pd.DataFrame) -> pd.DataFrame:
    """Compute the effects of the feature groups; empty when the model or the features are no longer in the lake."""
    try:
        return explain(store, prediction)
    except RunError:
        return pd.DataFrame()
