"""Provenance of artefacts: the version of the installed package and a digest of its files.

>>> code_version()
'0.2.0+97bb2a9f'
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from f1lib.lake import fingerprint

PACKAGE = Path(__file__).resolve().parents[1]


@cache
def code_version() -> str:
    """Return the package's version with `source_digest` as its local part, so that any change to the code changes it.

    Computed once a process, on first use: it is the running code's. Raises `importlib.metadata.PackageNotFoundError`
    when the package is not installed.
    """
    from importlib.metadata import version

    return f"{version('f1lib')}+{source_digest(PACKAGE)}"


def made_by() -> dict[str, str]:
    """Return the provenance that a run's record states: ``code_version``, and in a checkout its ``commit``.

    Artefacts carry ``code_version`` alone: the same files write the same bytes, in a checkout or in an image.
    """
    found = commit(PACKAGE.parent)
    return {"code_version": code_version(), **({"commit": found} if found else {})}


def source_digest(package: Path) -> str:
    """Return 8 hex digits over names and bytes of all files of ``package``.

    Left out are bytecode, hidden files, and a wheel's ``project``: notebooks and parameters, which a checkout has
    outside the package.
    """
    parts = []
    for folder, folders, files in os.walk(package):
        folders[:] = sorted(name for name in folders if name not in ("__pycache__", "project") and name[0] != ".")
        for name in sorted(name for name in files if not name.startswith(".")):
            file = Path(folder, name)
            parts.append(f"{file.relative_to(package).as_posix()} {fingerprint.of_bytes(file.read_bytes())}")
    return fingerprint.of_text("\n".join(parts))[:8]


def commit(checkout: Path) -> str:
    """Return the full hash of the commit that is checked out in folder ``checkout``, read from git's files.

    Empty where the folder is not a checkout: an installed package, an image.
    """
    git = checkout / ".git"
    if git.is_file():  # a linked worktree: "gitdir: <folder>"
        git = checkout / git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
    if not (git / "HEAD").is_file():
        return ""
    head = (git / "HEAD").read_text(encoding="utf-8").strip()
    if not head.startswith("ref: "):
        return head
    name, linked = head.removeprefix("ref: "), git / "commondir"
    common = git / linked.read_text(encoding="utf-8").strip() if linked.is_file() else git
    if (common / name).is_file():
        return (common / name).read_text(encoding="utf-8").strip()
    packed = common / "packed-refs"
    lines = packed.read_text(encoding="utf-8").splitlines() if packed.is_file() else []
    return next((line.split()[0] for line in lines if line.endswith(f" {name}")), "")
