"""One version: pyproject.toml has it, the installed metadata, the changelog and `f1 --version` say the same."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import f1lib
from f1lib.cli.main import main
from f1lib.lake.provenance import code_version


@pytest.fixture(scope="module")
def version(root: Path) -> str:
    found: str = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    return found


def test_the_installed_package_is_of_the_version_of_pyproject(version: str) -> None:
    assert f1lib.__version__ == version, "the installed metadata is of another version: run `make setup`"
    assert re.fullmatch(re.escape(version) + r"\+[0-9a-f]{8}", code_version())


def test_the_newest_section_of_the_changelog_is_of_this_version(root: Path, version: str) -> None:
    (newest, *_) = re.findall(r"^## (.+)$", (root / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert newest == version


def test_the_command_names_version_digest_and_commit(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    said = re.fullmatch(r"f1lib (\S+)(?: \(commit ([0-9a-f]{40})\))?\n", capsys.readouterr().out)
    assert said
    assert said[1] == code_version()
    if (root / ".git").exists():
        head = ["git", "-C", str(root), "rev-parse", "HEAD"]
        assert said[2] == subprocess.run(head, capture_output=True, text=True, check=True).stdout.strip()


def test_importing_the_package_reads_neither_metadata_nor_files() -> None:
    """Asked without site-packages, where nothing else can have loaded them."""
    probe = "import sys, f1lib, f1lib.lake.provenance; print('importlib.metadata' in sys.modules)"
    command = [sys.executable, "-S", "-c", probe]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(f1lib.__file__).parents[1])
    assert done.stdout == "False\n"
