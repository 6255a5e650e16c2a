"""Which notebooks and parameters are used, where the lake is kept, and beginning a project."""

from __future__ import annotations

from pathlib import Path

import pytest

from f1lib.errors import BadParameters
from f1lib.workspace import project


def _make(folder: Path) -> Path:
    (folder / "notebooks").mkdir(parents=True)
    (folder / "parameters").mkdir()
    (folder / "parameters" / "local.yml").write_text("lake: lake\n", encoding="utf-8")
    return folder


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package without a checkout around it, and an empty working directory."""
    package = tmp_path / "site-packages" / "f1lib"
    monkeypatch.setattr(project, "_PACKAGE", package)
    monkeypatch.setattr(project, "SHIPPED", _make(package / "project"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    return package


def test_a_checkout_is_used_from_anywhere(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert project.project_folder() == root
    assert project.kept("lake") == root / "lake"


def test_a_project_is_used_from_inside_of_it_before_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = _make(tmp_path / "my-f1")
    monkeypatch.chdir(mine / "notebooks")
    assert project.project_folder() == mine
    assert project.kept("lake") == mine / "lake"


def test_a_wheel_uses_its_own_copy_and_keeps_the_lake_in_the_users_data(wheel: Path, tmp_path: Path) -> None:
    assert project.project_folder() == wheel / "project"
    assert project.kept("lake") == tmp_path / "data" / "f1lib" / "lake"


def test_a_notebook_of_a_wheel_that_runs_in_its_folder_finds_the_same(
    wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = project.kept("lake")
    monkeypatch.chdir(project.project_folder())
    assert project.kept("lake") == before


def test_a_folder_with_notebooks_of_other_things_is_no_project(wheel: Path, tmp_path: Path) -> None:
    (tmp_path / "empty" / "notebooks").mkdir()
    assert project.project_folder() == wheel / "project"


def test_an_absolute_folder_and_one_below_home_are_taken_as_they_are(wheel: Path) -> None:
    assert project.kept("/somewhere/lake") == Path("/somewhere/lake")
    assert project.kept("~/lake") == Path.home() / "lake"


def test_a_new_project_has_what_the_checkout_has(tmp_path: Path, root: Path) -> None:
    written = project.begin_project(tmp_path / "my-f1")
    assert written == ["notebooks", "parameters", "requirements.txt", ".gitignore"]
    assert project.is_project(tmp_path / "my-f1")
    for part in project.PARTS:
        kept = {p.relative_to(root): p.read_bytes() for p in (root / part).rglob("[!.]*.*") if "/." not in str(p)}
        made = {p.relative_to(tmp_path / "my-f1"): p.read_bytes() for p in (tmp_path / "my-f1" / part).rglob("*.*")}
        assert made == kept


def test_nothing_of_a_project_is_ever_overwritten(tmp_path: Path) -> None:
    project.begin_project(tmp_path)
    changed = tmp_path / "parameters" / "local.yml"
    changed.write_text("lake: mine\n", encoding="utf-8")
    assert project.begin_project(tmp_path) == []
    assert project.begin_project(tmp_path, github=True) == [".github/workflows/f1.yml"]
    assert changed.read_text(encoding="utf-8") == "lake: mine\n"


def test_a_project_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(BadParameters, match=r"cannot write a project into .*file"):
        project.begin_project(tmp_path / "file")
