"""Convert an xgboost booster to the attributes of ONNX's TreeEnsembleRegressor."""

from __future__ import annotations

import json
from typing import Any

from f1lib.errors import RunError


def tree_attributes(booster: Any) -> dict[str, Any]:
    """Return the attributes of TreeEnsembleRegressor for an xgboost regression, read from the booster's JSON.

    Raises
    ------
    RunError
        For anything but ``gbtree`` with ``reg:squarederror``: other objectives transform the output, which the graph
        does not.
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
