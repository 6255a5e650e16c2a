"""``f1 init``: a folder of one's own, with notebooks and parameters to change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from f1lib.cli import output

if TYPE_CHECKING:
    import argparse

NAME = "init"
HELP = "begin a project: copies of the notebooks and parameters, to change and run"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add ``FOLDER`` and ``--github``."""
    text = "where the project is to be; its own files are never overwritten (default: here)"
    parser.add_argument("folder", nargs="?", default=".", metavar="FOLDER", help=text)
    text = "also write a workflow of GitHub Actions, which runs ticks on a schedule and publishes the report"
    parser.add_argument("--github", action="store_true", help=text)


def run(arguments: argparse.Namespace) -> int:
    """Write what is not there, and name it."""
    from f1lib.workspace.project import begin_project

    folder = Path(arguments.folder).expanduser()
    written = begin_project(folder, github=arguments.github)
    for name in written:
        output.print_line(f"written: {folder / name}")
    output.print_line(
        f"`f1 run` in {folder.absolute()} uses its notebooks and parameters, and keeps its lake there"
        if written
        else f"{folder} has all of it already; nothing was written"
    )
    return 0
