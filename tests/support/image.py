"""The Lambda image without Docker: the Dockerfile's own steps, executed as a script into a folder."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "lambda_runner" / "Dockerfile"
TASK_ROOT = "/var/task"
BUILD_ROOT = "/build"  # where the first stage makes what the second one takes
LOCK = "requirements-lambda.txt"


@dataclass(frozen=True)
class Step:
    """One instruction of the Dockerfile: ``COPY``, its arguments."""

    name: str
    text: str


def steps() -> list[Step]:
    """The Dockerfile's instructions in order, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE.read_text(encoding="utf-8"), flags=re.M)
    lines = [line for line in re.sub(r"\\\n\s*", " ", text).splitlines() if line.strip()]
    return [Step(*line.split(maxsplit=1)) for line in lines]


def environment() -> dict[str, str]:
    """What the image's ENV sets."""
    pairs = [pair for step in steps() if step.name == "ENV" for pair in step.text.split()]
    return {name: _in(value, TASK_ROOT) for name, _, value in (pair.partition("=") for pair in pairs)}


def copies() -> list[tuple[str, str]]:
    """What is copied from the project, and where to in the stage that builds."""
    return [(source, target) for source, target in _copied() if not source.startswith("--from")]


def layers() -> list[tuple[str, str]]:
    """What the last stage takes from the first, a layer each, and where it stands in the image."""
    last = max(n for n, step in enumerate(steps()) if step.name == "FROM")
    made = [step.text.split() for step in steps()[last:] if step.name in ("COPY", "ADD", "RUN")]
    assert all(words[0] == "--from=build" for words in made), "the last stage only copies from the first"
    return [(source, _in(target, TASK_ROOT)) for _, source, target in made]


def build(root: Path, python: Path) -> Path:
    """Execute the steps with ``root`` as the image's root and ``python`` as its interpreter.

    What an earlier build installed from the same lock is kept. Returns the task root inside ``root``.
    """
    task, mark = root / TASK_ROOT[1:], root / "installed"
    wanted = hashlib.sha256((ROOT / LOCK).read_bytes() + DOCKERFILE.read_bytes() + str(python).encode()).hexdigest()
    installed = mark.exists() and mark.read_text() == wanted
    if not installed:
        shutil.rmtree(root, ignore_errors=True)
    tools = root / "bin"
    tools.mkdir(parents=True, exist_ok=True)
    (tools / "python").unlink(missing_ok=True)
    (tools / "python").symlink_to(python)
    given = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": ""}
    for step in steps():
        if step.name == "COPY" and not step.text.startswith("--from"):
            source, target = step.text.split()
            _copy(ROOT / source, f"{root}{target}")
        if step.name == "RUN" and not (installed and "pip install" in step.text):
            command = step.text.replace(f"{BUILD_ROOT}/", f"{root}{BUILD_ROOT}/")
            done = subprocess.run(["sh", "-ec", command], env=given, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(f"{command!r} failed: {done.stderr[-2000:]}")
    shutil.rmtree(task, ignore_errors=True)
    for source, target in layers():
        shutil.copytree(f"{root}{source}", f"{root}{target}", copy_function=os.link, dirs_exist_ok=True)
    mark.write_text(wanted)
    return task


def megabytes(folder: Path) -> float:
    """The size of all files below ``folder``."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) / 1024**2


def _copied() -> list[tuple[str, str]]:
    return [(words[0], words[-1]) for words in (s.text.split() for s in steps() if s.name == "COPY")]


def _in(text: str, task: str) -> str:
    return text.replace("${LAMBDA_TASK_ROOT}", task)


def _copy(source: Path, target: str) -> None:
    """As Docker copies: a folder's contents into the folder named, a file to the name, or into ``folder/``."""
    if source.is_dir():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
        return
    file = Path(target, source.name) if target.endswith("/") else Path(target)
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, file)
