"""Walk-forward backtest: train on the races before each race, then forecast it as in production.

A forecast here is the one that `f1lib.predictions` would have issued: the same rows, the same fit, the same
distribution. What production computes by the model's ONNX graph is computed natively, which differs by some 1e-8.
`f1lib.scoring.scorecard` turns forecasts into the scorecard of docs/scoring.md.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pandas as pd

from f1lib.domain.weekend import HORIZONS, RACE_OR_SPRINT
from f1lib.errors import BadParameters
from f1lib.evaluation import imagined
from f1lib.lake import parquet
from f1lib.lake.paths_published import scorecard_key
from f1lib.lake.store import ObjectStore, write_json
from f1lib.model import fit, train
from f1lib.model.config import ModelConfig, config_names, load_config
from f1lib.model.serving import STARTS, Serving
from f1lib.scoring import baselines, scorecard
from f1lib.workspace.settings import Settings

KEYS = ["event_partition_key", "event_year", "event_number", "driver_id"]
LABELS = fit.LABELS
FORECAST = (
    "predicted_score predicted_position predicted_rank p_win p_podium p_points p_dnf position_p10 position_p50 "
    "position_p90 expected_points position_probabilities"
).split()
# Horizons scored by default: those of the figures in docs/scoring.md.
SCORED_HORIZONS = ("post_qualifying", "pre_race")
REFIT_EVERY = 4  # docs/scoring.md: at least every 4 races; the configuration that serves is refitted after each
Answer = Callable[[Serving, pd.DataFrame], pd.DataFrame]  # what is asked of a model about one race


def _forecast(serving: Serving, race: pd.DataFrame) -> pd.DataFrame:
    return serving.forecast_session(race)[FORECAST]


def walk_forward(
    training: pd.DataFrame,
    config: ModelConfig,
    horizon: str,
    first: int,
    last: int,
    refit_every: int,
    threads: int,
    session: str = "R",
    events: Collection[str] = (),
    answer: Answer = _forecast,
) -> pd.DataFrame:
    """Forecast every race or sprint of several seasons with models of the races before.

    A model is fitted on all races before the first of its block and kept for ``refit_every`` races, counted from the
    season's first. Production trains after each race, which is ``refit_every=1``.

    Parameters
    ----------
    training : pandas.DataFrame
        Gold's training dataset.
    config : ModelConfig
        The model configuration.
    horizon : str
        One of `HORIZONS`.
    first, last : int
        First and last season, inclusive.
    refit_every : int
        Races that share a model.
    threads : int
        Blocks of races computed at once.
    session : {"R", "S"}
        Races, or sprints.
    events : collection of str
        Partition keys of the events to forecast; empty: all.
    answer : callable
        What is asked of the model about one race: a frame with the index of its rows. By default the forecast.

    Returns
    -------
    pandas.DataFrame
        One row per event and predicted driver, in the order the races were held: `KEYS`, `LABELS` (null for a driver
        who did not start) and the columns of ``answer``, by default `FORECAST`.

    Raises
    ------
    BadParameters
        The seasons have no such race.
    RunError
        Too few races were held before the first.
    """
    available = train.feature_columns(training)
    read = dict.fromkeys([*train.columns_read(config, available), *STARTS])
    few = training[[c for c in read if c in training]]  # each refit copies from it
    rows = of_horizon(few, horizon, session)
    wanted = rows[rows["event_partition_key"].isin(events)] if events else rows
    blocks = _blocks(wanted, first, last, refit_every, session)

    def forecast(block: list[int]) -> list[pd.DataFrame]:
        return forecast_block(rows, config, horizon, block, available, session, answer)

    with fit.one_thread(), ThreadPoolExecutor(threads) as pool:
        found = [race for races in pool.map(forecast, blocks) for race in races]
    return pd.concat(found, ignore_index=True)


def forecast_block(
    rows: pd.DataFrame,
    config: ModelConfig,
    horizon: str,
    block: list[int],
    available: list[str],
    session: str = "R",
    answer: Answer = _forecast,
) -> list[pd.DataFrame]:
    """Forecast races that share a model, fitted on the races before the first of them.

    Parameters
    ----------
    rows : pandas.DataFrame
        Training rows of one horizon (`of_horizon`).
    config : ModelConfig
        The model configuration.
    horizon : str
        The horizon of ``rows``, for the message of an error.
    block : list of int
        Race numbers (column ``race`` of ``rows``), ascending.
    available : list of str
        Feature columns of the training dataset.
    session : {"R", "S"}
        Races, or sprints.
    answer : callable
        See `walk_forward`.

    Returns
    -------
    list of pandas.DataFrame
        One frame per race, as `walk_forward` describes.

    Raises
    ------
    RunError
        Too few races were held before the first.
    """
    past = rows[(rows["race"] < block[0]) & (rows["session"] == "R") & rows["finishing_position"].notna()]
    fitted = fit.fit(fit.enough(past, horizon), config, available)
    serving = fitted.serving()
    races = [rows[(rows["race"] == number) & (rows["session"] == session)] for number in block]
    return [race[KEYS + LABELS].join(answer(serving, race)) for race in races]


def walk_baseline(
    training: pd.DataFrame,
    name: str,
    horizon: str,
    first: int,
    last: int,
    events: Collection[str] = (),
    session: str = "R",
) -> pd.DataFrame:
    """Forecast every race or sprint of several seasons with a baseline, its table counted anew before each.

    The table of a race counts the races before it; that of a sprint counts earlier races and sprints.

    Parameters
    ----------
    training : pandas.DataFrame
        Gold's training dataset.
    name : str
        A key of `baselines.SLOT_COLUMNS`.
    horizon : str
        One of `HORIZONS`.
    first, last : int
        First and last season, inclusive.
    events : collection of str
        Partition keys of the events to forecast; empty: all.
    session : {"R", "S"}
        Races, or sprints.

    Returns
    -------
    pandas.DataFrame
        As `walk_forward`.

    Raises
    ------
    BadParameters
        The seasons have no such race.
    """
    rows, column = of_horizon(training, horizon, session), baselines.SLOT_COLUMNS[name]
    history = baselines.history_of(rows, column).join(rows["race"])  # in the order of the races, as the rows are
    wanted = rows[rows["event_partition_key"].isin(events)] if events else rows
    wanted = wanted[wanted["session"] == session]
    races, before = wanted["race"].to_numpy(), history["race"].to_numpy()
    found = []
    for block in _blocks(wanted, first, last, 1, session):
        begin, end = races.searchsorted([block[0], block[0] + 1])
        earlier = history.iloc[: before.searchsorted(block[0])]
        found.append(baselines.predict(wanted.iloc[begin:end], earlier, column)[FORECAST])
    said = pd.concat(found)
    return wanted.loc[said.index, KEYS + LABELS].join(said).reset_index(drop=True)


def run(
    store: ObjectStore,
    settings: Settings,
    training: pd.DataFrame,
    first: int,
    last: int,
    models: list[str],
    horizons: list[str],
    refit_every: int = 0,
    session: str = "R",
    rain: str = "",
) -> dict[str, Any]:
    """Score models and all baselines by walk-forward, and write the scorecard.

    Written to `scorecard_key`: the scorecard as JSON, and as Parquet a row per race, system and metric.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    settings : Settings
        ``model`` names the configuration that serves; ``threads`` are used.
    training : pandas.DataFrame
        Gold's training dataset.
    first, last : int
        First and last season, inclusive.
    models : list of str
        Names of configurations; empty: all.
    horizons : list of str
        Some of `HORIZONS`; empty: `SCORED_HORIZONS`.
    refit_every : int
        Races that share a model. 0: the configuration that serves is refitted after each race, as in production, so
        that its forecasts equal the issued ones; the others every `REFIT_EVERY` races.
    session : {"R", "S"}
        Races, or sprints (predicted by models of the races before).
    rain : str
        Who forecasts rain: one of `imagined.FORECASTERS`; empty: those whose forecasts the lake has.

    Returns
    -------
    dict
        The scorecard; see `f1lib.scoring.scorecard.scorecard`.

    Raises
    ------
    BadParameters
        Unknown horizon or configuration, no configuration for the horizons, or no race in the seasons.
    RunError
        Too few races were held before the first.
    """
    configs = [load_config(name) for name in models or config_names()]
    wanted = horizons or list(SCORED_HORIZONS)
    strange = [h for h in wanted if h not in HORIZONS]
    if strange:
        raise BadParameters(f"no horizon {strange[0]!r}; there are {', '.join(HORIZONS)}")
    training = imagined.with_forecasts(training, rain)
    forecasts: dict[tuple[str, str, str], pd.DataFrame] = {}
    for horizon in wanted:
        for name in baselines.BY_HORIZON[horizon]:
            forecasts["baselines", name, horizon] = walk_baseline(training, name, horizon, first, last, (), session)
        for config in (c for c in configs if horizon in c.horizons):
            every = refit_every or (1 if config.name == settings.model else REFIT_EVERY)
            made = walk_forward(training, config, horizon, first, last, every, settings.threads, session)
            forecasts["models", config.name, horizon] = made
    if not any(kind == "models" for kind, _, _ in forecasts):
        raise BadParameters(f"none of {', '.join(c.name for c in configs)} is meant for {', '.join(wanted)}")
    card, scores = scorecard.scorecard(forecasts, scorecard.phases(training[training["session"] == session]))
    card = {"session": session, **({"rain": rain} if rain else {}), **card}
    write_json(store, scorecard_key(session, "json"), card)
    parquet.write_parquet(store, scorecard_key(session, "parquet"), scores)
    return card


def of_horizon(training: pd.DataFrame, horizon: str, session: str = "R") -> pd.DataFrame:
    """Select the training rows of one horizon and number the races.

    Parameters
    ----------
    training : pandas.DataFrame
        Gold's training dataset.
    horizon : str
        One of `HORIZONS`.
    session : {"R", "S"}
        With S the rows of sprints are included beside those of races.

    Returns
    -------
    pandas.DataFrame
        One row per event, session and driver, in that order; ``race`` counts the weekends 0, 1, 2 ... in the order
        held.

    Raises
    ------
    BadParameters
        The training dataset has no rows at the horizon.
    """
    rows = training[(training["horizon"] == horizon) & training["session"].isin(["R", session])]
    if rows.empty:
        raise BadParameters(f"the training dataset has no rows at horizon {horizon}")
    rows = rows.sort_values([*fit.RACE, "session", "driver_id"], kind="stable", ignore_index=True)
    return rows.assign(race=fit.race_index(rows))


def _blocks(rows: pd.DataFrame, first: int, last: int, refit_every: int, session: str) -> list[list[int]]:
    """Group race numbers into blocks that share a model: ``refit_every`` races, counted from each season's first.

    Raises `BadParameters` when the seasons have none.
    """
    held = rows[rows["finishing_position"].notna() & (rows["session"] == session)]
    held = held[held["event_year"].between(first, last)]
    blocks = []
    for _, races in held.groupby("event_year")["race"]:
        numbers = sorted(races.unique().tolist())
        blocks += [numbers[i : i + refit_every] for i in range(0, len(numbers), refit_every)]
    if not blocks:
        kind, horizon = RACE_OR_SPRINT[session], rows["horizon"].iloc[0]
        raise BadParameters(f"no {kind} of {first}..{last} has a result in the training dataset at {horizon}")
    return blocks
