"""Facts about a prediction for its page: outcome, weather forecast, hashes of its files; alarms of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from f1lib.domain.weekend import EventKey
from f1lib.evaluation.issued import MODEL, joined_with_result
from f1lib.lake import fingerprint, paths, paths_published, silver_tables
from f1lib.lake.parquet import records
from f1lib.lake.store import ObjectStore, find
from f1lib.predictions import rain
from f1lib.predictions.archive import event_of
from f1lib.scoring.metrics import LEAK_SPEARMAN

# The alarm for a leak needs a mean over at least this many races.
SEASON_RACES = 15
# Limits of the running calibration: docs/scoring.md asks for .02 over a season's 400 entries; the rest is noise.
CALIBRATION_ENTRIES, CALIBRATION_ERROR = 400, 0.05
LEAST_SPREAD_PLACES = 1.0
_WEATHER = (
    ("condition", "{}"),
    ("air_temp_c", "{:.1f} °C"),
    ("precipitation_mm", "{:.1f} mm"),
    ("precipitation_probability_pct", "{:.0f} %"),
    ("humidity_pct", "{:.0f} %"),
    ("wind_speed_kmh", "{:.0f} km/h"),
    ("wind_direction_deg", "from {:.0f} degrees"),
    ("lead_hours", "{:.0f} hours before the start"),
    ("issued_utc", "{}"),
    ("provenance", "{}"),
)


def outcome(store: ObjectStore, prediction: pd.DataFrame) -> pd.DataFrame:
    """Join a prediction with the result of its session.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    prediction : pandas.DataFrame
        A prediction, a row per driver with `archive.COLUMNS`.

    Returns
    -------
    pandas.DataFrame
        One row per predicted entrant, in the order of the result; columns of the prediction and of
        `f1lib.evaluation.issued.joined_with_result`, ``status_words``, and ``surprise``: the probability that was given
        to finishing at least as far out on the same side of the distribution.
    """
    results = silver_tables.read_table(store, "results", [int(prediction["event_year"].iloc[0])])
    session = results["session"] == prediction["session"].iloc[0]
    own = results[session & (results["event_partition_key"] == event_of(prediction))]
    joined = joined_with_result(prediction, own)
    ran = joined[joined["finishing_position"].notna()]
    places = ran["finishing_position"].astype("int64")
    chances = zip(ran["position_probabilities"], places, strict=True)
    surprise = [min(sum(row[:place]), sum(row[place - 1 :])) for row, place in chances]
    status = ran["status"].str.replace("_", " ")
    explained = status.where(ran["status_reason"].isna() | (ran["is_dnf"] == 0), status + ": " + ran["status_reason"])
    rows = ran.assign(finishing_position=places, surprise=surprise, status_words=explained)
    return rows.sort_values("finishing_position", ignore_index=True)


def weather_words(store: ObjectStore, prediction: pd.DataFrame) -> list[tuple[str, str]]:
    """Describe the weather forecast that was available when a prediction was issued.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    prediction : pandas.DataFrame
        A prediction, a row per driver.

    Returns
    -------
    list of tuple of str
        (name, value with its unit) of each known element of the newest forecast, and ``effect``, what its chance of
        rain does; empty when there was none.
    """
    rows = silver_tables.read_table(store, "weather_forecast", [int(prediction["event_year"].iloc[0])])
    first = prediction.iloc[0]
    rows = rows[(rows["event_partition_key"] == event_of(prediction)) & (rows["session"] == first["session"])]
    rows = rows[rows["available_utc"] <= first["as_of_utc"]].sort_values("issued_utc", kind="stable")
    if rows.empty:
        return []
    row = records(rows.tail(1))[0]
    names = [(name, name.rpartition("_")[0] if "_" in name else name, form) for name, form in _WEATHER]
    known = [(words.replace("_", " "), form.format(row[name])) for name, words, form in names if row[name] is not None]
    effect = rain.in_words(store, str(first["model_run_id"]), first["p_rain"])
    return [*known, ("effect", effect)] if effect else known


def hashes(store: ObjectStore, prediction: pd.DataFrame) -> list[tuple[str, str]]:
    """Hash the files that a prediction rests on, and its own.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    prediction : pandas.DataFrame
        A prediction, a row per driver.

    Returns
    -------
    list of tuple of str
        (name, SHA-256) of the prediction, features and model file; ``not in this lake`` for one that is gone.
    """
    first = prediction.iloc[0]
    names = {
        "prediction file": paths_published.newest_key(EventKey.parse(event_of(prediction)), str(first["session"])),
        "features file": paths.features_key(str(first["gold_run_id"])),
        "model file": paths.run_key(str(first["model_run_id"]), paths.GRAPH),
    }
    found = {name: find(store, key) for name, key in names.items()}
    return [
        (f"{name}, SHA-256", "not in this lake" if data is None else fingerprint.of_bytes(data))
        for name, data in found.items()
    ]


def alarms(
    accuracy: Mapping[str, Any], prediction: pd.DataFrame | None, served: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Check the scores, the calibration, the newest prediction and its features against their limits.

    Parameters
    ----------
    accuracy : mapping
        The document of ``reports/accuracy.json``.
    prediction : pandas.DataFrame or None
        The newest prediction, a row per driver.
    served : mapping, optional
        The document of `f1lib.evaluation.drift.health`.

    Returns
    -------
    list of dict
        One row per number watched: ``name value digits raised meaning``. Raised for a Spearman that suggests a leak, a
        calibration error, a prediction that separates nobody, and feature drift.
    """
    found = []
    for row in (m for m in accuracy["means"] if m["system"] == MODEL):
        meaning = f"mean over {row['races']} races; above {LEAK_SPEARMAN:.2f} over a season is the mark of a leak"
        raised = row["races"] >= SEASON_RACES and row["spearman"] > LEAK_SPEARMAN
        found.append(_alarm(f"Spearman, {row['horizon']}", row["spearman"], 3, raised, meaning))
    for name, bins in accuracy["calibration"].items():
        entries = sum(b["n"] for b in bins)
        error = sum(b["n"] * abs(b["predicted"] - b["observed"]) for b in bins) / entries
        raised = entries >= CALIBRATION_ENTRIES and error > CALIBRATION_ERROR
        found.append(_alarm(f"calibration error, {name}", error, 3, raised, f"said against seen, {entries} entries"))
    if prediction is not None:
        spread = float(prediction["predicted_position"].std())
        meaning = "standard deviation of the expected positions; near 0 nobody is told apart"
        found.append(_alarm("spread of the prediction", spread, 2, spread < LEAST_SPREAD_PLACES, meaning))
    if served:
        meaning = f"share of {served['features']} features unlike the training set (PSI beyond chance)"
        found.append(_alarm("feature drift", served["share_drifted"], 2, served["raised"], meaning))
    return found


def _alarm(name: str, value: float, digits: int, raised: bool, meaning: str) -> dict[str, Any]:
    return {"name": name, "value": float(value), "digits": digits, "raised": bool(raised), "meaning": meaning}
