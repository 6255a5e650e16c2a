"""Scorecard of forecasts: each metric of docs/scoring.md with its standard error, by season and phase."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from f1lib.scoring import metrics

EARLY_RACES = 5  # races after a rule change in which earlier form misleads most (docs/scoring.md)
# Seasons that began with a major change of chassis or power-unit rules (docs/field_notes.md).
RESET_SEASONS = (2014, 2022, 2026)
EXPECTED = "expected_"  # what the names of expected values begin with
# Probability column -> last position that counts as the event.
CHANCES = {"p_win": 1, "p_podium": 3, "p_points": 10}


def phases(training: pd.DataFrame) -> dict[str, set[str]]:
    """Return the events of each phase of the scorecard.

    Parameters
    ----------
    training : pd.DataFrame
        Rows of the training dataset: ``event_partition_key``, ``event_year``, ``event_number`` and, where known,
        ``is_wet``, ``is_sprint_weekend`` and ``is_street_circuit``.

    Returns
    -------
    dict[str, set[str]]
        Phase -> partition keys; empty for a phase whose column is absent. ``all_others`` has the events of no other
        phase; ``dry`` are all races known to have been dry, whatever else they are.
    """
    events = training.drop_duplicates("event_partition_key")
    keys = events["event_partition_key"]
    reset = events["event_year"].isin(RESET_SEASONS) & (events["event_number"] <= EARLY_RACES)
    found = {
        f"first_{EARLY_RACES}_after_reset": set(keys[reset]),
        "wet": _flag(training, "is_wet"),
        "sprint_weekend": _flag(training, "is_sprint_weekend"),
        "street_circuit": _flag(training, "is_street_circuit"),
    }
    others = {"all_others": set(keys) - set().union(*found.values())}
    return found | others | {"dry": _flag(training, "is_wet", 0)}


def scorecard(
    forecasts: Mapping[tuple[str, str, str], pd.DataFrame], phase_events: Mapping[str, set[str]]
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Score forecasts and average the metrics by system, season and phase.

    Parameters
    ----------
    forecasts : Mapping[tuple[str, str, str], pd.DataFrame]
        (kind, system, horizon) -> rows of `backtest.walk_forward`; kind is ``models`` or ``baselines``.
    phase_events : Mapping[str, set[str]]
        The events of each phase, as `phases` returns them; a phase without forecasts is left out.

    Returns
    -------
    card : dict[str, Any]
        ``{"races", "models": {name: {horizon: {metric, metric_se, ...}}}, "baselines": {...}, "by_season": {season: the
        same}, "by_phase": {phase: the same}, "reliability": {model: {horizon: points}}}``; the horizons of ``models``
        and ``baselines`` have the values of `calibration` and `real_and_expected` too.
    scores : pd.DataFrame
        A row for each race, system and horizon: ``kind``, ``system``, ``horizon``, ``event_partition_key``,
        ``event_year``, the metrics and, with the prefix `EXPECTED`, their expected values.
    """
    scores = pd.concat([_race_scores(frame, *key) for key, frame in forecasts.items()], ignore_index=True)
    card: dict[str, Any] = {"races": int(scores["event_partition_key"].nunique()), **_nested(scores)}
    for kind, name, horizon in forecasts:
        card[kind][name][horizon] |= calibration(forecasts[kind, name, horizon])
        own = (scores[c] == value for c, value in (("kind", kind), ("system", name), ("horizon", horizon)))
        card[kind][name][horizon] |= real_and_expected(scores[np.logical_and.reduce(list(own))])
    card["by_season"] = {str(year): _with_races(part) for year, part in scores.groupby("event_year")}
    card["by_phase"] = {}
    for phase, events in phase_events.items():
        part = scores[scores["event_partition_key"].isin(events)]
        if len(part):
            card["by_phase"][phase] = _with_races(part)
    card["reliability"] = {
        name: {h: diagrams(f) for (k, n, h), f in forecasts.items() if (k, n) == ("models", name)}
        for name in card["models"]
    }
    return card, scores


def calibration(forecast: pd.DataFrame) -> dict[str, float]:
    """Compute the expected calibration error of each probability over all entries.

    Parameters
    ----------
    forecast : pd.DataFrame
        A row for each predicted driver: ``p_win``, ``p_podium``, ``p_points``, ``p_dnf``, ``finishing_position`` (null
        for a driver who did not start; left out) and ``is_dnf``.

    Returns
    -------
    dict[str, float]
        ``ece_p_win``, ``ece_p_podium``, ``ece_p_points`` and ``ece_p_dnf``.
    """
    ran = forecast[forecast["finishing_position"].notna()]
    found = {
        f"ece_{name}": metrics.expected_calibration_error(ran[name], ran["finishing_position"] <= places)
        for name, places in CHANCES.items()
    }
    return found | {"ece_p_dnf": metrics.expected_calibration_error(ran["p_dnf"], ran["is_dnf"])}


def real_and_expected(scores: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Average the expected value of each metric, and how far the real one is from it.

    Parameters
    ----------
    scores : pd.DataFrame
        A row for each race of one system: the metrics and their expected values (`EXPECTED`).

    Returns
    -------
    dict[str, dict[str, float]]
        ``expected``: metric -> mean of what the forecast would score if its own probabilities were exactly right;
        ``real_minus_expected``: metric -> mean difference, and ``<metric>_se``, its standard error over races.
    """
    found: dict[str, dict[str, float]] = {"expected": {}, "real_minus_expected": {}}
    for name in (m for m in metrics.METRICS if f"{EXPECTED}{m}" in scores):
        by_chance, difference = scores[f"{EXPECTED}{name}"], found["real_minus_expected"]
        found["expected"][name] = float(by_chance.mean())
        difference[name], difference[f"{name}_se"] = metrics.paired_difference(scores[name], by_chance)
    return found


def diagrams(forecast: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """Compute the reliability diagrams of ``p_win``, ``p_podium`` and ``p_points``.

    Parameters
    ----------
    forecast : pd.DataFrame
        A row for each predicted driver: the three probabilities and ``finishing_position`` (null for a driver who did
        not start; left out).

    Returns
    -------
    dict[str, list[dict[str, Any]]]
        Probability -> points of `metrics.reliability`.
    """
    ran = forecast[forecast["finishing_position"].notna()]
    return {n: metrics.reliability(ran[n], ran["finishing_position"] <= places) for n, places in CHANCES.items()}


def _race_scores(forecast: pd.DataFrame, kind: str, name: str, horizon: str) -> pd.DataFrame:
    rows = []
    for (event, year), race in forecast.groupby(["event_partition_key", "event_year"], sort=False):
        head = {"kind": kind, "system": name, "horizon": horizon, "event_partition_key": event, "event_year": year}
        by_chance = {f"{EXPECTED}{metric}": value for metric, value in metrics.expected_race(race).items()}
        rows.append(head | metrics.score_race(race) | by_chance)
    return pd.DataFrame(rows)


def _nested(scores: pd.DataFrame) -> dict[str, Any]:
    """Average the metrics as ``{"models": {name: {horizon: metrics}}, "baselines": {...}}``."""
    nested: dict[str, Any] = {"models": {}, "baselines": {}}
    for (kind, name, horizon), part in scores.groupby(["kind", "system", "horizon"], sort=False):
        races = part[list(metrics.METRICS)].to_dict("records")
        nested[str(kind)].setdefault(str(name), {})[str(horizon)] = metrics.summarize(races)  # type: ignore[arg-type]
    return nested


def _with_races(scores: pd.DataFrame) -> dict[str, Any]:
    return {"races": int(scores["event_partition_key"].nunique()), **_nested(scores)}


def _flag(training: pd.DataFrame, column: str, value: float = 1) -> set[str]:
    if column not in training:
        return set()
    return set(training.loc[training[column] == value, "event_partition_key"])
