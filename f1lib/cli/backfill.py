"""``f1 backfill``: what bringing whole seasons in on AWS would do, take and cost."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from typing import Any

from f1lib.aws import cost
from f1lib.aws.units import units_of
from f1lib.cli import output
from f1lib.cli.layout import Column
from f1lib.cli.options import check_seasons, workspace_of
from f1lib.errors import BadParameters

NAME = "backfill"
HELP = "what bringing whole seasons in on AWS takes and costs"
GROWTH = (10, 100)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the seasons, what to do about sessions that are in the lake, and ``--plan``."""
    parser.add_argument("--plan", action="store_true", help="print what would be done and its estimated cost")
    parser.add_argument("--from", type=int, required=True, dest="first", metavar="YEAR", help="first season")
    parser.add_argument("--to", type=int, required=True, dest="last", metavar="YEAR", help="last season")
    parser.add_argument("--again", action="store_true", help="sessions that are in the lake, too")
    parser.add_argument("--laps", action="store_true", help="FastF1's timing of the sessions in the lake")


def run(arguments: argparse.Namespace) -> int:
    """Print the plan; raises `BadParameters` without ``--plan``: a backfill itself is started on AWS."""
    ws = workspace_of(arguments, may_begin=True)
    seasons = list(range(arguments.first, arguments.last + 1))
    if not seasons:
        raise BadParameters(f"--from {arguments.first} is after --to {arguments.last}")
    asked = {"seasons": seasons, "again": arguments.again, "laps": arguments.laps}
    start = "aws stepfunctions start-execution --state-machine-arn <BackfillStateMachine> --input "
    start += f"'{json.dumps(asked)}'"
    if not arguments.plan:
        raise BadParameters(
            f"f1 backfill prints a plan, with --plan; on AWS a backfill is started with {start}; "
            f"on this machine `f1 ingest --from {arguments.first} --to {arguments.last}` brings laps in"
        )
    if not arguments.laps:
        check_seasons(ws, seasons)
    units = units_of(ws, seasons, again=arguments.again, laps=arguments.laps)
    source = "live" if arguments.laps else ws.source_name
    for season, count in _by_season(units).items():
        output.print_line(f"{season}: {count} session{'' if count == 1 else 's'} and starting grids")
    plan = cost.estimate(len(units), source)
    columns = [Column("item"), Column("amount", right=True, rank=1), Column("price", right=True, rank=2)]
    items = [*plan.items(), ("in all", "", "", f"{plan.dollars:.4f}")]
    output.print_table([*columns, Column("dollars", right=True)], items, title=plan.title)
    for factor in GROWTH:
        output.print_line(cost.estimate(len(units), source, factor=factor).summary(f"{factor} times as many"))
    largest = max(_by_season(units_of(ws, seasons, again=True, laps=arguments.laps)).values(), default=0)
    for factor, name in ((1, ""), *((factor, f", {factor} times as many sessions") for factor in GROWTH)):
        operation = cost.estimate(largest, source, days=365, factor=factor)
        output.print_line(operation.summary(f"a season in operation, a tick every two hours{name}"))
    output.print_line(f"then silver, gold, train, predict and report once\nstart it with: {start}")
    return 0


def _by_season(units: list[dict[str, Any]]) -> dict[str, int]:
    return dict(sorted(Counter(unit["event_partition_key"][:4] for unit in units).items()))
