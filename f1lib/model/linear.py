"""The linear parts of a model: weighted ridge regression and penalised logistic regression.

Inputs are the scaled columns of the pipeline, one row per race and driver. Sums of products use einsum, which is
single-threaded with a fixed order of summation: the result does not depend on the number of cores, and 6,000 rows by
22 columns take 3 ms, where OpenBLAS on two threads took 40 ms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from f1lib.model.onnx_export import Weighted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Single = NDArray[np.float32]

_NEWTON_STEPS = 25


def ridge(scaled: Single, target: Floats, weight: Floats, chosen: list[int], penalty: float) -> Weighted:
    """Fit weighted least squares with a penalty on the coefficients, not on the intercept.

    Parameters
    ----------
    scaled : NDArray[np.float32]
        [rows, columns], nothing missing.
    target : NDArray[np.float64]
        One number per row.
    weight : NDArray[np.float64]
        Weight of each row, positive.
    chosen : list[int]
        Indices of the columns to use.
    penalty : float
        Added to the diagonal of the normal equations.

    Returns
    -------
    Weighted
        Coefficients of the chosen columns, and the intercept.
    """
    design = scaled[:, chosen].astype("float64")
    middle, level = np.average(design, axis=0, weights=weight), float(np.average(target, weights=weight))
    centred = design - middle
    normal = _products(centred, weight) + penalty * np.eye(len(chosen))
    moments = (centred * weight[:, None]).T @ (target - level)
    coefficients = np.asarray(np.linalg.solve(normal, moments), dtype="float64")
    return Weighted(chosen, coefficients, level - float(middle @ coefficients))


def logistic(scaled: Single, happened: Floats, weight: Floats, chosen: list[int], penalty: float) -> Weighted:
    """Fit penalised logistic regression by Newton's method, starting from the weighted rate.

    Parameters
    ----------
    scaled : NDArray[np.float32]
        [rows, columns], nothing missing.
    happened : NDArray[np.float64]
        0 or 1 per row.
    weight : NDArray[np.float64]
        Weight of each row, positive.
    chosen : list[int]
        Indices of the columns to use.
    penalty : float
        L2 penalty on the coefficients, not on the intercept.

    Returns
    -------
    Weighted
        Coefficients and intercept of the log odds.
    """
    design = np.column_stack([np.ones(len(scaled)), scaled[:, chosen].astype("float64")])
    penalties = np.diag([0.0, *([penalty] * len(chosen))])
    rate = float(np.clip(np.average(happened, weights=weight), 0.01, 0.99))
    beta = np.zeros(design.shape[1])
    beta[0] = np.log(rate / (1 - rate))
    for _ in range(_NEWTON_STEPS):
        chance = 1 / (1 + np.exp(-(design @ beta)))
        slope = design.T @ (weight * (chance - happened)) + penalties @ beta
        curve = _products(design, weight * chance * (1 - chance)) + penalties
        step = np.linalg.solve(curve, slope)
        beta = beta - step
        if np.abs(step).max() < 1e-10:
            break
    return Weighted(chosen, beta[1:], float(beta[0]))


def _products(design: Floats, weight: Floats) -> Floats:
    products: Floats = np.einsum("ri,rj->ij", design * weight[:, None], design)
    return products
