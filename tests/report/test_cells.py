"""Cells of the notebooks: tables that stay short, and the words beside them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from f1lib.lake.tables import empty
from f1lib.predictions import issue
from f1lib.report import cells
from f1lib.workspace.workspace import Workspace
from tests.support.made_up_predictions import prediction_frame
from tests.support.workspaces import make_workspace

NO_TITLES = empty("championship")


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return make_workspace(tmp_path / "lake", "2025-12-06T16:00:00Z")


def test_the_first_prediction_has_nothing_to_compare_with_and_the_second_says_why(ws: Workspace) -> None:
    first = prediction_frame(horizon="pre_weekend").assign(as_of_utc=pd.Timestamp("2025-12-04T09:00:00Z"))
    issue.publish(ws.store, ws.tracking, first)
    assert "first prediction" in cells.changes(ws.store, first, NO_TITLES).text
    issue.publish(ws.store, ws.tracking, prediction_frame())
    said = cells.changes(ws.store, prediction_frame(), NO_TITLES).text
    assert said.startswith("Since pre_weekend: qualifying is known.\nNo forecast of the championship: ")


def test_a_long_table_shows_its_first_and_last_rows_and_says_so() -> None:
    frame = pd.DataFrame({"n": range(100), "text": ["<b>"] * 100})
    shown = cells.table(frame, rows=4).markup
    assert "4 of 100 rows: first and last" in shown
    assert [n for n in range(100) if f'data-value="{n}"' in shown] == [0, 1, 98, 99]
    assert "<b>" not in shown
