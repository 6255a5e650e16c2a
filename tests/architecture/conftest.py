"""What the architecture tests look at: every module of f1lib as text and syntax tree."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Module:
    """One Python file of the project, parsed and never imported."""

    name: str
    path: Path
    text: str
    tree: ast.Module


def _parse(path: Path, root: Path) -> Module:
    parts = list(path.relative_to(root).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    text = path.read_text(encoding="utf-8")
    return Module(".".join(parts), path, text, ast.parse(text))


@pytest.fixture(scope="session")
def modules(root: Path) -> list[Module]:
    """Every module of the package ``f1lib``."""
    return [_parse(path, root) for path in sorted((root / "f1lib").rglob("*.py"))]


@pytest.fixture(scope="session")
def shipped(root: Path, modules: list[Module]) -> list[Module]:
    """Everything that runs in production: f1lib and the Lambda's handler."""
    return modules + [_parse(path, root) for path in sorted((root / "lambda_runner").rglob("*.py"))]
