"""What ``f1 doctor`` finds in bronze of what only people can enter again: grid penalties."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from f1lib.bronze import penalties
from f1lib.domain.weekend import EventKey
from f1lib.lake import penalties as lake_penalties
from f1lib.lake.paths import penalties_key
from f1lib.lake.penalties import Announced
from f1lib.lake.store import LocalStore
from f1lib.pipeline import check_layers
from f1lib.workspace.workspace import Workspace
from tests.support.entered import NOW, entered_lake

EVENT = EventKey(2025, "Abu Dhabi Grand Prix")
KEY = penalties_key(EVENT)


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    """A lake whose next race has a penalty that is known."""
    found = entered_lake(tmp_path / "lake")
    penalties.add(found.store, EVENT, Announced("max-verstappen", "R", 10, NOW, NOW, "command"))
    assert penalties.bring_in(found.store, found.tracking, found.tracking.rows(), None, found.as_of)
    return found


def _edit(store: LocalStore) -> None:
    store.write(KEY, store.read(KEY).replace(b": 10,", b": 20,"))


@pytest.mark.parametrize(
    ("harm", "what"),
    [(_edit, "is not the file that was written"), (lambda store: store.delete(KEY), "is missing")],
    ids=["edited", "lost"],
)
def test_penalties_that_are_lost_or_edited_are_found_and_given_up_only_when_asked(
    ws: Workspace, harm: Callable[[Any], None], what: str
) -> None:
    assert check_layers.bronze(ws, ws.tracking.rows()) == []
    harm(ws.store)
    (finding,) = check_layers.bronze(ws, ws.tracking.rows())
    assert (finding.key, finding.what) == (KEY, what)
    assert finding.mend is not None
    assert finding.mend(False) == ""
    assert "given up" in finding.mend(True)
    assert lake_penalties.read(ws.store, EVENT) == []
    assert check_layers.bronze(ws, ws.tracking.rows()) == []
    assert not penalties.bring_in(ws.store, ws.tracking, ws.tracking.rows(), None, ws.as_of)
