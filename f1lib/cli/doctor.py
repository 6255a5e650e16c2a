"""``f1 doctor``: what is wrong with a lake and its tracking table, and mending it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from f1lib.cli import output
from f1lib.cli.options import json_option, workspace_of

if TYPE_CHECKING:
    import argparse

    from f1lib.workspace.workspace import Workspace

NAME = "doctor"
HELP = "check a lake and its tracking table, and mend them"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--repair``, ``--give-up UNIT``, ``--back-to MOMENT`` and ``--json``."""
    parser.add_argument("--repair", action="store_true", help="mend what can be mended, and say what was done")
    text = "give up a session that no source has any more, such as 2025_Australian_Grand_Prix/P1"
    parser.add_argument("--give-up", default="", metavar="UNIT", help=text)
    text = "take a lake that a wrong clock brought to the future back to MOMENT: what came after is removed"
    parser.add_argument("--back-to", default="", metavar="MOMENT", help=text)
    json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Examine the lake, and mend it where that is asked; 1 when something is wrong with it at the end."""
    from f1lib.pipeline import doctor

    ws = workspace_of(arguments)
    done = _changed(ws, arguments)
    said, found = doctor.repair(ws) if arguments.repair else ([], doctor.examine(ws))
    done += said
    names = ("area", "key", "what", "remedy")
    document = {
        "sound": not found,
        "wrong": [{name: getattr(finding, name) for name in names} for finding in found],
        "done": done,
        "verdict": doctor.verdict(found, ws.store.url),
    }
    output.table_or_json(document, _show, arguments.json_file)
    return 1 if found else 0


def _changed(ws: Workspace, arguments: argparse.Namespace) -> list[str]:
    from f1lib.domain.moments import parse_utc
    from f1lib.pipeline import back_to, doctor

    done = [doctor.give_up(ws, arguments.give_up)] if arguments.give_up else []
    return done + (back_to.back_to(ws, parse_utc(arguments.back_to)) if arguments.back_to else [])


def _show(document: dict[str, Any]) -> None:
    for line in document["done"]:
        output.print_line(f"done: {line}")
    for finding in document["wrong"]:
        output.print_line(f"{finding['area']}: {finding['key']} {finding['what']}: {finding['remedy']}")
    output.print_line(document["verdict"])
