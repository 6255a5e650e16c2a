"""The walk-forward scorecard from a lake: history brought up to gold first, then `evaluation.backtest`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from f1lib.errors import RunError
from f1lib.pipeline.tick import tick
from f1lib.tracking.stage_keys import Stage

if TYPE_CHECKING:
    from f1lib.workspace.workspace import Workspace

_HISTORY = frozenset((Stage.SCHEDULE, Stage.INGEST, Stage.WEATHER, Stage.SILVER, Stage.GOLD))


def bring_history(ws: Workspace) -> None:
    """Run the stages up to gold that are due; raises `RunError` when one fails."""
    result = tick(ws, stages=_HISTORY)
    if result.failures:
        raise RunError(result.failures[0].error)


def backtest_history(
    ws: Workspace, first: int, last: int, models: list[str], horizons: list[str], refit_every: int, session: str = "R"
) -> dict[str, Any]:
    """The scorecard of ``models`` over seasons ``first``..``last``; see `evaluation.backtest.run` for its arguments."""
    from f1lib.evaluation import backtest
    from f1lib.gold import build

    bring_history(ws)
    training = build.build_training_dataset(ws)  # what stands is kept, unless an older f1lib made it
    return backtest.run(ws, training, first, last, models, horizons, refit_every, session)
