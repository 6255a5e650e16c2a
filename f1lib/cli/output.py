"""What the command prints: progress, tables, the state of a weekend. Nothing here decides anything."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from f1lib.domain.weekend import EventKey, plain
from f1lib.errors import BadParameters
from f1lib.lake import attribution
from f1lib.lake.paths_published import DASHBOARD, history_prefix
from f1lib.lake.store import LocalStore
from f1lib.pipeline.plan import next_race
from f1lib.pipeline.tick import TickResult, tick
from f1lib.tracking.rows import Outcome
from f1lib.tracking.stage_keys import WEATHER_ROW, Stage, suffix_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from f1lib.pipeline.rules import Step
    from f1lib.workspace.workspace import Workspace

SCORING_METRICS = (
    "mae spearman rps win_log_loss podium_brier top10_brier winner_hit podium_overlap coverage dnf_log_loss"
).split()


def tick_with_progress(ws: Workspace) -> TickResult:
    """One tick, with a line a stage on standard error while it runs."""
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=False,
    ) as progress:
        current: list[Any] = []

        def on_step(step: Step) -> None:
            for task in current:
                progress.update(task, total=1, completed=1)
            current[:] = [progress.add_task(f"{step.stage}: {escape(step.reason)}", total=None)]

        result = tick(ws, on_step)
        for task in current:
            progress.update(task, total=1, completed=1)
    return result


def nothing_due(ws: Workspace) -> None:
    """Say that a tick had nothing to do, and what comes next."""
    race = next_race(ws.tracking.rows(), ws.as_of)
    after = f"; next race: {race['event_partition_key']} at {race['session_date_utc']}" if race else ""
    print(f"nothing is due at {ws.as_of:%Y-%m-%d %H:%M} UTC{after}")


def show_outcome(ws: Workspace, result: TickResult) -> None:
    """What a tick did: who holds what it could not do, the prediction of the next race, the report's path."""
    for run in result.taken:
        print(f"not done here: {run.error}")
    for line in _said(result):
        print(line)
    if not any(run.status == Outcome.FINISHED for run in result.runs):
        return
    race = next_race(result.rows, ws.as_of)
    if race is None:
        print("the calendar has no race after this moment")
    elif _is_predicted(ws, race["event_partition_key"]):
        from f1lib.predictions import archive

        show_predictions(ws, archive.read(race["event_partition_key"], lake=ws.store.url))
    if any(run.step.stage == Stage.REPORT and run.status == Outcome.FINISHED for run in result.runs):
        print(f"report: {location(ws, DASHBOARD)}")


def _said(result: TickResult) -> list[str]:
    """What the sources had to say in this tick: a missing release, forecasts that could not be had; each once."""
    rows, stages = result.rows, {run.step.stage for run in result.runs}
    lines = [f"*** {row['notice']} ***" for row in rows if row.get("notice")]
    errors = [row.get("last_error") for row in rows if row["session_name_abr"] == WEATHER_ROW]
    if Stage.WEATHER in stages and any(errors):
        lines.append(f"weather is missing: {next(e for e in errors if e)}")
    return lines


def show_predictions(ws: Workspace, frame: pd.DataFrame, changes: Sequence[str] = ()) -> None:
    """The predicted order as a table; ``frame`` has the columns of docs/lake.md, ``changes`` is what was supposed."""
    from f1lib.predictions import archive
    from f1lib.predictions.change_log import newest_change_log

    first = frame.iloc[0]
    name = f"{first['event_year']} {first['event_name']}{', Sprint' if first['session'] == 'S' else ''}"
    title = f"{name}, {first['horizon']}, data until {first['as_of_utc']}"
    if first["source"] == "simulated":
        title = f"SIMULATED DATA - {title}"
    if changes:
        title = f"What if {', '.join(changes)}? (not stored) {title}"
    caption = f"source: {first['source']} - model run {first['model_run_id']}"
    if ws.source_name != "simulated":
        caption += f" - data: {attribution.of_predictions(frame)}"
    history = history_prefix(EventKey.parse(archive.event_of(frame)))
    news = newest_change_log(ws.store, archive.history_keys(ws.store, history), str(first["session"]))
    if news.get("lacks"):
        caption += f"\nmade without: {'; '.join(news['lacks'])}"
    table = Table(title=escape(title), caption=escape(caption))
    for name in ("rank", "driver", "team", "expected", "P(win)", "P(podium)", "P(points)", "P(DNF)"):
        table.add_column(name, justify="left" if name in ("driver", "team") else "right", no_wrap=True)
    for row in frame.sort_values("predicted_rank").to_dict("records"):
        shares = [f"{100 * row[name]:.1f} %" for name in ("p_win", "p_podium", "p_points", "p_dnf")]
        names = [escape(str(row["full_name"])), escape(str(row["team_name"]))]
        table.add_row(str(row["predicted_rank"]), *names, f"{row['predicted_position']:.1f}", *shares)
    _out().print(table)


def find_event(ws: Workspace, text: str) -> str:
    """The partition key a person means by ``text``: the key itself, or a part of one without accents.

    A part that fits several events means the newest of those already predicted. Raises `BadParameters` when
    nothing fits.
    """
    rows = ws.tracking.rows()
    events = {row["event_partition_key"]: row["session_date_utc"] for row in rows if row["session_name_abr"] == "R"}
    if text in events:
        return text
    fitting = sorted((e for e in events if plain(text) in plain(e)), key=lambda e: events[e])
    if not fitting:
        raise BadParameters(f"no event {text!r} in lake {ws.store.url}; `f1 status` shows the next one")
    predicted = [e for e in fitting if _is_predicted(ws, e)]
    return str((predicted or fitting)[-1])


def replay_progress() -> Callable[[str], None]:
    """A callback that prints one line a tick of a replay on standard error."""
    return lambda line: print(line, file=sys.stderr, flush=True)


def show_replay(summary: dict[str, Any]) -> None:
    """The means of a replay's scores, a row a horizon and system; of the sprints below, where there were any."""
    for kind, scored in (("race", summary), ("sprint", summary["sprints"])):
        count = scored["races"]
        rows = [
            {"horizon": horizon, "system": system, **figures}
            for horizon, systems in scored["horizons"].items()
            for system, figures in systems.items()
        ]
        title = f"{summary['season']}: {count} {kind}{'' if count == 1 else 's'}, predictions scored as issued"
        if rows or kind == "race":
            _figures(Table(title=title), rows, ("horizon", "system"))


def show_scorecard(card: dict[str, Any]) -> None:
    """A scorecard's means, models and baselines side by side."""
    table = Table(title=f"{card['races']} {'races' if card['session'] == 'R' else 'sprints'}, walk-forward")
    rows = [
        {"system": name, "horizon": horizon, **figures}
        for group in ("models", "baselines")
        for name, horizons in card[group].items()
        for horizon, figures in horizons.items()
    ]
    _figures(table, sorted(rows, key=lambda row: str(row["horizon"])), ("horizon", "system"))


def location(ws: Workspace, key: str) -> str:
    """Where a person opens ``key``: a path for a folder, a URL otherwise."""
    return str(ws.store.path(key)) if isinstance(ws.store, LocalStore) else f"{ws.store.url}/{key}"


def _figures(table: Table, rows: list[dict[str, Any]], labels: tuple[str, ...]) -> None:
    metrics = [name for name in SCORING_METRICS if any(name in row for row in rows)]
    for name in (*labels, *metrics):
        table.add_column(name.replace("_", " "), justify="left" if name in labels else "right", no_wrap=name in labels)
    for row in rows:
        values = ("" if row.get(m) is None else f"{row[m]:.4f}" for m in metrics)
        table.add_row(*(escape(str(row[label])) for label in labels), *values)
    _out().print(table)


def _is_predicted(ws: Workspace, event: str) -> bool:
    rows = ws.tracking.rows(event)
    predicted = [row for row in rows if suffix_of(Stage.PREDICT, row["session_name_abr"]) is not None]
    return any(row.get("finished_utc") for row in predicted)


def _out() -> Console:
    """A console as wide as the table needs when the output is no terminal."""
    console = Console()
    return console if console.is_terminal else Console(width=160)
