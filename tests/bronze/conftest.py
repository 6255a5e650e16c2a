"""What the tests of bronze share: a workspace over the tiny release."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from f1lib.workspace.workspace import Workspace
from tests.support.f1db_zips import tiny, write
from tests.support.scripted import Opener
from tests.support.workspaces import make_workspace


def opener(root: Path) -> Opener:
    """Return what opens the lake below a folder at a moment, over the tiny release."""

    def open_at(as_of: str, tables: dict[str, Any] | None = None) -> Workspace:
        release = write(root / f"release-{len(list(root.iterdir()))}.zip", tables or tiny())
        return make_workspace(root / "lake", as_of, f1db=str(release))

    return open_at


@pytest.fixture
def opened(tmp_path: Path) -> Opener:
    """A workspace over the tiny release at a moment; the same lake each time."""
    return opener(tmp_path)
