"""What the tests of bronze share: a workspace over the tiny release."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from f1lib.workspace.workspace import Workspace
from tests.support.f1db_zips import tiny, write
from tests.support.scripted import Opener
from tests.support.workspaces import make_workspace


@pytest.fixture
def opened(tmp_path: Path) -> Opener:
    """A workspace over the tiny release at a moment; the same lake each time."""

    def open_at(as_of: str, tables: dict[str, Any] | None = None) -> Workspace:
        release = write(tmp_path / f"release-{len(list(tmp_path.iterdir()))}.zip", tables or tiny())
        return make_workspace(tmp_path / "lake", as_of, f1db=str(release))

    return open_at
