"""Metrics of predictions: pure functions of one race, defined in docs/scoring.md.

In all of them ``outcome`` holds the official places 1..n of a race's n entrants, a permutation, and row i of every
other argument belongs to the same driver. ``matrix[i, k]`` is the probability that driver i finishes in place k + 1.
Every function raises `BadParameters` when shapes do not match or a value is missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from f1lib.errors import BadParameters
from f1lib.scoring.positions import quantile_positions, without

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


# Names and order as in docs/scoring.md; the last two need more than a rank and a matrix.
METRICS = (
    "mae", "spearman", "rps", "win_log_loss", "podium_brier", "top10_brier", "winner_hit", "podium_overlap",
    "coverage", "dnf_log_loss",
)  # fmt: skip
HIGHER_IS_BETTER = frozenset({"spearman", "winner_hit", "podium_overlap"})
PROBABILITY_FLOOR = 1e-4  # the lowest probability with which a winner is scored (docs/scoring.md)
# A mean Spearman above this over a season indicates a leak of the results (docs/scoring.md).
LEAK_SPEARMAN = 0.80


def mae(predicted_rank: ArrayLike, outcome: ArrayLike) -> float:
    """Compute the mean absolute difference between predicted rank and outcome, in places."""
    rank, places = _permutations(predicted_rank, outcome)
    return float(np.abs(rank - places).mean())


def spearman(predicted_rank: ArrayLike, outcome: ArrayLike) -> float:
    """Compute the rank correlation of predicted rank and outcome; 0 for a race of one."""
    rank, places = _permutations(predicted_rank, outcome)
    if len(places) < 2:
        return 0.0
    return float(np.corrcoef(rank, places)[0, 1])


def rps(matrix: ArrayLike, outcome: ArrayLike) -> float:
    """Compute the ranked probability score, divided by n - 1, averaged over drivers; 0 for a race of one.

    Notes
    -----
    Epstein, E. S. (1969), A scoring system for probability forecasts of ranked categories, Journal of Applied
    Meteorology 8, 985-987.
    """
    chances, places = _matrix(matrix, outcome)
    n = len(places)
    if n < 2:
        return 0.0
    happened = np.arange(1, n + 1)[None, :] >= places[:, None]
    squares = (np.cumsum(chances, axis=1) - happened)[:, :-1] ** 2
    return float(squares.sum(axis=1).mean() / (n - 1))


def win_log_loss(p_win: ArrayLike, outcome: ArrayLike) -> float:
    """Compute minus the log of the probability given to the winner, floored at `PROBABILITY_FLOOR`."""
    chances, places = _paired(p_win, outcome)
    return float(-np.log(max(float(chances[places == 1][0]), PROBABILITY_FLOOR)))


def top_brier(matrix: ArrayLike, outcome: ArrayLike, places: int) -> float:
    """Compute the Brier score of P(position <= ``places``).

    Parameters
    ----------
    matrix : ArrayLike
        n x n position matrix.
    outcome : ArrayLike
        Official places, a permutation of 1..n.
    places : int
        3 for the podium, 10 for the top ten.

    Returns
    -------
    float
        Mean over drivers of the squared error.

    Raises
    ------
    BadParameters
        When shapes do not match, a value is missing, or ``outcome`` is not a permutation.
    """
    chances, order = _matrix(matrix, outcome)
    return float(((chances[:, :places].sum(axis=1) - (order <= places)) ** 2).mean())


def winner_hit(p_win: ArrayLike, outcome: ArrayLike) -> float:
    """Return 1 when the driver with the highest win probability won, else 0."""
    chances, places = _paired(p_win, outcome)
    return float(places[int(chances.argmax())] == 1)


def podium_overlap(predicted_rank: ArrayLike, outcome: ArrayLike) -> float:
    """Return the number of drivers in both the predicted and the actual top three, divided by three."""
    rank, places = _permutations(predicted_rank, outcome)
    return float(((rank <= 3) & (places <= 3)).sum() / 3)


def coverage(position_p10: ArrayLike, position_p90: ArrayLike, outcome: ArrayLike) -> float:
    """Compute the share of outcomes inside [p10, p90].

    Parameters
    ----------
    position_p10, position_p90 : ArrayLike
        Bounds of the interval of 80 %, in places, both included.
    outcome : ArrayLike
        Official places, a permutation of 1..n.

    Returns
    -------
    float
        Share of drivers, 0 to 1.

    Raises
    ------
    BadParameters
        When shapes do not match, a value is missing, or ``outcome`` is not a permutation.
    """
    low, places = _paired(position_p10, outcome)
    high, _ = _paired(position_p90, outcome)
    return float(((places >= low) & (places <= high)).mean())


def dnf_log_loss(p_dnf: ArrayLike, is_dnf: ArrayLike) -> float:
    """Compute the mean log-loss of ``p_dnf`` against not being classified.

    Probabilities are clipped to [`PROBABILITY_FLOOR`, 1 - `PROBABILITY_FLOOR`].
    """
    chances, happened = _vector(p_dnf, "p_dnf"), _vector(is_dnf, "is_dnf")
    if chances.shape != happened.shape or not np.isin(happened, (0.0, 1.0)).all():
        raise BadParameters(f"p_dnf has shape {chances.shape}; is_dnf must be 0 or 1 in {happened.shape}")
    chances = np.clip(chances, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
    return float(-(happened * np.log(chances) + (1 - happened) * np.log1p(-chances)).mean())


def score_race(race: pd.DataFrame) -> dict[str, float]:
    """Compute every metric of one race.

    Parameters
    ----------
    race : pd.DataFrame
        A row for each predicted driver: ``predicted_rank``, ``position_probabilities`` (a list of n floats), ``p_dnf``,
        ``finishing_position`` (null for a driver who did not start) and ``is_dnf``.

    Returns
    -------
    dict[str, float]
        Metric -> value, in the order of `METRICS`.

    Raises
    ------
    BadParameters
        When no predicted driver started, or a value is missing.

    Notes
    -----
    Drivers who did not start are removed (`without`) and the ranks of the others close up; so does the outcome when an
    entrant was not predicted.
    """
    ran, matrix = starters(race)
    rank = dense_rank(ran["predicted_rank"].to_numpy())
    outcome = dense_rank(ran["finishing_position"].to_numpy())
    return score(rank, matrix, ran["p_dnf"].to_numpy(), outcome, ran["is_dnf"].to_numpy())


def starters(race: pd.DataFrame) -> tuple[pd.DataFrame, Floats]:
    """Take the drivers who did not start out of a race's forecast.

    Parameters
    ----------
    race : pd.DataFrame
        A row for each predicted driver: ``position_probabilities`` (a list of n floats) and ``finishing_position``
        (null for a driver who did not start).

    Returns
    -------
    rows : pd.DataFrame
        The rows of those who started.
    matrix : NDArray[np.float64]
        Their position matrix; the others have closed up (`without`).

    Raises
    ------
    BadParameters
        When no predicted driver started.
    """
    started = race["finishing_position"].notna().to_numpy()
    if not started.any():
        raise BadParameters("no predicted driver has a finishing position; the race cannot be scored")
    matrix = np.array([np.asarray(row, dtype="float64") for row in race["position_probabilities"]])
    return race[started], matrix if started.all() else without(matrix, started)


def expected_race(race: pd.DataFrame) -> dict[str, float]:
    """Compute what `score_race` would give on average if the forecast's own probabilities were exactly right.

    Parameters
    ----------
    race : pd.DataFrame
        As of `score_race`.

    Returns
    -------
    dict[str, float]
        Metric -> expected value, in the order of `METRICS`.

    Raises
    ------
    BadParameters
        When no predicted driver started, or a value is missing.
    """
    ran, matrix = starters(race)
    return expected(dense_rank(ran["predicted_rank"].to_numpy()), matrix, ran["p_dnf"].to_numpy())


def expected(rank: ArrayLike, matrix: ArrayLike, p_dnf: ArrayLike) -> dict[str, float]:
    """Compute the expectation of every metric when each driver's place is drawn from his row of the matrix.

    Every metric is a sum over drivers of a function of the driver's own place (of ``is_dnf`` for the last), so that its
    expectation needs no joint distribution and no drawing.

    Parameters
    ----------
    rank : ArrayLike
        Predicted ranks, a permutation of 1..n.
    matrix : ArrayLike
        n x n position matrix.
    p_dnf : ArrayLike
        Predicted probability of not being classified.

    Returns
    -------
    dict[str, float]
        Metric -> expected value, in the order of `METRICS`.

    Raises
    ------
    BadParameters
        When shapes do not match, a value is missing, or ``rank`` is not a permutation.
    """
    chances, ranks = _matrix(matrix, rank)
    n, k, p_win = len(ranks), np.arange(1, len(ranks) + 1), chances[:, 0]
    reached = np.cumsum(chances, axis=1)
    podium, ten = (chances[:, :places].sum(axis=1) for places in (3, 10))
    low, high = quantile_positions(chances, [0.1, 0.9])[..., None]
    centred = ranks - ranks.mean()
    dnf = _vector(p_dnf, "p_dnf")
    clipped = np.clip(dnf, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
    return {
        "mae": float((chances * np.abs(ranks[:, None] - k)).sum() / n),
        "spearman": float(centred @ (chances @ k) / (centred @ centred)) if n > 1 else 0.0,
        "rps": float((reached * (1 - reached))[:, :-1].sum() / n / (n - 1)) if n > 1 else 0.0,
        "win_log_loss": float(-(p_win * np.log(np.maximum(p_win, PROBABILITY_FLOOR))).sum()),
        "podium_brier": float((podium * (1 - podium)).mean()),
        "top10_brier": float((ten * (1 - ten)).mean()),
        "winner_hit": float(p_win.max()),
        "podium_overlap": float(podium[ranks <= 3].sum() / 3),
        "coverage": float(chances[(k >= low) & (k <= high)].sum() / n),
        "dnf_log_loss": float(-(dnf * np.log(clipped) + (1 - dnf) * np.log1p(-clipped)).mean()),
    }


def score(
    rank: ArrayLike, matrix: ArrayLike, p_dnf: ArrayLike, outcome: ArrayLike, is_dnf: ArrayLike
) -> dict[str, float]:
    """Compute every metric of one race from arrays, one element or row for each driver.

    Parameters
    ----------
    rank : ArrayLike
        Predicted ranks, a permutation of 1..n.
    matrix : ArrayLike
        n x n position matrix.
    p_dnf : ArrayLike
        Predicted probability of not being classified.
    outcome : ArrayLike
        Official places, a permutation of 1..n.
    is_dnf : ArrayLike
        1 for a driver who was not classified, else 0.

    Returns
    -------
    dict[str, float]
        Metric -> value, in the order of `METRICS`.

    Raises
    ------
    BadParameters
        When shapes do not match, a value is missing, or ``rank`` or ``outcome`` is not a permutation.
    """
    chances, places = _matrix(matrix, outcome)
    low, high = quantile_positions(chances, [0.1, 0.9])
    return {
        "mae": mae(rank, places),
        "spearman": spearman(rank, places),
        "rps": rps(chances, places),
        "win_log_loss": win_log_loss(chances[:, 0], places),
        "podium_brier": top_brier(chances, places, 3),
        "top10_brier": top_brier(chances, places, 10),
        "winner_hit": winner_hit(chances[:, 0], places),
        "podium_overlap": podium_overlap(rank, places),
        "coverage": coverage(low, high, places),
        "dnf_log_loss": dnf_log_loss(p_dnf, is_dnf),
    }


def dense_rank(values: ArrayLike) -> NDArray[np.int64]:
    """Return ranks 1..n of ``values``, smallest first; equal values are ranked in their order."""
    array = _vector(values, "values")
    rank = np.empty(len(array), dtype="int64")
    rank[np.argsort(array, kind="stable")] = np.arange(1, len(array) + 1)
    return rank


def summarize(races: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean over races of each metric, with its standard error under ``<metric>_se``."""
    if not races:
        return {}
    summary: dict[str, float] = {}
    for name in (m for m in METRICS if m in races[0]):
        mean, error = mean_and_error([race[name] for race in races])
        summary[name], summary[f"{name}_se"] = mean, error
    return summary


def mean_and_error(values: ArrayLike) -> tuple[float, float]:
    """Return the mean and its standard error: sample standard deviation over root n, 0 for a single value."""
    array = _vector(values, "values")
    error = float(array.std(ddof=1) / np.sqrt(len(array))) if len(array) > 1 else 0.0
    return float(array.mean()), error


def paired_difference(ours: ArrayLike, theirs: ArrayLike) -> tuple[float, float]:
    """Return the mean of ``ours - theirs`` over the same races, and its standard error."""
    first, second = _vector(ours, "ours"), _vector(theirs, "theirs")
    if first.shape != second.shape:
        raise BadParameters(f"paired scores of {first.shape} and {second.shape} races: pair the same races")
    return mean_and_error(first - second)


def reliability(chances: ArrayLike, happened: ArrayLike, bins: int = 10) -> list[dict[str, Any]]:
    """Compute the points of a reliability diagram.

    Parameters
    ----------
    chances : ArrayLike
        Predicted probabilities.
    happened : ArrayLike
        1 where the event happened, else 0.
    bins : int, default 10
        Number of bins of equal width over [0, 1].

    Returns
    -------
    list[dict[str, Any]]
        One for each bin that is not empty, ascending: its bounds ``low`` and ``high``, ``count``, mean probability
        ``predicted`` and share ``observed``.

    Raises
    ------
    BadParameters
        When shapes do not match or a value is missing.
    """
    p, y = _vector(chances, "chances"), _vector(happened, "happened")
    if p.shape != y.shape:
        raise BadParameters(f"{p.shape} chances do not go with {y.shape} outcomes")
    which = np.minimum((p * bins).astype("int64"), bins - 1)
    points = []
    for number in range(bins):
        inside = which == number
        if inside.any():
            low, high = number / bins, (number + 1) / bins
            mean, share = float(p[inside].mean()), float(y[inside].mean())
            points.append({"low": low, "high": high, "count": int(inside.sum()), "predicted": mean, "observed": share})
    return points


def expected_calibration_error(chances: ArrayLike, happened: ArrayLike, bins: int = 10) -> float:
    """Compute the expected calibration error.

    Parameters
    ----------
    chances : ArrayLike
        Predicted probabilities.
    happened : ArrayLike
        1 where the event happened, else 0.
    bins : int, default 10
        Number of bins of equal width over [0, 1].

    Returns
    -------
    float
        Mean of abs(predicted - observed) over the bins of `reliability`, weighted by their counts.

    Raises
    ------
    BadParameters
        When shapes do not match or a value is missing.

    Notes
    -----
    Naeini, M. P., Cooper, G. F. and Hauskrecht, M. (2015), Obtaining well calibrated probabilities using Bayesian
    binning, AAAI.
    """
    points = reliability(chances, happened, bins)
    total = sum(p["count"] for p in points)
    return float(sum(p["count"] * abs(p["predicted"] - p["observed"]) for p in points) / total)


def _vector(values: ArrayLike, name: str) -> Floats:
    array = np.asarray(values, dtype="float64")
    if array.ndim != 1 or len(array) == 0 or np.isnan(array).any():
        raise BadParameters(f"{name} must be one row of numbers without gaps, not of shape {array.shape}")
    return array


def _places(outcome: ArrayLike) -> Floats:
    places = _vector(outcome, "outcome")
    if not np.array_equal(np.sort(places), np.arange(1, len(places) + 1)):
        raise BadParameters(f"outcome of {len(places)} drivers is no permutation of 1..{len(places)}: {places}")
    return places


def _paired(values: ArrayLike, outcome: ArrayLike) -> tuple[Floats, Floats]:
    array, places = _vector(values, "values"), _places(outcome)
    if array.shape != places.shape:
        raise BadParameters(f"{array.shape} values do not go with {places.shape} drivers")
    return array, places


def _permutations(rank: ArrayLike, outcome: ArrayLike) -> tuple[Floats, Floats]:
    ranks, places = _paired(rank, outcome)
    if not np.array_equal(np.sort(ranks), np.sort(places)):
        raise BadParameters(f"predicted_rank is no permutation of 1..{len(places)}: {ranks}")
    return ranks, places


def _matrix(matrix: ArrayLike, outcome: ArrayLike) -> tuple[Floats, Floats]:
    chances, places = np.asarray(matrix, dtype="float64"), _places(outcome)
    if chances.shape != (len(places), len(places)) or np.isnan(chances).any():
        raise BadParameters(f"a position matrix of {chances.shape} does not go with {len(places)} drivers")
    return chances, places
