"""Position distributions from scores: exact, deterministic, a quarter of a millisecond for a race.

Each driver's race is one latent number; the order of the latents is the order of the race.

- With probability ``1 - p_dnf`` he finishes: the latent is Normal(mu, sigma), smaller is better, or, with
  probability ``trouble_weight``, a troubled race (puncture, spin, penalty):
  Normal(mu + trouble_shift, trouble_spread * sigma).
- Otherwise he retires and is placed behind every finisher, retirements among themselves in random order.

Given his own latent, the number of drivers ahead is Poisson-binomial over the others. Its characteristic function is
integrated over his latent and turned into probabilities by a discrete Fourier transform. Finishers are integrated by
the trapezoidal rule, whose error falls faster than any power of the step for functions as smooth as these, and
retirements, whose latent is uniform behind all finishers, exactly. Sinkhorn's scaling removes what error remains, so
that rows and columns sum to 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from f1lib.errors import BadParameters, RunError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


# A sprint is a third of a race (100 km of 305 km), and so is the risk of retiring. Positions change less from the
# start: by the square root of the distance, as in a random walk.
SPRINT_HAZARD = 100 / 305
SPRINT_MOVES = SPRINT_HAZARD**0.5
TOLERANCE = 1e-10
_SWEEPS, _NEWTON_STEPS = 500, 50
# With steps of a third of the least standard deviation, up to seven of the largest from the means, the probabilities of
# a race are right within 1e-10.
_STEPS, _REACH = 3.0, 7.0
_MOST_NODES = 10_000


@dataclass(frozen=True)
class Shape:
    """Shape of a finisher's latent beside mu and sigma; ``Shape()`` is a plain normal."""

    trouble_weight: float = 0.0
    trouble_shift: float = 0.0
    trouble_spread: float = 1.0

    def components(self) -> list[tuple[float, float, float]]:
        """Return (weight, shift, spread) of each component of the mixture."""
        calm = (1.0 - self.trouble_weight, 0.0, 1.0)
        troubled = (self.trouble_weight, self.trouble_shift, self.trouble_spread)
        return [calm, troubled] if self.trouble_weight > 0 else [calm]


def normal_score(rank: ArrayLike, of: ArrayLike) -> Floats:
    """Return the normal score of a ``rank`` among 1..``of``: the standard normal quantile of (rank - 0.5) / ``of``."""
    from scipy.special import ndtri

    ranks, counts = np.asarray(rank, dtype="float64"), np.asarray(of, dtype="float64")
    return np.asarray(ndtri((ranks - 0.5) / counts), dtype="float64")


def start_score(places: ArrayLike) -> Floats:
    """Return the normal scores of starting places; smaller is further ahead.

    ``places`` has one number for each driver, NaN for one behind all others; drivers with the same place have the same
    score.
    """
    values = np.asarray(places, dtype="float64")
    last = np.where(np.isnan(values), np.inf, values)
    _, shared, drivers = np.unique(last, return_inverse=True, return_counts=True)
    rank = (np.cumsum(drivers) - (drivers - 1) / 2)[shared]
    return normal_score(rank, len(rank))


def position_matrix(mu: ArrayLike, sigma: ArrayLike, p_dnf: ArrayLike, shape: Shape) -> Floats:
    """Compute the probability of every place for every driver.

    Parameters
    ----------
    mu : ArrayLike
        Mean of each driver's latent, [n]; smaller is better.
    sigma : ArrayLike
        Standard deviation of each driver's latent, above 0; [n], or [w, n] for w weathers.
    p_dnf : ArrayLike
        Probability that each driver retires, in [0, 1), of the shape of ``sigma``.
    shape : Shape
        Shape of the latents beside mu and sigma.

    Returns
    -------
    NDArray[np.float64]
        [n, n] or [w, n, n]: element [i, k] is P(driver i finishes in place k + 1); rows and columns sum to 1 within
        1e-9.

    Raises
    ------
    BadParameters
        For shapes that do not match, a value that is not finite, one outside its range, or means so far apart that a
        smallest standard deviation goes into their range thousands of times.
    """
    centre, spread, dnf = (np.asarray(a, dtype="float64") for a in (mu, sigma, p_dnf))
    _check(centre, spread, dnf)
    both = zip(_finishing(centre, spread, dnf, shape), _retired(dnf), strict=True)
    places = _places(*(np.concatenate(parts, axis=-1) for parts in both))
    return sinkhorn(places) if places.ndim == 2 else np.stack([sinkhorn(one) for one in places])


def retired_places(p_dnf: ArrayLike) -> Floats:
    """Compute the probability that each driver retires and takes each place, behind all who finish.

    Parameters
    ----------
    p_dnf : ArrayLike
        Probability that each driver retires, in [0, 1); [n], or [w, n] for w weathers.

    Returns
    -------
    NDArray[np.float64]
        [n, n] or [w, n, n]; row i sums to ``p_dnf[i]``. Retired drivers are in no particular order among themselves.
    """
    return _places(*_retired(np.asarray(p_dnf, dtype="float64")))


def _finishing(mu: Floats, sigma: Floats, p_dnf: Floats, shape: Shape) -> tuple[Floats, Floats]:
    """Return the nodes q of finishers' latents: the chances and weights of `_places`."""
    from scipy.special import ndtr

    weights, shifts, scales = zip(*shape.components(), strict=True)
    finest = sigma.min(axis=-1) * min(scales)
    reach = sigma.max(axis=-1) * (max(scales) * _REACH)
    low, high = mu.min() + min(shifts) - reach, mu.max() + max(shifts) + reach
    needed = np.max((high - low) / finest) * _STEPS
    if needed > _MOST_NODES:
        raise BadParameters(
            f"mu from {mu.min():g} to {mu.max():g} with sigma from {sigma.min():g} to {sigma.max():g} would take "
            f"{needed:.0f} nodes (at most {_MOST_NODES}): give the model a larger sigma"
        )
    steps = int(needed) + 1
    step = ((high - low) / steps)[..., None, None]
    nodes = low[..., None, None] + step * np.arange(steps + 1)
    chances = density = np.zeros(())
    for weight, shift, scale in zip(weights, shifts, scales, strict=True):
        width, share = (sigma * scale)[..., None], (weight * (1 - p_dnf))[..., None]
        far = (nodes - (mu + shift)[:, None]) / width
        chances = chances + share * ndtr(far)
        density = density + share / width * np.exp(far * far / -2)
    return chances, density * (step / (2 * np.pi) ** 0.5)


def _retired(p_dnf: Floats) -> tuple[Floats, Floats]:
    """Return the nodes q of the latents of the retired: the chances and weights of `_places`."""
    nodes, weights = _uniform((p_dnf.shape[-1] + 1) // 2)
    out = p_dnf[..., None]
    return 1 - out * (1 - nodes), out * weights


@cache
def _uniform(number: int) -> tuple[Floats, Floats]:
    """Return Gauss-Legendre nodes and weights of the mean over [0, 1], exact for degrees below 2 * ``number``."""
    nodes, weights = np.polynomial.legendre.leggauss(number)
    return (nodes + 1) / 2, weights / 2


def _places(chances: Floats, weights: Floats) -> Floats:
    """Return [..., i, k], the probability that k others are ahead of driver i.

    ``chances`` [..., j, q] are those of driver j to be ahead of one whose latent is at node q, and ``weights``
    [..., i, q] those of the latent of driver i to be there.

    Notes
    -----
    Hong, Y. (2013), On computing the distribution function for the Poisson binomial distribution, Computational
    Statistics & Data Analysis 59, 41-51. Leaving out driver i divides the characteristic function by his factor
    1 + p (z - 1), which is never 0 at an odd number of roots of unity z.
    """
    n = chances.shape[-2]
    roots = n | 1
    angles = 2 * np.pi / roots * np.arange(roots // 2 + 1).reshape(-1, *[1] * chances.ndim)
    turn = np.exp(-1j * angles) - 1
    factors = turn * chances
    factors += 1
    everybody = factors.prod(axis=-2)
    parts = everybody.view("float64").reshape(*everybody.shape, 2)  # real and imaginary
    # Everybody over his factor is everybody times the conjugate of his factor, over its squared size.
    share = weights / (1 + 2 * turn.real * (chances * (1 - chances)))
    even, his = ((part @ parts).view("complex128")[..., 0] for part in (share, share * chances))
    found = np.fft.irfft(even + turn[..., 0].conj() * his, roots, axis=0)[:n]
    return np.maximum(np.moveaxis(found, 0, -1), 0.0)  # less than 0 by a double's error at most


def sinkhorn(matrix: ArrayLike) -> Floats:
    """Scale a non-negative square matrix until rows and columns sum to 1 within `TOLERANCE`.

    Raises `RunError` when that is not reached, which happens only for a matrix without support.

    Notes
    -----
    Sinkhorn, R. (1964), A relationship between arbitrary positive matrices and doubly stochastic matrices, Annals of
    Mathematical Statistics 35, 876-879. Its convergence is slow when two parts of a field hardly ever mix (one driver
    is almost sure to win); Newton's method then finishes it: Knight, P. A. and Ruiz, D. (2013), A fast algorithm for
    matrix balancing, IMA Journal of Numerical Analysis 33, 1029-1047.
    """
    scaled = np.asarray(matrix, dtype="float64")
    for _ in range(_SWEEPS):
        scaled = scaled / scaled.sum(axis=0, keepdims=True)
        rows = scaled.sum(axis=1, keepdims=True)
        scaled = np.asarray(scaled / rows, dtype="float64")
        if np.abs(rows - 1).max() < TOLERANCE:
            return scaled
    for _ in range(_NEWTON_STEPS):
        wrong = np.concatenate([1 - scaled.sum(axis=1), 1 - scaled.sum(axis=0)])
        if np.abs(wrong).max() < TOLERANCE:
            return scaled
        if not np.isfinite(wrong).all():
            break
        scaled = _newton_step(scaled, wrong)
    raise RunError(f"a position matrix of {scaled.shape} cannot be brought to rows and columns of 1")


def _newton_step(scaled: Floats, wrong: Floats) -> Floats:
    """Take a Newton step, 1 long at most, in the logs of the scales; ``wrong`` is 1 minus the row and column sums."""
    n = len(scaled)
    slope = np.block([[np.diag(1 - wrong[:n]), scaled], [scaled.T, np.diag(1 - wrong[n:])]])
    step = np.linalg.lstsq(slope, wrong, rcond=None)[0]
    step /= max(1.0, np.abs(step).max())
    return np.asarray(scaled * np.exp(step[:n, None] + step[n:]), dtype="float64")


def summarize(
    matrix: Floats,
    score: ArrayLike,
    p_dnf: ArrayLike,
    points: tuple[int, ...],
    index: pd.Index | None = None,
    **more: float,
) -> pd.DataFrame:
    """Summarize a position matrix as the columns of a prediction.

    Parameters
    ----------
    matrix : NDArray[np.float64]
        n x n position matrix.
    score : ArrayLike
        Score of each driver; smaller is better.
    p_dnf : ArrayLike
        Probability of each driver that he is not classified.
    points : tuple[int, ...]
        Points of the places that score, from the first.
    index : pd.Index, optional
        The index of the rows; 0..n-1 when not given.
    **more : float
        Further columns, the same number in every row.

    Returns
    -------
    pd.DataFrame
        A row for each driver, in the order of the matrix: ``predicted_position`` (mean place), ``predicted_score``,
        ``predicted_rank`` (1..n by ``score``, ties by mean place, then in the order
        of the rows), the probabilities ``p_win``, ``p_podium``,
        ``p_points`` (a place that scores) and ``p_dnf``, the whole places ``position_p10``, ``position_p50`` and
        ``position_p90`` (`quantile_positions`), ``expected_points``, and ``position_probabilities`` (the driver's row
        of the matrix).

    Notes
    -----
    Over 2014-2018 the rank by ``score`` was nearer to the outcome than the order of mean or median places.
    """
    import pandas as pd

    n = len(matrix)
    mean = matrix @ np.arange(1, n + 1)
    order = np.lexsort((mean.round(9), np.asarray(score, dtype="float64")))
    rank = np.empty(n, dtype="int64")
    rank[order] = np.arange(1, n + 1)
    scale = np.zeros(n)
    scale[: len(points)] = points[:n]
    low, middle, high = quantile_positions(matrix, [0.1, 0.5, 0.9])
    return pd.DataFrame(
        {
            "predicted_position": mean,
            "predicted_score": np.array(score, dtype="float64"),
            "predicted_rank": rank,
            "p_win": matrix[:, 0].copy(),
            "p_podium": matrix[:, :3].sum(axis=1),
            "p_points": matrix[:, : len(points)].sum(axis=1),
            "p_dnf": np.array(p_dnf, dtype="float64"),
            "position_p10": low,
            "position_p50": middle,
            "position_p90": high,
            "expected_points": matrix @ scale,
            "position_probabilities": list(matrix),
            **more,
        },
        index=range(n) if index is None else index,
        copy=False,  # every column is an array of its own already: .14 of a forecast's 1.24 ms
    )


def _check(mu: Floats, sigma: Floats, p_dnf: Floats) -> None:
    fits = mu.ndim == 1 and len(mu) > 0 and mu.shape == sigma.shape[-1:] and sigma.shape == p_dnf.shape
    if not fits or not (np.isfinite(mu).all() and np.isfinite(sigma).all() and np.isfinite(p_dnf).all()):
        raise BadParameters(f"mu {mu.shape}, sigma {sigma.shape}, p_dnf {p_dnf.shape}: one finite number a driver each")
    if sigma.min() <= 0 or p_dnf.min() < 0 or p_dnf.max() >= 1:
        raise BadParameters(f"sigma from {sigma.min()} must be positive, p_dnf within [0, 1): {p_dnf.max()}")


def quantile_positions(matrix: ArrayLike, level: ArrayLike) -> NDArray[np.int64]:
    """Return each driver's quantile as a whole place 1..n, by the mid-distribution function.

    The mid-distribution of place k is P(before k) + P(k) / 2. Below one half the quantile is the first place at which
    it reaches ``level``, above one half the last at which it does not exceed it; one half itself is the plain median.
    Plain quantiles of whole places cover too much ([p10, p90] would hold 87 % when perfectly calibrated); these cover
    80 %.

    Parameters
    ----------
    matrix : ArrayLike
        [n, places], a driver's chances of each place.
    level : ArrayLike
        A level within (0, 1), or several.

    Returns
    -------
    NDArray[np.int64]
        [n], or [levels, n] for several.

    Notes
    -----
    Parzen, E. (2004), Quantile probability and statistical data modeling, Statistical Science 19, 652-662.
    """
    chances, levels = np.asarray(matrix, dtype="float64"), np.asarray(level, dtype="float64")[..., None, None]
    below = np.cumsum(chances, axis=1)
    median = np.minimum((below < 0.5 - 1e-9).sum(axis=1), chances.shape[1] - 1) + 1
    middle = below - chances / 2
    low = np.minimum((middle < levels - 1e-9).sum(axis=-1) + 1, median)
    high = np.maximum((middle <= levels + 1e-9).sum(axis=-1), median)
    side = levels[..., 0]
    found: NDArray[np.int64] = np.where(side < 0.5, low, np.where(side > 0.5, high, median))
    return found


def without(matrix: ArrayLike, keep: ArrayLike) -> Floats:
    """Return the position matrix of the drivers in ``keep`` (booleans) when the others do not start.

    A driver in place k moves up by the number of missing drivers who were ahead; each is taken to be ahead with the
    probability that its own row gives. Rows and columns are then scaled to 1 (`sinkhorn`). Raises `BadParameters` when
    shapes do not match.
    """
    rest = np.asarray(matrix, dtype="float64")
    kept = np.asarray(keep, dtype=bool)
    if rest.ndim != 2 or rest.shape[0] != rest.shape[1] or kept.shape != (len(rest),):
        raise BadParameters(f"a matrix of {rest.shape} does not go with {kept.shape} drivers")
    for missing in np.flatnonzero(~kept)[::-1]:
        row = rest[missing]
        ahead = np.concatenate([[0.0], np.cumsum(row)[:-1]])  # P(missing in a place before k)
        behind = np.maximum(1 - np.cumsum(row), 0.0)
        others = np.delete(rest, missing, axis=0)
        rest = sinkhorn(others[:, :-1] * behind[:-1] + others[:, 1:] * ahead[1:])
    return rest
