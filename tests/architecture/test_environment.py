"""What is installed by conda is what is installed by `make setup`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import yaml


def _requirements(groups: dict[str, list[Any]], name: str) -> list[str]:
    """A dependency group with the groups it includes."""
    found: list[str] = []
    for entry in groups[name]:
        found += [entry] if isinstance(entry, str) else _requirements(groups, entry["include-group"])
    return found


def test_conda_users_get_the_package_and_every_tool_of_the_dev_group(root: Path) -> None:
    groups = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    environment = yaml.safe_load((root / "environment.yml").read_text(encoding="utf-8"))
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert sorted(pip) == sorted(["-e .", *_requirements(groups, "dev")])


def test_no_line_mixes_an_editable_package_with_hashed_requirements(root: Path) -> None:
    environment = yaml.safe_load((root / "environment.yml").read_text(encoding="utf-8"))
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert not [line for line in pip if line.startswith(("-r", "-c"))]
