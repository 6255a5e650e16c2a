"""Cells of the notebooks: tables that stay short, and the words beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from f1lib.predictions import issue
from f1lib.report import cells
from f1lib.workspace.workspace import Workspace
from tests.support.made_up_predictions import prediction_frame
from tests.support.workspaces import make_workspace

EVENT = "2025_Abu_Dhabi_Grand_Prix"


ROWS: list[Any] = [
    {"event_partition_key": EVENT, "session_name_abr": "R", "event_year": 2025, "event_number": 24,
     "event_name": "Abu Dhabi Grand Prix", "event_format": "conventional", "circuit": "Yas Marina",
     "session_date_utc": "2025-12-07T13:00:00Z", "available_utc": "2025-12-07T15:30:00Z", "status": "scheduled"},
    {"event_partition_key": EVENT, "session_name_abr": "Q", "event_year": 2025, "status": "gold",
     "session_date_utc": "2025-12-06T14:00:00Z", "available_utc": "2025-12-06T15:30:00Z"},
    {"event_partition_key": "2025_Qatar_Grand_Prix", "session_name_abr": "P1", "event_year": 2025, "status": "failed",
     "session_date_utc": "2025-11-28T13:30:00Z", "last_error": "SourceError: no", "attempts": 3},
    {"event_partition_key": "PIPELINE", "session_name_abr": "STAGE#05_train", "status": "gold",
     "finished_utc": "2025-12-06T16:00:00Z", "run_id": "20251206T160000Z"},
]  # fmt: skip


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return make_workspace(tmp_path / "lake", "2025-12-06T16:00:00Z")


def test_the_first_prediction_has_nothing_to_compare_with_and_the_second_says_why(ws: Workspace) -> None:
    first = prediction_frame(horizon="pre_weekend").assign(as_of_utc=pd.Timestamp("2025-12-04T09:00:00Z"))
    issue.publish(ws.store, ws.tracking, first)
    assert "first prediction" in cells.changes(ws.store, first).text
    issue.publish(ws.store, ws.tracking, prediction_frame())
    assert cells.changes(ws.store, prediction_frame()).text == "Since pre_weekend: qualifying is known."


def test_a_long_table_shows_its_first_and_last_rows_and_says_so() -> None:
    frame = pd.DataFrame({"n": range(100), "text": ["<b>"] * 100})
    shown = cells.table(frame, rows=4).markup
    assert "4 of 100 rows: first and last" in shown
    assert [n for n in range(100) if f'data-value="{n}"' in shown] == [0, 1, 98, 99]
    assert "<b>" not in shown
