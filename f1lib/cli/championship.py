"""``f1 championship``: standings, title chances and what has to happen, as they were issued."""

from __future__ import annotations

import argparse
from typing import Any

from f1lib.cli import output
from f1lib.cli.options import json_option, workspace_of
from f1lib.report.pages import percent

NAME = "championship"
HELP = "the standings, the chances of the titles, and what has to happen"
_TOLD = 5


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the season and ``--json``."""
    parser.add_argument("--season", type=int, default=0, help="default: the last one with a forecast or a result")
    json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print both championships as they stood at ``--now``."""
    from f1lib.predictions import championship

    ws = workspace_of(arguments)
    table = championship.newest(ws.store, arguments.season, ws.as_of)
    output.table_or_json(championship.document(table), _show, arguments.json_file)
    return 0


def _show(found: dict[str, Any]) -> None:
    """Print a table for each championship, and the ways to a title that is open."""
    where = f"after round {found['after_round']}" if found["after_round"] else "before the first race"
    left = f"{_count(found['races_left'], 'race')} and {_count(found['sprints_left'], 'sprint')} left"
    left = left if found["next_event"] else "final"
    simulated = "SIMULATED DATA - " if found["source"] == "simulated" else ""
    for kind in ("drivers", "teams"):
        title = f"{simulated}Championship of {kind} {found['event_year']}, {where}, {left}"
        caption = f"as of {found['as_of_utc']} - {found['seasons']} simulated seasons, seed {found['seed']}"
        _table(kind, found[kind], title, f"{caption} - data: {found['attribution']}")
    for kind, name in (("drivers", "full_name"), ("teams", "team_name")):
        alive = [row for row in found[kind] if row["can_still_win"]]
        for row in alive[:_TOLD] if len(alive) > 1 else []:
            output.print_line(f"{row[name]} {row['needs']}.")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _table(kind: str, rows: list[dict[str, Any]], title: str, caption: str) -> None:
    from f1lib.cli.layout import Column

    name = "full_name" if kind == "drivers" else "team_name"
    heads = [Column("rank", "#", right=True), Column("driver" if kind == "drivers" else "team")]
    heads += [Column("points", right=True), Column("wins", right=True, rank=3), Column("P(title)", "title", right=True)]
    heads += [Column("final points (80 %)", "final", right=True, rank=1), Column("can win", "open", right=True, rank=2)]
    cells = [
        [
            row["rank"],
            (row[name], row.get("abbreviation") or row[name]),
            f"{row['points_now']:g}",
            row["wins"],
            percent(row["p_title"], 1),
            f"{row['points_p50']:g} ({row['points_p10']:g} to {row['points_p90']:g})",
            "yes" if row["can_still_win"] else "no",
        ]
        for row in rows
    ]
    output.print_table(heads, cells, title=title, caption=caption)
