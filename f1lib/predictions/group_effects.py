"""Why a prediction is what it is: what each group of features moves, in places.

The model that served is asked again with one group's features set to the field's average for everybody; the
difference of the expected positions is what the group gave. It is asked through the same ONNX graph, so that the
whole model is explained (linear part, trees and hazard) and no pickle is loaded. Groups share what they know
about a driver, so the effects do not add up to his distance from the middle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from f1lib.errors import RunError
from f1lib.lake.features import columns_by_group, group_words
from f1lib.lake.paths import SUCCESS, run_key
from f1lib.model.serving import load_serving
from f1lib.predictions.archive import features_of

if TYPE_CHECKING:
    import pandas as pd

    from f1lib.lake.store import ObjectStore
    from f1lib.model.serving import Serving

# An effect below this is not put into words.
SPOKEN_PLACES = 0.15
SPOKEN_GROUPS = 3


def explain(store: ObjectStore, prediction: pd.DataFrame) -> pd.DataFrame:
    """What each group of features moves each driver, in places; negative is forward.

    One row a driver of ``prediction`` (index ``driver_id``, its order), one column a group, the strongest first.
    Groups the model does not read are left out. Raises `RunError` when the model run or the features of the
    prediction are no longer in the lake.
    """
    features = features_of(store, prediction).set_index("driver_id", drop=False)
    run_id = str(prediction["model_run_id"].iloc[0])
    if not store.exists(run_key(run_id, SUCCESS)):
        raise RunError(f"lake {store.url} no longer has {run_key(run_id, SUCCESS)}: the prediction cannot be explained")
    effects = group_effects(load_serving(store, run_id), features.rename_axis(None))
    return effects.loc[prediction["driver_id"].tolist()]


def group_effects(serving: Serving, features: pd.DataFrame) -> pd.DataFrame:
    """See `explain`; ``features`` are gold's rows of one race, their index is kept."""
    import pandas as pd

    said = serving.forecast_session(features)["predicted_position"]
    effects = {}
    for group, columns in columns_by_group(serving.features).items():
        flat = features.assign(**{c: features[c].mean() for c in columns})
        effects[group] = said - serving.forecast_session(flat)["predicted_position"]
    found = pd.DataFrame(effects, index=features.index)
    return found[found.abs().mean().sort_values(ascending=False, kind="stable").index]


def in_words(effects: pd.Series[float]) -> str:
    """One driver's effects in a sentence: what moves him forward, what back, the strongest first."""
    strong = effects[effects.abs() >= SPOKEN_PLACES].sort_values(key=lambda e: -e.abs(), kind="stable")
    forward = [_spoken(group, size) for group, size in strong.items() if size < 0][:SPOKEN_GROUPS]
    back = [_spoken(group, size) for group, size in strong.items() if size > 0][:SPOKEN_GROUPS]
    if not forward and not back:
        return "Nothing sets him apart from the field's average."
    parts = ([f"forward by {_listed(forward)}"] if forward else []) + ([f"back by {_listed(back)}"] if back else [])
    return f"Moved {', '.join(parts)}."


def _spoken(group: object, size: float) -> str:
    return f"{group_words(str(group))} ({abs(size):.1f})"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
