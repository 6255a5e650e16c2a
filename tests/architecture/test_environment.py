"""What is installed by conda is what is installed by `make setup`."""

from __future__ import annotations

import re
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
    assert sorted(pip) == sorted(["-e .[aws,lab]", *_requirements(groups, "dev")])


def test_no_line_mixes_an_editable_package_with_hashed_requirements(root: Path) -> None:
    environment = yaml.safe_load((root / "environment.yml").read_text(encoding="utf-8"))
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert not [line for line in pip if line.startswith(("-r", "-c"))]


def test_every_action_of_the_workflows_is_pinned_by_its_commit_and_names_its_version(root: Path) -> None:
    workflows = sorted((root / ".github" / "workflows").glob("*.yml"))
    used = [line.strip() for path in workflows for line in path.read_text("utf-8").splitlines() if "uses:" in line]
    assert used
    ours = r"(- )?uses: \./\.github/workflows/[\w-]+\.yml"
    pinned = r"(- )?uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+"
    assert not [line for line in used if not re.fullmatch(f"{ours}|{pinned}", line)]


def test_the_workflow_runs_what_a_change_must_pass_and_builds_the_site(root: Path) -> None:
    jobs = yaml.safe_load((root / ".github" / "workflows" / "ci.yml").read_text("utf-8"))["jobs"]
    run = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert run == [".ci/run", ".ci/supply", "make bench BENCH=quick", "make docs"]


def test_every_target_of_the_makefile_is_listed_by_make_help(root: Path) -> None:
    text = (root / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.+)$", text, re.M)
    assert sorted(re.findall(r"^(\w+):.*## ", text, re.M)) == sorted(phony.split())
