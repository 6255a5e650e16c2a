"""Differences between two predictions of one race: positions and chances, and the inputs that changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from f1lib.domain.weekend import HORIZON_WORDS
from f1lib.predictions import rain

if TYPE_CHECKING:
    import pandas as pd

# Smaller moves of the expected position are not shown.
SHOWN_MOVE_PLACES = 0.05
_HORIZON_NEWS = {
    "post_practice": "the weekend's practice is known",
    "post_qualifying": "qualifying is known",
    "pre_race": "the official starting grid is known",
}


def what_changed(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Compare each driver's prediction with the one before.

    Parameters
    ----------
    before, after : pandas.DataFrame
        Two predictions of one race, a row per driver with `archive.COLUMNS`.

    Returns
    -------
    pandas.DataFrame
        One row per driver of ``after``, by predicted rank: ``driver_id full_name predicted_rank rank_before
        predicted_position position_moved p_win p_win_moved``. ``position_moved`` is in places, negative is forward;
        ``p_win_moved`` is a difference of probabilities. Null for a driver who was not predicted before.
    """
    old = before.set_index("driver_id")[["predicted_rank", "predicted_position", "p_win"]].add_suffix("_before")
    both = after.join(old, on="driver_id").sort_values("predicted_rank", ignore_index=True)
    both = both.assign(
        rank_before=both["predicted_rank_before"],
        position_moved=both["predicted_position"] - both["predicted_position_before"],
        p_win_moved=both["p_win"] - both["p_win_before"],
    )
    columns = "driver_id full_name predicted_rank rank_before predicted_position position_moved p_win p_win_moved"
    return both[columns.split()]


def why_changed(before: pd.DataFrame, after: pd.DataFrame) -> list[str]:
    """List the inputs that differ between two predictions of one race.

    Parameters
    ----------
    before, after : pandas.DataFrame
        Two predictions of one race, a row per driver with `archive.COLUMNS`.

    Returns
    -------
    list of str
        One sentence per reason: horizon, model run, forecast, chance of rain, field, grid slots, earlier results; empty
        when none differs.
    """
    reasons = []
    old, new = before.iloc[0], after.iloc[0]
    if old["horizon"] != new["horizon"]:
        news = _HORIZON_NEWS.get(str(new["horizon"]), "the horizon changed")
        reasons.append(f"Since the forecast {HORIZON_WORDS[old['horizon']]}: {news}.")
    elif old["model_run_id"] != new["model_run_id"]:  # each horizon has its own model: expected after another horizon
        reasons.append(f"Another model run serves: {new['model_run_id']} after {old['model_run_id']}.")
    if _text(old["forecast_hash"]) != _text(new["forecast_hash"]):
        known = "A forecast is known now." if not _text(old["forecast_hash"]) else "The weather forecast changed."
        reasons.append(known if _text(new["forecast_hash"]) else "The forecast is no longer known.")
    reasons += rain.change_in_words(before, after)
    reasons += _field_changes(before, after) + _slot_changes(before, after)
    if not reasons and old["gold_run_id"] != new["gold_run_id"]:
        reasons.append("Earlier results were revised or added.")
    return reasons


def _field_changes(before: pd.DataFrame, after: pd.DataFrame) -> list[str]:
    names = {**_names(before), **_names(after)}
    joined = sorted(set(after["driver_id"]) - set(before["driver_id"]))
    left = sorted(set(before["driver_id"]) - set(after["driver_id"]))
    return [f"{names[d]} is in the field now." for d in joined] + [f"{names[d]} is out of the field." for d in left]


def _slot_changes(before: pd.DataFrame, after: pd.DataFrame) -> list[str]:
    """List drivers whose known start differs from the one known before (a penalty, a pit-lane start)."""
    names, then = _names(after), _starts(before)
    moved = {d: now for d, now in _starts(after).items() if now != then.get(d, now)}
    return [f"{names[d]} starts {now:.0f}, not {then[d]:.0f}." for d, now in moved.items()]


def _starts(prediction: pd.DataFrame) -> dict[str, float]:
    """Return the known start of each driver, in the predicted order: the grid, before it is out qualifying."""
    rows = prediction.sort_values("predicted_rank").set_index("driver_id")
    known = rows["grid_position"].fillna(rows["qualifying_position"]).dropna()
    return {str(driver): float(place) for driver, place in known.items()}


def _names(frame: pd.DataFrame) -> dict[str, str]:
    return dict(zip(frame["driver_id"], frame["full_name"], strict=True))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
