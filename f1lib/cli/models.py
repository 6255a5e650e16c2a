"""``f1 models``: which runs there are, what one is, who serves, training one by hand, and going back."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from f1lib.cli import output
from f1lib.cli.layout import Column
from f1lib.cli.options import common_options, workspace_of
from f1lib.domain.weekend import HORIZONS
from f1lib.model import registry

NAME = "models"
HELP = "model runs: list, show, train, promote, roll back"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add ``list``, ``show RUN``, ``train MODEL``, ``promote RUN`` and ``rollback HORIZON``."""
    actions = parser.add_subparsers(required=True, metavar="ACTION", dest="action")

    def add(name: str, text: str, do: Callable[[argparse.Namespace], None]) -> argparse.ArgumentParser:
        child = actions.add_parser(name, help=text, description=text, parents=[common_options()])
        child.set_defaults(of_models=do)
        return child

    named = "a run, as `f1 models list` names it"
    listed = add("list", "every finished run, newest first: its scores, who serves, the gate's word", _list)
    listed.add_argument("--horizon", default="", choices=HORIZONS, help="one horizon only")
    listed.add_argument("--json", action="store_true", dest="as_json", help="the same as JSON")
    show = add("show", "a run's metadata and the gate's decision with its figures, as JSON", _show)
    show.add_argument("run_id", help=named)
    train = add("train", "train a configuration, and show its scores beside those of who serves", _train)
    train.add_argument("model", help="a file of parameters/models")
    train.add_argument("--horizon", default="", choices=HORIZONS, help="one horizon only")
    train.add_argument("--promote", action="store_true", help="let it serve if the gate allows")
    promote = add("promote", "put a run before the gate; it serves if the gate allows", _promote)
    promote.add_argument("run_id", help=named)
    reason = "why it was rightly trained on fewer events than the champion"
    promote.add_argument("--fewer-events", default="", metavar="WHY", help=reason)
    back = add("rollback", "let the champion before the present one serve again", _rollback)
    back.add_argument("horizon", choices=HORIZONS, help="the horizon whose champion goes")


def run(arguments: argparse.Namespace) -> int:
    """Run the action that was named."""
    arguments.of_models(arguments)
    return 0


def _list(arguments: argparse.Namespace) -> None:
    store = workspace_of(arguments).store
    runs = [r for r in registry.list_runs(store) if arguments.horizon in ("", r["horizon"])]
    if arguments.as_json:
        output.print_json(runs)
    elif not runs:
        output.print_line(f"lake {store.url} has no finished model run; `f1 run` trains one after a race")
    else:
        _table(f"{len(runs)} model runs, newest first", runs)


def _train(arguments: argparse.Namespace) -> None:
    from f1lib.model import registry
    from f1lib.pipeline.tick import run_stage
    from f1lib.tracking.stage_keys import Stage

    ws = workspace_of(arguments)
    served = registry.champion(ws.store)["horizons"]
    given = {name: getattr(arguments, name) for name in ("model", "horizon", "promote")}
    said = {d["run_id"]: d for d in run_stage(ws, Stage.TRAIN, given).result["decisions"]}
    shown = {*said, *(served[d["horizon"]]["run_id"] for d in said.values() if d["horizon"] in served)}
    runs = [run for run in registry.list_runs(ws.store) if run["run_id"] in shown]
    for run in runs:
        run["why"] = said.get(run["run_id"], run)["why"]
    title = f"{arguments.model} beside who served, each validated on the last races it was not fitted to"
    _table(title, sorted(runs, key=lambda run: HORIZONS.index(run["horizon"])))


def _table(title: str, runs: list[dict[str, Any]]) -> None:
    figures = {"MAE": "mae", "Spearman": "spearman", "RPS": "rps", "win log-loss": "win_log_loss"}
    short = {"Spearman": "rho", "win log-loss": "win ll"}
    columns = [Column("run"), Column("horizon", rank=6), Column("rows", right=True, rank=5)]
    columns += [Column(name, short.get(name, ""), right=True, rank=rank) for rank, name in enumerate(figures, 1)]
    columns += [Column("serves", "on"), Column("the gate's word", "gate", wraps=True, rank=7)]
    rows = []
    for run in runs:
        values = (f"{run[metric]:.4f}" for metric in figures.values())
        rows.append([run["run_id"], run["horizon"], run["rows"], *values, "yes" if run["serves"] else "", run["why"]])
    output.print_table(columns, rows, title=title)


def _show(arguments: argparse.Namespace) -> None:
    output.print_json(registry.show(workspace_of(arguments).store, arguments.run_id))


def _promote(arguments: argparse.Namespace) -> None:
    from f1lib.evaluation import gate

    ws = workspace_of(arguments)
    verdict = gate.promote(ws.store, arguments.run_id, ws.as_of, fewer_events=arguments.fewer_events)
    output.print_line(f"{arguments.run_id} serves: {verdict.why}")


def _rollback(arguments: argparse.Namespace) -> None:
    ws = workspace_of(arguments)
    entry = registry.rollback(ws.store, arguments.horizon, ws.as_of)
    output.print_line(f"{entry['run_id']} serves {arguments.horizon} again: {entry['why']}")
