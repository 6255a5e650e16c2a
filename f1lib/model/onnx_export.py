"""The whole of a model as one ONNX graph, written node by node, and run by ONNX Runtime.

In: ``features`` float32 [rows, raw columns], NaN for missing. Out: ``predicted_score``, ``p_dnf`` and ``sigma``,
each [rows, 1], and ``columns``, what the preprocessing makes of the features (explanations start
there). The graph repeats `f1lib.model.preprocess` operation by operation; trees become one TreeEnsembleRegressor.

Written by hand rather than converted: a refit after each of 150 races converts 150 times (8 ms instead of
0.4 s), the bytes are the same every time, and nothing is converted silently wrong (docs/field_notes.md).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from f1lib.errors import RunError
from f1lib.model.preprocess import PLACE_EDGE, PRODUCTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

    Single = NDArray[np.float32]

OPSET, ML_OPSET, IR_VERSION = 15, 3, 8
INPUT = "features"
PARITY_TOLERANCE = 1e-4
SYNTHETIC_ROWS = 10_000
SYNTHETIC_MISSING = 0.10
P_DNF_LOW, P_DNF_HIGH = 0.005, 0.7  # a hazard beyond these is extrapolation, not knowledge


@dataclass(frozen=True)
class Weighted:
    """A linear form over the pipeline's columns: ``columns`` (indices), ``coefficients``, ``intercept``."""

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
    """The score is ``share`` (a raw column, missing is 0) times that of the parts, plus the rest times ``instead``."""

    share: int
    instead: Weighted

    def native(self, raw: Single, score: NDArray[np.float64], fresh: NDArray[np.float64]) -> NDArray[np.float64]:
        """What the graph's output ``predicted_score`` is, computed by numpy."""
        known = np.nan_to_num(raw[:, self.share].astype("float64"), nan=0.0)
        return np.asarray(known * score + (1 - known) * fresh)


@dataclass(frozen=True)
class Spread:
    """sigma squared is ``sigma`` squared plus (``weight`` * raw ``column``) squared; ``mean`` where that is missing."""

    sigma: float
    column: int = 0
    mean: float = 0.0
    weight: float = 0.0

    def native(self, raw: Single) -> NDArray[np.float64]:
        """What the graph's output ``sigma`` is, computed by numpy."""
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
        """A constant tensor, by name."""
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype=dtype), name))
        return name

    def take(self, matrix: str, columns: Any) -> str:
        """Some columns of a matrix."""
        return self.add("Gather", matrix, self.constant(columns, "int64"), axis=1)


def export(
    pipeline: Pipeline,
    linear: tuple[float, Weighted] | None,
    trees: tuple[float, Forest] | None,
    dnf: Weighted,
    spread: Spread,
    gate: Gate | None = None,
) -> bytes:
    """The graph of a fitted model: score = the weighted sum of its parts, gated, p_dnf = the logistic hazard."""
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
    """An ONNX Runtime session on the CPU with fixed threads; raises `RunError` for bytes that are no model."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a class of its own for each kind of bad file
        raise RunError(f"the model's ONNX file cannot be loaded: {str(error).splitlines()[0]}") from error


def run(runtime: Any, raw: Single, outputs: Sequence[str] = ()) -> dict[str, NDArray[np.float64]]:
    """``outputs`` (none: all) by name, float64; one-column outputs as flat arrays."""
    names = list(outputs) or [output.name for output in runtime.get_outputs()]
    answers = runtime.run(names, {INPUT: np.ascontiguousarray(raw, dtype="float32")})
    made = {name: np.asarray(a, dtype="float64") for name, a in zip(names, answers, strict=True)}
    return {name: a[:, 0] if a.shape[1] == 1 and name != "columns" else a for name, a in made.items()}


def synthetic_rows(raw: Single, seed: int) -> Single:
    """Rows drawn column by column from ``raw``, a tenth of the values missing: unlike any race, on purpose."""
    generator = np.random.default_rng(seed)
    drawn = np.column_stack([generator.choice(raw[:, c], SYNTHETIC_ROWS) for c in range(raw.shape[1])])
    noise = generator.normal(1.0, 0.05, drawn.shape)
    drawn = np.where(generator.random(drawn.shape) < 0.5, drawn, drawn * noise)
    drawn[generator.random(drawn.shape) < SYNTHETIC_MISSING] = np.nan
    return drawn.astype("float32")


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
    # Max and Min treat NaN as they please; a missing place is put back at the end.
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


def tree_attributes(booster: Any) -> dict[str, Any]:
    """The attributes of TreeEnsembleRegressor for an xgboost regression; read from the booster's own JSON.

    Raises `RunError` for anything but a single-output ``gbtree`` with numerical splits and ``reg:squarederror``:
    other objectives put a function on top that this graph does not have.
    """
    learner = json.loads(bytes(booster.save_raw("json")))["learner"]
    kind, objective = learner["gradient_booster"]["name"], learner["objective"]["name"]
    if kind != "gbtree" or objective != "reg:squarederror":
        raise RunError(f"cannot export xgboost {kind} with {objective}; only gbtree with reg:squarederror")
    base = float(learner["learner_model_param"]["base_score"].strip("[]").split(",")[0])
    out: dict[str, list[Any]] = {name: [] for name in (
        "nodes_treeids nodes_nodeids nodes_featureids nodes_modes nodes_values nodes_truenodeids nodes_falsenodeids "
        "nodes_missing_value_tracks_true target_treeids target_nodeids target_ids target_weights").split()}  # fmt: skip
    for number, tree in enumerate(learner["gradient_booster"]["model"]["trees"]):
        _add_tree(out, number, tree)
    return {**out, "n_targets": 1, "base_values": [base]}


def _add_tree(out: dict[str, list[Any]], number: int, tree: dict[str, Any]) -> None:
    left, right, value = tree["left_children"], tree["right_children"], tree["split_conditions"]
    count = len(left)
    leaf = [child == -1 for child in left]
    out["nodes_treeids"] += [number] * count
    out["nodes_nodeids"] += list(range(count))
    out["nodes_featureids"] += [0 if leaf[i] else tree["split_indices"][i] for i in range(count)]
    out["nodes_modes"] += ["LEAF" if leaf[i] else "BRANCH_LT" for i in range(count)]
    out["nodes_values"] += [0.0 if leaf[i] else float(value[i]) for i in range(count)]
    out["nodes_truenodeids"] += [0 if leaf[i] else left[i] for i in range(count)]
    out["nodes_falsenodeids"] += [0 if leaf[i] else right[i] for i in range(count)]
    out["nodes_missing_value_tracks_true"] += [0 if leaf[i] else int(tree["default_left"][i]) for i in range(count)]
    leaves = [i for i in range(count) if leaf[i]]
    out["target_treeids"] += [number] * len(leaves)
    out["target_nodeids"] += leaves
    out["target_ids"] += [0] * len(leaves)
    out["target_weights"] += [float(value[i]) for i in leaves]


def _bytes(graph: _Graph, pipeline: Pipeline, outputs: dict[str, int | None]) -> bytes:
    from onnx import TensorProto, helper

    width = pipeline["derive"].n_features_in_
    source = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, width])
    results = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [None, w]) for n, w in outputs.items()]
    body = helper.make_graph(graph.nodes, "f1lib", [source], results, graph.constants)
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
    model = helper.make_model(body, opset_imports=opsets, producer_name="f1lib", ir_version=IR_VERSION)
    return bytes(model.SerializeToString(deterministic=True))
