"""Door 2: the command ``f1``. Builds the parser from the subcommands and maps errors to exit statuses.

An error is one line on standard error; ``--verbose`` adds the log and the traceback.
"""

from __future__ import annotations

import argparse
import logging
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NoReturn, Protocol

from f1lib.cli.options import BAD_USE, DONE, FAILED, TAKEN, common_options
from f1lib.cli.output import colored, plain_letters, print_line, print_plain, visible
from f1lib.errors import AlreadyRunning, BadParameters, F1LibError
from f1lib.lake.provenance import made_by


class Command(Protocol):
    """What the module of a subcommand defines. Libraries that take long to import are imported by `run`."""

    NAME: str
    HELP: str

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add the options beside those that every command takes."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do what is asked and return the exit status."""


# The names of the subcommands and of their modules, in the order of the help.
COMMANDS = tuple(
    "run stage status backfill ingest predictions championship penalty models replay backtest score doctor prune "
    "init".split()
)
SHELLS = ("bash", "zsh", "tcsh")
_STATUS = {BadParameters: BAD_USE, AlreadyRunning: TAKEN}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    plain_letters()
    given = sys.argv[1:] if argv is None else argv
    arguments = build_parser([name for name in COMMANDS if name in given]).parse_args(given)
    verbosity = getattr(arguments, "verbose", 0)
    try:
        with _log_shown(verbosity), colored(getattr(arguments, "color", "auto")):
            status: int = arguments.run(arguments)
        return status
    except KeyboardInterrupt:
        print("f1: interrupted; what was finished is kept", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output went away, as `f1 status | head` does
        sys.stderr.close()
        return DONE
    except Exception as error:
        if verbosity:
            print_plain(traceback.format_exc(), sys.stderr)
        unexpected = f"unexpected {type(error).__name__}: {error} (--verbose shows where)"
        print_line(f"f1: {error if isinstance(error, F1LibError) else unexpected}", stderr=True)
        return next((status for kind, status in _STATUS.items() if isinstance(error, kind)), FAILED)


def build_parser(named: Sequence[str] = ()) -> argparse.ArgumentParser:
    """Build the command line; the common options may stand before or after the subcommand.

    Of the subcommands ``named`` the modules are imported and the options known; of all without any, as for the help.
    """
    common: Any = common_options()
    parser = _Parser(prog="f1", description="A Formula 1 race predictor", parents=[common], allow_abbrev=False)
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version of the code and exit")
    text = "print the completion of this command for a shell and exit"
    parser.add_argument("--completion", action=_Completion, choices=SHELLS, metavar="SHELL", help=text)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name in COMMANDS:
        if named and name not in named:
            commands.add_parser(name)
            continue
        command: Command = import_module(f"f1lib.cli.{name}")
        told: Any = {"help": command.HELP, "description": command.HELP}
        child = commands.add_parser(command.NAME, parents=[common], allow_abbrev=False, **told)
        command.add_options(child)
        child.set_defaults(run=command.run)
    return parser


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Print what was wrong, wrapped as everything else is, and exit."""
        self.print_usage(sys.stderr)
        print_line(f"{self.prog}: error: {message}", stderr=True)
        self.exit(BAD_USE)


class _Version(argparse.Action):
    """``f1lib 0.2.0+97bb2a9f``, in a checkout also its commit; the package's files are read only when asked."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Print the version and exit."""
        found = made_by()
        commit = f" (commit {found['commit']})" if "commit" in found else ""
        print(f"f1lib {found['code_version']}{commit}")
        parser.exit()


class _Completion(argparse.Action):
    """Completion by shtab: written once from the parser, so that no TAB starts Python."""

    def __call__(self, parser: argparse.ArgumentParser, _: Any, values: Any, *__: Any) -> None:
        """Print the script and exit."""
        import shtab

        print_plain(shtab.complete(build_parser(), shell=values))
        parser.exit()


class _Plain(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return visible(super().format(record))


@contextmanager
def _log_shown(verbosity: int) -> Iterator[None]:
    """Write f1lib's log to standard error while a command runs: from INFO at 1, from DEBUG at 2, none at 0."""
    logger, handler = logging.getLogger("f1lib"), logging.StreamHandler()
    level = logger.level
    handler.setFormatter(_Plain("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    if verbosity:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO if verbosity == 1 else logging.DEBUG)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


if __name__ == "__main__":
    sys.exit(main())
