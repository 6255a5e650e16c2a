"""Law 5 (the caller's frames stay as they are), law 7 (provenance in every table) and the walls on size."""

from __future__ import annotations

import ast
from typing import Any

from f1lib.lake import tables

MODULE_LINES = 300
FUNCTION_LINES = 40


def _frame_arguments(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    arguments = function.args.posonlyargs + function.args.args + function.args.kwonlyargs
    return {a.arg for a in arguments if a.annotation and "DataFrame" in ast.unparse(a.annotation)}


def _changes(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[int]:
    """Lines that write into a frame argument: ``frame[...] =``, ``frame.loc[...] =``, ``frame.insert(...)``.

    A name that is rebound first (``frame = frame.copy()``) is the function's own from that line on.
    """
    frames = _frame_arguments(function)
    rebound: dict[str, int] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in frames:
            rebound[node.id] = min(node.lineno, rebound.get(node.id, node.lineno))
    lines = []
    for node in ast.walk(function):
        target: ast.AST | None = None
        if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
            target = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            target = node.func.value if node.func.attr in {"insert", "pop", "update"} else None
        while isinstance(target, ast.Attribute | ast.Subscript):
            target = target.value
        if isinstance(target, ast.Name) and target.id in frames:
            line = int(getattr(node, "lineno", 0))
            if line <= rebound.get(target.id, line):
                lines.append(line)
    return lines


def _functions(tree: ast.AST) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


def _docstring(function: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.stmt | None:
    return function.body[0] if ast.get_docstring(function) else None


def _lines(node: Any) -> int:
    return 0 if node is None else node.end_lineno - node.lineno + 1


def test_the_scan_itself_sees_a_changed_frame_and_lets_a_copy_be() -> None:
    changed = "def f(frame: pd.DataFrame):\n    frame.loc[0, 'a'] = 1\n    frame['b'] = 2\n    frame.insert(0, 'c', 3)"
    copied = "def f(frame: pd.DataFrame):\n    frame = frame.copy()\n    frame['b'] = 2"
    assert len(_changes(_functions(ast.parse(changed))[0])) == 3
    assert _changes(_functions(ast.parse(copied))[0]) == []


def test_no_function_writes_into_a_frame_it_was_given(modules: list[Any]) -> None:
    wrong = [f"{m.name}.{f.name}:{line}" for m in modules for f in _functions(m.tree) for line in _changes(f)]
    assert not wrong


def test_nothing_is_done_in_place(modules: list[Any]) -> None:
    wrong = [
        f"{m.name}:{node.value.lineno}"
        for m in modules
        for node in ast.walk(m.tree)
        if isinstance(node, ast.keyword) and node.arg == "inplace"
    ]
    assert not wrong


def test_no_module_is_longer_than_the_wall(modules: list[Any]) -> None:
    """Docstrings of functions are not counted: a documented function makes no module too long to read."""
    documented = {m.name: sum(_lines(_docstring(f)) for f in _functions(m.tree)) for m in modules}
    lengths = {m.name: m.text.count("\n") - documented[m.name] for m in modules}
    assert not {name: n for name, n in lengths.items() if n > MODULE_LINES}


def test_no_function_is_longer_than_the_wall(shipped: list[Any]) -> None:
    """Docstrings are not counted."""
    lengths = {f"{m.name}.{f.name}": _lines(f) - _lines(_docstring(f)) for m in shipped for f in _functions(m.tree)}
    assert not {name: n for name, n in lengths.items() if n > FUNCTION_LINES}


def test_every_table_says_which_source_its_rows_came_from() -> None:
    silent = [name for name, table in tables.contracts().items() if "source" not in table.names]
    assert not silent


def test_no_exception_is_swallowed(shipped: list[Any]) -> None:
    wrong = [
        f"{m.name}:{node.lineno}"
        for m in shipped
        for node in ast.walk(m.tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or all(isinstance(s, ast.Pass | ast.Continue) for s in node.body))
    ]
    assert not wrong
