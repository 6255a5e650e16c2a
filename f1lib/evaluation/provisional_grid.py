"""What grid penalties are worth before the grid is official: walk-forward, with the penalties as they turned out.

An upper bound: F1DB says who was penalised, not when it was announced, and some learn of a start from the pit lane only
on the day of the race. Races in whose weekend a sprint set the grid (2021-22) stay without a provisional grid.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pandas as pd

from f1lib.domain.starting_grid import PIT_LANE, added_up
from f1lib.evaluation import backtest
from f1lib.gold.provisional import with_grid
from f1lib.model import fit, train
from f1lib.model.config import ModelConfig
from f1lib.scoring import metrics, scorecard

# Systems in the order of what they know; each but the first is paired with the first.
SYSTEMS = ("no penalty", "places and back of the grid", "pit lane too", "official grid")


def worth(
    training: pd.DataFrame, penalties: pd.DataFrame, config: ModelConfig, first: int, last: int, threads: int
) -> dict[str, Any]:
    """Score ``post_qualifying`` with and without the penalties, and ``pre_race``, refitted before each race.

    Parameters
    ----------
    training : pandas.DataFrame
        Gold's training dataset.
    penalties : pandas.DataFrame
        ``event_partition_key driver_id penalty``, a row a penalty of a race.
    config : ModelConfig
        The model configuration.
    first, last : int
        First and last season, inclusive.
    threads : int
        Races computed at once.

    Returns
    -------
    dict
        ``races``, ``penalised`` (those with a provisional grid), ``slots`` and ``slots_wrong`` (of the provisional
        grids with all penalties, against the official ones), ``means`` and ``paired``: system -> metric -> value, and
        ``<metric>_se``.

    Raises
    ------
    BadParameters
        The seasons have no race.
    RunError
        Too few races were held before the first.
    """
    asked = (first, last, 1, threads)
    plain = backtest.walk_forward(training, config, "post_qualifying", *asked)
    official = backtest.walk_forward(training, config, "pre_race", *asked)
    held = set(plain["event_partition_key"])
    known = penalties[penalties["event_partition_key"].isin(held)]
    grids = [provisional_races(training, part) for part in (known[known["penalty"] != PIT_LANE], known)]
    found = [plain, *(with_penalties(training, config, races, plain, threads) for races in grids), official]
    keys = {(system, "post_qualifying"): frame for system, frame in zip(SYSTEMS, found, strict=True)}
    card, scores = scorecard.scorecard({("models", *key): frame for key, frame in keys.items()}, {})
    slots, wrong = _agreement(training, grids[1])
    return {
        "races": card["races"],
        "penalised": len(grids[1]),
        "slots": slots,
        "slots_wrong": wrong,
        "means": {system: card["models"][system]["post_qualifying"] for system in SYSTEMS},
        "paired": paired(scores, SYSTEMS[0]),
    }


def paired(scores: pd.DataFrame, reference: str) -> dict[str, dict[str, float]]:
    """Compute the mean difference of each system from a reference over the same races.

    Parameters
    ----------
    scores : pandas.DataFrame
        A row per race and system: ``system``, ``event_partition_key`` and metrics (`scorecard.scorecard`).
    reference : str
        The system that is subtracted.

    Returns
    -------
    dict
        System -> metric -> mean difference, and ``<metric>_se``; the reference is left out.
    """
    by_system = {
        str(name): part.set_index("event_partition_key") for name, part in scores.groupby("system", sort=False)
    }
    base = by_system.pop(reference)
    found: dict[str, dict[str, float]] = {}
    for name, part in by_system.items():
        found[name] = {}
        for metric in metrics.METRICS:
            both = part[metric], base[metric].reindex(part.index)
            found[name][metric], found[name][f"{metric}_se"] = metrics.paired_difference(*both)
    return found


def provisional_races(training: pd.DataFrame, penalties: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the rows after qualifying of every penalised race, with its provisional grid.

    Parameters
    ----------
    training : pandas.DataFrame
        Gold's training dataset.
    penalties : pandas.DataFrame
        ``event_partition_key driver_id penalty``.

    Returns
    -------
    dict
        Event -> its rows at ``post_qualifying``, the grid columns filled.
    """
    rows = training[(training["horizon"] == "post_qualifying") & (training["session"] == "R")]
    gridded_by_sprint = (rows["is_sprint_weekend"] == 1) & rows["event_year"].between(2021, 2022)
    races = dict(list(rows[~gridded_by_sprint].groupby("event_partition_key")))
    found = {}
    for event, part in penalties.groupby("event_partition_key"):
        race = races.get(event)
        who = part if race is None else part[part["driver_id"].isin(race["driver_id"])]
        if race is not None and len(who):
            grid = with_grid(race, added_up(zip(who["driver_id"], who["penalty"], strict=True)))
            found[str(event)] = race[race.columns.difference(grid.columns, sort=False)].join(grid)
    return found


def with_penalties(
    training: pd.DataFrame,
    config: ModelConfig,
    races: Mapping[str, pd.DataFrame],
    otherwise: pd.DataFrame,
    threads: int,
) -> pd.DataFrame:
    """Replace the forecasts of penalised races by those of the model of ``pre_race``, fitted on the races before each.

    Parameters
    ----------
    training : pandas.DataFrame
        Gold's training dataset.
    config : ModelConfig
        The model configuration.
    races : mapping
        What `provisional_races` returned.
    otherwise : pandas.DataFrame
        The forecasts of all races at ``post_qualifying`` (`backtest.walk_forward`).
    threads : int
        Races computed at once.

    Returns
    -------
    pandas.DataFrame
        As ``otherwise``; the replaced races come last.
    """
    available = train.feature_columns(training)
    official = backtest.of_horizon(training, "pre_race")
    number = official.drop_duplicates("event_partition_key").set_index("event_partition_key")["race"]

    def forecast(event: str) -> pd.DataFrame:
        past = official[official["race"] < number[event]]
        rows = pd.concat([past, races[event].assign(race=number[event])], ignore_index=True)
        return backtest.forecast_block(rows, config, "pre_race", [int(number[event])], available)[0]

    with fit.one_thread(), ThreadPoolExecutor(threads) as pool:
        made = list(pool.map(forecast, races))
    return pd.concat([otherwise[~otherwise["event_partition_key"].isin(races)], *made], ignore_index=True)


def _agreement(training: pd.DataFrame, races: Mapping[str, pd.DataFrame]) -> tuple[int, int]:
    """Count the slots of provisional grids, and those that differ from the official grid (its starters only)."""
    official = training[(training["horizon"] == "pre_race") & (training["session"] == "R")]
    slots = official.set_index(["event_partition_key", "driver_id"])["grid_position"]
    total = wrong = 0
    for event, race in races.items():
        both = (
            race.set_index("driver_id")["grid_position"]
            .to_frame("ours")
            .join(slots[event].rename("theirs"), how="inner")
        )
        total += len(both)
        wrong += int((both["ours"].rank() != both["theirs"].rank()).sum())
    return total, wrong
