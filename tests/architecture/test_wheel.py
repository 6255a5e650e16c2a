"""The wheel, built from the checkout and installed elsewhere: what it holds, and that it runs in an empty folder."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from f1lib.lake.provenance import code_version
from f1lib.stage import RESULT_MIME
from tests.support.lakes import begin_simulated

NOW = "2024-06-20T10:00:00Z"  # some ten races into the first season of the simulated history


@dataclass
class Installed:
    """The wheel in an environment of its own; ``home`` is its user's, and empty."""

    wheel: Path
    environment: Path
    home: Path

    @property
    def lake(self) -> Path:
        """Where a lake of simulated data is kept that nobody named."""
        return self.home / ".local" / "share" / "f1lib" / "lake-simulated"

    def run(self, *words: str, cwd: Path, status: int = 0) -> str:
        """Run a program of the environment without a network, and return what it printed."""
        base = {"HOME": str(self.home), "PATH": os.environ["PATH"], "F1_UPSTREAM_BASE": "http://127.0.0.1:9"}
        base |= {"F1_ENGINE": "inprocess", "F1_WEATHER": "none"}
        command = [str(self.environment / "bin" / words[0]), *words[1:]]
        done = subprocess.run(command, cwd=cwd, env=base, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def installed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel, alone in an environment that sees the libraries of this one and not its checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=root, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    environment = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(environment), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    (environment / "share").mkdir(exist_ok=True)
    (environment / "share" / "jupyter").symlink_to(Path(sys.prefix, "share", "jupyter"))  # nbconvert's templates
    (folder / "home").mkdir()
    return Installed(wheel, environment, folder / "home")


@pytest.fixture(scope="module")
def begun(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the first `f1 run` printed, in an empty folder."""
    installed.lake.parent.mkdir(parents=True)
    begin_simulated(installed.lake, 2024)
    return installed.run("f1", "run", "--now", NOW, cwd=tmp_path_factory.mktemp("empty"))


def test_the_wheel_holds_what_the_checkout_runs_on(installed: Installed, root: Path) -> None:
    held = set(zipfile.ZipFile(installed.wheel).namelist())
    listed = subprocess.run(["git", "ls-files", "f1lib"], cwd=root, capture_output=True, text=True, check=True)
    assert set(listed.stdout.split()) <= held
    assert {f"f1lib/project/{p.relative_to(root)}" for p in (root / "notebooks").rglob("*.ipynb")} <= held
    assert {f"f1lib/project/{p.relative_to(root)}" for p in (root / "parameters").rglob("*.yml")} <= held
    assert "f1lib/py.typed" in held
    assert not [name for name in held if not name.startswith(("f1lib/", "f1lib-"))]


def test_the_wheel_has_the_code_version_of_the_checkout(installed: Installed, tmp_path: Path) -> None:
    assert installed.run("f1", "--version", cwd=tmp_path) == f"f1lib {code_version()}\n"


def test_a_run_in_an_empty_folder_without_a_network_predicts_and_leaves_the_folder_empty(
    installed: Installed, begun: str, tmp_path: Path
) -> None:
    assert "P(win)" in begun
    assert str(installed.lake / "reports" / "index.html") in "".join(begun.split())
    assert "P(win)" in installed.run("f1", "predictions", "austrian", "--source", "simulated", cwd=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_changed_notebook_and_parameter_of_a_project_are_the_ones_that_run(
    installed: Installed, begun: str, tmp_path: Path
) -> None:
    mine = tmp_path / "my-f1"
    installed.run("f1", "init", str(mine), cwd=tmp_path)
    _change(mine / "notebooks" / "07_score.ipynb", lambda text: text.replace("# ", "# My own ", 1))
    _change(mine / "parameters" / "local.yml", lambda text: text.replace("lake: lake ", f"lake: {installed.lake} "))
    installed.run("f1", "stage", "07_score", "--source", "simulated", "--now", NOW, cwd=mine)
    records = [json.loads(path.read_text()) for path in installed.lake.glob("reports/runs/*/07_score.ipynb")]
    assert "# My own" in {"".join(record["cells"][0]["source"])[:8] for record in records}


def test_a_stage_notebook_of_a_project_runs_by_plain_papermill(
    installed: Installed, begun: str, tmp_path: Path
) -> None:
    installed.run("f1", "init", cwd=tmp_path)
    given = {"lake": str(installed.lake), "source": "simulated", "as_of": NOW}
    words = [word for name, value in given.items() for word in ("-p", name, value)]
    command = ("python", "-m", "papermill", "notebooks/07_score.ipynb", "out.ipynb", "--no-progress-bar", *words)
    installed.run(*command, cwd=tmp_path)
    executed = json.loads((tmp_path / "out.ipynb").read_text(encoding="utf-8"))
    assert RESULT_MIME in executed["cells"][-1]["outputs"][0]["data"]


def _change(file: Path, how: Callable[[str], str]) -> None:
    before = file.read_text(encoding="utf-8")
    assert how(before) != before
    file.write_text(how(before), encoding="utf-8")


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.mark.campaign
def test_the_wheel_and_its_pinned_requirements_alone_predict_a_real_race(
    installed: Installed, root: Path, f1db_zip: Path, tmp_path: Path
) -> None:
    environment = tmp_path / "alone"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(environment), "install", "--quiet", "--no-compile"]
    subprocess.run([*pip, "--require-hashes", "-r", str(root / "requirements.txt")], check=True)
    subprocess.run([*pip, "--no-deps", "--no-index", str(installed.wheel)], check=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    assert not [name for name in ("boto3", "jupyterlab", "pytest") if (packages / name).exists()]
    assert _bytes(packages) < 830e6
    (tmp_path / ".venv").symlink_to(environment)
    disk = re.search(r"^## Disk\n.*?^```bash\n(.*?)^```", (root / "docs" / "home.md").read_text("utf-8"), re.S | re.M)
    assert disk
    subprocess.run(["bash", "-ec", disk[1]], cwd=tmp_path, check=True)
    assert _bytes(packages) < 700e6
    (tmp_path / "empty").mkdir()
    alone = Installed(installed.wheel, environment, tmp_path)
    given = ("--source", "f1db", "--f1db", str(f1db_zip), "--now", "2025-12-06T16:00:00Z")
    assert "Verstappen" in alone.run("f1", "run", *given, cwd=tmp_path / "empty")
    assert (tmp_path / ".local" / "share" / "f1lib" / "lake" / "lake.json").is_file()
