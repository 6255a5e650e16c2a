"""Queries of the notebooks in ``notebooks/explore``: seasons, drivers, circuits, a comparison of two models.

Functions read a `f1lib.Lake` or the model metadata, and return new frames; nothing is written.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pandas as pd

from f1lib.domain import lookup
from f1lib.errors import BadParameters, RunError
from f1lib.lake.parquet import records
from f1lib.lake.store import ObjectStore
from f1lib.model import registry
from f1lib.scoring import metrics
from f1lib.scoring import standings as scoring

if TYPE_CHECKING:
    from f1lib.api.lake import Lake

_LAST_RACES = 24


def races(lake: Lake, season: int | None = None, *, with_sprints: bool = False) -> pd.DataFrame:
    """Read every entrant of every race whose result is known.

    Parameters
    ----------
    lake : Lake
        The lake.
    season : int, optional
        One season; default: all.
    with_sprints : bool
        Sprints, too.

    Returns
    -------
    pandas.DataFrame
        Rows of silver's ``results``, one per race and entrant, by season, round and finishing position.

    Raises
    ------
    RunError
        There are none.
    """
    kinds = ("R", "S") if with_sprints else ("R",)
    rows = pd.concat([lake.results(season, session=kind) for kind in kinds], ignore_index=True)
    rows = rows[rows["is_entrant"] & rows["finishing_position"].notna()]
    if rows.empty:
        raise RunError(f"{lake!r} has no race results{f' of {season}' if season else ''}: run f1 run first")
    return rows.reset_index(drop=True)


def season_or_last(lake: Lake, season: int) -> int:
    """Return ``season``, or the last season with a race result when it is 0."""
    return season or int(races(lake)["event_year"].max())


def standings(results: pd.DataFrame, as_of: datetime) -> pd.DataFrame:
    """Rank the drivers of a season by official points, those of sprints included, ties by countback.

    Parameters
    ----------
    results : pandas.DataFrame
        `races` of one season, with its sprints.
    as_of : datetime
        Aware UTC; results visible then count.

    Returns
    -------
    pandas.DataFrame
        One row per driver, by standing: ``rank driver_id full_name team_name races wins podiums points mean_position
        retirements``; the mean place is that of races, counts are of races.
    """
    raced = results[results["session"] == "R"]
    lines = (
        raced.assign(retirements=(~raced["is_classified"].astype(bool)).astype(int))
        .groupby("driver_id", sort=False)
        .agg(
            races=("session", "size"), mean_position=("finishing_position", "mean"), retirements=("retirements", "sum")
        )
    )  # fmt: skip
    ranked = scoring.standings(results, "drivers", as_of).join(lines, on="contender")
    ranked["mean_position"] = ranked["mean_position"].astype("float64").round(2)
    columns = "rank driver_id full_name team_name races wins podiums points mean_position retirements".split()
    return ranked[columns].fillna({"races": 0, "retirements": 0}).astype({"races": int, "retirements": int})


def find_driver(results: pd.DataFrame, text: str) -> str:
    """Find the driver that a text means.

    Parameters
    ----------
    results : pandas.DataFrame
        Rows of `races`.
    text : str
        A driver id, three letters or part of a name, without regard to case and accents; empty: the last winner.

    Returns
    -------
    str
        The driver id.

    Raises
    ------
    BadParameters
        No driver fits, or several do.
    """
    last = results.groupby("driver_id", sort=False).tail(1)
    if not text:
        return str(results.loc[results["finishing_position"] == 1, "driver_id"].iloc[-1])
    names = {r["driver_id"]: [r["driver_id"], r["abbreviation"] or "", r["full_name"]] for r in records(last)}
    found = lookup.matches(text, names)
    if len(found) != 1:
        like = lookup.did_you_mean(text, [name for own in names.values() for name in own])
        fits = f" fits {', '.join(found[:8])}" if found else like or " fits nobody"
        raise BadParameters(f"driver {text!r}{fits}; give one id, such as max-verstappen")
    return found[0]


def driver_form(results: pd.DataFrame, driver: str, last: int = _LAST_RACES) -> pd.DataFrame:
    """Select the last races of one driver.

    Parameters
    ----------
    results : pandas.DataFrame
        Rows of `races`.
    driver : str
        Driver id.
    last : int
        Number of races.

    Returns
    -------
    pandas.DataFrame
        One row per race, oldest first: event, team, ``grid_position finishing_position teammate_position status
        status_reason points`` and ``mean_of_five``, the mean finishing position of this race and the four before.
    """
    own = results[results["driver_id"] == driver]
    mates = results[results["driver_id"] != driver][["event_partition_key", "team_id", "finishing_position"]]
    best = mates.groupby(["event_partition_key", "team_id"])["finishing_position"].min().rename("teammate_position")
    rows = own.join(best, on=["event_partition_key", "team_id"]).tail(last)
    mean = rows["finishing_position"].astype("float64").rolling(5, min_periods=1).mean().round(2)
    columns = ["event_year", "event_name", "team_id", "team_name", "abbreviation", "grid_position",
               "finishing_position", "teammate_position", "status", "status_reason", "points"]  # fmt: skip
    return rows[columns].assign(mean_of_five=mean).reset_index(drop=True)


def find_circuit(lake: Lake, text: str) -> str:
    """Find the circuit id that a text means, as events are found; empty: that of the last race with a result.

    Raises `BadParameters` when no circuit fits, or several do.
    """
    events = lake.calendar()
    if not text:
        last = races(lake)["event_partition_key"].iloc[-1]
        return str(events.loc[events["event_partition_key"] == last, "circuit_id"].iloc[0])
    known = sorted(map(str, events["circuit_id"].unique()))
    found = lookup.matches(text, {circuit: lookup.circuit_names(circuit) for circuit in known})
    if len(found) != 1:
        raise BadParameters(f"circuit {text!r} fits {', '.join(found) or 'none'}; the lake has {', '.join(known)}")
    return found[0]


def circuit_history(lake: Lake, circuit: str) -> pd.DataFrame:
    """Read the races at one circuit.

    Parameters
    ----------
    lake : Lake
        The lake.
    circuit : str
        Circuit id.

    Returns
    -------
    pandas.DataFrame
        The rows of `races` held there, one per race and entrant.
    """
    events = lake.calendar()
    held = set(events.loc[events["circuit_id"] == circuit, "event_partition_key"])
    rows = races(lake)
    return rows[rows["event_partition_key"].isin(held)].reset_index(drop=True)


def circuit_years(history: pd.DataFrame) -> pd.DataFrame:
    """Summarize each race at a circuit.

    Parameters
    ----------
    history : pandas.DataFrame
        Rows of `circuit_history`.

    Returns
    -------
    pandas.DataFrame
        One row per race, oldest first: ``event_year event_name winner winners_grid pole retirements starters
        grid_correlation``, the last the rank correlation of grid and result (Spearman).
    """
    lines = []
    for _, race in history.groupby(["event_year", "event_number"], sort=True):
        winner, known = race[race["finishing_position"] == 1].iloc[0], race[race["grid_position"].notna()]
        pole = known[known["grid_position"] == 1]["full_name"]
        ranks = [metrics.dense_rank(known[c].astype(float)) for c in ("grid_position", "finishing_position")]
        lines.append(
            {
                "event_year": int(winner["event_year"]), "event_name": str(winner["event_name"]),
                "winner": winner["full_name"],
                "winners_grid": winner["grid_position"], "pole": pole.iloc[0] if len(pole) else None,
                "retirements": int((~race["is_classified"].astype(bool)).sum()), "starters": len(race),
                "grid_correlation": round(metrics.spearman(*ranks), 3),
            }
        )  # fmt: skip
    return pd.DataFrame(lines)


def two_runs(store: ObjectStore, first: str, second: str) -> list[str]:
    """Choose two model runs to compare.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    first, second : str
        Run ids; an empty one is filled with a run that serves, pre_race first, or else the newest run.

    Returns
    -------
    list of str
        Two run ids.

    Raises
    ------
    RunError
        The lake has fewer than two runs.
    """
    served = registry.champion(store)["horizons"]
    spare = [served[h]["run_id"] for h in ("pre_race", "post_qualifying", "post_practice") if h in served]
    spare += [run["run_id"] for run in registry.list_runs(store)]
    chosen = [run for run in (first, second) if run]
    chosen += [run for run in dict.fromkeys(spare) if run not in chosen]
    if len(chosen) < 2:
        raise RunError(f"lake {store.url} has {len(chosen)} model run(s); two are needed: run 05_train")
    return chosen[:2]


def about_runs(store: ObjectStore, runs: list[str]) -> pd.DataFrame:
    """Describe model runs.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    runs : list of str
        Run ids.

    Returns
    -------
    pandas.DataFrame
        One row per run, in the order of ``runs``: ``run_id model horizon as_of rows races last_event target features``;
        the last is the number of features.
    """
    names = ("run_id", "model", "horizon", "as_of", "rows", "races", "last_event", "target")
    found = [registry.metadata(store, run) for run in runs]
    return pd.DataFrame([{**{n: m[n] for n in names}, "features": len(m["features"])} for m in found])


def paired(store: ObjectStore, runs: list[str]) -> pd.DataFrame:
    """Pair the validation scores of two model runs by race.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    runs : list of str
        Two run ids.

    Returns
    -------
    pandas.DataFrame
        One row per race that both were scored on and metric: ``event_partition_key metric first second difference``;
        ``difference`` is second minus first.
    """
    scores = [
        pd.DataFrame(registry.metadata(store, run)["validation"]).set_index("event_partition_key") for run in runs
    ]
    common = [event for event in scores[0].index if event in scores[1].index]
    sides = [s.loc[common, list(metrics.METRICS)].rename_axis(columns="metric").stack() for s in scores]
    both = pd.DataFrame({"first": sides[0], "second": sides[1]}).reset_index()
    return both.assign(difference=both["second"] - both["first"])


def comparison(pairs: pd.DataFrame) -> pd.DataFrame:
    """Compare two model runs by metric.

    Parameters
    ----------
    pairs : pandas.DataFrame
        Rows of `paired`.

    Returns
    -------
    pandas.DataFrame
        One row per metric: ``metric races first second difference standard_error better_beyond_noise``: means over
        races, their difference with its standard error, and ``first``, ``second`` or ``neither`` (within two standard
        errors).
    """
    lines = []
    for name in metrics.METRICS:
        rows = pairs[pairs["metric"] == name]
        if rows.empty:
            continue
        difference, error = metrics.mean_and_error(rows["difference"])
        gain = difference if name in metrics.HIGHER_IS_BETTER else -difference
        better = "neither" if name == "coverage" or abs(difference) <= 2 * error else "second" if gain > 0 else "first"
        means = {"first": rows["first"].mean(), "second": rows["second"].mean()}
        found = {"difference": difference, "standard_error": error, "better_beyond_noise": better}
        lines.append({"metric": name, "races": len(rows), **means, **found})
    return pd.DataFrame(lines)


def issued(lake: Lake, season: int) -> pd.DataFrame:
    """Read the scores of the predictions issued for one season.

    Parameters
    ----------
    lake : Lake
        The lake.
    season : int
        The season.

    Returns
    -------
    pandas.DataFrame
        One row per race, horizon and system: ``event_name horizon system winner p_winner mae spearman rps
        win_log_loss``; empty before the first score.
    """
    columns = "event_name horizon system winner p_winner mae spearman rps win_log_loss".split()
    scores = lake.scores()
    rows = scores[(scores["event_year"] == season) & (scores["session"] == "R")] if len(scores) else scores
    return rows.reindex(columns=columns).reset_index(drop=True)
