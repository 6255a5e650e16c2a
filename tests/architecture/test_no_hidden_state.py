"""Law 9: no module remembers anything. Memories are uses of the workspace's cache, at module level are constants."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import pytest

MUTABLE = {"dict", "list", "set", "bytearray", "defaultdict", "OrderedDict", "Counter", "deque", "Cache", "Lock"}
MEMO = {"cache", "lru_cache", "functools.cache", "functools.lru_cache"}
CHANGING = {
    "append", "add", "clear", "discard", "extend", "insert", "pop", "popitem", "remove", "setdefault", "sort", "update",
}  # fmt: skip
# Functions whose one answer (or one an argument) is a constant of the package, and why.
CONSTANTS = {
    "f1lib.domain.circuits": "tables that ship with the package",
    "f1lib.domain.csv_files": "tables that ship with the package",
    "f1lib.lake.features": "features.csv",
    "f1lib.lake.provenance": "the version of the running code",
    "f1lib.lake.sql": "the text of a query that ships with the package",
    "f1lib.lake.tables": "tables.csv",
    "f1lib.report.pages": "templates and assets that ship with the package",
    "f1lib.report.notebook_html": "nbconvert's exporter with the package's templates",
    "f1lib.gold.incremental": "a digest of the package's own files",
    "f1lib.model.fit": "the libraries of linear algebra that the process has loaded",
    "f1lib.model.train": "threads: they hold no data, and each new one costs 50 MB",
    "f1lib.scoring.positions": "nodes of a quadrature",
    "f1lib.sources.simulated.calendar": "the calendar of the simulated world, the same in each",
    "f1lib.sources.simulated.weather": "one triangular matrix",
}


def _top(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Name and value of every assignment outside a function, those in classes too."""
    bodies = [tree.body, *(node.body for node in ast.walk(tree) if isinstance(node, ast.ClassDef))]
    for statement in (statement for body in bodies for statement in body):
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            yield from ((ast.unparse(target), statement.value) for target in targets)


def _is_mutable(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        return ast.unparse(value.func).partition("[")[0].rpartition(".")[2] in MUTABLE
    return isinstance(value, ast.Dict | ast.List | ast.Set | ast.DictComp | ast.ListComp | ast.SetComp)


def _changed(tree: ast.Module) -> set[str]:
    """Names of which something is changed: ``name[...] =``, ``name.append(...)``, ``name |=``, ``global name``."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            found |= set(node.names)
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            found.add(ast.unparse(node.value))
        elif isinstance(node, ast.AugAssign):
            found.add(ast.unparse(node.target))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGING:
            found.add(ast.unparse(node.func.value))
    return found


def _kept(tree: ast.Module) -> list[str]:
    """What a module could remember something in."""
    changed = _changed(tree)
    found = [
        name
        for name, value in _top(tree)
        if _is_memo(value) or (_is_mutable(value) and not _is_constant(name, value, changed))
    ]
    return found + [name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names]


def _is_memo(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and bool(
        MEMO & {ast.unparse(value.func), ast.unparse(value.func).partition("(")[0]}
    )


def _is_constant(name: str, value: ast.expr, changed: set[str]) -> bool:
    """Named like one, full from the start (what begins empty is there to be filled) and never changed."""
    parts = [*value.args, *value.keywords] if isinstance(value, ast.Call) else list(ast.iter_child_nodes(value))
    is_full = any(not isinstance(part, ast.expr_context) for part in parts)
    is_cache = isinstance(value, ast.Call) and ast.unparse(value.func).endswith("Cache")
    return (name.strip("_").isupper() or name == "__all__") and is_full and not is_cache and name not in changed


def _memos(tree: ast.Module) -> list[tuple[str, str, int]]:
    """Decorated functions: the memo, the function's name, how many arguments it has."""
    return [
        (ast.unparse(decorator), node.name, len(node.args.args))
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
        if ast.unparse(decorator).partition("(")[0] in MEMO
    ]


@pytest.mark.parametrize(
    "code",
    [
        "_LAST: list[int] = []",
        "_seen = {}",
        "_SEEN = dict()",
        "_NAMES = {'a': 1}\ndef f(name):\n    _NAMES[name] = 2",
        "_NAMES = ['a']\ndef f(name):\n    _NAMES.append(name)",
        "_known = {'a': 1}",
        "_PARSED: Memory[int] = Cache()",
        "CACHE = cache.Cache()",
        "_ROWS = defaultdict[str, list](list)\ndef f():\n    _ROWS.clear()",
        "class A:\n    seen = set()",
        "_LAST = None\ndef f():\n    global _LAST\n    _LAST = 1",
        "_PARSED = lru_cache(maxsize=9)(len)",
        "kept = functools.cache(len)",
    ],
)
def test_the_scan_itself_finds_each_way_of_remembering(code: str) -> None:
    assert _kept(ast.parse(code))


@pytest.mark.parametrize("code", ["_WORDS = {'a': 1}", "_A, __all__ = 1, 2", "__all__ = ['f']", "def f():\n    x = []"])
def test_the_scan_itself_lets_constants_and_locals_be(code: str) -> None:
    assert not _kept(ast.parse(code))


def test_no_module_has_anything_to_remember_with(modules: list[Any]) -> None:
    assert not {module.name: found for module in modules if (found := _kept(module.tree))}


def test_no_function_is_memoised_but_readers_of_the_package_s_constants(modules: list[Any]) -> None:
    memos = [(module.name, *memo) for module in modules for memo in _memos(module.tree)]
    wrong = [memo for memo in memos if memo[1] not in ("cache", "functools.cache") or memo[3] > 1]
    assert not wrong
    assert {memo[0] for memo in memos} == set(CONSTANTS)


def test_a_memo_on_a_function_of_data_is_found() -> None:
    assert _memos(ast.parse("@lru_cache(maxsize=1)\ndef opened(path, state):\n    return 1")) == [
        ("lru_cache(maxsize=1)", "opened", 2)
    ]
