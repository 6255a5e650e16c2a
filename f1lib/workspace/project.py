"""The project: the folder whose notebooks and parameters are used, and where what they make is kept."""

from __future__ import annotations

import shutil
from pathlib import Path

from f1lib.errors import BadParameters

_PACKAGE = Path(__file__).resolve().parents[1]
# What a wheel holds of the repository's top level; a checkout has no such folder.
SHIPPED = _PACKAGE / "project"
PARTS = ("notebooks", "parameters")
_REQUIREMENTS, _WORKFLOW = "requirements.txt", ".github/workflows/f1.yml"


def is_project(folder: Path) -> bool:
    """Return whether ``folder`` has notebooks and parameters: a checkout, or what `f1 init` made."""
    return (folder / "notebooks").is_dir() and (folder / "parameters" / "local.yml").is_file()


def project_folder() -> Path:
    """Return the folder with the ``notebooks`` and ``parameters`` that are used.

    The nearest project at or above the working directory; else the checkout that this code stands in; else the wheel's
    own copy, which is not to be edited.
    """
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents, _PACKAGE.parent) if is_project(folder)), SHIPPED)


def kept(path: str) -> Path:
    """Return where a relative path of the settings lies: in the project, without one in the user's data folder."""
    home = project_folder()
    if home == SHIPPED:
        from platformdirs import user_data_path

        home = user_data_path("f1lib", appauthor=False)
    return home / Path(path).expanduser()


def begin_project(folder: Path, *, github: bool = False) -> list[str]:
    """Copy the notebooks and parameters of this version into ``folder``, for work of one's own; nothing is overwritten.

    Parameters
    ----------
    folder : Path
        Made where it is not there.
    github : bool
        Whether a workflow of GitHub Actions is written, which runs ticks and publishes the report.

    Returns
    -------
    list of str
        Files and folders that were written; what was there already is not among them.

    Raises
    ------
    BadParameters
        When the folder cannot be made or written.
    """
    from importlib.metadata import version  # 11 ms, of no use to a tick

    checkout = _PACKAGE.parent
    source = checkout if is_project(checkout) else SHIPPED
    starter = {_REQUIREMENTS: f"f1lib=={version('f1lib')}\n", ".gitignore": "/lake*/\n.cache/\n.venv/\n"}
    if github:
        starter[_WORKFLOW] = (Path(__file__).parent / "starter" / "workflow.yml").read_text(encoding="utf-8")
    written = [name for name in (*PARTS, *starter) if not (folder / name).exists()]
    try:
        for name in written:
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            if name in PARTS:
                shutil.copytree(source / name, place, ignore=shutil.ignore_patterns(".*"))
            else:
                place.write_text(starter[name], encoding="utf-8")
    except OSError as error:
        raise BadParameters(f"cannot write a project into {folder}: {error}") from error
    return written
