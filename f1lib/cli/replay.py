"""``f1 replay``: a season lived through by the production path, in a lake of its own."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import Any

from f1lib.cli import output
from f1lib.cli.options import json_option, unchecked_workspace_of, workspace_of
from f1lib.lake.paths_published import INDEX
from f1lib.lake.store import LocalStore
from f1lib.model import FEWEST_RACES
from f1lib.pipeline.replay import replay_season

NAME = "replay"
HELP = "live through a season by the production path, and score what was issued"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the season, the event and ``--json``."""
    parser.add_argument("--season", type=int, required=True, metavar="YEAR", help="the season")
    parser.add_argument("--event", default="", help="one event only")
    json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Replay the season; a line a tick goes to standard error, the scores to standard output."""
    if not hasattr(arguments, "lake"):
        usual = unchecked_workspace_of(arguments, may_begin=True).store
        if isinstance(usual, LocalStore):
            arguments.lake = f"{usual.root}-replay-{arguments.season}"  # the user's own lake may know the future
    ws = workspace_of(arguments, may_begin=True)
    say = partial(output.print_line, stderr=True)
    summary = replay_season(ws, arguments.season, arguments.event, on_tick=say)
    output.table_or_json(summary, _show, arguments.json_file)
    output.print_plain(f"report: {output.location(ws.store, INDEX)}", file=sys.stderr)
    return 0


def _show(summary: dict[str, Any]) -> None:
    """Print the mean scores, a row a horizon and system; those of the sprints below, where there were any."""
    for kind, scored in (("race", summary), ("sprint", summary["sprints"])):
        count = scored["races"]
        rows = [
            {"horizon": horizon, "system": system, **figures}
            for horizon, systems in scored["horizons"].items()
            for system, figures in systems.items()
        ]
        title = f"{summary['season']}: {count} {kind}{'' if count == 1 else 's'}, predictions scored as issued"
        if rows:
            output.print_scores(title, rows, ("horizon", "system"))
        elif kind == "race":
            output.print_line(f"{title}; a model is trained from {FEWEST_RACES} races on")
