"""The Dockerfile read as data, and its wheels for both processors."""

from __future__ import annotations

import fnmatch
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest

from tests.support.image import DOCKERFILE, LOCK, ROOT, build, copies, environment, megabytes, steps
from tests.support.sandbox import cache


def test_all_that_is_copied_exists_and_is_let_through_to_the_build() -> None:
    let_through = [line[1:] for line in _ignored() if line.startswith("!")]
    ours = {"pyproject.toml", "f1lib", "parameters", "notebooks", "lambda_runner/handler.py"}
    assert {source for source, _ in copies()} == {LOCK, *ours}
    for source, _ in copies():
        assert (ROOT / source).exists(), source
        inside = [pattern.split("/*")[0] for pattern in let_through]
        assert source in inside, f"{source} is kept from the build by {DOCKERFILE.name}.dockerignore"


def test_the_image_has_the_version_as_an_installation_would(tmp_path: Path) -> None:
    (written,) = [step.text for step in steps() if "dist-info" in step.text]
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "python").symlink_to(sys.executable)
    given = {"LAMBDA_TASK_ROOT": str(tmp_path), "PATH": f"{tools}:/usr/bin:/bin"}
    subprocess.run(["sh", "-ec", written], env=given, check=True)
    (found,) = distributions(name="f1lib", path=[str(tmp_path)])
    assert found.version == tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def test_nothing_else_is_let_through() -> None:
    lines = _ignored()
    assert lines[0] == "*"
    for name in (".git/config", ".venv/bin/python", "lake/tracking.db", "README.md", "parameters/.env"):
        assert not any(fnmatch.fnmatch(name, line[1:]) for line in lines if line.startswith("!")), name


def test_every_base_is_pinned_by_digest_and_the_rest_is_pinned_by_hash() -> None:
    given = dict(step.text.split("=", 1) for step in steps() if step.name == "ARG")
    bases = [given.get(step.text[2:-1], step.text) for step in steps() if step.name == "FROM"]
    assert bases
    for base in bases:
        assert re.fullmatch(r"public\.ecr\.aws/lambda/python:3\.13(\.[\d.]+)?@sha256:[0-9a-f]{64}", base)
    (install,) = [step.text for step in steps() if "pip install" in step.text]
    assert {"--require-hashes", "--only-binary=:all:", "--compile"} <= set(install.split())


def test_the_image_runs_without_rights_and_writes_below_tmp_alone() -> None:
    assert [step.text for step in steps() if step.name == "USER"] == ["1000:1000"]
    folders = {name: value for name, value in environment().items() if name.endswith(("DIR", "HOME"))}
    assert folders
    assert all(value.startswith("/tmp/f1lib/") for value in folders.values())


def test_neither_jupyterlab_nor_gpu_libraries_are_in_the_image() -> None:
    names = {line.split("==")[0] for line in (ROOT / LOCK).read_text().splitlines() if "==" in line}
    assert not names & {"jupyterlab", "notebook", "moto", "pytest", "playwright", "torch"}
    assert not {name for name in names if name.startswith("nvidia")}
    assert {"xgboost-cpu", "aws-lambda-powertools", "papermill"} <= names


@pytest.mark.campaign
def test_the_steps_executed_into_a_folder_stay_under_a_gigabyte_and_a_half() -> None:
    python = Path(sys.executable).resolve()
    assert megabytes(build(cache() / f"lambda-image-{python.name}", python)) < 1500


@pytest.mark.campaign
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_every_package_has_a_wheel_for_both_processors(machine: str, tmp_path: Path) -> None:
    """Under the image's Python, for a C library no newer than that of the base image (Amazon Linux 2023: 2.34)."""
    uv = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet", "--require-hashes"]
    uv += ["--only-binary", ":all:", "--python-version", "3.13", "--python-platform", f"{machine}-manylinux_2_34"]
    subprocess.run([*uv, "--target", str(tmp_path), "-r", str(ROOT / LOCK)], check=True, cwd=tmp_path)
    assert megabytes(tmp_path) < 1500


def _ignored() -> list[str]:
    text = DOCKERFILE.with_name("Dockerfile.dockerignore").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]
