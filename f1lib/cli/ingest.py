"""``f1 ingest``: timing (or weather) brought into the lake by hand, with a progress bar; can be stopped."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import sleep
from typing import Any

from f1lib.cli import output
from f1lib.cli.options import check_seasons, workspace_of
from f1lib.domain.moments import format_utc
from f1lib.errors import BadParameters
from f1lib.tracking.rows import TROUBLED, Outcome, Status
from f1lib.workspace.workspace import Workspace

NAME = "ingest"
HELP = "bring timing in by hand: of the last weeks, or of past seasons"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the seasons, the number of workers, and what is asked for."""
    parser.add_argument("--from", type=int, default=0, dest="first", metavar="YEAR", help="first season")
    parser.add_argument("--to", type=int, default=0, dest="last", metavar="YEAR", help="last season")
    text = "sessions at once; FastF1's limits are shared"
    parser.add_argument("--workers", type=int, default=1, metavar="N", help=text)
    text = "go on by itself when an upstream wants to be left alone for a while"
    parser.add_argument("--wait", action="store_true", help=text)
    parser.add_argument("--again", action="store_true", help="ask again for what was not to be had")
    text = "practice alone: the long runs that the model reads"
    parser.add_argument("--practice", action="store_true", help=text)
    parser.add_argument("--weather", action="store_true", help="forecasts and observations of past races instead")


def run(arguments: argparse.Namespace) -> int:
    """Bring in what is wanted; 1 when nothing came, or something is left to be asked for again."""
    ws = workspace_of(arguments, may_begin=True)
    if ws.source_name == "simulated":
        raise BadParameters("f1 ingest brings real sessions in; this lake is simulated: choose another --lake")
    if arguments.workers < 1 or (arguments.last and arguments.last < arguments.first):
        asked = f"--from {arguments.first} --to {arguments.last} --workers {arguments.workers}"
        raise BadParameters(f"{asked} make no work")
    first = arguments.first or arguments.last
    seasons = list(range(first, (arguments.last or arguments.first) + 1)) if first else []
    _know_calendars(ws, seasons)
    if arguments.weather:
        return _weather(ws, seasons)

    def clock() -> datetime:
        return ws.as_of if hasattr(arguments, "now") else datetime.now(UTC)

    return _timing(ws, seasons, arguments, clock)


def _know_calendars(ws: Workspace, seasons: list[int]) -> None:
    """Read the calendars of ``seasons`` (none: this year's) that the lake does not have."""
    from f1lib.bronze.schedule import refresh_schedule

    known = {row.get("event_year") for row in ws.tracking.rows()}
    if missing := sorted(set(seasons or [ws.as_of.year]) - known):
        check_seasons(ws, missing)
        refresh_schedule(ws, missing)


def _timing(ws: Workspace, seasons: list[int], arguments: argparse.Namespace, clock: Callable[[], datetime]) -> int:
    from f1lib.bronze.due import PRACTICE
    from f1lib.bronze.timing_backfill import bring_all, wanted
    from f1lib.bronze.timing_cost import estimate
    from f1lib.tracking.stage_keys import SESSIONS

    sessions = PRACTICE if arguments.practice else SESSIONS
    units = wanted(ws.tracking.rows(), seasons, ws.as_of, again=arguments.again, sessions=sessions)
    if not units:
        output.print_line("every session has the laps that are to be had; --again asks for the others")
        return 0
    output.print_line(estimate(units, arguments.workers).in_words())
    outcomes: list[dict[str, Any]] = []
    with output.bar() as progress:
        task = progress.add_task("ingest", total=len(units))

        def on_unit(outcome: dict[str, Any]) -> None:
            outcomes.append(outcome)
            progress.update(task, advance=1, description=output.visible(outcome["unit"]))
            if outcome["status"] in TROUBLED | {Outcome.TAKEN}:
                line = output.visible(f"{outcome['unit']}: {outcome['status']}: {outcome['warning']}")
                progress.console.print(line, highlight=False, markup=False)

        left = units
        while left:
            bring_all(ws, left, arguments.workers, clock, on_unit)
            pause = max(o["wait_seconds"] for o in outcomes)
            if not (pause and arguments.wait):
                break
            outcomes[:] = [o for o in outcomes if not o["wait_seconds"]]
            left = [unit for unit in units if unit not in {o["unit"] for o in outcomes}]
            until = format_utc(clock() + timedelta(seconds=pause))
            progress.update(task, completed=len(outcomes), description=f"an upstream is left alone until {until}")
            sleep(pause)
    return _summary(outcomes, len(units), clock())


def _summary(outcomes: list[dict[str, Any]], asked: int, now: datetime) -> int:
    counts = Counter(o["status"] for o in outcomes)
    output.print_line(f"{asked} sessions: " + ", ".join(f"{n} {status}" for status, n in sorted(counts.items())))
    waits = [o["wait_seconds"] for o in outcomes]
    if any(waits):
        alone = f"f1: an upstream wants to be left alone until {format_utc(now + timedelta(seconds=max(waits)))}"
        output.print_line(f"{alone}; the same command goes on from here", stderr=True)
    if not counts[Status.INGESTED]:
        [(why, _)] = Counter(o["warning"] for o in outcomes).most_common(1)
        output.print_line(f"f1: no laps came: {why}", stderr=True)
        return 1
    left = any(o["status"] in {Status.FAILED, Outcome.TAKEN, Outcome.WAITING} for o in outcomes)
    return 1 if left or any(waits) or len(outcomes) < asked else 0


def _weather(ws: Workspace, seasons: list[int]) -> int:
    from f1lib.bronze.weather import fetch_past, past_events

    events = past_events(ws.tracking.rows(), seasons, ws.as_of)
    with output.bar() as progress:
        task = progress.add_task("weather", total=len(events))
        missing = fetch_past(
            ws, events, lambda event: progress.update(task, advance=1, description=output.visible(event))
        )
    output.print_line(f"{len(events)} races; {f'the rest waits: {missing}' if missing else 'all asked'}")
    return 1 if missing else 0
