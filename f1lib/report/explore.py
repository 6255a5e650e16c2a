"""What the notebooks for people ask of a lake: seasons, drivers, circuits, two models side by side. Read only.

Every function takes the store, reads silver (or model metadata) and returns a new frame or a picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from f1lib.domain.weekend import plain
from f1lib.errors import BadParameters, RunError
from f1lib.lake import silver_tables
from f1lib.lake.parquet import records
from f1lib.lake.paths_published import ACCURACY
from f1lib.lake.store import read_json
from f1lib.model import registry
from f1lib.scoring import metrics

if TYPE_CHECKING:
    from f1lib.lake.store import ObjectStore

_LAST_RACES = 24


def races(store: ObjectStore, seasons: list[int] | None = None) -> pd.DataFrame:
    """Every entrant of every race in silver, in order of season, round and result; the rows of ``results``.

    Raises `RunError` when there are none.
    """
    rows = silver_tables.read_table(store, "results", seasons)
    rows = rows[(rows["session"] == "R") & rows["is_entrant"] & rows["finishing_position"].notna()]
    if rows.empty:
        raise RunError(f"lake {store.url} has no race results{f' of {seasons}' if seasons else ''}: run f1 run first")
    order = ["event_year", "event_number", "finishing_position"]
    return rows.sort_values(order, kind="stable", ignore_index=True)


def season_or_last(store: ObjectStore, season: int) -> int:
    """``season``, or, when it is 0, the last season with a race result."""
    return season or int(races(store)["event_year"].max())


def standings(results: pd.DataFrame) -> pd.DataFrame:
    """The drivers of one season's ``results`` by points of the races: ``rank full_name team_name races wins podiums
    points mean_position retirements``. Sprint points are not in them."""
    place = results["finishing_position"]
    lines = (
        results.assign(
            wins=(place == 1).astype(int),
            podiums=(place <= 3).astype(int),
            retirements=(~results["is_classified"].astype(bool)).astype(int),
        )
        .groupby("driver_id", sort=False)
        .agg(
            full_name=("full_name", "last"), team_name=("team_name", "last"), races=("wins", "size"),
            wins=("wins", "sum"), podiums=("podiums", "sum"), points=("points", "sum"),
            mean_position=("finishing_position", "mean"), retirements=("retirements", "sum"),
        )
    )  # fmt: skip
    ordered = lines.sort_values(["points", "mean_position"], ascending=[False, True], kind="stable").reset_index()
    return ordered.assign(
        rank=range(1, len(ordered) + 1), mean_position=ordered["mean_position"].astype(float).round(2)
    )[["rank", "driver_id", *lines.columns]]


def find_driver(results: pd.DataFrame, text: str) -> str:
    """The driver that ``text`` means (an id, a part of a name, three letters); empty: the last winner.

    Raises `BadParameters` when it fits nobody, or several.
    """
    last = results.groupby("driver_id", sort=False).tail(1)
    if not text:
        return str(results.loc[results["finishing_position"] == 1, "driver_id"].iloc[-1])
    wanted = plain(text)
    names = {str(r["driver_id"]): (plain(str(r["abbreviation"])), plain(str(r["full_name"]))) for r in records(last)}
    exact = {driver for driver, (letters, _) in names.items() if wanted in (plain(driver), letters)}
    found = sorted(exact or {driver for driver, (_, name) in names.items() if wanted in name})
    if len(found) != 1:
        raise BadParameters(
            f"driver {text!r} fits {', '.join(found[:8]) or 'nobody'}; give one id, such as max-verstappen"
        )
    return found[0]


def driver_form(results: pd.DataFrame, driver: str, last: int = _LAST_RACES) -> pd.DataFrame:
    """The last races of one driver, oldest first: place, grid, teammate's place, and the mean place of five races."""
    own = results[results["driver_id"] == driver]
    mates = results[results["driver_id"] != driver][["event_partition_key", "team_id", "finishing_position"]]
    best = mates.groupby(["event_partition_key", "team_id"])["finishing_position"].min().rename("teammate_position")
    rows = own.join(best, on=["event_partition_key", "team_id"]).tail(last)
    mean = rows["finishing_position"].astype("float64").rolling(5, min_periods=1).mean().round(2)
    columns = ["event_year", "event_name", "team_id", "team_name", "abbreviation", "grid_position",
               "finishing_position", "teammate_position", "status", "status_reason", "points"]  # fmt: skip
    return rows[columns].assign(mean_of_five=mean).reset_index(drop=True)


def find_circuit(store: ObjectStore, text: str) -> str:
    """The circuit id that ``text`` means; empty: that of the last race in silver. Raises `BadParameters`."""
    events = silver_tables.read_table(store, "events")
    if not text:
        last = races(store)["event_partition_key"].iloc[-1]
        return str(events.loc[events["event_partition_key"] == last, "circuit_id"].iloc[0])
    names = events[["circuit_id", "circuit"]].drop_duplicates().itertuples(index=False)
    found = sorted({c for c, name in names if plain(text) in (plain(c), plain(name))})
    if len(found) != 1:
        known = ", ".join(sorted(events["circuit_id"].unique()))
        raise BadParameters(f"circuit {text!r} fits {', '.join(found) or 'none'}; the lake has {known}")
    return str(found[0])


def circuit_history(store: ObjectStore, circuit: str) -> pd.DataFrame:
    """The races at one circuit, a row a driver: the rows of `races` there."""
    events = silver_tables.read_table(store, "events")
    held = set(events.loc[events["circuit_id"] == circuit, "event_partition_key"])
    rows = races(store)
    return rows[rows["event_partition_key"].isin(held)].reset_index(drop=True)


def circuit_years(history: pd.DataFrame) -> pd.DataFrame:
    """A row a race of `circuit_history`: winner, his grid slot, who started first, retirements, and how much the
    grid decided (rank correlation of grid and result)."""
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
    """The two model runs to compare; what is empty is filled with the runs that serve pre_race and post_qualifying.

    Raises `RunError` when there are no two.
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
    """A row a model run: what it was trained on and by which configuration."""
    names = ("run_id", "model", "horizon", "as_of", "rows", "races", "last_event", "target")
    found = [registry.metadata(store, run) for run in runs]
    return pd.DataFrame([{**{n: m[n] for n in names}, "features": len(m["features"])} for m in found])


def paired(store: ObjectStore, runs: list[str]) -> pd.DataFrame:
    """The validation races both of two runs were scored on: ``event_partition_key metric first second difference``."""
    scores = [
        pd.DataFrame(registry.metadata(store, run)["validation"]).set_index("event_partition_key") for run in runs
    ]
    common = [event for event in scores[0].index if event in scores[1].index]
    sides = [s.loc[common, list(metrics.METRICS)].rename_axis(columns="metric").stack() for s in scores]
    both = pd.DataFrame({"first": sides[0], "second": sides[1]}).reset_index()
    return both.assign(difference=both["second"] - both["first"])


def comparison(pairs: pd.DataFrame) -> pd.DataFrame:
    """A row a metric of `paired`: both means, their difference with its standard error, and which is better."""
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


def issued(store: ObjectStore, season: int) -> pd.DataFrame:
    """How the predictions issued for one season did, a row a race, horizon and system; empty before the first score.

    Columns: ``event_name horizon system winner p_winner mae spearman rps win_log_loss``.
    """
    columns = "event_name horizon system winner p_winner mae spearman rps win_log_loss".split()
    entries = read_json(store, ACCURACY)["predictions"] if store.exists(ACCURACY) else []
    rows = pd.DataFrame([e for e in entries if e["event_year"] == season], columns=["event_year", *columns])
    return rows[columns]
