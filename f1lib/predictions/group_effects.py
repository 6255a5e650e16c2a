"""Effect of each group of features on the expected positions, in places.

The served model is evaluated again with the features of one group set to the field's average for every driver; the
difference of the expected positions is the effect of the group. The ONNX graph is evaluated, so that the whole model is
explained (linear part, trees and hazard) and no pickle is loaded. Groups share information about a driver, so the
effects do not add up to his distance from the middle of the field.
"""

from __future__ import annotations

import pandas as pd

from f1lib.errors import RunError
from f1lib.lake.features import columns_by_group, group_words
from f1lib.lake.paths import SUCCESS, run_key
from f1lib.lake.store import ObjectStore
from f1lib.model.serving import Serving, load_serving
from f1lib.predictions.archive import features_of

# Smaller effects are left out of the sentence (`in_words`).
SPOKEN_PLACES = 0.15
SPOKEN_GROUPS = 3


def explain(store: ObjectStore, prediction: pd.DataFrame) -> pd.DataFrame:
    """Compute the effect of each group of features on each driver of a prediction.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    prediction : pandas.DataFrame
        An issued prediction, a row per driver.

    Returns
    -------
    pandas.DataFrame
        One row per driver (index ``driver_id``, the order of ``prediction``), one column per group that the model
        reads, largest mean effect first. In places; negative is forward.

    Raises
    ------
    RunError
        The model run or the features of the prediction are no longer in the lake.
    """
    features = features_of(store, prediction).set_index("driver_id", drop=False)
    run_id = str(prediction["model_run_id"].iloc[0])
    if not store.exists(run_key(run_id, SUCCESS)):
        raise RunError(f"lake {store.url} no longer has {run_key(run_id, SUCCESS)}: the prediction cannot be explained")
    effects = group_effects(load_serving(store, run_id), features.rename_axis(None))
    return effects.loc[prediction["driver_id"].tolist()]


def group_effects(serving: Serving, features: pd.DataFrame) -> pd.DataFrame:
    """Compute the effect of each group of features that a model reads on each driver of a race; see `explain`.

    Parameters
    ----------
    serving : Serving
        The model run.
    features : pandas.DataFrame
        Gold's rows of one race or sprint, a row per driver.

    Returns
    -------
    pandas.DataFrame
        One row per driver with the index of ``features``, one column per group, largest mean effect first. In places;
        negative is forward.
    """
    said = serving.forecast_session(features)["predicted_position"]
    effects = {}
    for group, columns in columns_by_group(serving.features).items():
        flat = features.assign(**{c: features[c].mean() for c in columns})
        effects[group] = said - serving.forecast_session(flat)["predicted_position"]
    found = pd.DataFrame(effects, index=features.index)
    return found[found.abs().mean().sort_values(ascending=False, kind="stable").index]


def in_words(effects: pd.Series[float]) -> str:
    """Describe one driver's largest effects in a sentence.

    Parameters
    ----------
    effects : pandas.Series
        One row of `explain`: group to effect in places.

    Returns
    -------
    str
        At most `SPOKEN_GROUPS` groups that move him forward and as many that move him back, the largest first; effects
        below `SPOKEN_PLACES` are left out.
    """
    strong = effects[effects.abs() >= SPOKEN_PLACES].sort_values(key=lambda e: -e.abs(), kind="stable")
    forward = [_phrase(group, size) for group, size in strong.items() if size < 0][:SPOKEN_GROUPS]
    back = [_phrase(group, size) for group, size in strong.items() if size > 0][:SPOKEN_GROUPS]
    if not forward and not back:
        return "Nothing sets him apart from the field's average."
    parts = ([f"forward by {_listed(forward)}"] if forward else []) + ([f"back by {_listed(back)}"] if back else [])
    return f"Moved {', '.join(parts)}."


def _phrase(group: object, size: float) -> str:
    return f"{group_words(str(group))} ({abs(size):.1f})"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
