"""The command ``f1 models``: which runs there are, what one is, who serves, and going back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from f1lib.workspace.workspace import Workspace


def add_parsers(models: argparse.ArgumentParser, parents: list[argparse.ArgumentParser]) -> None:
    """``list``, ``show RUN``, ``promote RUN`` and ``rollback HORIZON`` below ``f1 models``."""
    from f1lib.domain.weekend import HORIZONS

    actions = models.add_subparsers(required=True, metavar="ACTION", dest="action")

    def add(name: str, text: str, run: Callable[[Workspace, argparse.Namespace], None]) -> argparse.ArgumentParser:
        child = actions.add_parser(name, help=text, description=text, parents=parents)
        child.set_defaults(of_models=run)
        return child

    listed = add("list", "every finished run, newest first: its scores, who serves, the gate's word", _list)
    listed.add_argument("--horizon", default="", choices=HORIZONS, help="one horizon only")
    listed.add_argument("--json", action="store_true", dest="as_json")
    add("show", "a run's metadata and the gate's decision with its figures, as JSON", _show).add_argument("run_id")
    promote = add("promote", "put a run before the gate; it serves if the gate allows", _promote)
    promote.add_argument("run_id")
    back = add("rollback", "let the champion before the present one serve again", _rollback)
    back.add_argument("horizon", choices=HORIZONS)


def _list(ws: Workspace, arguments: argparse.Namespace) -> None:
    from f1lib.model import registry

    runs = [r for r in registry.list_runs(ws.store) if arguments.horizon in ("", r["horizon"])]
    if arguments.as_json:
        print(json.dumps(runs, indent=2, ensure_ascii=False))
    elif not runs:
        print(f"lake {ws.store.url} has no finished model run; `f1 run` trains one after a race")
    else:
        _table(runs)


def _table(runs: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=f"{len(runs)} model runs, newest first")
    for name in ("run", "horizon", "rows", "MAE", "Spearman", "RPS", "win log-loss", "serves", "the gate's word"):
        table.add_column(
            name, justify="right" if name in ("rows", "MAE", "Spearman", "RPS", "win log-loss") else "left"
        )
    for run in runs:
        figures = (f"{run[m]:.4f}" for m in ("mae", "spearman", "rps", "win_log_loss"))
        serves = "yes" if run["serves"] else ""
        table.add_row(escape(run["run_id"]), run["horizon"], str(run["rows"]), *figures, serves, escape(run["why"]))
    console = Console()
    (console if console.is_terminal else Console(width=200)).print(table)


def _show(ws: Workspace, arguments: argparse.Namespace) -> None:
    from f1lib.model import registry

    print(json.dumps(registry.show(ws.store, arguments.run_id), indent=2, ensure_ascii=False))


def _promote(ws: Workspace, arguments: argparse.Namespace) -> None:
    from f1lib.evaluation import gate

    print(f"{arguments.run_id} serves: {gate.promote(ws, arguments.run_id).why}")


def _rollback(ws: Workspace, arguments: argparse.Namespace) -> None:
    from f1lib.model import registry

    entry = registry.rollback(ws, arguments.horizon)
    print(f"{entry['run_id']} serves {arguments.horizon} again: {entry['why']}")
