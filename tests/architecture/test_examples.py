"""Every example of the how-to pages is executed, in the order of its page: commands by `f1`, Python as it stands."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from f1lib.cli.main import main
from f1lib.workspace.project import begin_project
from tests.support.lakes import AFTER

PAGES = ("start", "analyst", "scheduler", "reader", "engineer")
EXAMPLE = re.compile(r"^```(console|python)\n(.*?)^```", re.S | re.M)


@pytest.fixture
def project(replayed_lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose lake was lived in, at the end of that."""
    begin_project(tmp_path)
    shutil.copytree(replayed_lake / "lake", tmp_path / "lake")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("F1_LAKE_URL", str(tmp_path / "lake"))
    monkeypatch.setenv("F1_SOURCE", "simulated")
    monkeypatch.setenv("F1_ENGINE", "inprocess")
    return tmp_path


@pytest.mark.parametrize("page", PAGES)
def test_every_example_of_a_how_to_page_runs(page: str, project: Path, root: Path) -> None:
    examples = EXAMPLE.findall((root / "docs" / f"{page}.md").read_text(encoding="utf-8"))
    assert examples
    names: dict[str, object] = {}
    for kind, text in examples:
        if kind == "python":
            exec(compile(text, f"docs/{page}.md", "exec"), names)
        for line in text.splitlines() if kind == "console" else ():
            prompt, command, *words = shlex.split(line)
            assert (prompt, command) == ("$", "f1"), f"docs/{page}.md: only f1 is run in a console block: {line}"
            assert main([*words, "--now", AFTER]) == 0, line


def test_every_how_to_page_is_tried(root: Path) -> None:
    with_examples = {path.stem for path in (root / "docs").glob("*.md") if EXAMPLE.search(path.read_text("utf-8"))}
    assert with_examples - {"exploring"} == set(PAGES)  # its own test: notebooks/test_data_out.py
