"""Score a forecast that gives only some of a position matrix, ranks and chances: the metrics that they allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from f1lib.scoring import metrics
from f1lib.scoring.scorecard import EXPECTED

if TYPE_CHECKING:
    import pandas as pd

# Column of chances -> the places they are of; over a race they sum to as many.
TOPS = {"p_win": 1, "p_podium": 3, "p_top10": 10}


def score_known(race: pd.DataFrame) -> dict[str, float]:
    """Compute the metrics of one race that its forecast allows.

    Parameters
    ----------
    race : pd.DataFrame
        A row for each predicted driver: ``finishing_position`` (null for one who did not start), ``is_dnf``, and any of
        ``position_probabilities`` (a list of n floats), ``predicted_rank``, ``p_win``, ``p_podium``, ``p_top10`` and
        ``p_dnf``. With a distribution the chances are its own, and the rank, where none is given, is by mean place.

    Returns
    -------
    dict[str, float]
        Metric -> value, in the order of `metrics.METRICS`; of a distribution their expected values too (`EXPECTED`).

    Raises
    ------
    BadParameters
        When no predicted driver started, or a value is missing.
    """
    if "position_probabilities" in race:
        return _of_distribution(race)
    ran = race[race["finishing_position"].notna()]
    outcome, found = metrics.dense_rank(ran["finishing_position"].to_numpy()), {}
    if "predicted_rank" in ran:
        rank = metrics.dense_rank(ran["predicted_rank"].to_numpy())
        found = {"mae": metrics.mae(rank, outcome), "spearman": metrics.spearman(rank, outcome)}
        found["podium_overlap"] = metrics.podium_overlap(rank, outcome)
    for column in (c for c in TOPS if c in ran):
        places = min(TOPS[column], len(ran))
        total = ran[column].sum() or 1.0  # none left: all was given to those who did not start
        chances = np.minimum(ran[column].to_numpy() * places / total, 1.0)
        if column == "p_win":
            found["win_log_loss"] = metrics.win_log_loss(chances, outcome)
            found["winner_hit"] = metrics.winner_hit(chances, outcome)
        else:
            found[f"{column.removeprefix('p_')}_brier"] = float(((chances - (outcome <= places)) ** 2).mean())
    if "p_dnf" in ran:
        found["dnf_log_loss"] = metrics.dnf_log_loss(ran["p_dnf"].to_numpy(), ran["is_dnf"].to_numpy())
    return {name: found[name] for name in metrics.METRICS if name in found}


def _of_distribution(race: pd.DataFrame) -> dict[str, float]:
    matrix = np.array([np.asarray(row, dtype="float64") for row in race["position_probabilities"]])
    rank = race["predicted_rank"] if "predicted_rank" in race else matrix @ np.arange(1, len(matrix) + 1)
    whole = race.assign(predicted_rank=rank, p_dnf=race.get("p_dnf", 0.0))
    found = metrics.score_race(whole)
    found |= {f"{EXPECTED}{name}": value for name, value in metrics.expected_race(whole).items()}
    if "p_dnf" not in race:
        del found["dnf_log_loss"], found[f"{EXPECTED}dnf_log_loss"]
    return found
