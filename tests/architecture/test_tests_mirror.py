"""A reader finds the test of a module by its path: tests/<package>/test_<module>.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import SLOWEST_FIRST

# Tests of what stands in no single module of their package, and what that is.
OF_NO_MODULE = {
    "aws/test_deployment": "lambda_runner/bootstrap.yaml, parameter files, the deploy workflow",
    "aws/test_image": "lambda_runner/Dockerfile",
    "aws/test_runtime": "the handler inside Lambda's runtime",
    "aws/test_state_machines": "lambda_runner/*.asl.json",
    "aws/test_template": "lambda_runner/template.yaml",
    "aws/test_two_ticks": "two machines at one lake",
    "aws/test_weekend": "a weekend over S3 and DynamoDB",
    "cli/test_absent_lakes": "every command on a lake that is not there, and bad use",
    "cli/test_widths": "every command on terminals of several widths and encodings",
    "gold/test_leaks": "every feature of gold: nothing later than its cut-off",
    "model/test_correction": "the correction of a model, from its file to the graph",
    "model/test_own_estimator": "an estimator of one's own, from its model file to the gate",
    "pipeline/test_home_guide": "docs/home.md: backup and restore",
    "pipeline/test_known_answer": "all stages, over a world whose truth is known",
    "pipeline/test_older_lakes": "lakes of older versions, gone on with",
    "pipeline/test_quick_start": "README's first command",
    "report/test_browser": "every kind of page, opened in a browser",
    "report/test_numbers": "every page of a lived lake, held against the files",
    "silver/test_weather": "weather_forecast.sql and weather_observed.sql",
    "workspace/test_github_workflow": "workspace/starter/workflow.yml, which `f1 init --github` writes",
    "report/figures/test_every_picture": "what all pictures have in common",
}


def _test_files(root: Path) -> list[Path]:
    folders = [path for path in (root / "f1lib").iterdir() if path.is_dir()]
    return [file for folder in folders for file in (root / "tests" / folder.name).rglob("test_*.py")]


def _names(root: Path, file: Path) -> tuple[str, bool]:
    """``package/test_module`` and whether there is such a module, or such a statement of the package's SQL."""
    place = file.relative_to(root / "tests").with_suffix("")
    folder, name = root / "f1lib" / place.parent, place.name.removeprefix("test_")
    return place.as_posix(), (folder / f"{name}.py").exists() or any(folder.glob(f"sql/**/{name}.sql"))


def test_every_test_file_of_a_package_names_a_module_of_it(root: Path) -> None:
    named = dict(_names(root, file) for file in _test_files(root))
    assert len(named) > 80
    assert sorted(name for name, is_module in named.items() if not is_module) == sorted(OF_NO_MODULE)


def test_a_test_file_beside_its_module_s_path_would_be_noticed(root: Path) -> None:
    assert _names(root, root / "tests" / "lake" / "test_store.py") == ("lake/test_store", True)
    assert _names(root, root / "tests" / "model" / "test_store.py") == ("model/test_store", False)


@pytest.mark.parametrize("name", SLOWEST_FIRST)
def test_a_file_that_is_to_begin_early_exists(root: Path, name: str) -> None:
    assert (root / "tests" / f"{name}.py").is_file()
