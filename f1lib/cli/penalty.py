"""``f1 penalty``: grid penalties announced before the grid is official, and what knowing them is worth."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from f1lib.cli import output
from f1lib.cli.layout import Column
from f1lib.cli.options import common_options, json_option, session_option, workspace_of
from f1lib.domain import lookup
from f1lib.domain.moments import format_utc
from f1lib.domain.weekend import RACE_OR_SPRINT, EventKey
from f1lib.errors import BadParameters
from f1lib.lake import penalties as lake_penalties

if TYPE_CHECKING:
    from f1lib.lake.store import ObjectStore
    from f1lib.tracking.table import TrackingTable

NAME = "penalty"
HELP = "grid penalties before the grid is official: add, list, remove"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add ``add DRIVER PENALTY``, ``list`` and ``remove DRIVER``, each for an ``--event``, and ``backtest``."""
    actions = parser.add_subparsers(required=True, metavar="ACTION", dest="action")

    def action(name: str, text: str, do: Callable[[argparse.Namespace], None]) -> argparse.ArgumentParser:
        child = actions.add_parser(name, help=text, description=text, parents=[common_options()])
        child.set_defaults(of_penalty=do)
        return child

    def of_event(child: argparse.ArgumentParser) -> argparse.ArgumentParser:
        text = "2025_Abu_Dhabi_Grand_Prix, or a part of it; default: the next race"
        child.add_argument("--event", default="", help=text)
        session_option(child)
        return child

    adds = of_event(action("add", "enter a penalty; the next tick renews the prediction", _add))
    who = "VER, a full name, an id or a car number"
    adds.add_argument("driver", help=who)
    adds.add_argument("penalty", help="places, pit_lane or back_of_grid")
    adds.add_argument("--announced-at", default="", metavar="ISO", help="when it was made public; default: now")
    of_event(action("list", "the penalties of an event, withdrawn ones too", _list))
    of_event(action("remove", "withdraw a driver's penalties", _remove)).add_argument("driver", help=who)
    past = action("backtest", "walk forward with F1DB's own penalties: what knowing them is worth at most", _backtest)
    past.add_argument("--from", type=int, required=True, dest="first", metavar="YEAR", help="first season")
    past.add_argument("--to", type=int, required=True, dest="last", metavar="YEAR", help="last season")
    past.add_argument("--model", default="", help="a configuration (default: the one that serves)")
    json_option(past)


def run(arguments: argparse.Namespace) -> int:
    """Run the action that was named."""
    arguments.of_penalty(arguments)
    return 0


def _add(arguments: argparse.Namespace) -> None:
    from f1lib.bronze import penalties

    ws = workspace_of(arguments)
    event = _event(ws.store, ws.tracking, arguments.event, ws.as_of)
    row = ws.tracking.get(event.partition_key, arguments.session)
    asked = arguments.driver, arguments.penalty, arguments.announced_at, ws.as_of, "command"
    penalty = penalties.announced(ws.store, row, *asked)
    is_new = penalties.add(ws.store, event, penalty)
    known = f"known from {penalty.announced_utc} on; `f1 run` renews the prediction after qualifying"
    told = known if is_new else "entered already"
    output.print_line(f"{event}, {RACE_OR_SPRINT[penalty.session]}: {penalty.driver_id}, {penalty.words}: {told}")


def _list(arguments: argparse.Namespace) -> None:
    ws = workspace_of(arguments)
    event = _event(ws.store, ws.tracking, arguments.event, ws.as_of)
    found = [p for p in lake_penalties.read(ws.store, event) if p.session == arguments.session]
    if not found:
        output.print_line(f"no grid penalty is entered for the {RACE_OR_SPRINT[arguments.session]} of {event}")
        return
    columns = [Column("driver"), Column("penalty"), Column("announced", rank=1), Column("withdrawn", rank=2)]
    columns += [Column("by", rank=3), Column("entered", rank=4)]
    rows = []
    for p in found:
        what = f"{p.words}, withdrawn" if p.withdrawn_utc else p.words
        rows.append((p.driver_id, what, p.announced_utc, p.withdrawn_utc, p.entered_by, p.entered_utc))
    output.print_table(columns, rows, title=f"Grid penalties of the {RACE_OR_SPRINT[arguments.session]}, {event}")


def _remove(arguments: argparse.Namespace) -> None:
    from f1lib.bronze import penalties

    ws = workspace_of(arguments)
    event = _event(ws.store, ws.tracking, arguments.event, ws.as_of)
    for penalty in penalties.withdraw(ws.store, event, arguments.driver, ws.as_of, arguments.session):
        told = f"{event}, {RACE_OR_SPRINT[penalty.session]}: {penalty.driver_id}, {penalty.words}: withdrawn"
        output.print_line(f"{told}; `f1 run` renews the prediction")


def _backtest(arguments: argparse.Namespace) -> None:
    from f1lib.evaluation.provisional_grid import worth
    from f1lib.gold import build
    from f1lib.model.config import load_config
    from f1lib.pipeline.backtest import bring_history
    from f1lib.sources.f1db.source import F1dbSource

    ws = workspace_of(arguments, may_begin=True)
    config, source = load_config(arguments.model or ws.settings.model), ws.source
    if not isinstance(source, F1dbSource):
        raise BadParameters(f"only F1DB says who was penalised, and the source is {ws.source_name}: give --source f1db")
    bring_history(ws)
    training = build.build_training_dataset(ws)
    asked = (config, arguments.first, arguments.last, ws.settings.threads)
    output.table_or_json(worth(training, source.grid_penalties(), *asked), _show_worth, arguments.json_file)


def _show_worth(card: dict[str, Any]) -> None:
    races = f"{card['races']} races after qualifying, {card['penalised']} of them with a penalty"
    output.print_scores(races, [{"knowing": name, **row} for name, row in card["means"].items()], ("knowing",))
    output.print_differences("Paired with knowing no penalty, ± standard error over races", card["paired"])
    output.print_line(
        f"{card['slots_wrong']} of {card['slots']} slots of the provisional grids differ from the official one"
    )


def _event(store: ObjectStore, tracking: TrackingTable, text: str, as_of: datetime) -> EventKey:
    """Return the event meant, the next race by default; of those that fit one whose race is ahead."""
    races = [row for row in tracking.rows() if row["session_name_abr"] == "R"]
    known = ((row["event_partition_key"], row["session_date_utc"], row.get("circuit", "")) for row in races)
    events = [lookup.Event(key, start, circuit, start > format_utc(as_of)) for key, start, circuit in known]
    ahead = [(event.start, event.key) for event in events if event.is_preferred]
    if not (text or ahead):
        raise BadParameters(f"the calendar of lake {store.url} has no race after {as_of:%Y-%m-%d}: give --event")
    return EventKey.parse(lookup.find_event(events, text, f"lake {store.url}") if text else min(ahead)[1])
