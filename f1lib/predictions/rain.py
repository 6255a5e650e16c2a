"""Rain in a prediction, in words: the chance that was used, what it does, and how far a new forecast moved whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from f1lib.lake.integrity import readable_json
from f1lib.lake.paths import METADATA, run_key
from f1lib.lake.store import ObjectStore

if TYPE_CHECKING:
    import pandas as pd

_FORECAST_ERRORS = 2.0  # standard errors by which forecasts must be off to be said to run high or low


def in_words(store: ObjectStore, run_id: str, chance: float | None) -> str:
    """Say which chance of a wet race a prediction rests on, and what it does.

    Parameters
    ----------
    store : ObjectStore
        The lake, for the metadata of the model run.
    run_id : str
        The model run.
    chance : float or None
        Chance of a wet race that the prediction rests on, ``p_rain``; None or NaN when none was known.

    Returns
    -------
    str
        Empty for a model without rain.
    """
    learned = readable_json(store, run_key(run_id, METADATA)).get("rain", {})
    if not learned:
        return ""
    if not learned["learned"]:
        seen, least = learned["wet_races"], learned["fewest_wet_races"]
        return f"Rain changes nothing: the model has seen {seen} wet races, and learns from {least} on."
    if chance is None or chance != chance:
        return "No chance of rain was known: the forecast covers a dry race and a wet one alike."
    wide, likely, seen = learned["width"] ** 0.5, learned["hazard"], learned["wet_races"]
    return (
        f"Chance of a wet race {100 * chance:.0f} %. In the wet performances spread {wide:.2f} times as wide as in the "
        f"dry and retirements are {likely:.2f} times as likely ({seen} wet races); the order stays."
        f"{forecasts_in_words(learned['forecasts'])}"
    )


def forecasts_in_words(forecasts: Mapping[str, Any]) -> str:
    """Say that forecasts of rain ran high or low (``forecasts`` of `f1lib.model.rain.learn`); empty if neither."""
    off = forecasts["said"] - forecasts["wet"] if forecasts["races"] else 0.0
    if not forecasts["races"] or abs(off) <= _FORECAST_ERRORS * forecasts["se"]:
        return ""
    said, wet = 100 * forecasts["said"], 100 * forecasts["wet"]
    return (
        f" Forecasts at this lead run {'high' if off > 0 else 'low'}, which is made up for: they said {said:.0f} % on "
        f"average, and {wet:.0f} % of {forecasts['races']} races were wet."
    )


def change_in_words(before: pd.DataFrame, after: pd.DataFrame) -> list[str]:
    """Say how far a change of the chance of rain moved a prediction.

    Parameters
    ----------
    before, after : pandas.DataFrame
        Two predictions of one race, a row per driver with `archive.COLUMNS`.

    Returns
    -------
    list of str
        One sentence; none while the chance stays the same to a per cent.
    """
    then, now = (_percent(frame["p_rain"].iloc[0]) for frame in (before, after))
    if then == now:
        return []
    import numpy as np

    old = before.set_index("driver_id")["p_win"].reindex(after["driver_id"]).to_numpy("float64")
    moved = after.assign(before=old, by=np.abs(after["p_win"].to_numpy("float64") - old)).dropna(subset="by")
    most = moved.sort_values("by", kind="stable").iloc[-1] if len(moved) else None
    chances = "" if most is None else f"{100 * most['p_win']:.0f} % after {100 * most['before']:.0f} %"
    whom = "" if most is None else f"; most moved is {most['full_name']}, who wins in {chances}"
    return [
        f"Chance of a wet race {now} after {then}: a driver's place is uncertain by {spread(after):.2f} places after "
        f"{spread(before):.2f}{whom}."
    ]


def spread(prediction: pd.DataFrame) -> float:
    """Return the standard deviation of a driver's place, averaged over the drivers.

    Parameters
    ----------
    prediction : pandas.DataFrame
        A row per driver with ``position_probabilities``.

    Returns
    -------
    float
        In places; larger for a wider matrix.
    """
    import numpy as np

    matrix = np.array([np.asarray(row, dtype="float64") for row in prediction["position_probabilities"]])
    places = np.arange(1, matrix.shape[1] + 1)
    return float(np.sqrt(np.maximum(matrix @ places**2 - (matrix @ places) ** 2, 0)).mean())


def _percent(chance: float) -> str:
    return "unknown" if chance != chance else f"{100 * chance:.0f} %"
