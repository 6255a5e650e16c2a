"""One SQL file is one table is one SELECT, and SQL stands nowhere else."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

STATEMENT = re.compile(r"\b(select\b.+\bfrom|insert\s+into|create\s+(table|view)|delete\s+from)\b", re.I | re.S)
CHANGING = re.compile(r"\b(insert|update|delete|create|drop|alter|copy|attach|pragma|install|load)\s", re.I)


def _sql_files(root: Path) -> list[Path]:
    return sorted((root / "f1lib").glob("*/sql/**/*.sql"))


def _header(text: str) -> str:
    lines = []
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        lines.append(line)
    return "\n".join(lines).lower()


def _body(text: str) -> str:
    """The statement without comments and without text in quotes."""
    return re.sub(r"--[^\n]*|'[^']*'", " ", text).strip()


def test_sql_stands_beside_the_code_that_runs_it(root: Path) -> None:
    assert {path.relative_to(root / "f1lib").parts[0] for path in _sql_files(root)} == {"silver", "gold"}
    assert len(_sql_files(root)) == len(list((root / "f1lib").rglob("*.sql")))


def test_each_sql_file_is_headed_by_grain_inputs_and_cut_off(root: Path) -> None:
    wanted = ("grain", "inputs", "cut-off")
    wrong = {p.name: [w for w in wanted if w not in _header(p.read_text("utf-8"))] for p in _sql_files(root)}
    assert not {name: missing for name, missing in wrong.items() if missing}


def test_each_sql_file_is_one_select_that_changes_nothing(root: Path) -> None:
    wrong = []
    for path in _sql_files(root):
        body = _body(path.read_text("utf-8"))
        starts_well = re.match(r"(select|with|from)\b", body, re.I)
        if not starts_well or ";" in body.rstrip().removesuffix(";") or CHANGING.search(body):
            wrong.append(path.name)
    assert not wrong


def _docstrings(tree: ast.AST) -> set[int]:
    holders = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, holders) and node.body and isinstance(node.body[0], ast.Expr)
    }


def test_no_sql_stands_in_python_but_for_the_tracking_ports_few_statements(shipped: list[Any]) -> None:
    wrong = []
    for module in shipped:
        if module.name.startswith("f1lib.tracking."):
            continue
        docs = _docstrings(module.tree)
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in docs:
                continue
            if STATEMENT.search(node.value):
                wrong.append(f"{module.name}:{node.lineno} {node.value[:40]!r}")
    assert not wrong


def test_no_sql_stands_in_a_stage_notebook(root: Path) -> None:
    wrong = []
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        wrong += [path.name for c in cells if c["cell_type"] == "code" and STATEMENT.search("".join(c["source"]))]
    assert not wrong
