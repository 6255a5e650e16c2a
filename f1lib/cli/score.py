"""``f1 score FILE``: anybody's forecasts, scored on the same races beside ours."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from f1lib.cli import output
from f1lib.cli.options import json_option, workspace_of
from f1lib.errors import BadParameters

NAME = "score"
HELP = "score a file of forecasts, paired with ours on the same races"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the file, the names of both systems, what becomes of incomplete races, and ``--json``."""
    parser.add_argument("file", type=Path, help="a .csv or .json file in the layout of docs/comparing.md")
    parser.add_argument("--name", default="", help="the system's name where the file has none (default: the file's)")
    parser.add_argument("--model", default="", help="our configuration (default: the one that serves)")
    text = "leave out races of which a starter is not forecast"
    parser.add_argument("--skip-incomplete", action="store_true", help=text)
    json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Score the file, print the comparison, and write its page."""
    from f1lib.evaluation.forecast_file import read_forecasts
    from f1lib.evaluation.others import score_forecasts
    from f1lib.gold import build
    from f1lib.model.config import load_config
    from f1lib.pipeline.backtest import bring_history
    from f1lib.report.others_page import publish

    if not arguments.file.is_file():
        raise BadParameters(f"cannot read {arguments.file}: there is no such file")
    ws = workspace_of(arguments, may_begin=True)
    config, name = load_config(arguments.model or ws.settings.model), arguments.name or arguments.file.stem
    bring_history(ws)
    forecasts, ignored = read_forecasts(arguments.file, ws.store, name)
    training = build.build_training_dataset(ws)
    asked = (config, ws.as_of, ws.settings.threads, arguments.skip_incomplete)
    card = score_forecasts(ws.store, forecasts, training, *asked)
    card = {"file": arguments.file.name, "name": name, "model": config.name, "ignored_columns": ignored, **card}
    page = publish(ws.store, card, ws.source_name)
    output.table_or_json(card, _show, arguments.json_file)
    if arguments.json_file != "-":
        output.print_line(f"page: {output.location(ws.store, page)}")
    return 0


def _show(card: dict[str, Any]) -> None:
    from f1lib.evaluation.others import title_of

    for group in card["groups"]:
        rows = [{"system": name, **row} for name, row in group["means"].items()]
        output.print_scores(title_of(group), rows, ("system",))
        output.print_differences(
            "Paired differences, ± standard error over races",
            {f"{group['system']} minus {card['model']}": group["paired"]},
        )
        excess = {name: both["real_minus_expected"] for name, both in group["excess"].items()}
        known = {name: row for name, row in excess.items() if row}
        output.print_differences("Real minus expected, ± standard error", known)
    for what in ("skipped", "no_result_yet", "ignored_columns"):
        if card[what]:
            output.print_line(f"{what.replace('_', ' ')}: {'; '.join(card[what])}")
