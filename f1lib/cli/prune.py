"""``f1 prune``: remove old runs that nothing standing is made from, and say what that freed."""

from __future__ import annotations

import argparse
import re
from datetime import timedelta

from f1lib.cli import output
from f1lib.cli.options import workspace_of

NAME = "prune"
HELP = "remove old executed notebooks, and features and models that no standing prediction names"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--keep AGE`` and ``--dry-run``."""
    text = "runs younger than this stay, such as 90d (default); an issued prediction or bronze is never removed"
    parser.add_argument("--keep", type=_days, default="90d", metavar="AGE", help=text)
    parser.add_argument("--dry-run", action="store_true", help="say what would be removed, and remove nothing")


def run(arguments: argparse.Namespace) -> int:
    """Remove what is old, and print a line a kind."""
    from f1lib.pipeline.prune import prunable, prune

    ws = workspace_of(arguments)
    gone = prunable(ws.store, ws.as_of, arguments.keep)
    sizes = {kind: sum(len(ws.store.read(key)) for key in keys) for kind, keys in gone.items()}
    if not arguments.dry_run:
        prune(ws.store, ws.tracking, ws.as_of, gone)
    for kind, keys in gone.items():
        output.print_plain(f"{kind}: {len(keys):,} files, {sizes[kind] / 1e6:,.1f} MB")
    verb = "would be freed" if arguments.dry_run else "freed"
    output.print_plain(f"{sum(sizes.values()) / 1e6:,.1f} MB {verb} in {ws.store.url}")
    return 0


def _days(text: str) -> timedelta:
    if not re.fullmatch(r"\d{1,5}d", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no age: write a number of days, such as 90d")
    return timedelta(days=int(text[:-1]))
