"""Door 2: the command ``f1``. One function a subcommand; the work is done by the modules they call.

Exit status 0, or 1 with one line on standard error; ``--verbose`` adds the traceback.
"""

from __future__ import annotations

import argparse
import json
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from f1lib.cli import backfill, ingest, models
from f1lib.errors import BadParameters, F1LibError
from f1lib.workspace.settings import SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from f1lib.workspace.workspace import Workspace


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    try:
        status: int = arguments.command(arguments)
        return status
    except F1LibError as error:
        if getattr(arguments, "verbose", False):
            traceback.print_exc()
        print(f"f1: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("f1: interrupted; what was finished is kept", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output went away, as `f1 status | head` does
        sys.stderr.close()
        return 0
    except Exception as error:
        if getattr(arguments, "verbose", False):
            traceback.print_exc()
        print(f"f1: unexpected {type(error).__name__}: {error} (--verbose shows where)", file=sys.stderr)
        return 1


def build_parser() -> argparse.ArgumentParser:
    """The command line; the common options may stand before or after the subcommand."""
    common = _common_options()
    parser = argparse.ArgumentParser(prog="f1", description="A Formula 1 race predictor", parents=[common])
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version of the code and exit")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Any, text: str) -> argparse.ArgumentParser:
        child = commands.add_parser(name, help=text, description=text, parents=[common])
        child.set_defaults(command=command)
        return child

    add("run", _run, "one tick: do whatever is due now and nothing else")
    stage = add("stage", _stage, "run one stage on request")
    stage.add_argument("name", help="05_train, or train")
    stage.add_argument("-p", nargs=2, action="append", default=[], metavar=("KEY", "VALUE"), dest="parameters")
    status = add("status", _status, "what is known of the weekend at hand, and what is due next")
    status.add_argument("--conflicts", action="store_true", help="what the sources state differently")
    backfill.add_options(add("backfill", _backfill, "what bringing whole seasons in on AWS takes and costs"))
    ingest.add_options(add("ingest", _ingest, "bring timing in by hand: of the last weeks, or of past seasons"))
    predictions = add("predictions", _predictions, "the newest prediction of an event")
    _prediction_options(predictions)
    models.add_parsers(add("models", _models, "model runs: list, show, promote, roll back"), [common])
    replay = add("replay", _replay, "live through a season by the production path, and score what was issued")
    replay.add_argument("--season", type=int, required=True)
    replay.add_argument("--event", default="", help="one event only")
    _json_option(replay)
    _backtest_options(add("backtest", _backtest, "walk forward through seasons, strictly past, and score"))
    return parser


class _Version(argparse.Action):
    """``f1lib 0.2.0+97bb2a9f``, in a checkout also its commit; the package's files are read only when asked."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from f1lib.lake.provenance import made_by

        found = made_by()
        commit = f" (commit {found['commit']})" if "commit" in found else ""
        print(f"f1lib {found['code_version']}{commit}")
        parser.exit()


def _backtest_options(backtest: argparse.ArgumentParser) -> None:
    backtest.add_argument("--from", type=int, required=True, dest="first")
    backtest.add_argument("--to", type=int, required=True, dest="last")
    backtest.add_argument("--model", action="append", default=[], help="a configuration; repeat for several")
    backtest.add_argument("--horizon", action="append", default=[], help="a horizon; repeat for several")
    text = "races between refits (default: 1 for the configuration that serves, 4 for the others)"
    backtest.add_argument("--refit-every", type=int, default=0, choices=(1, 2, 3, 4), help=text)
    text = "R scores races, S sprints; default R"
    backtest.add_argument("--session", default="R", choices=("R", "S"), help=text)
    _json_option(backtest)


def _prediction_options(predictions: argparse.ArgumentParser) -> None:
    predictions.add_argument("event", help="2025_Abu_Dhabi_Grand_Prix, or a part of it")
    predictions.add_argument("--session", choices=("R", "S"), default="R", help="the race (R) or the sprint (S)")
    text = "predict a changed race without storing it: weather=wet, VER.grid_position=20; repeat for several"
    predictions.add_argument("--set", action="append", default=[], metavar="CHANGE", dest="changes", help=text)
    form = predictions.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", dest="as_json")
    form.add_argument("--csv", action="store_true", dest="as_csv")


def _json_option(command: argparse.ArgumentParser) -> None:
    text = "write the figures to FILE, or without one to standard output instead of the table"
    command.add_argument("--json", nargs="?", const="-", default="", metavar="FILE", dest="json_file", help=text)


def _common_options() -> argparse.ArgumentParser:
    """The options every command takes; suppressed defaults let them stand on either side of it."""
    none = argparse.SUPPRESS
    common = argparse.ArgumentParser(add_help=False)
    group = common.add_argument_group("options everywhere")
    group.add_argument("--source", choices=SOURCES, default=none)
    group.add_argument("--f1db", default=none, metavar="PATH_OR_URL", help="an F1DB CSV release")
    group.add_argument("--lake", default=none, metavar="URL", help="folder, file:///... or s3://bucket/prefix")
    group.add_argument("--tracking", default=none, metavar="URL", help="sqlite:///file or dynamodb://table")
    group.add_argument("--now", default=none, metavar="ISO", help="the moment to act at (default: the clock)")
    group.add_argument("--verbose", action="store_true", default=none, help="show tracebacks")
    return common


def _open(arguments: argparse.Namespace) -> Workspace:
    from f1lib.workspace.workspace import open_workspace

    names = ("source", "f1db", "lake", "tracking")
    given = {name: getattr(arguments, name) for name in names if hasattr(arguments, name)}
    ws = open_workspace(**given, as_of=getattr(arguments, "now", ""))
    for notice in ws.notices:
        print(f"*** {notice} ***", file=sys.stderr)
    return ws


def _run(arguments: argparse.Namespace) -> int:
    from f1lib.cli import output

    ws = _open(arguments)
    result = output.tick_with_progress(ws)
    if not result.runs:
        output.nothing_due(ws)
    else:
        output.show_outcome(ws, result)
    if result.failures:
        failed = "; ".join(dict.fromkeys(run.error for run in result.failures))
        print(
            f"f1: {len(result.failures)} stage(s) failed and will be retried by the next run: {failed}", file=sys.stderr
        )
        return 1
    return 0


def _stage(arguments: argparse.Namespace) -> int:
    from f1lib.pipeline.tick import run_stage

    ws = _open(arguments)
    run = run_stage(ws, arguments.name, dict(arguments.parameters))
    print(json.dumps(run.result, indent=2, ensure_ascii=False))
    print(f"record: {run.notebook_key} in {ws.store.url}", file=sys.stderr)
    return 0


def _status(arguments: argparse.Namespace) -> int:
    from f1lib.cli import status as cli_status

    show = cli_status.show_conflicts if arguments.conflicts else cli_status.show_status
    show(_open(arguments))
    return 0


def _ingest(arguments: argparse.Namespace) -> int:
    return ingest.run(_open(arguments), arguments, fixed=hasattr(arguments, "now"))


def _backfill(arguments: argparse.Namespace) -> int:
    return backfill.run(_open(arguments), arguments)


def _predictions(arguments: argparse.Namespace) -> int:
    from f1lib.cli import output
    from f1lib.predictions import archive, whatif

    changes = [whatif.parse_change(text) for text in arguments.changes]
    ws = _open(arguments)
    event = output.find_event(ws, arguments.event)
    frame = (
        whatif.predict_changed(ws, event, changes, _notice, arguments.session)
        if changes
        else archive.read(event, lake=ws.store.url, session=arguments.session)
    )
    if arguments.as_json:
        print(frame.to_json(orient="records", date_format="iso", force_ascii=False, indent=2))
    elif arguments.as_csv:
        print(frame.drop(columns=["position_probabilities"]).to_csv(index=False), end="")
    else:
        output.show_predictions(ws, frame, [str(change) for change in changes])
    return 0


def _notice(text: str) -> None:
    print(f"*** {text} ***", file=sys.stderr)


def _models(arguments: argparse.Namespace) -> int:
    arguments.of_models(_open(arguments), arguments)
    return 0


def _replay(arguments: argparse.Namespace) -> int:
    from f1lib.cli import output
    from f1lib.lake.paths_published import DASHBOARD
    from f1lib.lake.store import LocalStore
    from f1lib.pipeline.replay import replay_season

    ws = _open(arguments)
    if not hasattr(arguments, "lake") and isinstance(ws.store, LocalStore):
        arguments.lake = f"{ws.store.root}-replay-{arguments.season}"  # the user's own lake may know the future
        ws = _open(arguments)
    summary = replay_season(ws, arguments.season, arguments.event, on_tick=output.replay_progress())
    _show(summary, output.show_replay, arguments.json_file)
    print(f"report: {output.location(ws, DASHBOARD)}", file=sys.stderr)
    return 0


def _backtest(arguments: argparse.Namespace) -> int:
    from f1lib.cli import output
    from f1lib.cli.backtest import backtest_history

    if arguments.first > arguments.last:
        raise BadParameters(f"--from {arguments.first} is after --to {arguments.last}")
    ws = _open(arguments)
    asked = (arguments.first, arguments.last, arguments.model, arguments.horizon, arguments.refit_every)
    card = backtest_history(ws, *asked, arguments.session)
    _show(card, output.show_scorecard, arguments.json_file)
    return 0


def _show(document: dict[str, Any], as_table: Callable[[dict[str, Any]], None], file: str) -> None:
    """A table for people; with a file the document goes there too, with ``-`` only it goes to standard output."""
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if file == "-":
        sys.stdout.write(text)
        return
    as_table(document)
    try:
        if file:
            Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadParameters(f"cannot write {file}: {error.strerror}") from error


if __name__ == "__main__":
    sys.exit(main())
