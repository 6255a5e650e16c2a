"""The workflow of GitHub Actions that `f1 init --github` writes: its steps, run here with a repository in a folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from f1lib.workspace.project import begin_project

# What stands for f1lib: a tick that counts itself, and fails when it is told to.
F1 = """#!/bin/bash
[ "$1" = run ] || exit 0
mkdir -p lake/reports && touch lake/lake.json && date +%N >> lake/ticks && cp lake/ticks lake/reports/index.html
exit ${F1_FAILS:-0}
"""


@dataclass
class Repository:
    """A project under git, its origin, and the workflow's steps by name."""

    folder: Path
    origin: Path
    job: dict[str, Any]

    def step(self, name: str, where: Path, **given: str) -> tuple[int, dict[str, str]]:
        """Run one step as a runner does, in a checkout; return its status and outputs."""
        (step,) = [step for step in self.job["steps"] if step.get("name") == name]
        output = where.with_name(f"{where.name}.output")
        output.write_text("", encoding="utf-8")
        environment = {**os.environ, "GITHUB_OUTPUT": str(output), "RUNNER_TEMP": str(where.parent)}
        environment |= {"PATH": f"{self.folder.parent}:{os.environ['PATH']}"}
        environment |= {k: v for k, v in step.get("env", {}).items() if "${{" not in v} | given
        shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        done = subprocess.run(shell, cwd=where, env=environment, capture_output=True, text=True, check=False)
        lines = output.read_text(encoding="utf-8").splitlines()
        return done.returncode, dict(line.split("=", 1) for line in lines)

    def checkout(self, name: str) -> Path:
        """A fresh clone, as every run begins with one."""
        where = self.folder.parent / name
        _git(self.folder.parent, "clone", "--quiet", "--depth=1", f"file://{self.origin}", name)
        return where

    def run(self, name: str, **given: str) -> dict[str, str]:
        """Run the job's own steps in a fresh clone; return the outputs of the last."""
        where = self.checkout(name)
        assert self.step("fetch the lake", where)[0] == 0
        kept = self.step_outputs(where)
        self.step("tick", where, **given)
        status, outputs = self.step("keep the lake", where, KEPT=kept)
        assert status == 0
        return outputs

    def step_outputs(self, where: Path) -> str:
        """The commit that the last step named as kept."""
        return where.with_name(f"{where.name}.output").read_text(encoding="utf-8").strip().removeprefix("kept=")

    def kept(self) -> list[str]:
        """The files of the branch `lake`."""
        return _git(self.origin, "ls-tree", "-r", "--name-only", "lake").splitlines()


def _git(where: Path, *words: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *who, *words], cwd=where, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    folder, origin = tmp_path / "my-f1", tmp_path / "origin.git"
    begin_project(folder, github=True)
    (tmp_path / "f1").write_text(F1, encoding="utf-8")
    (tmp_path / "f1").chmod(0o755)
    _git(tmp_path, "init", "--quiet", "--bare", str(origin))
    _git(folder, "init", "--quiet")
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "-m", "begun")
    _git(folder, "push", "--quiet", str(origin), "HEAD:main")
    return Repository(folder, origin, _workflow(folder)["jobs"]["tick"])


def _workflow(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((folder / ".github" / "workflows" / "f1.yml").read_text(encoding="utf-8"))
    return found


def test_ticks_go_on_with_the_lake_of_the_branch_which_stays_one_commit(repository: Repository) -> None:
    assert repository.run("first") == {"changed": "true"}
    assert repository.run("second") == {"changed": "true"}
    assert repository.kept() == ["lake.json", "reports/index.html", "ticks"]
    assert len(_git(repository.origin, "show", "lake:ticks").splitlines()) == 2
    assert _git(repository.origin, "rev-list", "--count", "lake").strip() == "1"
    assert (repository.folder.parent / "second" / "site" / "index.html").is_file()


def test_a_tick_with_nothing_to_do_keeps_the_commit_and_publishes_nothing(repository: Repository) -> None:
    repository.run("first")
    before = _git(repository.origin, "rev-parse", "lake")
    (repository.folder.parent / "f1").write_text("#!/bin/bash\n", encoding="utf-8")
    assert repository.run("second") == {}
    assert _git(repository.origin, "rev-parse", "lake") == before


def test_what_a_failed_tick_did_is_kept(repository: Repository) -> None:
    assert repository.run("first", F1_FAILS="1") == {"changed": "true"}
    assert "ticks" in repository.kept()


def test_a_tick_that_could_begin_no_lake_begins_no_branch(repository: Repository) -> None:
    (repository.folder.parent / "f1").write_text("#!/bin/bash\n", encoding="utf-8")
    assert repository.run("first") == {}
    assert "lake" not in _git(repository.origin, "branch")


def test_an_unreachable_repository_is_a_failure_and_not_an_empty_lake(repository: Repository) -> None:
    repository.run("first")
    where = repository.checkout("second")
    shutil.move(repository.origin, repository.origin.with_name("away.git"))
    assert repository.step("fetch the lake", where)[0] != 0


def test_a_run_that_began_from_an_older_lake_does_not_replace_a_newer_one(repository: Repository) -> None:
    repository.run("first")
    slow = repository.checkout("slow")
    repository.step("fetch the lake", slow)
    began_from = repository.step_outputs(slow)
    repository.run("second")
    newest = _git(repository.origin, "rev-parse", "lake")
    repository.step("tick", slow)
    assert repository.step("keep the lake", slow, KEPT=began_from)[0] != 0
    assert _git(repository.origin, "rev-parse", "lake") == newest


def test_actions_are_pinned_and_rights_are_given_to_the_jobs_that_need_them(tmp_path: Path, root: Path) -> None:
    begin_project(tmp_path, github=True)
    text = (tmp_path / ".github" / "workflows" / "f1.yml").read_text(encoding="utf-8")
    used = [line.strip() for line in text.splitlines() if "uses:" in line]
    assert not [line for line in used if not re.fullmatch(r"(- )?uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)]
    ours = "".join(path.read_text(encoding="utf-8") for path in (root / ".github" / "workflows").glob("*.yml"))
    both = [line for line in used if line.split()[-3].split("@")[0] in ours]
    assert both
    assert not [line for line in both if line.split()[-3] not in ours], "the project's own workflows pin another commit"
    workflow = _workflow(tmp_path)
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["jobs"]["tick"]["permissions"] == {"contents": "write"}
    assert workflow["jobs"]["publish"]["permissions"] == {"pages": "write", "id-token": "write"}
    assert workflow["concurrency"] == {"group": "f1", "cancel-in-progress": False}
