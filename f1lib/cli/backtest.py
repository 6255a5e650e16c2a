"""``f1 backtest``: the walk-forward scorecard of seasons that are over."""

from __future__ import annotations

import argparse
from typing import Any

from f1lib.cli import output, titles
from f1lib.cli.options import json_option, session_option, workspace_of
from f1lib.domain.weekend import HORIZONS
from f1lib.errors import BadParameters
from f1lib.model.config import load_config

NAME = "backtest"
HELP = "walk forward through seasons, strictly past, and score"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the seasons, what is scored at which horizons, how often it is refitted, and ``--json``."""
    parser.add_argument("--from", type=int, required=True, dest="first", metavar="YEAR", help="first season")
    parser.add_argument("--to", type=int, required=True, dest="last", metavar="YEAR", help="last season")
    parser.add_argument("--model", action="append", default=[], help="a configuration; repeat for several")
    text = "a horizon; repeat for several"
    parser.add_argument("--horizon", action="append", default=[], choices=HORIZONS, help=text)
    text = "races between refits (default: 1 for the configuration that serves, 4 for the others)"
    parser.add_argument("--refit-every", type=int, default=0, choices=(1, 2, 3, 4), help=text)
    session_option(parser)
    text = "forecasts of rain: always right, or warning of 3 wet races in 4 and of 12 dry ones in 100"
    parser.add_argument("--rain", default="", choices=("perfect", "realistic"), help=text)
    text = "what each source of data gives one model, at each horizon: races, with all that the lake has"
    parser.add_argument("--sources", action="store_true", help=text)
    text = "the title chances of drivers and teams, after each round"
    parser.add_argument("--championship", action="store_true", help=text)
    json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Bring the history up to gold, and print the scorecard."""
    if arguments.first > arguments.last:
        raise BadParameters(f"--from {arguments.first} is after --to {arguments.last}")
    for name in arguments.model:
        load_config(name)
    if arguments.championship:
        return _championship(arguments)
    if arguments.sources:
        return _sources(arguments)
    from f1lib.pipeline.backtest import backtest_history

    asked = (arguments.first, arguments.last, arguments.model, arguments.horizon, arguments.refit_every)
    card = backtest_history(workspace_of(arguments, may_begin=True), *asked, arguments.session, arguments.rain)
    output.table_or_json(card, _show, arguments.json_file)
    return 0


def _show(card: dict[str, Any]) -> None:
    """Print the mean scores, models and baselines side by side; of an imagined forecast also those in wet and dry."""
    kind = "races" if card["session"] == "R" else "sprints"
    forecast = f", with a {card['rain']} forecast of rain" if "rain" in card else ""
    _print(card, f"{card['races']} {kind}, walk-forward{forecast}")
    for phase in (name for name in ("wet", "dry") if forecast and name in card["by_phase"]):
        _print(card["by_phase"][phase], f"{card['by_phase'][phase]['races']} {phase} {kind}")


def _print(card: dict[str, Any], title: str) -> None:
    rows = [
        {"system": name, "horizon": horizon, **figures}
        for group in ("models", "baselines")
        for name, horizons in card[group].items()
        for horizon, figures in horizons.items()
    ]
    rows.sort(key=lambda row: str(row["horizon"]))
    output.print_scores(title, rows, ("horizon", "system"))
    excess = {f"{row['horizon']}, {row['system']}": row["real_minus_expected"] for row in rows}
    words = "Real minus expected, ± standard error: expected is what a forecast scores if its own chances are right"
    output.print_differences(words, excess)


def _sources(arguments: argparse.Namespace) -> int:
    """Print what each source of data gives."""
    if len(arguments.model) > 1 or arguments.session != "R":
        raise BadParameters("--sources is for one --model, and for races")
    asked = (arguments.first, arguments.last, "".join(arguments.model), arguments.horizon, arguments.refit_every)
    from f1lib.pipeline.backtest import sources_history

    rows = sources_history(workspace_of(arguments, may_begin=True), *asked, arguments.rain)
    output.table_or_json({"rows": rows}, lambda card: _show_sources(card["rows"]), arguments.json_file)
    return 0


_MEANS = ("mae", "spearman", "rps", "win_log_loss", "podium_brier", "top10_brier")


def _show_sources(rows: list[dict[str, Any]]) -> None:
    """Print the mean scores over all races, and the paired difference in RPS over the races that a source changes."""
    shown = []
    for row in rows:
        paired = row["paired"]
        gained = f"{paired['rps']:+.4f} +- {paired['rps_se']:.4f}" if paired else "none"
        head = {"horizon": row["horizon"], "sources": row["sources"], "races_changed": str(row["changed"])}
        shown.append({**head, "rps_there": gained, **{name: row[name] for name in _MEANS}})
    labels = ("horizon", "sources", "races_changed", "rps_there")
    output.print_scores(f"{rows[0]['races']} races, walk-forward, by what the model is given", shown, labels)


def _championship(arguments: argparse.Namespace) -> int:
    """Print how good the title chances of one model were."""
    if len(arguments.model) > 1 or arguments.horizon or arguments.session != "R" or arguments.sources:
        raise BadParameters("--championship takes one --model, and neither --horizon, --session nor --sources")
    asked = (arguments.first, arguments.last, "".join(arguments.model), arguments.refit_every)
    from f1lib.pipeline.backtest import championship_history

    card = championship_history(workspace_of(arguments, may_begin=True), *asked)
    output.table_or_json(card, titles.show, arguments.json_file)
    return 0
