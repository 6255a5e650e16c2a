"""Law 1 (imports go down, no circles) and law 2 (AWS only behind the two ports)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

# Low to high. A module `<layer>_<part>` belongs to its layer, as does everything in a package of that name.
LAYERS = (
    "errors terms memory attribution settings circuits drivers tables storage tracking sources workspace bronze "
    "weather silver gold metrics distribution preprocess onnx_export model baselines backtest registry "
    "predictions report plan parameters inprocess execute runner history replay backfill observe actions console "
    "cli __main__"
).split()
REPORT_PARTS = {"figures", "html", "dashboard", "explore"}
STAGES = {"bronze", "weather", "silver", "gold", "model", "predictions", "report"}


def layer_of(module: str) -> str | None:
    """The layer of ``f1lib.<...>``; None for the package itself, and an error for a module without a place."""
    parts = module.split(".")
    if len(parts) == 1:
        return None
    name = parts[1]
    if name in REPORT_PARTS or name.split("_")[0] in REPORT_PARTS:
        return "report"
    fitting = [layer for layer in LAYERS if name == layer or name.startswith(f"{layer}_")]
    assert fitting, f"{module} has no place in the layers: name it after its layer, or give it one in LAYERS"
    return max(fitting, key=len)


def imported(tree: ast.AST, *, typing_too: bool = False) -> Iterator[tuple[str, ast.AST]]:
    """Modules imported anywhere in ``tree``, inside functions too, with the node that imports them."""
    skipped = set() if typing_too else {id(n) for block in _typing_blocks(tree) for n in ast.walk(block)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((f"{node.module}.{alias.name}", node) for alias in node.names)


def _typing_blocks(tree: ast.AST) -> Iterator[ast.stmt]:
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from node.body


def edges(modules: list[Any]) -> dict[str, set[str]]:
    """Module -> the f1lib modules it imports."""
    known = {m.name for m in modules}
    graph: dict[str, set[str]] = {}
    for module in modules:
        names = {name for name, _ in imported(module.tree) if name.split(".")[0] == "f1lib"}
        found = {name if name in known else name.rpartition(".")[0] for name in names}
        graph[module.name] = {name for name in found if name in known} - {module.name, "f1lib"}
    return graph


def test_every_import_goes_to_the_same_layer_or_a_lower_one(modules: list[Any]) -> None:
    upward = [
        f"{name} imports {target}"
        for name, targets in edges(modules).items()
        for target in sorted(targets)
        if name != "f1lib" and LAYERS.index(str(layer_of(target))) > LAYERS.index(str(layer_of(name)))
    ]
    assert not upward


def test_no_two_modules_import_each_other_by_any_way_round(modules: list[Any]) -> None:
    graph = edges(modules)

    def reaches(start: str) -> set[str]:
        seen: set[str] = set()
        todo = [start]
        while todo:
            for target in graph.get(todo.pop(), set()) - seen:
                seen.add(target)
                todo.append(target)
        return seen

    circular = sorted(name for name in graph if name in reaches(name))
    assert not circular


def test_no_import_is_relative(shipped: list[Any]) -> None:
    relative = [
        f"{m.path.name}:{node.lineno}"
        for m in shipped
        for node in ast.walk(m.tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert not relative


def test_sources_know_nothing_of_the_lake(modules: list[Any]) -> None:
    """An upstream turns answers into frames; where they are kept is not its business."""
    reaching = [
        f"{name} imports {target}"
        for name, targets in edges(modules).items()
        if name.startswith("f1lib.sources.")
        for target in targets
        if layer_of(target) in {"storage", "tracking", *STAGES}
    ]
    assert not reaching


def test_boto3_is_imported_by_the_two_ports_only_and_inside_functions(shipped: list[Any]) -> None:
    wrong = []
    for module in shipped:
        at_top = {id(n) for stmt in module.tree.body if isinstance(stmt, ast.Import | ast.ImportFrom) for n in [stmt]}
        for name, node in imported(module.tree):
            if name.split(".")[0] not in {"boto3", "botocore", "s3fs", "aiobotocore"}:
                continue
            layer = layer_of(module.name) if module.name.startswith("f1lib") else module.name
            if layer not in {"storage", "tracking"} or id(node) in at_top:
                wrong.append(f"{module.path.name}:{node.lineno} imports {name}")
    assert not wrong
