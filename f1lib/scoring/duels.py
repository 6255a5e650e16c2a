"""Who finishes ahead of whom, from the joint order of the latent race of `f1lib.scoring.positions`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from f1lib.scoring.positions import Shape

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


def ahead(mu: ArrayLike, sigma: ArrayLike, p_dnf: ArrayLike, shape: Shape) -> Floats:
    """Compute for each pair of drivers the probability that one is classified ahead of the other.

    Parameters
    ----------
    mu, sigma, p_dnf : ArrayLike
        One number a driver, as of `f1lib.scoring.positions.position_matrix`, of ``sigma`` and ``p_dnf`` also [w, n].
    shape : Shape
        Shape of the latents beside mu and sigma.

    Returns
    -------
    NDArray[np.float64]
        [n, n] or [w, n, n]: element [i, j] is P(driver i is ahead of driver j); [i, j] and [j, i] sum to 1, the
        diagonal is NaN.

    Notes
    -----
    Both finish: the difference of two normals is normal. One retires: the other is ahead. Both retire: one half, as
    retirements are placed at random. The expected place of a driver is 1 plus the sum of his column.
    """
    from scipy.special import ndtr

    centre, spread, out = (np.asarray(a, dtype="float64") for a in (mu, sigma, p_dnf))
    faster = np.zeros((*spread.shape, len(centre)))
    for weight, shift, scale in shape.components():
        for other, shifted, scaled in shape.components():
            gap = (centre + shifted)[None, :] - (centre + shift)[:, None]
            sd = np.hypot((spread * scale)[..., :, None], (spread * scaled)[..., None, :])
            faster += weight * other * ndtr(gap / sd)
    mine, his = out[..., :, None], out[..., None, :]
    chances = (1 - mine) * (1 - his) * faster + (1 - mine) * his + mine * his / 2
    return np.where(np.eye(len(centre), dtype=bool), np.nan, chances)
