"""Parity of the ONNX graph with scikit-learn and xgboost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from f1lib.model import onnx_export, preprocess

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from f1lib.model.fit import Fitted

    Single = NDArray[np.float32]

PARITY_TOLERANCE = 1e-4
SYNTHETIC_ROWS = 10_000
SYNTHETIC_MISSING = 0.10


def parity(fitted: Fitted, rows: pd.DataFrame) -> dict[str, Any]:
    """Measure the largest difference between the ONNX graph and the native models.

    Parameters
    ----------
    fitted : Fitted
        The model.
    rows : pd.DataFrame
        Rows to predict, with the model's features. Synthetic rows drawn from them, with a tenth of the values missing,
        are predicted as well.

    Returns
    -------
    dict[str, Any]
        ``max_abs_difference`` over everything (infinite when an output is NaN), ``tolerance``, and for ``training`` and
        ``synthetic`` the number of ``rows`` and the largest difference of each output.
    """
    raw = preprocess.matrix_of(rows, fitted.raw)
    runtime = onnx_export.session(fitted.graph)
    found: dict[str, Any] = {"tolerance": PARITY_TOLERANCE}
    worst = 0.0
    for name, matrix in (("training", raw), ("synthetic", synthetic_rows(raw, fitted.config.seed))):
        served, native = onnx_export.run(runtime, matrix), fitted.native(matrix)
        gaps = {output: float(np.abs(served[output] - native[output]).max()) for output in native}
        found[name] = {"rows": len(matrix), **gaps}
        # Comparisons with NaN are false, so a NaN output is made infinite to fail the check.
        worst = max(worst, *(g if g == g else float("inf") for g in gaps.values()))
    return {"max_abs_difference": worst, **found}


def synthetic_rows(raw: Single, seed: int) -> Single:
    """Draw rows column by column from ``raw``, with noise and a tenth of the values missing, for `parity` checks."""
    generator = np.random.default_rng(seed)
    drawn = np.column_stack([generator.choice(raw[:, c], SYNTHETIC_ROWS) for c in range(raw.shape[1])])
    noise = generator.normal(1.0, 0.05, drawn.shape)
    drawn = np.where(generator.random(drawn.shape) < 0.5, drawn, drawn * noise)
    drawn[generator.random(drawn.shape) < SYNTHETIC_MISSING] = np.nan
    return drawn.astype("float32")
