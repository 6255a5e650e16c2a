"""The words of the tracking table are spelled once: statuses, outcomes, stages and their sort keys in `f1lib.tracking`.

Everywhere else they are members of `Status`, `Outcome` and `Stage`, so that mypy finds the one that does not exist.
``silver`` and ``gold`` are names of layers too (folders, packages, settings): these two are looked for only where they
can be nothing but a status. `f1lib.sources` never knows of the table: two words with which it begins a fact of its
provenance are spelled in its `protocols`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from f1lib.tracking.rows import Outcome, Status
from f1lib.tracking.stage_keys import Stage

LAYERS = {Status.SILVER, Status.GOLD}
WORDS = {*Status, *Stage, Outcome.TAKEN} - LAYERS
FACTS = {("f1lib.sources.protocols", Status.BLOCKED), ("f1lib.sources.protocols", Status.UNAVAILABLE)}
PREFIX = "STAGE#"
PREFIX_OWNER = "f1lib.tracking.stage_keys"


def _constants(node: ast.AST) -> Iterator[ast.Constant]:
    return (n for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str))


def _as_status(tree: ast.AST) -> Iterator[ast.Constant]:
    """String constants that are compared, or given as a status: to a key or an argument of that name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            yield from _constants(node)
        elif isinstance(node, ast.keyword) and node.arg == "status":
            yield from _constants(node.value)
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "status":
                    yield from _constants(value)
        elif isinstance(node, ast.Assign) and any("status" in ast.unparse(target) for target in node.targets):
            yield from _constants(node.value)


def spelled(name: str, tree: ast.AST) -> list[str]:
    """Where a module outside ``tracking`` spells one of the words."""
    found = [c for c in _constants(tree) if c.value in WORDS and (name, c.value) not in FACTS]
    found += [c for c in _as_status(tree) if c.value in LAYERS]
    return [f"{name}:{c.lineno} {c.value!r}" for c in found]


@pytest.mark.parametrize(
    "code",
    [
        'if row["status"] == "ingested": pass',
        'waiting = ("scheduled", "due")',
        'late = row.get("status") in ("silver", "gold")',
        'rows = table.rows(status="silver")',
        'row = {"status": "gold" if ready else None}',
        'row["status"] = "gold"',
        'status, again = "gold", None',
        'counts = {name: 0 for name in ["unavailable", "blocked"]}',
        'run_stage(ws, "06_predict", {})',
        'outcome = Run("taken")',
    ],
)
def test_a_word_that_is_spelled_again_is_found(code: str) -> None:
    assert spelled("f1lib.pipeline.planted", ast.parse(code))


@pytest.mark.parametrize(
    "code",
    [
        'layers = ("bronze", "silver", "gold")',
        'names = {"silver": "S3_SILVER_PATH"}',
        'path = package.joinpath("gold")',
        '"""A row that is ingested, then silver, then gold."""',
        'telemetry.line("stage failed", failed=True)',
    ],
)
def test_the_name_of_a_layer_and_prose_are_no_status(code: str) -> None:
    assert spelled("f1lib.lake.planted", ast.parse(code)) == []


def test_no_status_and_no_stage_is_spelled_outside_tracking(modules: list[Any]) -> None:
    outside = [m for m in modules if not m.name.startswith("f1lib.tracking.")]
    assert len(outside) > 100
    assert [where for m in outside for where in spelled(m.name, m.tree)] == []


def test_the_prefix_of_stages_is_spelled_in_one_module(root: Path) -> None:
    files = [path for end in ("py", "j2", "sql") for path in (root / "f1lib").rglob(f"*.{end}")]
    names = [path.relative_to(root).as_posix() for path in files if PREFIX in path.read_text(encoding="utf-8")]
    assert names == [f"{PREFIX_OWNER.replace('.', '/')}.py"]
