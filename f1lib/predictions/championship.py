"""Title chances: issued with each prediction of a race and at the season's end, kept, and read back.

>>> championship.newest(store, 2025, as_of)       # the forecast that stands, a row a driver and a row a team

The next race is simulated from the newest features of its weekend, every later one from the model's forecast before
a weekend; each issue is a file of its own and never changed.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from f1lib.domain.moments import format_utc
from f1lib.errors import RunError, TableError
from f1lib.lake import attribution, silver_tables, tables
from f1lib.lake.parquet import read_parquet, records, write_parquet
from f1lib.lake.paths import season_of_key, silver_prefix
from f1lib.lake.paths_published import PREDICTIONS_PREFIX, championship_key, championship_keys
from f1lib.model.registry import champion, champion_of
from f1lib.model.serving import load_serving
from f1lib.predictions.issue import horizon_of_model, newest_features
from f1lib.scoring import championship as scoring
from f1lib.scoring.seasons import Outing
from f1lib.scoring.standings import KINDS

if TYPE_CHECKING:
    import pandas as pd

    from f1lib.lake.store import ObjectStore

TABLE = "championship"
_BEFORE_WEEKEND = "pre_weekend"
# What tells two issues apart: not when they were made, nor the runs they come from.
_NAMES_OF_RUNS = ["as_of_utc", "model_run_id", "gold_run_id"]
# Columns that are equal in all rows of an issue.
_SHARED = (
    "event_year as_of_utc after_round next_event races_left sprints_left seasons seed model_run_id gold_run_id source"
).split()


def issue(store: ObjectStore, as_of: datetime, source: str, season: int = 0) -> pd.DataFrame:
    """Compute the title chances of a season and keep them, unless the last issue says the same.

    Parameters
    ----------
    store : ObjectStore
        The lake: silver, and for a season that is not over the features of the next race and the models that serve.
    as_of : datetime
        Aware UTC; nothing younger is used.
    source : str
        Source of the data: ``fastf1``, ``f1db`` or ``simulated``.
    season : int
        The season; 0: that of the last result.

    Returns
    -------
    pandas.DataFrame
        Table ``championship``: a row a driver, then a row a team, by standing. Empty when races are left that cannot be
        forecast: no model serves before a weekend, or gold has not built the features of the next race.

    Raises
    ------
    RunError
        The lake has no such season.
    """
    season = season or last_season(store, as_of)
    made = _made(store, as_of, source, season)
    before = _last_issue(store, season, as_of)
    if before is not None and _content(before) == _content(made):
        return before
    if len(made):
        write_parquet(store, championship_key(season, as_of), made)
    return made


def close_season(store: ObjectStore, as_of: datetime, source: str) -> pd.DataFrame:
    """Issue the final standings of the last season with a result once nothing of it is left.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    as_of : datetime
        Aware UTC.
    source : str
        Source of the data.

    Returns
    -------
    pandas.DataFrame
        Table ``championship`` that stands; empty for a season that is not over and of which nothing was issued.

    Raises
    ------
    RunError
        The lake has no result.
    """
    season = last_season(store, as_of)
    if _left(store, _results(store, season, as_of), season, as_of).empty:
        return issue(store, as_of, source, season)
    issued = _last_issue(store, season, as_of)
    return tables.empty(TABLE) if issued is None else issued


def newest(store: ObjectStore, season: int, as_of: datetime) -> pd.DataFrame:
    """Read the title chances of a season that stood at a moment.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    season : int
        The season; 0: the last one that was issued, or that has a result.
    as_of : datetime
        Aware UTC; later issues are not read.

    Returns
    -------
    pandas.DataFrame
        Table ``championship`` (columns and units in ``f1lib/lake/tables.csv``): first a row per driver, then a row per
        team, each by standing; ``championship`` is ``drivers`` or ``teams``. ``p_title points_now points_p10 points_p50
        points_p90 can_still_win needs`` are what most callers want. Of a season that was over before the lake issued
        anything, the final standings.

    Raises
    ------
    RunError
        The lake has no result of the season, or nothing was issued of one that is not over.
    """
    issued = _last_issue(store, season, as_of)
    if issued is not None:
        return issued
    season = season or last_season(store, as_of)
    results = _results(store, season, as_of)
    if len(_left(store, results, season, as_of)):
        raise RunError(
            f"lake {store.url} has no forecast of the championship of {season} known at {format_utc(as_of)}; `f1 run` "
            "issues one with each prediction of a race"
        )
    if results.empty:
        raise _unknown(store, season)
    return _made(store, as_of, str(results["source"].iloc[0]), season)


def issued_seasons(store: ObjectStore) -> dict[int, list[str]]:
    """Return the seasons of which chances were issued, each with the keys of its issues."""
    found: dict[int, list[str]] = {}
    for key in championship_keys(store.list(PREDICTIONS_PREFIX)):
        found.setdefault(int(season_of_key(key) or 0), []).append(key)
    return found


def read_issues(store: ObjectStore, season: int, as_of: datetime) -> pd.DataFrame:
    """Read all title chances issued for a season.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    season : int
        The season.
    as_of : datetime
        Aware UTC; later issues are not read.

    Returns
    -------
    pandas.DataFrame
        Table ``championship``, oldest first; those that cannot be read are left out (`f1 doctor` names them).
    """
    import pandas as pd

    keys = championship_keys(store.list(PREDICTIONS_PREFIX), season, as_of)
    issues = [found for key in keys if (found := _readable(store, key)) is not None]
    return pd.concat(issues, ignore_index=True) if issues else tables.empty(TABLE)


def document(table: pd.DataFrame) -> dict[str, Any]:
    """Convert an issue to JSON values.

    Parameters
    ----------
    table : pandas.DataFrame
        Table ``championship``.

    Returns
    -------
    dict
        What all rows share, and under ``drivers`` and ``teams`` the other columns, a row a contender.
    """
    rows = records(table)
    shared = {name: rows[0][name] for name in _SHARED}
    left_out = {*_SHARED, "championship"}
    own: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    for row in rows:
        own[row["championship"]].append({k: v for k, v in row.items() if k not in left_out})
    return {**shared, "attribution": attribution.attribution(str(shared["source"]), weather=False), **own}


def last_season(store: ObjectStore, as_of: datetime) -> int:
    """Return the season of the last race or sprint with a result; raises `RunError` when there is none."""
    seasons = sorted({year for key in store.list(silver_prefix("results")) if (year := season_of_key(key))})
    for season in reversed(seasons):
        if len(_results(store, season, as_of)):
            return season
    raise RunError(f"lake {store.url} has no result of a race known at {format_utc(as_of)}: run f1 run first")


def _last_issue(store: ObjectStore, season: int, as_of: datetime) -> pd.DataFrame | None:
    """Return the last issue that can be read, None when there is none; `f1 doctor` names the others."""
    issued = reversed(championship_keys(store.list(PREDICTIONS_PREFIX), season, as_of))
    return next((found for key in issued if (found := _readable(store, key)) is not None), None)


def _readable(store: ObjectStore, key: str) -> pd.DataFrame | None:
    try:
        return tables.conform(read_parquet(store, key), TABLE)
    except TableError:
        return None


def _content(issue: pd.DataFrame) -> list[dict[str, Any]]:
    """Return what makes an issue the same: all but its moment and the runs it comes from."""
    return records(issue.drop(columns=_NAMES_OF_RUNS))


def _results(store: ObjectStore, season: int, as_of: datetime) -> pd.DataFrame:
    """Read the results of a season's races and sprints that were visible at ``as_of``."""
    rows = silver_tables.read_table(store, "results", [season])
    return rows[rows["session"].isin(["R", "S"]) & (rows["available_utc"] <= as_of)]


def _left(store: ObjectStore, results: pd.DataFrame, season: int, as_of: datetime) -> pd.DataFrame:
    events, sessions = (silver_tables.read_table(store, name, [season]) for name in ("events", "sessions"))
    return scoring.left_of_season(events, sessions, results, season, as_of)


def _unknown(store: ObjectStore, season: int) -> RunError:
    return RunError(f"lake {store.url} has no calendar and no result of {season}")


def _made(store: ObjectStore, as_of: datetime, source: str, season: int) -> pd.DataFrame:
    """Compute the table of a season; empty when races are left that cannot be forecast."""
    results = _results(store, season, as_of)
    left = _left(store, results, season, as_of)
    if left.empty and results.empty:
        raise _unknown(store, season)
    field, outings, runs = results.head(0), list[Outing](), dict[str, str | None](model_run_id=None, gold_run_id=None)
    if len(left):
        found = _forecast(store, left, as_of)
        if found is None:
            return tables.empty(TABLE)
        field, outings, runs = found
    coming = left["event_name"].drop_duplicates().tolist()
    table = scoring.championship(results, field, outings, as_of, events=coming)
    made = table.assign(
        event_year=season, as_of_utc=as_of, next_event=coming[0] if coming else None, source=source,
        after_round=0 if results.empty else results["event_number"].max(),
        races_left=(left["session"] == "R").sum(), sprints_left=(left["session"] == "S").sum(),
        seasons=scoring.SEASONS, seed=scoring.SEED, **runs,
    )  # fmt: skip
    of_driver = ["driver_id", "abbreviation", "full_name"]
    made[of_driver] = made[of_driver].astype(object).mask(made["championship"] == "teams")
    return tables.conform(made, TABLE)


def _forecast(
    store: ObjectStore, left: pd.DataFrame, as_of: datetime
) -> tuple[pd.DataFrame, list[Outing], dict[str, str | None]] | None:
    """Forecast what is left: return the drivers, the races and sprints, and the runs that the forecast comes from.

    None when no model serves before a weekend, or gold has not built the features of the next race.
    """
    event = str(left["event_partition_key"].iloc[0])
    sessions = left.loc[left["event_partition_key"] == event, "session"].astype(str)
    try:
        usual, gold_run_id = newest_features(store, event, _BEFORE_WEEKEND, as_of)
        newest = {(event, session): newest_features(store, event, "", as_of, session)[0] for session in sessions}
    except RunError:
        return None
    field = usual.sort_values("driver_id", ignore_index=True)
    entry = champion(store)["horizons"].get(_BEFORE_WEEKEND)
    if entry is None:
        return None
    known = {raced: _latent(store, features) for raced, features in newest.items()}
    outings = scoring.outings_of(left, _latent(store, field)[0], known)
    return field, outings, {"model_run_id": str(entry["run_id"]), "gold_run_id": gold_run_id}


def _latent(store: ObjectStore, features: pd.DataFrame) -> tuple[pd.DataFrame, scoring.Weathers]:
    """Forecast the latent performance of each driver, and the weather, with the model that serves."""
    serving = load_serving(store, champion_of(store, horizon_of_model(features))["run_id"])
    race = features.sort_values("driver_id", ignore_index=True)
    return serving.latent(race)[scoring.LATENT].set_axis(race["driver_id"].astype(str)), serving.weathers(race)
