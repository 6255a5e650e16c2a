"""``f1 run``: one tick, with its progress, what it issued and what it could not do."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from datetime import datetime
from typing import Any

from f1lib.cli import output
from f1lib.cli.options import DONE, FAILED, TAKEN, workspace_of
from f1lib.domain.moments import format_utc, parse_utc
from f1lib.lake.paths_published import INDEX
from f1lib.pipeline.plan import next_race
from f1lib.pipeline.rules import Step
from f1lib.pipeline.tick import TickResult, tick
from f1lib.tracking.index import notices
from f1lib.tracking.rows import STORED, Outcome, TrackingRow, brought_to, key_of
from f1lib.tracking.stage_keys import WEATHER_ROW, Stage
from f1lib.tracking.table import TrackingTable
from f1lib.workspace.workspace import Workspace

NAME = "run"
HELP = "one tick: do whatever is due now and nothing else"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--quiet``; a tick decides by itself what it does."""
    text = "print new predictions, results of races, what was mended and failures only: nothing on most ticks"
    parser.add_argument("-q", "--quiet", action="store_true", help=text)


def run(arguments: argparse.Namespace) -> int:
    """Run a tick and print its outcome; `FAILED` when a stage failed, `TAKEN` when another run holds what is due."""
    ws = workspace_of(arguments, may_begin=True)
    if arguments.quiet:
        before = ws.tracking.rows()
        result = tick(ws)
        _what_matters(ws, before, result)
        return _status(result)
    result = _tick(ws)
    if result.runs:
        _outcome(ws, result)
    else:
        race = next_race(ws.tracking.rows(), ws.as_of)
        after = f"; next race: {race['event_partition_key']} at {race['session_date_utc']}" if race else ""
        for line in _said(result, ws.as_of):
            output.print_plain(line)
        output.print_line(f"nothing is due at {ws.as_of:%Y-%m-%d %H:%M} UTC{after}")
    return _status(result)


def _status(result: TickResult) -> int:
    """Print what was mended and what failed, and return the exit status."""
    for line in result.mended:
        output.print_plain(f"mended: {line}")
    if not result.failures:
        return TAKEN if result.taken else DONE
    failed = "; ".join(dict.fromkeys(run.error for run in result.failures))
    output.print_plain(
        f"f1: {len(result.failures)} stage(s) failed and will be retried by the next run: {failed}", file=sys.stderr
    )
    return FAILED


def _what_matters(ws: Workspace, before: list[TrackingRow], result: TickResult) -> None:
    """Print a sentence for each prediction that the tick issued, and for each result of a predicted race."""
    done = [run for run in result.runs if run.status == Outcome.FINISHED and run.step.stage == Stage.PREDICT]
    made = {(str(run.result["event"]), str(run.result["session"])) for run in done}
    moment = format_utc(ws.as_of)
    issued = {(event, session) for event, session in made if _newest(ws.tracking, event, session) == moment}
    held = {key_of(row) for row in before if row.get("status") in STORED}
    raced = {
        key_of(row) for row in result.rows if row.get("status") in STORED and row["session_name_abr"] in ("R", "S")
    }
    known = notices(before, parse_utc(brought_to(before))) if before else []
    for notice in notices(result.rows, ws.as_of):
        if notice not in known:
            output.print_plain(f"*** {notice} ***")
    for event, session in sorted(issued | raced - held):
        from f1lib.cli.predictions import sentence_of  # as below

        if said := sentence_of(ws, event, session):
            output.print_plain(f"{event}{', Sprint' if session == 'S' else ''}: {said}")


def _newest(tracking: TrackingTable, event: str, session: str) -> str:
    """Return when a race or sprint was last predicted: a prediction that came out the same is not issued again."""
    return max(str(row["as_of_utc"]) for row in tracking.predictions(event) if row["session"] == session)


def _tick(ws: Workspace) -> TickResult:
    """Run one tick, with a line a stage on standard error while it runs."""
    with ExitStack() as opened:
        current: list[Any] = []

        def finish() -> None:
            for progress, task in current:
                progress.update(task, total=1, completed=1)

        def on_step(step: Step) -> None:
            from rich.markup import escape  # with all of rich 22 ms, which a tick with nothing to do saves

            finish()
            progress = current[0][0] if current else opened.enter_context(output.spinner())
            current[:] = [
                (progress, progress.add_task(f"{step.stage}: {escape(output.visible(step.reason))}", total=None))
            ]

        result = tick(ws, on_step)
        finish()
    return result


def _outcome(ws: Workspace, result: TickResult) -> None:
    """Print who holds what could not be done, the prediction of the next race, and the report's path."""
    for run in result.taken:
        output.print_plain(f"not done here: {run.error}")
    for line in _said(result, ws.as_of):
        output.print_plain(line)
    if not any(run.status == Outcome.FINISHED for run in result.runs):
        return
    race = next_race(result.rows, ws.as_of)
    if race is None:
        output.print_plain("the calendar has no race after this moment")
    else:
        from f1lib.cli.predictions import show  # 8 ms, which a tick with nothing to do saves

        show(ws, race["event_partition_key"])
    if any(run.step.stage == Stage.REPORT and run.status == Outcome.FINISHED for run in result.runs):
        output.print_plain(f"report: {output.location(ws.store, INDEX)}")


def _said(result: TickResult, now: datetime) -> list[str]:
    """List what the sources could not give in this tick: a release, a calendar, laps, a forecast; each once."""
    from f1lib.pipeline.rules import results_lacking
    from f1lib.tracking.index import Rows

    rows, stages = result.rows, {run.step.stage for run in result.runs}
    lines = [f"*** {notice} ***" for notice in notices(rows, now)]
    if lacking := results_lacking(Rows(rows)):
        lines.append(f"no model yet: {lacking} more results of races are needed to train one")
    moment = format_utc(now)
    missing = [
        row["missing"] for row in rows if row.get("updated_at_utc") == moment and "laps " in (row.get("missing") or "")
    ]
    if Stage.INGEST in stages and missing:
        lines.append(f"laps are missing of {len(missing)} session(s): {output.visible(missing[-1])}")
    errors = [row.get("last_error") for row in rows if row["session_name_abr"] == WEATHER_ROW]
    if Stage.WEATHER in stages and any(errors):
        lines.append(f"weather is missing: {next(e for e in errors if e)}")
    return lines
