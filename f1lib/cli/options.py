"""Options common to all subcommands, and the workspace that they describe."""

from __future__ import annotations

import argparse
import logging

from f1lib.cli import output
from f1lib.workspace.settings import SOURCES
from f1lib.workspace.workspace import Workspace, open_workspace

_log = logging.getLogger(__name__)


def common_options() -> argparse.ArgumentParser:
    """Build the parent parser of every command; suppressed defaults let its options stand on either side of it."""
    none = argparse.SUPPRESS
    common = argparse.ArgumentParser(add_help=False)
    group = common.add_argument_group("options everywhere")
    group.add_argument("--source", choices=SOURCES, default=none)
    group.add_argument("--f1db", default=none, metavar="PATH_OR_URL", help="an F1DB CSV release")
    group.add_argument("--lake", default=none, metavar="URL", help="folder, file:///... or s3://bucket/prefix")
    group.add_argument("--tracking", default=none, metavar="URL", help="sqlite:///file or dynamodb://table")
    group.add_argument("--now", default=none, metavar="ISO", help="the moment to act at (default: the clock)")
    text = "log what is done, and show tracebacks; twice: in detail"
    group.add_argument("-v", "--verbose", action="count", default=none, help=text)
    return common


def json_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--json [FILE]``; `f1lib.cli.output.table_or_json` reads it."""
    text = "write the figures to FILE, or without one to standard output instead of the table"
    parser.add_argument("--json", nargs="?", const="-", default="", metavar="FILE", dest="json_file", help=text)


def workspace_of(arguments: argparse.Namespace) -> Workspace:
    """Open the workspace that the common options describe; its notices go to standard error."""
    names = ("source", "f1db", "lake", "tracking")
    given = {name: getattr(arguments, name) for name in names if hasattr(arguments, name)}
    ws = open_workspace(**given, as_of=getattr(arguments, "now", ""))
    _log.info("lake %s, tracking %s, source %s at %s", ws.store.url, ws.tracking.url, ws.source_name, ws.as_of)
    for notice in ws.notices:
        output.print_notice(notice)
    return ws
