"""The Dockerfile read as data, and its wheels for both processors."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
from docker.utils.build import exclude_paths

from tests.support.image import (
    BUILD_ROOT,
    DOCKERFILE,
    LOCK,
    ROOT,
    TASK_ROOT,
    build,
    copies,
    environment,
    layers,
    megabytes,
    steps,
)
from tests.support.sandbox import cache


def _context() -> set[str]:
    """The files that SAM's builder sends to Docker: docker-py's own reading of the context and its .dockerignore."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line for line in map(str.strip, lines) if line and not line.startswith("#")]
    found = exclude_paths(str(ROOT), patterns, dockerfile=str(DOCKERFILE.relative_to(ROOT)))
    return {path for path in found if (ROOT / path).is_file()}


def test_all_that_is_copied_exists_and_is_sent_to_the_build() -> None:
    sent = _context()
    ours = {"pyproject.toml", "f1lib", "parameters", "notebooks", "lambda_runner/handler.py"}
    assert {source for source, _ in copies()} == {LOCK, *ours}
    for source, _ in copies():
        tracked = subprocess.run(["git", "ls-files", source], cwd=ROOT, capture_output=True, text=True, check=True)
        wanted = {name for name in tracked.stdout.splitlines() if "/explore/" not in name and (ROOT / name).exists()}
        assert wanted
        assert wanted <= sent, f"{source} is kept from the build by .dockerignore"


def test_nothing_else_is_sent_whatever_lies_in_a_developers_folder(tmp_path: Path) -> None:
    planted = ["parameters/.env", "parameters/models/.env", "f1lib/.env", "f1lib/.env.local", "notebooks/.env"]
    planted += [".git/config", ".venv/bin/python", "lake/tracking.db", "README.md", "parameters/secret.json"]
    kept = ["f1lib/errors.py", "parameters/aws.yml", "requirements-lambda.txt"]
    for name in (*planted, *kept):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    found = exclude_paths(str(tmp_path), patterns, dockerfile="lambda_runner/Dockerfile")
    assert {path for path in found if (tmp_path / path).is_file()} == set(kept)


def test_no_file_of_the_image_stands_in_two_layers() -> None:
    (packages, task), (project, again) = layers()
    assert (task, again) == (TASK_ROOT, TASK_ROOT)
    assert (packages, project) == (f"{BUILD_ROOT}/packages", f"{BUILD_ROOT}/project")


def test_the_image_has_the_version_as_an_installation_would(tmp_path: Path) -> None:
    (written,) = [step.text for step in steps() if "dist-info" in step.text]
    project = tmp_path / BUILD_ROOT[1:] / "project"
    project.mkdir(parents=True)
    shutil.copy(ROOT / "pyproject.toml", project)
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "python").symlink_to(sys.executable)
    command = written.replace(f"{BUILD_ROOT}/", f"{tmp_path}{BUILD_ROOT}/")
    subprocess.run(["sh", "-ec", command], env={"PATH": f"{tools}:/usr/bin:/bin"}, check=True)
    (found,) = distributions(name="f1lib", path=[str(project)])
    assert found.version == tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def test_every_base_is_pinned_by_digest_and_the_rest_is_pinned_by_hash() -> None:
    given = dict(step.text.split("=", 1) for step in steps() if step.name == "ARG")
    images = [step.text.split()[0] for step in steps() if step.name == "FROM"]
    bases = [given.get(image[2:-1], image) for image in images]
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


def test_botocore_keeps_the_descriptions_of_all_services_that_are_called() -> None:
    (step,) = [step for step in steps() if "botocore/data" in step.text]
    kept = set(re.findall(r"! -name (\w+)", step.text))
    code = "".join(
        file.read_text("utf-8") for part in ("f1lib", "lambda_runner") for file in (ROOT / part).rglob("*.py")
    )
    called = set(re.findall(r'client\("(\w+)"', code)) | ({"secretsmanager"} if "get_secret(" in code else set())
    assert called == kept >= {"s3", "dynamodb"}


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
