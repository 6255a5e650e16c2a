"""``f1 backtest``: the walk-forward scorecard of seasons that are over."""

from __future__ import annotations

import argparse
from typing import Any

from f1lib.cli import output
from f1lib.cli.options import json_option, workspace_of
from f1lib.domain.weekend import HORIZONS
from f1lib.errors import BadParameters
from f1lib.model.config import load_config

NAME = "backtest"
HELP = "walk forward through seasons, strictly past, and score"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the seasons, what is scored at which horizons, how often it is refitted, and ``--json``."""
    parser.add_argument("--from", type=int, required=True, dest="first")
    parser.add_argument("--to", type=int, required=True, dest="last")
    parser.add_argument("--model", action="append", default=[], help="a configuration; repeat for several")
    text = "a horizon; repeat for several"
    parser.add_argument("--horizon", action="append", default=[], choices=HORIZONS, help=text)
    text = "races between refits (default: 1 for the configuration that serves, 4 for the others)"
    parser.add_argument("--refit-every", type=int, default=0, choices=(1, 2, 3, 4), help=text)
    text = "R scores races, S sprints; default R"
    parser.add_argument("--session", default="R", choices=("R", "S"), help=text)
    json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Bring the history up to gold, and print the scorecard."""
    if arguments.first > arguments.last:
        raise BadParameters(f"--from {arguments.first} is after --to {arguments.last}")
    for name in arguments.model:
        load_config(name)
    from f1lib.pipeline.backtest import backtest_history

    asked = (arguments.first, arguments.last, arguments.model, arguments.horizon, arguments.refit_every)
    card = backtest_history(workspace_of(arguments), *asked, arguments.session)
    output.table_or_json(card, _show, arguments.json_file)
    return 0


def _show(card: dict[str, Any]) -> None:
    """Print the mean scores, models and baselines side by side."""
    title = f"{card['races']} {'races' if card['session'] == 'R' else 'sprints'}, walk-forward"
    rows = [
        {"system": name, "horizon": horizon, **figures}
        for group in ("models", "baselines")
        for name, horizons in card[group].items()
        for horizon, figures in horizons.items()
    ]
    output.print_scores(title, sorted(rows, key=lambda row: str(row["horizon"])), ("horizon", "system"))
