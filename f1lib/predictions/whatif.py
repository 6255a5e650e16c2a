"""What-if: repeat an issued prediction of a race with changed inputs, without storing it.

>>> changes = [parse_change("weather=wet"), parse_change("VER.grid_position=20")]
>>> predict_changed(store, prediction, changes, source="f1db", say=print)

The model run and the features are those of the stored prediction. Features derived from a changed one change with it:

- a driver's ``grid_position`` or ``qualifying_position``: he is inserted at the new place and the others close up;
  ``grid_minus_qualifying`` and ``is_odd_slot`` follow. Gaps in time stay as driven: a penalty costs places, not pace.
- ``rain=0.7``: the chance that the race is run in the wet, whatever the forecast.
- ``weather=dry|mixed|wet``: a chance of rain of 0, 1/2 or 1, and the condition flags; dry also sets precipitation to 0.
  Temperature and wind stay. (Races with a few laps on wet tyres spread the field half as far as wet ones.)
- any other feature (``NOR.practice_rank=1``, or ``season_progress=0.5`` for all drivers) changes alone.

Before the grid is known, a ``grid_position`` changes the qualifying order, and the pre-race model is used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from f1lib.domain import lookup
from f1lib.domain.weekend import plain
from f1lib.errors import BadParameters
from f1lib.lake import features as lake_features
from f1lib.lake.parquet import records
from f1lib.lake.store import ObjectStore
from f1lib.model.registry import champion_of
from f1lib.model.serving import load_serving
from f1lib.predictions import archive, issue
from f1lib.predictions.archive import features_of
from f1lib.scoring.metrics import dense_rank

WEATHER = {"dry": (0.0, 0.0), "mixed": (0.0, 1.0), "wet": (1.0, 0.0)}  # weather_is_wet, weather_is_mixed
_NAMES = ("abbreviation", "driver_id", "full_name")
RAIN = {"dry": 0.0, "mixed": 0.5, "wet": 1.0}
_ORDERS = ("grid_position", "qualifying_position")
_FORM = (
    "a change is rain=0.7, weather=wet, VER.grid_position=20 or a feature for everybody, such as season_progress=0.5"
)


@dataclass(frozen=True)
class Change:
    """One change of an input: driver as the user named him (empty: all), feature, ``weather`` or ``rain``, value."""

    driver: str
    feature: str
    value: str

    def __str__(self) -> str:
        """Return the change as text, in the form that `parse_change` reads."""
        return f"{self.driver}{'.' if self.driver else ''}{self.feature}={self.value}"


def parse_change(text: str) -> Change:
    """Parse ``DRIVER.feature=value``, ``feature=value``, ``weather=wet`` or ``rain=0.7``; else `BadParameters`."""
    name, equals, value = (part.strip() for part in text.partition("="))
    driver, dot, feature = name.rpartition(".")
    if not equals or not feature or not value or (dot and not driver):
        raise BadParameters(f"cannot read {text!r}: {_FORM}")
    return Change(driver, feature, value)


def predict_changed(
    store: ObjectStore, stored: pd.DataFrame, changes: Sequence[Change], *, source: str, say: Callable[[str], None]
) -> pd.DataFrame:
    """Predict a race or sprint again with changed inputs.

    Parameters
    ----------
    store : ObjectStore
        The lake; nothing is written to it.
    stored : pandas.DataFrame
        The prediction that is made again, a row per driver.
    changes : sequence of Change
        Applied in order.
    source : str
        Source of the lake's data, for the column ``source``.
    say : callable
        Called with a message for a change that cannot have an effect: weather, of which the model has learned nothing.

    Returns
    -------
    pandas.DataFrame
        One row per driver with `archive.COLUMNS`, in the predicted order; ``as_of_utc`` is the stored prediction's.

    Raises
    ------
    BadParameters
        Unknown driver, feature or value, or a feature that the model does not read.
    RunError
        The lake no longer has its features.
    """
    first = stored.iloc[0]
    features = features_of(store, stored)
    run_id = str(first["model_run_id"])
    if features["grid_position"].isna().all() and any(c.feature == "grid_position" for c in changes):
        run_id = str(champion_of(store, "pre_race")["run_id"])
        features = _with_grid_from_qualifying(features, archive.event_of(stored))
    serving = load_serving(store, run_id)
    for change in changes:
        features = apply(features, change, serving.features)
        if change.feature not in ("weather", "rain"):
            continue
        if serving.rain:
            serving = serving.supposing_rain(chance_of_rain(change))
        elif change.feature == "rain" or not any(name.startswith("weather_") for name in serving.features):
            say(f"{change} moves nobody: model run {run_id} has learned nothing of rain")
    gold_run_id, hashed, as_of = str(first["gold_run_id"]), first["forecast_hash"], first["as_of_utc"]
    return issue.rows_of(features, serving, gold_run_id, hashed, as_of, source)


def apply(features: pd.DataFrame, change: Change, read: Sequence[str]) -> pd.DataFrame:
    """Apply one change to the features of a race.

    Parameters
    ----------
    features : pandas.DataFrame
        Gold's rows of one race, a row per driver.
    change : Change
        The change.
    read : sequence of str
        Features that the model reads.

    Returns
    -------
    pandas.DataFrame
        A changed copy of ``features``: same rows, order and columns.

    Raises
    ------
    BadParameters
        Unknown driver, feature or value, or a feature that the model does not read.
    """
    if change.feature == "rain":
        chance_of_rain(change)
        return features
    if change.feature == "weather":
        return _weather(features, change)
    names = lake_features.feature_names()
    if change.feature not in names:
        near = [n for n in names if plain(change.feature) in plain(n)] or list(read)
        raise BadParameters(f"{change}: there is no feature {change.feature!r}; perhaps {', '.join(near[:8])}")
    if change.feature not in read:
        raise BadParameters(f"{change}: the model does not read {change.feature}; it reads {', '.join(read)}")
    who = _rows_of_driver(features, change)
    value = _number(features, change)
    if change.feature in _ORDERS:
        if not change.driver:
            raise BadParameters(f"{change}: whose? Name the driver, such as VER.{change.feature}={change.value}")
        return _moved(features, who, change.feature, value)
    out = features.copy()
    out.loc[who, change.feature] = value
    return out


def chance_of_rain(change: Change) -> float:
    """Return the chance of a wet race that a change of ``rain`` or ``weather`` supposes; else raise `BadParameters`."""
    try:
        chance = RAIN[change.value] if change.feature == "weather" else float(change.value)
    except (KeyError, ValueError):
        chance = -1.0
    if change.driver or not 0 <= chance <= 1:
        wanted = "a chance from 0 to 1" if change.feature == "rain" else f"one of {', '.join(RAIN)}"
        raise BadParameters(f"{change}: the weather is everybody's, and {wanted}")
    return chance


def _moved(features: pd.DataFrame, who: pd.Series[bool], column: str, place: float) -> pd.DataFrame:
    """Insert one driver at ``place`` of an order, close up the others, and update the features derived from it."""
    out = features.copy()
    order = dense_rank(out[column].fillna(len(out) + 1.0).to_numpy()).astype("float64")
    others = (~who).to_numpy()
    rank = dense_rank(order[others]).astype("float64")
    order[others] = rank + (rank >= place)
    order[who.to_numpy()] = place
    out[column] = order
    if out["grid_position"].notna().any():
        out["grid_minus_qualifying"] = out["grid_position"] - out["qualifying_position"]
        out["is_odd_slot"] = out["grid_position"] % 2
    return out


def _weather(features: pd.DataFrame, change: Change) -> pd.DataFrame:
    chance_of_rain(change)
    wet, mixed = WEATHER[change.value]
    out = features.assign(weather_is_wet=wet, weather_is_mixed=mixed)
    return out.assign(weather_precipitation_mm=0.0) if change.value == "dry" else out


def _rows_of_driver(features: pd.DataFrame, change: Change) -> pd.Series[bool]:
    everybody = features["driver_id"].notna()
    if not change.driver:
        return everybody
    names = {row["driver_id"]: [row[c] or "" for c in _NAMES] for row in records(features[list(_NAMES)])}
    numbered = features.loc[features["driver_number"].astype("string") == change.driver, "driver_id"].tolist()
    found = numbered or lookup.matches(change.driver, names)
    if len(found) != 1:
        said = f"{change.driver!r} is {' or '.join(found)}" if found else f"no driver {change.driver!r} in this race"
        field = ", ".join(sorted(row[0] or row[1] for row in names.values()))
        raise BadParameters(f"{change}: {said}; it has {field}")
    return features["driver_id"] == found[0]


def _number(features: pd.DataFrame, change: Change) -> float:
    """Return the value of a change as a number within the feature's range."""
    try:
        value = float(change.value)
    except ValueError:
        raise BadParameters(f"{change}: {change.value!r} is no number; {_FORM}") from None
    unit = next(f.unit for f in lake_features.features() if f.name == change.feature)
    bounds = {"place": (1, len(features)), "rank": (1, len(features)), "0..1": (0, 1), "0/1": (0, 1)}
    low, high = bounds.get(unit, (float("-inf"), float("inf")))
    whole = unit in ("0/1", "rank") or change.feature in _ORDERS
    if not low <= value <= high or (whole and value != int(value)):
        wanted = f"a {'whole ' if whole else ''}number from {low:g} to {high:g}"
        raise BadParameters(f"{change}: {change.feature} ({unit}) takes {wanted}")
    return value


def _with_grid_from_qualifying(features: pd.DataFrame, event: str) -> pd.DataFrame:
    if features["qualifying_position"].isna().all():
        raise BadParameters(f"{event}: neither grid nor qualifying is known yet; there is no order to change")
    order = dense_rank(features["qualifying_position"].fillna(len(features) + 1.0).to_numpy()).astype("float64")
    return features.assign(
        horizon="pre_race",
        grid_position=order,
        grid_minus_qualifying=order - features["qualifying_position"],
        is_odd_slot=order % 2,
        is_pit_lane_start=0.0,
    )
