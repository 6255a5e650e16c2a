"""Standings of a championship: official points, ties decided by countback.

Countback (FIA Sporting Regulations, "dead heat"): of those with equal points the one with more first places in races
is ahead, then the one with more second places, and so on; sprints give points and no places.

A standing is also one integer, the *key*, so that thousands of seasons are compared at once: the points in halves,
and below them the number of races finished in each of the first ten places. The greater key is ahead, and keys of
different races add up.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from f1lib.domain.csv_files import rows as csv_rows
from f1lib.domain.moments import parse_utc

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Keys = NDArray[np.int64]

KINDS = {"drivers": "driver_id", "teams": "team_lineage"}
_PLACES, _BITS = 10, 5  # five bits a place: 31 races
_POINTS_SHIFT = _PLACES * _BITS
_NAMES = ["driver_id", "abbreviation", "full_name", "team_id", "team_name", "team_lineage"]


def key_of_points(points: ArrayLike) -> Keys:
    """Return the keys of ``points`` without any place; points are whole or halves."""
    halves = np.rint(2 * np.asarray(points, dtype="float64")).astype("int64")
    return np.asarray(halves << _POINTS_SHIFT, dtype="int64")


def points_of_key(keys: ArrayLike) -> NDArray[np.float64]:
    """Return the points of keys."""
    return (np.asarray(keys, dtype="int64") >> _POINTS_SHIFT) / 2


def key_of_places(places: ArrayLike) -> Keys:
    """Return the keys of classified ``places`` in races, without points; NaN and places after the tenth are 0."""
    found = np.nan_to_num(np.asarray(places, dtype="float64"), nan=_PLACES + 1).astype("int64")
    counted = (found >= 1) & (found <= _PLACES)
    bits = np.int64(1) << (_BITS * (_PLACES - np.minimum(found, _PLACES)))
    return np.where(counted, bits, 0).astype("int64")


def gains(points: tuple[int, ...], entrants: int, *, is_race: bool) -> Keys:
    """Return what each place of a race or sprint adds to a key.

    Parameters
    ----------
    points : tuple of int
        The scale, from first place down.
    entrants : int
        Number of places.
    is_race : bool
        Whether places count for countback.

    Returns
    -------
    NDArray[np.int64]
        One key for each place, from the first.
    """
    scale = np.zeros(entrants)
    scale[: len(points)] = points[:entrants]
    places = key_of_places(np.arange(1, entrants + 1)) if is_race else 0
    return key_of_points(scale) + places


def standings(results: pd.DataFrame, kind: str, as_of: datetime) -> pd.DataFrame:
    """Rank the drivers or teams of one season.

    Parameters
    ----------
    results : pandas.DataFrame
        Silver's ``results`` of one season; rows of races and sprints visible at ``as_of`` count.
    kind : {"drivers", "teams"}
        The championship. A team that was renamed during the season is one team.
    as_of : datetime
        Aware UTC; points that were taken away by then are left out (``domain/data/points_deductions.csv``).

    Returns
    -------
    pandas.DataFrame
        One row per driver or team, the leader first: ``rank contender`` (driver id or team lineage), the columns of
        names and team as last seen, ``points wins podiums key``. Exact ties stand in the order of ``contender``.
    """
    own = KINDS[kind]
    seen = results[results["session"].isin(["R", "S"]) & (results["available_utc"] <= as_of)]
    seen = seen.sort_values(["event_number", "session"], kind="stable")
    place = seen["finishing_position"].where((seen["session"] == "R") & seen["is_classified"])
    counts = pd.crosstab(seen[own], place.astype("float64"))
    found = seen.groupby(own, sort=True).agg(**{name: (name, "last") for name in _NAMES if name != own})
    found["points"] = seen.groupby(own)["points"].sum().astype("float64")
    if kind == "teams":
        found["points"] -= _deducted(found["team_id"], seen, as_of)
    counts = counts.reindex(found.index, fill_value=0)
    numbers = counts.reindex(columns=range(1, 1 + int(max([*counts.columns, _PLACES]))), fill_value=0)
    weights = key_of_places(numbers.columns.to_numpy())
    found = found.assign(
        wins=numbers[1], podiums=numbers[[1, 2, 3]].sum(axis=1),
        key=key_of_points(found["points"]) + numbers.to_numpy(dtype="int64") @ weights,
    )  # fmt: skip
    order = pd.concat([found["points"], numbers], axis=1).sort_values(
        ["points", *numbers.columns], ascending=False, kind="stable"
    )
    ranked = found.loc[order.index].reset_index(names=own)
    columns = ["contender", *_NAMES, "points", "wins", "podiums", "key"]
    return ranked.assign(contender=ranked[own])[columns].assign(rank=range(1, len(ranked) + 1))


def _deducted(teams: pd.Series[Any], seen: pd.DataFrame, as_of: datetime) -> pd.Series[Any]:
    """Return the points taken from each team of ``teams`` by ``as_of``."""
    season = str(seen["event_year"].iloc[0]) if len(seen) else ""
    rows = csv_rows("domain/data/points_deductions.csv")
    taken = {
        row["team_id"]: float(row["points"])
        for row in rows
        if row["season"] == season and parse_utc(row["decided_utc"]) <= as_of
    }
    return teams.map(lambda team: taken.get(team, 0.0)).astype("float64")
