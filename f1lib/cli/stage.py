"""``f1 stage``: one stage notebook on request, due or not."""

from __future__ import annotations

import argparse
from typing import Any

from f1lib.cli import output
from f1lib.cli.options import workspace_of
from f1lib.pipeline.notebook import stage_notebook
from f1lib.pipeline.parameters import declared_in, merge
from f1lib.pipeline.tick import run_stage
from f1lib.tracking.stage_keys import Stage

NAME = "stage"
HELP = "run one stage on request"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the stage's name and its parameters."""
    parser.add_argument("name", help="05_train, or train")
    text = "a parameter of its notebook; repeat for several"
    asked: dict[str, Any] = {"nargs": 2, "metavar": ("KEY", "VALUE"), "dest": "parameters"}
    parser.add_argument("-p", action="append", default=[], help=text, **asked)


def run(arguments: argparse.Namespace) -> int:
    """Run the stage; its result goes to standard output as JSON, the place of its record to standard error."""
    notebook, given = stage_notebook(arguments.name), dict(arguments.parameters)
    merge(declared_in(notebook), notebook.stem, {"-p": given})  # a wrong parameter is said before a lake is asked for
    ws = workspace_of(arguments, may_begin=notebook.stem == Stage.SCHEDULE)
    done = run_stage(ws, arguments.name, given)
    output.print_json(done.result)
    output.print_line(f"record: {done.notebook_key} in {ws.store.url}", stderr=True)
    return 0
