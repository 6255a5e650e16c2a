"""Options common to all subcommands, and the workspace that they describe."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from f1lib.cli import output
from f1lib.domain.moments import format_utc
from f1lib.errors import BadParameters, SourceError
from f1lib.lake.integrity import readable_json
from f1lib.lake.paths import LAKE_MARKER, LAYERS
from f1lib.lake.store import LocalStore
from f1lib.workspace.lake_kind import check_kind
from f1lib.workspace.settings import SOURCES
from f1lib.workspace.workspace import Workspace, open_workspace

# Exit statuses: done, or nothing due; a stage or the command failed; bad use, as of argparse; somebody else is at work.
DONE, FAILED, BAD_USE, TAKEN = 0, 1, 2, 3
_log = logging.getLogger(__name__)


def common_options() -> argparse.ArgumentParser:
    """Build the parent parser of every command; suppressed defaults let its options stand on either side of it."""
    none = argparse.SUPPRESS
    common = argparse.ArgumentParser(add_help=False)
    group = common.add_argument_group("options everywhere")
    text = f"where data comes from: {', '.join(SOURCES)} (default: auto)"
    group.add_argument("--source", choices=SOURCES, default=none, metavar="NAME", help=text)
    group.add_argument("--f1db", default=none, metavar="PATH_OR_URL", help="an F1DB CSV release")
    group.add_argument("--lake", default=none, metavar="URL", help="folder, file:///... or s3://bucket/prefix")
    group.add_argument("--tracking", default=none, metavar="URL", help="sqlite:///file or dynamodb://table")
    group.add_argument("--now", default=none, metavar="ISO", help="the moment to act at (default: the clock)")
    text = f"colour of tables: {', '.join(output.COLORS)} (default: on a terminal)"
    group.add_argument("--color", choices=output.COLORS, default=none, metavar="WHEN", help=text)
    text = "log what is done, and show tracebacks; twice: in detail"
    group.add_argument("-v", "--verbose", action="count", default=none, help=text)
    return common


def session_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--session``: ``race`` or ``R``, the default, and ``sprint`` or ``S``."""
    text = "the race (R) or the sprint (S); default: the race"
    parser.add_argument("--session", type=_session, default="R", metavar="race|sprint", help=text)


def _session(text: str) -> str:
    known = {"r": "R", "race": "R", "s": "S", "sprint": "S"}
    if text.lower() not in known:
        raise argparse.ArgumentTypeError(f"{text!r} is neither race (R) nor sprint (S)")
    return known[text.lower()]


def json_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--json [FILE]``; `f1lib.cli.output.table_or_json` reads it."""
    text = "write the figures to FILE, or without one to standard output instead of the table"
    asked: dict[str, Any] = {"nargs": "?", "const": "-", "default": "", "metavar": "FILE", "dest": "json_file"}
    parser.add_argument("--json", type=_writable, help=text, **asked)


def _writable(file: str) -> str:
    folder = Path(file).absolute().parent
    if file != "-" and not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise argparse.ArgumentTypeError(f"cannot write {file}: no folder {folder} that can be written to")
    return file


def workspace_of(arguments: argparse.Namespace, *, may_begin: bool = False) -> Workspace:
    """Open the workspace that the common options describe, and check it; its notices go to standard error.

    Raises `BadParameters` where there is no lake yet and none may be begun, for a lake that is a file or holds the
    other kind of data, and for an F1DB release that is none; nothing has been written then.
    """
    try:
        ws = unchecked_workspace_of(arguments, may_begin=may_begin)
        marker = _check(ws)
    except SourceError as error:
        if "://" in getattr(arguments, "f1db", ""):  # a download may fail for other reasons
            raise
        raise BadParameters(str(error)) from error
    if not (may_begin or marker or any(ws.store.list(f"{layer}/") for layer in LAYERS) or ws.tracking.rows()):
        raise BadParameters(f"there is no lake at {ws.store.url}: `f1 run` begins one, --lake names another")
    return ws


def check_seasons(ws: Workspace, seasons: Iterable[int]) -> None:
    """Raise `BadParameters` for a season that the source does not know at the workspace's moment."""
    known = ws.source.seasons(ws.as_of)
    if unknown := sorted(set(seasons) - set(known)):
        raise BadParameters(
            f"source {ws.source_name} does not know season {', '.join(map(str, unknown))} at {format_utc(ws.as_of)}: "
            f"it has {min(known)} to {max(known)}"
        )


def _check(ws: Workspace) -> dict[str, Any]:
    """Check lake and release, and return the lake's marker, empty without one."""
    if isinstance(ws.store, LocalStore) and ws.store.root.exists() and not ws.store.root.is_dir():
        raise BadParameters(f"lake {ws.store.root} is a file: give a folder")
    marker = readable_json(ws.store, LAKE_MARKER)
    check_kind(ws.store, ws.source_name, marker)
    release = ws.settings.f1db
    if release and ws.source_name != "simulated" and not release.startswith(("http:", "https:")):
        from f1lib.sources.f1db.download import locate
        from f1lib.sources.f1db.release_files import Release

        Release(locate(release, ws.settings.downloads, now=ws.as_of), ws.settings.history_from)
    return marker


def unchecked_workspace_of(arguments: argparse.Namespace, *, may_begin: bool = False) -> Workspace:
    """Open the workspace that the common options describe; its notices go to standard error."""
    names = ("source", "f1db", "lake", "tracking")
    given = {name: getattr(arguments, name) for name in names if hasattr(arguments, name)}
    ws = open_workspace(**given, as_of=getattr(arguments, "now", ""), may_begin=may_begin)
    _log.info("lake %s, tracking %s, source %s at %s", ws.store.url, ws.tracking.url, ws.source_name, ws.as_of)
    for notice in ws.notices:
        output.print_notice(notice)
    return ws
