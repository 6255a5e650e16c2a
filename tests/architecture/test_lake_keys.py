"""Every key of the lake is built and read in ``f1lib/lake/paths*.py``; no other module spells one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

import pytest

# What a key starts with, and what only keys contain: partitions, folders and file names of the lake.
KEY = re.compile(
    r"\^?(bronze|silver|gold|models|predictions|reports|backfill)\\?/"
    r"|.*(\b(run_id|season)=|/(history|explanations|revisions|sweeps|folds)/|\b(_predictions|_sprint)\\?\.parquet)"
    r"|(.*/)?(starting_grid\.)?source\\?\.json"
    r"|(.*/)?(_SUCCESS|decision\.json|model_metadata\.json|onnx_model\.onnx|xgb_model\.ubj|preprocessor\.joblib)"
    r"|(.*/)?(champion|accuracy|next_races|run_summary|replay|units|index)\.(json|html)"
    r"|(.*/)?(feed\.xml|calendar\.ics)$"
    r"|.*\.news\.json"
)


def _is_home(name: str) -> bool:
    return name.startswith("f1lib.lake.paths")


def _passed_over(tree: ast.AST) -> Iterator[ast.AST]:
    """Docstrings, and the names of SQL files, which stand in packages of the same names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "sql_text":
            yield from (part for argument in node.args for part in ast.walk(argument))


def _keys(tree: ast.AST) -> list[str]:
    """The texts of ``tree``, whole or parts of f-strings, that are keys of the lake or parts of one."""
    passed = {id(node) for node in _passed_over(tree)}
    texts = [n for n in ast.walk(tree) if isinstance(n, ast.Constant) and id(n) not in passed]
    return [f"{n.lineno} {n.value!r}" for n in texts if isinstance(n.value, str) and KEY.match(n.value)]


@pytest.mark.parametrize(
    "code",
    [
        'ACCURACY = "reports/accuracy.json"',
        'def f(run): return f"models/run_id={run}/onnx_model.onnx"',
        'def f(root, run): return f"{root}run_id={run}"',
        'PATTERN = re.compile(r"bronze/sessions/(\\d{4})/([^/]+)")',
        'PATTERN = re.compile(rf"^predictions/{SEASON}/history/")',
        'def f(folder): return folder + "/source.json"',
        'def f(folder): return f"{folder}/starting_grid.source.json"',
        'def f(keys): return [key for key in keys if key.endswith("_sprint.parquet")]',
        'def f(issued): return issued.removesuffix(".parquet") + ".news.json"',
        'def f(issued): return issued.replace("/history/", "/explanations/")',
        'def f(name): return sql_text(f"silver/{name}"), "silver/sessions"',
    ],
)
def test_a_key_spelled_by_hand_is_found(code: str) -> None:
    assert _keys(ast.parse(code))


@pytest.mark.parametrize(
    "code",
    [
        '"""Written to reports/accuracy.json."""',
        'def f():\n    """``models/champion.json``."""',
        'def f(name): return sql.sql_text(f"gold/steps/{name}")',
        'LAYER = "bronze"',
        'raise RunError("no features: run 04_gold first")',
    ],
)
def test_docstrings_names_of_sql_files_and_other_words_are_no_keys(code: str) -> None:
    assert not _keys(ast.parse(code))


def test_no_module_but_the_lake_s_paths_spells_a_key(shipped: list[Any]) -> None:
    wrong = [f"{m.name}:{found}" for m in shipped if not _is_home(m.name) for found in _keys(m.tree)]
    assert not wrong


def test_the_scan_finds_the_keys_where_they_are_spelled(modules: list[Any]) -> None:
    homes = [m.name for m in modules if _is_home(m.name) and _keys(m.tree)]
    assert homes == ["f1lib.lake.paths", "f1lib.lake.paths_published"]
