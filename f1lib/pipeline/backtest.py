"""The walk-forward scorecard from a lake: its history is brought up to gold first, then `f1lib.evaluation.backtest`."""

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
    ws: Workspace,
    first: int,
    last: int,
    models: list[str],
    horizons: list[str],
    refit_every: int,
    session: str = "R",
    rain: str = "",
) -> dict[str, Any]:
    """Bring the history in and score models by walking forward through it.

    Parameters
    ----------
    ws : Workspace
        Its lake is filled up to gold at ``ws.as_of``, and holds the scorecard afterwards.
    first, last : int
        Seasons, both included.
    models : list of str
        Names of configurations; empty for all.
    horizons : list of str
        Empty for `f1lib.evaluation.backtest.SCORED_HORIZONS`.
    refit_every : int
        Races between refits; 0 for 1 (the configuration that serves) or 4 (the others).
    session : str
        ``R`` scores races, ``S`` sprints.
    rain : str
        Who forecasts rain; see `f1lib.evaluation.backtest.run`.

    Returns
    -------
    dict
        The scorecard; see `f1lib.scoring.scorecard.scorecard`.

    Raises
    ------
    RunError
        A stage of the history failed.
    BadParameters
        An unknown configuration or horizon, or seasons without a result.
    """
    from f1lib.evaluation import backtest
    from f1lib.gold import build
    from f1lib.model.config import load_config

    for name in models:
        load_config(name)  # an unknown one is refused before any stage runs
    bring_history(ws)
    training = build.build_training_dataset(ws)  # what stands is kept, unless an older f1lib made it
    return backtest.run(ws.store, ws.settings, training, first, last, models, horizons, refit_every, session, rain)


def championship_history(ws: Workspace, first: int, last: int, model: str, refit_every: int) -> dict[str, Any]:
    """Bring the history in and score the title chances after each round, walking forward through it.

    Parameters
    ----------
    ws : Workspace
        Its lake is filled up to gold at ``ws.as_of``, and holds the scorecard afterwards.
    first, last : int
        Seasons, both included.
    model : str
        Name of a configuration; empty for the one that serves.
    refit_every : int
        Races between refits; 0 for 1, as in production.

    Returns
    -------
    dict
        See `f1lib.evaluation.titles.run`.

    Raises
    ------
    RunError
        A stage of the history failed.
    BadParameters
        An unknown configuration, one that does not forecast before a weekend, or seasons without a result.
    """
    from f1lib.evaluation import titles
    from f1lib.gold import build
    from f1lib.model.config import load_config

    config = load_config(model or ws.settings.model)
    bring_history(ws)
    training = build.build_training_dataset(ws)
    return titles.run(ws.store, training, config, first, last, refit_every or 1, ws.settings.threads)


def sources_history(
    ws: Workspace, first: int, last: int, model: str, horizons: list[str], refit_every: int, rain: str = ""
) -> list[dict[str, Any]]:
    """Bring the history in and score what each source of data gives a model; penalties where the source is F1DB.

    Parameters
    ----------
    ws : Workspace
        Its lake is filled up to gold at ``ws.as_of``.
    first, last : int
        Seasons, both included.
    model : str
        Name of a configuration; empty for the one that serves.
    horizons : list of str
        Empty for all of the configuration's.
    refit_every : int
        Races between refits; 0 for 1, as in production.
    rain : str
        Who forecasts rain, as in `backtest_history`.

    Returns
    -------
    list of dict
        See `f1lib.evaluation.source_worth.table`.

    Raises
    ------
    RunError
        A stage of the history failed.
    BadParameters
        An unknown configuration or horizon, or seasons without a result.
    """
    from f1lib.evaluation import imagined, source_worth
    from f1lib.gold import build
    from f1lib.model.config import load_config
    from f1lib.sources.f1db.source import F1dbSource

    config = load_config(model or ws.settings.model)
    wanted = [h for given in horizons or [""] for h in config.horizons_of(given)]
    bring_history(ws)
    training = imagined.with_forecasts(build.build_training_dataset(ws), rain)
    penalties = ws.source.grid_penalties() if isinstance(ws.source, F1dbSource) else None
    return source_worth.table(training, config, wanted, first, last, refit_every or 1, ws.settings.threads, penalties)
