"""What a reader wants to know of a forecast in plain sentences: how good such forecasts were, and the weather."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from f1lib.domain.weekend import HORIZONS
from f1lib.lake.parquet import records
from f1lib.report.figures.style import letters_of, team_colours
from f1lib.scoring.positions import retired_places

_LAST_WINNERS, _LIKELY = 24, (0.5, 0.7)
_FEWEST_LIKELY = 20  # fewer things that were called likely say nothing


def how_good(scored: Sequence[Mapping[str, Any]], calibration: Mapping[str, Sequence[Mapping[str, float]]]) -> str:
    """Say how often the favourite won, and how often what was called likely happened.

    Parameters
    ----------
    scored : sequence of mapping
        Entries of ``reports/accuracy.json``; of each race the model's last forecast counts, sprints are left out.
    calibration : mapping
        Bins of the chances of a win, a podium and points, each with ``predicted observed n``.

    Returns
    -------
    str
        ``Of the last 24 winners 15 were our favourite; what we give 60 % happens 6 times in 10.``
    """
    races = [row for row in scored if (row["system"], row["session"]) == ("model", "R")]
    races.sort(key=lambda row: (row["race_start_utc"], HORIZONS.index(row["horizon"])))
    last = list({row["event_partition_key"]: row for row in races}.values())[-_LAST_WINNERS:]
    if not last:
        return "None of these forecasts has met its race yet; here it will say how often they were right."
    right = sum(row["winner"] == row["predicted_winner"] for row in last)
    said = f"Of the last {len(last)} winners {right or 'none'} {'was' if right <= 1 else 'were'} our favourite"
    if len(last) == 1:
        said = f"The last winner was {'' if right else 'not '}our favourite"
    bins = [one for name, rows in calibration.items() if name != "p_dnf" for one in rows]
    likely = [one for one in bins if _LIKELY[0] <= one["predicted"] <= _LIKELY[1]]
    count = sum(one["n"] for one in likely)
    if count < _FEWEST_LIKELY:
        return said + "."
    chance, seen = (sum(one["n"] * one[name] for one in likely) / count for name in ("predicted", "observed"))
    return f"{said}; what we give {100 * chance:.0f} % happens {10 * seen:.0f} times in 10."


def weather_sentences(weather: Mapping[str, str]) -> str:
    """Say what weather is forecast and what it does (``weather`` of `prediction_facts.weather_words`)."""
    if "condition" not in weather:
        unknown = "No weather forecast was out when this was made, so the chances cover a dry race and a wet one alike."
        return unknown if "effect" not in weather else f"{unknown} {weather['effect']}"
    parts = [weather["condition"]]
    parts += [weather["air temp"]] if "air temp" in weather else []
    if "precipitation probability" in weather:
        parts.append(f"{weather['precipitation probability']} chance of rain")
    parts += [f"wind {weather['wind speed']}"] if "wind speed" in weather else []
    lead = f" ({weather['lead']})" if "lead" in weather else ""
    first = ", ".join(parts)
    return f"{first[0].upper()}{first[1:]}{lead}. {weather.get('effect', '')}".strip()


def matrix_rows(prediction: pd.DataFrame) -> list[dict[str, Any]]:
    """Split the chance of each place from the chance not to be classified.

    Parameters
    ----------
    prediction : pandas.DataFrame
        A row per driver with ``position_probabilities`` and ``p_dnf``.

    Returns
    -------
    list of dict
        A row per driver by predicted rank: ``driver_id code full_name colour places p_dnf``; ``places`` are
        the chances to finish in each place, which with ``p_dnf`` sum to 1.

    Notes
    -----
    The published matrix places who retires behind all who finish; that part (`positions.retired_places`) is taken out.
    """
    ordered = prediction.sort_values("predicted_rank", kind="stable")
    matrix = np.array([np.asarray(row, dtype="float64") for row in ordered["position_probabilities"]])
    out = ordered["p_dnf"].to_numpy("float64")
    finished = np.maximum(matrix - retired_places(out), 0.0)
    finished *= ((1 - out) / finished.sum(axis=1))[:, None]
    names = ["driver_id", "abbreviation", "full_name", "team_id", "p_dnf"]
    rows = records(ordered[names])
    colours = team_colours(ordered["team_id"])
    named = [{**row, "code": letters_of(row), "colour": colours[row["team_id"]]} for row in rows]
    return [{**row, "places": places.tolist()} for row, places in zip(named, finished, strict=True)]


def surprises(rows: Sequence[Mapping[str, Any]], shown: int) -> list[Mapping[str, Any]]:
    """Choose the results that were furthest from what was predicted and least likely.

    Parameters
    ----------
    rows : sequence of mapping
        A row per driver: ``predicted_rank finishing_position surprise`` (`prediction_facts.outcome`).
    shown : int
        The most to return.

    Returns
    -------
    list of mapping
        By places off times the improbability in bits, largest first; a result as predicted is never one.
    """

    def size(row: Mapping[str, Any]) -> float:
        off = abs(row["finishing_position"] - row["predicted_rank"])
        return float(off * -np.log2(min(1.0, max(row["surprise"], 1e-6)))) if off else 0.0

    missed = [row for row in rows if size(row) > 0]
    return sorted(missed, key=lambda row: (-size(row), row["finishing_position"]))[:shown]
