"""Head-to-heads of an issued prediction: any two drivers, and team-mates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from f1lib.domain.weekend import plain
from f1lib.errors import BadParameters
from f1lib.model.serving import load_serving
from f1lib.predictions.archive import features_of

if TYPE_CHECKING:
    from f1lib.lake.store import ObjectStore

_NAMES = ["abbreviation", "driver_id", "full_name"]


def head_to_heads(store: ObjectStore, prediction: pd.DataFrame) -> pd.DataFrame:
    """Compute who finishes ahead of whom in one prediction, from the joint order of its race.

    Parameters
    ----------
    store : ObjectStore
        The lake, with the features and the model run that the prediction was made from.
    prediction : pandas.DataFrame
        An issued prediction, a row per driver.

    Returns
    -------
    pandas.DataFrame
        A row and a column a driver (ids), in the predicted order: P(row finishes ahead of column), NaN on the diagonal.

    Raises
    ------
    RunError, StorageError
        The lake no longer has the features or the model run.
    """
    serving = load_serving(store, str(prediction["model_run_id"].iloc[0]))
    race = features_of(store, prediction).sort_values("driver_id", ignore_index=True)
    drivers = race["driver_id"].astype(str)
    chances = pd.DataFrame(serving.ahead(race), index=drivers, columns=drivers)
    order = prediction["driver_id"].tolist()
    return chances.loc[order, order]


def find_driver(prediction: pd.DataFrame, text: str) -> str:
    """Find the driver of a prediction that a text means.

    Parameters
    ----------
    prediction : pandas.DataFrame
        A row per driver.
    text : str
        Three letters, an id, a name or a part of it.

    Returns
    -------
    str
        The driver's id.

    Raises
    ------
    BadParameters
        Nobody fits, or several do.
    """
    names = prediction[_NAMES].astype(str).map(plain)
    exact, part = ((names == plain(text)).any(axis=1), names.apply(lambda c: c.str.contains(plain(text), regex=False)))
    fits = prediction.loc[exact if exact.any() else part.any(axis=1), "driver_id"].astype(str).tolist()
    if len(fits) != 1:
        known = ", ".join(prediction["abbreviation"].astype(str))
        raise BadParameters(f"driver {text!r} fits {', '.join(fits[:5]) or 'nobody'}; there are {known}")
    return str(fits[0])


def team_mates(prediction: pd.DataFrame, chances: pd.DataFrame) -> list[dict[str, Any]]:
    """List the head-to-heads of team-mates.

    Parameters
    ----------
    prediction : pandas.DataFrame
        A row per driver, in the predicted order.
    chances : pandas.DataFrame
        `head_to_heads`.

    Returns
    -------
    list of dict
        A row a pair, by team as predicted: ``team_name``, ``ahead`` and ``behind`` (full names, the likelier first) and
        ``p_ahead``.
    """
    names = dict(zip(prediction["driver_id"], prediction["full_name"], strict=True))
    found = []
    for team, own in prediction.groupby("team_name", sort=False):
        drivers = own["driver_id"].tolist()
        for first, second in ((a, b) for k, a in enumerate(drivers) for b in drivers[k + 1 :]):
            share = float(chances[second][first])
            pair = (first, second) if share >= 0.5 else (second, first)
            shown = {"team_name": str(team), "ahead": str(names[pair[0]]), "behind": str(names[pair[1]])}
            found.append({**shown, "p_ahead": max(share, 1 - share)})
    return found
