"""Export of a fitted model as one ONNX graph, and its parity with scikit-learn and xgboost.

Input: ``features`` float32 [rows, raw columns], NaN for missing. Outputs: ``predicted_score``, ``p_dnf`` and ``sigma``,
each [rows, 1], and ``columns``, the preprocessed features (read by explanations). The graph is the model's own formula
(`f1lib.model.fit.Fitted.formula`), computed with skl2onnx's operators in the place of numpy's functions; skl2onnx
converts the scikit-learn estimators in it, and onnxmltools xgboost's trees.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from f1lib.errors import RunError
from f1lib.model.serving import INPUT, matrix_of, open_graph

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from f1lib.model.fit import Fitted

    Single = NDArray[np.float32]
    Answer = Callable[[Single], dict[str, NDArray[np.float64]]]

OPSET, ML_OPSET = 15, 3  # the newest that onnxmltools knows
PARITY_TOLERANCE = 1e-4
OUTPUTS = {"predicted_score": 1, "p_dnf": 1, "sigma": 1, "columns": None}  # and their columns
SYNTHETIC_ROWS = 10_000
SYNTHETIC_MISSING = 0.10
_COMPARED = ("predicted_score", "p_dnf", "sigma")
_PIECE = 2_000  # rows compared at once: 30 MB less than all of them
# numpy's functions of two arrays or one, and the operators of ONNX that compute the same.
_OPERATORS = {
    "add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "minimum": "Min", "maximum": "Max",
    "log": "Log", "sqrt": "Sqrt", "equal": "Equal", "isnan": "IsNaN", "where": "Where",
}  # fmt: skip


def export(fitted: Fitted) -> bytes:
    """Export a fitted model as an ONNX graph.

    Returns
    -------
    bytes
        The serialized model; the same parts give the same bytes.

    Raises
    ------
    RunError
        When skl2onnx has no converter for one of its estimators.
    """
    from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost
    from skl2onnx import convert_sklearn, update_registered_converter
    from skl2onnx.common.data_types import FloatTensorType
    from skl2onnx.common.shape_calculator import calculate_linear_regressor_output_shapes
    from xgboost import XGBRegressor

    for kind, shape, convert, parser in (
        (XGBRegressor, calculate_linear_regressor_output_shapes, convert_xgboost, None),
        (type(fitted), lambda operator: None, _convert, _parse),
    ):
        update_registered_converter(kind, f"F1{kind.__name__}", shape, convert, overwrite=True, parser=parser)
    features = [(INPUT, FloatTensorType([None, len(fitted.raw)]))]
    try:
        model = convert_sklearn(fitted, "f1lib", features, target_opset={"": OPSET, "ai.onnx.ml": ML_OPSET})
    except RuntimeError as error:  # of skl2onnx: a missing converter is one, and subclasses of it
        raise RunError(
            f"{fitted.config.name} can be backtested but not kept: an estimator of it cannot be converted to ONNX "
            f"({str(error).splitlines()[0]} See docs/models.md, An estimator of one's own)"
        ) from error
    model.opset_import.sort(key=lambda opset: opset.domain)  # skl2onnx gives them in the order of a set
    return bytes(model.SerializeToString(deterministic=True))


def _parse(scope: Any, fitted: Fitted, inputs: list[Any], custom_parsers: Any = None) -> Any:
    """Declare the outputs of the graph."""
    from skl2onnx.common.data_types import FloatTensorType

    operator = scope.declare_local_operator(f"F1{type(fitted).__name__}", fitted)
    operator.inputs = inputs
    for name, width in OUTPUTS.items():
        operator.outputs.append(scope.declare_local_variable(name, FloatTensorType([None, width])))
    return operator.outputs


def _convert(scope: Any, operator: Any, container: Any) -> None:
    """Add the operators of the model's formula to the graph."""
    from skl2onnx.algebra.onnx_ops import OnnxIdentity

    made = operator.raw_operator.formula(_namespace(), operator.inputs[0], _converted)
    for output in operator.outputs:
        OnnxIdentity(made[output.raw_name], op_version=OPSET, output_names=[output]).add_to(scope, container)


def _namespace() -> SimpleNamespace:
    """Return the functions of numpy that formulas use, as operators of skl2onnx."""
    from onnx import TensorProto
    from skl2onnx.algebra import onnx_ops

    def operator(name: str) -> Callable[..., Any]:
        return lambda *inputs, **options: getattr(onnx_ops, f"Onnx{name}")(*inputs, op_version=OPSET, **options)

    gather, concat, cast = operator("Gather"), operator("Concat"), operator("Cast")
    return SimpleNamespace(
        **{name: operator(op) for name, op in _OPERATORS.items()},
        take=lambda matrix, columns, axis: gather(matrix, np.asarray(columns, dtype="int64"), axis=axis),
        concat=lambda matrices, axis: concat(*matrices, axis=axis),
        astype=lambda matrix, _: cast(matrix, to=TensorProto.FLOAT),
    )


def _converted(estimator: Any, columns: Any) -> Any:
    """Return the predictions of an estimator as operators, of a classifier the chance."""
    from skl2onnx.algebra.onnx_operator import OnnxSubEstimator
    from skl2onnx.algebra.onnx_ops import OnnxGather
    from xgboost import Booster, XGBRegressor

    if isinstance(estimator, Booster):
        trees, estimator = estimator.save_raw("ubj"), XGBRegressor(n_jobs=1)
        estimator.load_model(trees)
    if hasattr(estimator, "predict_proba"):
        chances = OnnxSubEstimator(estimator, columns, op_version=OPSET, options={"zipmap": False})
        return OnnxGather(chances[1], np.array([1]), axis=1, op_version=OPSET)
    return OnnxSubEstimator(estimator, columns, op_version=OPSET)


def parity(fitted: Fitted, graph: bytes, rows: pd.DataFrame) -> dict[str, Any]:
    """Measure the largest difference between a model and its graph.

    Parameters
    ----------
    fitted : Fitted
        The model.
    graph : bytes
        Its graph (`export`).
    rows : pd.DataFrame
        Rows to predict, with the model's features. Synthetic rows drawn from them, with a tenth of the values missing,
        are predicted as well.

    Returns
    -------
    dict[str, Any]
        ``max_abs_difference`` over everything (infinite when an output is NaN), ``tolerance``, and for ``training`` and
        ``synthetic`` the number of ``rows`` and the largest difference of each output.
    """
    raw = matrix_of(rows, fitted.raw)
    serve = open_graph(graph)
    found: dict[str, Any] = {"tolerance": PARITY_TOLERANCE}
    worst = 0.0
    for name, matrix in (("training", raw), ("synthetic", synthetic_rows(raw, fitted.config.seed))):
        gaps = _gaps(serve, fitted.answer, matrix)
        found[name] = {"rows": len(matrix), **gaps}
        # Comparisons with NaN are false, so a NaN output is made infinite to fail the check.
        worst = max(worst, *(g if g == g else float("inf") for g in gaps.values()))
    return {"max_abs_difference": worst, **found}


def _gaps(serve: Answer, native: Answer, matrix: Single) -> dict[str, float]:
    """Return the largest difference of each output, NaN where one is."""
    gaps = []
    for at in range(0, len(matrix), _PIECE):
        served, expected = serve(matrix[at : at + _PIECE]), native(matrix[at : at + _PIECE])
        gaps.append([np.abs(served[name] - expected[name]).max() for name in _COMPARED])
    return dict(zip(_COMPARED, np.max(gaps, axis=0).tolist(), strict=True))


def synthetic_rows(raw: Single, seed: int) -> Single:
    """Draw rows column by column from ``raw``, with noise and a tenth of the values missing, for `parity` checks."""
    generator = np.random.default_rng(seed)
    drawn = np.take_along_axis(raw, generator.integers(0, len(raw), (SYNTHETIC_ROWS, raw.shape[1])), axis=0)
    chance = generator.random(drawn.shape, dtype="float32")
    drawn *= np.where(chance < 0.5, 1 + np.float32(0.05) * generator.standard_normal(drawn.shape, dtype="float32"), 1)
    drawn[generator.random(drawn.shape, dtype="float32") < SYNTHETIC_MISSING] = np.nan
    return drawn
