"""The code version changes with the code alone and needs no git; the commit is read from git's files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from f1lib.lake import provenance

ASK = "from f1lib.lake.provenance import made_by; print(made_by())"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package, outside any checkout."""
    ignored = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(provenance.PACKAGE, tmp_path / "copy" / "f1lib", ignore=ignored))


def test_a_copy_has_the_version_of_the_original_and_needs_no_git(package: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(package.parent), "PATH": ""}
    command = [sys.executable, "-c", ASK]
    done = subprocess.run(command, env=environment, cwd=package.parent, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == repr({"code_version": provenance.code_version()})


@pytest.mark.parametrize(
    "file", ["lake/store.py", "gold/sql/steps/inputs_seen.sql", "lake/features.csv", "report/templates/style.css"]
)
def test_a_change_to_any_kind_of_file_changes_the_digest(package: Path, file: str) -> None:
    (changed,) = package.rglob(Path(file).name)
    before = provenance.source_digest(package)
    text = changed.read_text(encoding="utf-8")
    changed.write_text(text + " ", encoding="utf-8")
    assert provenance.source_digest(package) != before
    changed.write_text(text, encoding="utf-8")
    assert provenance.source_digest(package) == before


def test_a_file_more_or_under_another_name_changes_the_digest(package: Path) -> None:
    before = provenance.source_digest(package)
    (package / "errors.py").rename(package / "faults.py")
    renamed = provenance.source_digest(package)
    (package / "errors.py").write_bytes((package / "faults.py").read_bytes())
    assert len({before, renamed, provenance.source_digest(package)}) == 3


def test_bytecode_and_hidden_files_do_not_count(package: Path) -> None:
    before = provenance.source_digest(package)
    for name in ("__pycache__/errors.pyc", "lake/.ipynb_checkpoints/a.py", ".DS_Store"):
        (package / name).parent.mkdir(exist_ok=True)
        (package / name).write_bytes(b"anything")
    assert provenance.source_digest(package) == before


def test_the_commit_is_read_of_a_branch_packed_or_not_detached_and_in_a_linked_worktree(tmp_path: Path) -> None:
    checkout, linked = tmp_path / "checkout", tmp_path / "linked"
    checkout.mkdir()
    assert provenance.commit(checkout) == ""
    _git(checkout, "init", "--quiet")
    assert provenance.commit(checkout) == ""
    _git(checkout, "commit", "--quiet", "--allow-empty", "-m", "first")
    _git(checkout, "worktree", "add", "--quiet", "-b", "side", str(linked))
    _git(linked, "commit", "--quiet", "--allow-empty", "-m", "second")
    for _ in range(2):
        assert provenance.commit(checkout) == _git(checkout, "rev-parse", "HEAD")
        assert provenance.commit(linked) == _git(linked, "rev-parse", "HEAD") != provenance.commit(checkout)
        _git(checkout, "pack-refs", "--all")
    _git(linked, "checkout", "--quiet", "--detach")
    assert provenance.commit(linked) == _git(linked, "rev-parse", "HEAD")


def _git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    command = ["git", "-C", str(folder), *who, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
