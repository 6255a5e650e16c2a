"""Cells of the notebooks: tables that stay short, and the words beside them."""

from __future__ import annotations

import re
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
    why, titles = said.splitlines()
    assert why == "Since the forecast before the weekend: qualifying is known."
    assert titles.startswith("No forecast of the championship: ")


def test_a_long_table_shows_its_first_and_last_rows_and_says_so() -> None:
    frame = pd.DataFrame({"n": range(100), "text": ["<b>"] * 100})
    shown = cells.table(frame, rows=4).markup
    assert "4 of 100 rows: first and last" in shown
    assert [n for n in range(100) if f'data-value="{n}"' in shown] == [0, 1, 98, 99]
    assert "<b>" not in shown


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([2.5, 2.25, None], ["2.50", "2.25", "-"]),
        ([1.0, 12.125, float("inf")], ["1.00", "12.12", "inf"]),
        ([0.5, 0.0012], ["0.5000", "0.0012"]),
        ([0.00034, 0.0001], ["0.00034", "0.00010"]),
        ([1234.5, 0.5], ["1234.5", "0.5"]),
        ([1e-9, 1.0], ["1e-09", "1"]),
        ([3, 10], ["3", "10"]),
    ],
)
def test_numbers_of_a_column_have_the_same_decimals(values: list[float | None], texts: list[str]) -> None:
    shown = cells.table(pd.DataFrame({"n": values})).markup
    assert re.findall(r"<td[^>]*>([^<]*)</td>", shown) == texts
