"""Export a fitted model as one ONNX graph, node by node, and run it in ONNX Runtime.

Input: ``features`` float32 [rows, raw columns], NaN for missing. Outputs: ``predicted_score``, ``p_dnf`` and ``sigma``,
each [rows, 1], and ``columns``, the preprocessed features (read by explanations). The graph repeats
`f1lib.model.preprocess` operation by operation; the trees are one TreeEnsembleRegressor.

The graph is written directly instead of by a converter: a walk-forward over 150 races exports 150 times (8 ms instead
of 0.4 s each), the bytes are reproducible, and no conversion can be silently wrong (docs/field_notes.md).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from f1lib.errors import RunError
from f1lib.model.onnx_trees import tree_attributes
from f1lib.model.preprocess import PLACE_EDGE, PRODUCTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

    Single = NDArray[np.float32]

OPSET, ML_OPSET, IR_VERSION = 15, 3, 8
INPUT = "features"
P_DNF_LOW, P_DNF_HIGH = 0.005, 0.7  # bounds of the hazard: beyond them it is extrapolated


@dataclass(frozen=True)
class Weighted:
    """A linear combination of the pipeline's columns: ``columns`` (indices), ``coefficients``, ``intercept``."""

    columns: list[int]
    coefficients: NDArray[np.float64]
    intercept: float


@dataclass(frozen=True)
class Forest:
    """A fitted xgboost booster over the pipeline's ``columns`` (indices)."""

    columns: list[int]
    booster: Any


@dataclass(frozen=True)
class Gate:
    """Mix of two scores: ``share`` (a raw column, missing is 0) times the parts' plus the rest times ``instead``."""

    share: int
    instead: Weighted

    def native(self, raw: Single, score: NDArray[np.float64], fresh: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute the graph's output ``predicted_score`` with numpy.

        Parameters
        ----------
        raw : NDArray[np.float32]
            [rows, raw columns], NaN for missing.
        score : NDArray[np.float64]
            The sum of the parts, one number per row.
        fresh : NDArray[np.float64]
            The values of ``instead``, one number per row.

        Returns
        -------
        NDArray[np.float64]
            One score per row.
        """
        known = np.nan_to_num(raw[:, self.share].astype("float64"), nan=0.0)
        return np.asarray(known * score + (1 - known) * fresh)


@dataclass(frozen=True)
class Spread:
    """Width of the latent: sigma squared is ``sigma`` squared plus (``weight`` * raw ``column``) squared.

    ``mean`` takes the place of a missing value of the column.
    """

    sigma: float
    column: int = 0
    mean: float = 0.0
    weight: float = 0.0

    def native(self, raw: Single) -> NDArray[np.float64]:
        """Compute the graph's output ``sigma`` with numpy."""
        values = raw[:, self.column].astype("float64")
        known = np.where(np.isnan(values), self.mean, values)
        return np.asarray(np.sqrt(self.sigma**2 + (self.weight * known) ** 2))


@dataclass
class _Graph:
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def add(self, op: str, *inputs: str, domain: str = "", name: str = "", **attributes: Any) -> str:
        """Append a node and return the name of its output."""
        from onnx import helper

        output = name or f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [output], domain=domain, **attributes))
        return output

    def constant(self, values: Any, dtype: str = "float32") -> str:
        """Add a constant tensor and return its name."""
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype=dtype), name))
        return name

    def take(self, matrix: str, columns: Any) -> str:
        """Select some columns of a matrix and return the name of the result."""
        return self.add("Gather", matrix, self.constant(columns, "int64"), axis=1)


def export(
    pipeline: Pipeline,
    linear: tuple[float, Weighted] | None,
    trees: tuple[float, Forest] | None,
    dnf: Weighted,
    spread: Spread,
    gate: Gate | None = None,
) -> bytes:
    """Export a fitted model as an ONNX graph.

    Parameters
    ----------
    pipeline : Pipeline
        The fitted preprocessing (`f1lib.model.preprocess.build`).
    linear, trees : tuple[float, Weighted] or None, tuple[float, Forest] or None
        Weight and fitted part of the score; at least one of the two.
    dnf : Weighted
        Log odds of not being classified; the probability is clipped to [`P_DNF_LOW`, `P_DNF_HIGH`].
    spread : Spread
        Width of the latent.
    gate : Gate, optional
        Mixes the sum of the parts with a second score.

    Returns
    -------
    bytes
        The serialized model; the same parts give the same bytes.

    Raises
    ------
    RunError
        When the booster is of a kind that cannot be exported.
    """
    graph = _Graph()
    columns = _preprocess(graph, pipeline)
    parts = []
    if linear:
        parts.append(graph.add("Mul", _linear(graph, columns, linear[1]), graph.constant([linear[0]])))
    if trees:
        parts.append(graph.add("Mul", _forest(graph, columns, trees[1]), graph.constant([trees[0]])))
    graph.add("Identity", _gated(graph, columns, graph.add("Sum", *parts), gate), name="predicted_score")
    hazard = graph.add("Sigmoid", _linear(graph, columns, dnf))
    hazard = graph.add("Max", hazard, graph.constant([P_DNF_LOW]))
    graph.add("Min", hazard, graph.constant([P_DNF_HIGH]), name="p_dnf")
    _spread(graph, spread)
    graph.add("Identity", columns, name="columns")
    return _bytes(graph, pipeline, {"predicted_score": 1, "p_dnf": 1, "sigma": 1, "columns": None})


def session(graph: bytes, threads: int = 1) -> Any:
    """Open an ONNX Runtime session on the CPU with a fixed number of threads.

    Raises
    ------
    RunError
        When the bytes are not a valid model.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a different class for each kind of invalid file
        raise RunError(f"the model's ONNX file cannot be loaded: {str(error).splitlines()[0]}") from error


def run(runtime: Any, raw: Single, outputs: Sequence[str] = ()) -> dict[str, NDArray[np.float64]]:
    """Run a graph.

    Parameters
    ----------
    runtime : onnxruntime.InferenceSession
        The session of `session`.
    raw : NDArray[np.float32]
        [rows, raw columns], NaN for missing.
    outputs : Sequence[str], optional
        Names of outputs; all when empty.

    Returns
    -------
    dict[str, NDArray[np.float64]]
        Output name -> one number per row, or [rows, columns] for ``columns``.
    """
    names = list(outputs) or [output.name for output in runtime.get_outputs()]
    answers = runtime.run(names, {INPUT: np.ascontiguousarray(raw, dtype="float32")})
    made = {name: np.asarray(a, dtype="float64") for name, a in zip(names, answers, strict=True)}
    return {name: a[:, 0] if a.shape[1] == 1 and name != "columns" else a for name, a in made.items()}


def _preprocess(graph: _Graph, pipeline: Pipeline) -> str:
    impute, cap, scale = pipeline["impute"], pipeline["cap"], pipeline["scale"]
    made = [_derived(graph, how, source, other) for how, source, other in pipeline["derive"].steps]
    columns = graph.add("Concat", INPUT, *made, axis=1) if made else INPUT
    absent = graph.add("IsNaN", columns)
    filled = graph.add("Where", absent, graph.constant(impute.means_[None, :]), columns)
    if len(impute.flagged_):
        flags = graph.add("Cast", graph.take(absent, impute.flagged_), to=1)
        filled = graph.add("Concat", filled, flags, axis=1)
    capped = graph.add("Min", graph.add("Max", filled, graph.constant(cap.low_)), graph.constant(cap.high_))
    centred = graph.add("Sub", capped, graph.constant(scale.centre_))
    return graph.add("Div", centred, graph.constant(scale.spread_))


def _derived(graph: _Graph, how: str, source: int, other: int) -> str:
    place = graph.take(INPUT, [source])
    if how in PRODUCTS:
        return graph.add("Mul", place, graph.take(INPUT, [other]))
    if how == "is_first":
        first = graph.add("Cast", graph.add("Equal", place, graph.constant([1.0])), to=1)
        return graph.add("Where", graph.add("IsNaN", place), place, first)
    share = graph.add("Div", graph.add("Sub", place, graph.constant([0.5])), graph.take(INPUT, [other]))
    # Max and Min are not defined for NaN: a missing place is restored by the Where at the end.
    kept = graph.add("Min", graph.add("Max", share, graph.constant([PLACE_EDGE])), graph.constant([1 - PLACE_EDGE]))
    score = graph.add("Log", graph.add("Div", kept, graph.add("Sub", graph.constant([1.0]), kept)))
    if how != "place_score":
        squared = graph.add("Mul", score, score)
        score = squared if how == "place_score_squared" else graph.add("Mul", squared, score)
    return graph.add("Where", graph.add("IsNaN", share), share, score)


def _linear(graph: _Graph, columns: str, part: Weighted) -> str:
    coefficients = graph.constant(np.asarray(part.coefficients)[:, None])
    product = graph.add("MatMul", graph.take(columns, part.columns), coefficients)
    return graph.add("Add", product, graph.constant([part.intercept]))


def _gated(graph: _Graph, columns: str, score: str, gate: Gate | None) -> str:
    if gate is None:
        return score
    share = graph.take(INPUT, [gate.share])
    known = graph.add("Where", graph.add("IsNaN", share), graph.constant([0.0]), share)
    rest = graph.add("Sub", graph.constant([1.0]), known)
    fresh = graph.add("Mul", rest, _linear(graph, columns, gate.instead))
    return graph.add("Add", graph.add("Mul", known, score), fresh)


def _spread(graph: _Graph, spread: Spread) -> str:
    column = graph.take(INPUT, [spread.column])
    known = graph.add("Where", graph.add("IsNaN", column), graph.constant([spread.mean]), column)
    part = graph.add("Mul", known, graph.constant([spread.weight]))
    variance = graph.add("Add", graph.add("Mul", part, part), graph.constant([spread.sigma**2]))
    return graph.add("Sqrt", variance, name="sigma")


def _forest(graph: _Graph, columns: str, part: Forest) -> str:
    attributes = tree_attributes(part.booster)
    taken = graph.take(columns, part.columns)
    return graph.add("TreeEnsembleRegressor", taken, domain="ai.onnx.ml", **attributes)


def _bytes(graph: _Graph, pipeline: Pipeline, outputs: dict[str, int | None]) -> bytes:
    from onnx import TensorProto, helper

    width = pipeline["derive"].n_features_in_
    source = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, width])
    results = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [None, w]) for n, w in outputs.items()]
    body = helper.make_graph(graph.nodes, "f1lib", [source], results, graph.constants)
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
    model = helper.make_model(body, opset_imports=opsets, producer_name="f1lib", ir_version=IR_VERSION)
    return bytes(model.SerializeToString(deterministic=True))
