"""A function takes the whole workspace only if it hands it on or uses three of its attributes or more.

A function that is passed as a value, as the checks of ``f1 doctor`` are, has the signature of its callers.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.architecture.conftest import Module

ATTRIBUTES = 3


def _values(tree: ast.Module) -> Iterator[str]:
    """Names that are used as values: neither called nor the first argument of ``partial``."""
    called = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called.add(id(node.func))
            if isinstance(node.func, ast.Name) and node.func.id == "partial":
                called.add(id(node.args[0]))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load) and id(node) not in called:
            yield node.id if isinstance(node, ast.Name) else node.attr


def _takes_too_much(node: ast.FunctionDef) -> bool:
    if "ws" not in {argument.arg for argument in [*node.args.args, *node.args.kwonlyargs]}:
        return False
    inside = list(ast.walk(node))
    uses = [
        n.attr for n in inside if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id == "ws"
    ]
    is_handed_on = sum(isinstance(n, ast.Name) and n.id == "ws" for n in inside) > len(uses)
    return not is_handed_on and len(set(uses)) < ATTRIBUTES


def _found(modules: Sequence[Module]) -> list[str]:
    values = {name for module in modules for name in _values(module.tree)}
    return [
        f"{module.name}.{node.name}"
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef) and node.name not in values and _takes_too_much(node)
    ]


def test_no_function_takes_the_workspace_for_two_attributes(modules: list[Module]) -> None:
    assert _found(modules) == []


def test_a_planted_function_that_takes_the_workspace_for_its_store_is_found() -> None:
    text = "def keys(ws: Workspace) -> list[str]:\n    return ws.store.list()\n\nkeys(ws)\n"
    assert _found([Module("planted", Path("planted.py"), text, ast.parse(text))]) == ["planted.keys"]
