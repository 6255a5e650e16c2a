"""The backup that docs/home.md describes, made and restored by its own commands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from f1lib.domain.moments import format_utc, parse_utc
from f1lib.pipeline import doctor
from f1lib.workspace.project import begin_project
from f1lib.workspace.workspace import open_workspace
from tests.support.lakes import AFTER

LATER = format_utc(parse_utc(AFTER) + timedelta(minutes=10))


@pytest.fixture
def commands(root: Path) -> list[str]:
    """The blocks of the section on backup: what makes one, what restores it."""
    text = (root / "docs" / "home.md").read_text(encoding="utf-8")
    section = re.search(r"^## Backup\n(.*?)^## ", text, re.S | re.M)
    assert section
    return re.findall(r"^```bash\n(.*?)^```", section[1], re.S | re.M)


def test_a_lake_restored_from_the_backup_goes_on_and_issues_nothing_twice(
    commands: list[str], replayed_lake: Path, tmp_path: Path
) -> None:
    begin_project(tmp_path)
    shutil.copytree(replayed_lake / "lake", tmp_path / "lake")
    before = _issued(tmp_path / "lake")
    make, restore = commands
    _bash(make, tmp_path)
    shutil.rmtree(tmp_path / "lake")
    _bash(restore, tmp_path)
    assert before
    assert _issued(tmp_path / "lake") == before
    ws = open_workspace(lake=str(tmp_path / "lake"), source="simulated", as_of=LATER)
    assert doctor.examine(ws) == []
    assert len(ws.tracking.rows()) > 100


def _issued(lake: Path) -> dict[str, bytes]:
    return {str(path.relative_to(lake)): path.read_bytes() for path in lake.glob("predictions/*/history/**/*.parquet")}


def _bash(script: str, cwd: Path) -> None:
    """Run a script of the guide in a project, a little after the lake was left; `f1` is the one of this environment."""
    f1 = f'f1() {{ command {Path(sys.executable).with_name("f1")} "$@" --source simulated --now {LATER}; }}\n'
    environment = {**os.environ, "F1_LAKE_URL": str(cwd / "lake"), "F1_ENGINE": "inprocess"}
    done = subprocess.run(["bash", "-ec", f1 + script], cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
