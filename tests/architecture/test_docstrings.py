"""Public functions with many parameters, or with frames, say what they take and give in numpydoc sections."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

PARAMETERS = 3
FRAME = re.compile(r"\b(pd\.DataFrame|pd\.Series|pa\.Table)\b")


def _public(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """Functions of a module and methods of its classes that are public; inner functions are not."""
    for node in tree.body:
        members = node.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_") else [node]
        for member in members:
            if isinstance(member, ast.FunctionDef) and not member.name.startswith("_"):
                yield member


def _arguments(function: ast.FunctionDef) -> list[ast.arg]:
    found = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return [argument for argument in found if argument.arg not in ("self", "cls")]


def _lacking(function: ast.FunctionDef) -> list[str]:
    """The sections that the docstring of ``function`` owes and does not have; none for one that refers to another."""
    text = ast.get_docstring(function) or ""
    arguments = _arguments(function)
    returns = ast.unparse(function.returns) if function.returns else ""
    annotations = " ".join([returns, *(ast.unparse(a.annotation) for a in arguments if a.annotation)])
    if text.startswith("See `") or not (len(arguments) >= PARAMETERS or FRAME.search(annotations)):
        return []
    owed = (["Parameters"] if arguments else []) + (["Returns"] if FRAME.search(returns) else [])
    return [section for section in owed if not re.search(rf"^{section}\n-+$", text, re.M)]


def _function(text: str) -> ast.FunctionDef:
    (found,) = _public(ast.parse(text))
    return found


def test_the_scan_itself_finds_what_is_owed() -> None:
    assert _lacking(_function('def f(a, b, c):\n    """Do."""')) == ["Parameters"]
    assert _lacking(_function('def f(rows: pd.DataFrame) -> pd.DataFrame:\n    """Do."""')) == ["Parameters", "Returns"]
    assert _lacking(_function('def f(a, b, c):\n    """Do.\n\n    Parameters\n    ----------\n    a\n    """')) == []
    assert _lacking(_function('def f(a, b, c):\n    """See `Port.f`."""')) == []
    assert _lacking(_function('def f(a: int, b: int) -> int:\n    """Do."""')) == []


def test_functions_with_many_parameters_or_with_frames_are_documented_in_sections(modules: list[Any]) -> None:
    wrong = {
        f"{module.name}.{function.name}": lacking
        for module in modules
        for function in _public(module.tree)
        if (lacking := _lacking(function))
    }
    assert not wrong
