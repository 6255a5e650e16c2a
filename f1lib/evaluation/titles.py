"""Walk-forward scores of the title chances, after each round of past seasons, beside two baselines.

After each round but the last the titles are forecast from that round's standings and the model's forecast of the next
race before its weekend, fitted on earlier races only. The calendar of the rounds left is the one the lake holds: of
past seasons that is the season as it was run.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from f1lib.errors import BadParameters
from f1lib.evaluation import backtest, form_drift
from f1lib.evaluation.title_baselines import BASELINES
from f1lib.lake import parquet, silver_tables
from f1lib.lake.gold_tables import IDENTITY
from f1lib.lake.paths_published import scorecard_key
from f1lib.lake.store import ObjectStore, write_json
from f1lib.model.config import ModelConfig
from f1lib.scoring import championship, metrics
from f1lib.scoring.standings import KINDS, standings

HORIZON = "pre_weekend"
MODEL = "model"
_BINS = 10


def latents(
    training: pd.DataFrame, config: ModelConfig, first: int, last: int, refit_every: int, threads: int
) -> pd.DataFrame:
    """Forecast the latent race of every race before its weekend, by models of the races before.

    Parameters
    ----------
    training : pandas.DataFrame
        Gold's training dataset.
    config : ModelConfig
        A configuration that forecasts before a weekend.
    first, last : int
        First and last season, inclusive.
    refit_every, threads : int
        As of `backtest.walk_forward`.

    Returns
    -------
    pandas.DataFrame
        One row per race and driver: `backtest.KEYS`, `backtest.LABELS`, gold's columns of identity, ``mu sigma p_dnf``.

    Raises
    ------
    BadParameters
        The seasons have no race, or the configuration does not forecast before a weekend.
    """
    if HORIZON not in config.horizons:
        raise BadParameters(f"{config.name} forecasts {', '.join(config.horizons)}, not {HORIZON}")
    asked = (training, config, HORIZON, first, last, refit_every, threads, "R")
    found = backtest.walk_forward(*asked, answer=lambda serving, race: serving.predict(race)[championship.LATENT])
    who = training[(training["horizon"] == HORIZON) & (training["session"] == "R")]
    who = who[["event_partition_key", "driver_id", *(c for c in IDENTITY if c not in found)]]
    return found.merge(who, on=["event_partition_key", "driver_id"], how="left", validate="one_to_one")


def run(
    store: ObjectStore,
    training: pd.DataFrame,
    config: ModelConfig,
    first: int,
    last: int,
    refit_every: int,
    threads: int,
) -> dict[str, Any]:
    """Score the title chances of several seasons, and write the scorecard (``scorecard_championship``).

    Parameters
    ----------
    store : ObjectStore
        The lake: calendar and results in silver.
    training, config, first, last, refit_every, threads
        As of `latents`.

    Returns
    -------
    dict
        ``model seasons rounds``; ``means``: a row per championship and system with log-loss and Brier score, their
        standard errors over seasons and thirds of the season; ``by_round`` and ``by_season``; ``calibration`` of
        chances; ``coverage`` of the interval of final points; ``form_drift`` of these seasons.

    Raises
    ------
    BadParameters
        See `latents`.
    """
    forecasts = latents(training, config, first, last, refit_every, threads)
    silver = {name: silver_tables.read_table(store, name) for name in ("events", "sessions", "results")}
    years = sorted({int(year) for year in forecasts["event_year"]})
    rows = [row for year in years for row in _season(silver, year, forecasts[forecasts["event_year"] == year])]
    scores = pd.concat([part for row in rows for part in row["scores"]], ignore_index=True)
    tables = pd.concat([row["table"] for row in rows], ignore_index=True)
    card = {
        "model": config.name,
        "seasons": years,
        "rounds": len(rows),
        "means": _means(scores),
        "by_round": _by(scores, "after_round"),
        "by_season": _by(scores, "event_year"),
        "calibration": _calibration(tables),
        "coverage": _coverage(tables),
        "form_drift": form_drift.summary(form_drift.form_drift(forecasts)),
    }
    write_json(store, scorecard_key("championship", "json"), card)
    parquet.write_parquet(store, scorecard_key("championship", "parquet"), scores)
    return card


def _season(silver: Mapping[str, pd.DataFrame], season: int, forecasts: pd.DataFrame) -> list[dict[str, Any]]:
    """Forecast and score the titles after each round of a season that is not the last."""
    results = silver["results"]
    results = results[(results["event_year"] == season) & results["session"].isin(["R", "S"])]
    races = results[results["session"] == "R"].groupby("event_number")["available_utc"].max()
    end = results["available_utc"].max().to_pydatetime()
    final = {kind: standings(results, kind, end).set_index("contender") for kind in KINDS}
    ends = [rows.assign(championship=kind, champion=rows["rank"] == 1) for kind, rows in final.items()]
    outcome = pd.concat(ends).reset_index()[["championship", "contender", "points", "champion"]]
    found = []
    for after, (number, moment) in enumerate(zip(races.index[:-1], races.iloc[:-1], strict=True), start=1):
        following = forecasts[forecasts["event_number"] == races.index[after]]
        following = following.sort_values("driver_id", ignore_index=True)
        if following.empty:
            continue  # its race has no row in the training dataset
        seen = moment.to_pydatetime()
        table = _forecast(silver, results, season, following, seen)
        third = 3 * (after - 1) // (len(races) - 1) + 1
        keys = {"event_year": season, "after_round": int(number), "third": third}
        scored = [_scored(keys, kind, table, results, final[kind], seen, len(races) - after) for kind in KINDS]
        joined = table.merge(outcome, on=["championship", "contender"], how="left")
        found.append({"scores": scored, "table": joined.assign(**keys)})
    return found


def _forecast(
    silver: Mapping[str, pd.DataFrame], results: pd.DataFrame, season: int, following: pd.DataFrame, seen: datetime
) -> pd.DataFrame:
    left = championship.left_of_season(silver["events"], silver["sessions"], results, season, seen)
    latent = following.set_index("driver_id")[championship.LATENT]
    outings = championship.outings_of(left, latent, {})
    return championship.championship(results, following, outings, seen)


def _scored(
    keys: Mapping[str, int],
    kind: str,
    table: pd.DataFrame,
    results: pd.DataFrame,
    final: pd.DataFrame,
    seen: datetime,
    left: int,
) -> pd.DataFrame:
    """Score the model and the baselines after one round: a row a system."""
    champion = str(final.index[final["rank"] == 1][0])
    own = table[table["championship"] == kind]
    chances = {MODEL: pd.Series(own["p_title"].to_numpy(), index=own["contender"])}
    now, known = standings(results, kind, seen), results[results["available_utc"] <= seen]
    for name, baseline in BASELINES.items():
        chances[name] = pd.Series(baseline(now, known, kind, left), index=now["contender"])
    rows = []
    for system, given in chances.items():
        given = given if champion in given.index else pd.concat([given, pd.Series({champion: 0.0})])
        p = float(given[champion])
        brier = float(((given - (given.index == champion)) ** 2).sum())
        loss = float(-np.log(max(p, metrics.PROBABILITY_FLOOR)))
        rows.append({**keys, "championship": kind, "system": system, "p_champion": p, "log_loss": loss, "brier": brier})
    return pd.DataFrame(rows)


def _means(scores: pd.DataFrame) -> list[dict[str, Any]]:
    """Average over all rounds; the standard error is that of the means of seasons, whose rounds share an outcome."""
    rows = []
    for (kind, system), own in scores.groupby(["championship", "system"], sort=False):
        row: dict[str, Any] = {"championship": kind, "system": system, "rounds": len(own)}
        for name in ("log_loss", "brier"):
            seasons = own.groupby("event_year")[name].mean()
            row |= {name: float(own[name].mean()), f"{name}_se": metrics.mean_and_error(seasons)[1]}
            row[f"{name}_thirds"] = [float(v) for v in own.groupby("third")[name].mean()]
        rows.append(row)
    return rows


def _by(scores: pd.DataFrame, column: str) -> list[dict[str, Any]]:
    """Average the log-loss by season or by round: a row each, a column ``<championship>_<system>``."""
    pairs = ["championship", "system"]
    wide = scores.pivot_table(index=column, columns=pairs, values="log_loss", aggfunc="mean", sort=False)
    wide.columns = ["_".join(pair) for pair in wide.columns]
    counted = scores.groupby(column)[["event_year", "after_round"]].nunique().max(axis=1)
    counts = counted.rename("seasons" if column == "after_round" else "rounds")
    return parquet.records(wide.sort_index().join(counts).reset_index())


def _calibration(tables: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """Compare chances of those who could still win with how often they did, in bins of equal width."""
    found = {}
    for kind, own in tables[tables["can_still_win"]].groupby("championship"):
        happened = own["champion"].fillna(False).astype("float64")
        found[str(kind)] = metrics.reliability(own["p_title"], happened, _BINS)
    return found


def _coverage(tables: pd.DataFrame) -> dict[str, float]:
    """Compute the share of final points inside the interval of 80 %, over contenders who had points."""
    own = tables[(tables["points_now"] > 0) & tables["points"].notna()]
    inside = (own["points"] >= own["points_p10"]) & (own["points"] <= own["points_p90"])
    return {str(kind): float(share) for kind, share in inside.groupby(own["championship"]).mean().items()}
