"""What is kept beside each prediction: what it replaces and why, and what it was made without."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from f1lib.domain.weekend import EventKey
from f1lib.lake.paths_published import change_log_key, history_prefix
from f1lib.predictions import archive
from f1lib.predictions import issue as predictions_issue
from f1lib.predictions.change_log import issue_before, keep_change_log, missing_inputs, newest_change_log
from f1lib.tracking.rows import TrackingRow
from f1lib.workspace.workspace import Workspace
from tests.support.made_up_predictions import prediction_frame
from tests.support.workspaces import make_workspace

EVENT = archive.event_of(prediction_frame())


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return make_workspace(tmp_path / "lake", "2025-12-06T18:00:00Z")


def issue(ws: Workspace, moment: str, **columns: Any) -> tuple[str, pd.DataFrame]:
    frame = prediction_frame().assign(as_of_utc=pd.Timestamp(moment), **columns)
    return predictions_issue.publish(ws.store, ws.tracking, frame), frame


def test_the_first_prediction_of_a_race_replaces_none(ws: Workspace) -> None:
    key, frame = issue(ws, "2025-12-06T10:00:00Z")
    news = keep_change_log(ws.store, ws.tracking.rows(EVENT), key, frame, None)
    assert (news["since"], news["reasons"], news["lacks"], news["drivers"]) == (None, [], [], [])
    assert json.loads(ws.store.read(change_log_key(key))) == news


def test_a_renewed_prediction_says_what_changed_by_how_much_and_who_moved(ws: Workspace) -> None:
    _, before = issue(ws, "2025-12-06T10:00:00Z", forecast_hash="dry")
    key, frame = issue(ws, "2025-12-06T16:00:00Z", forecast_hash="wet", predicted_rank=list(range(10, 0, -1)))
    row: TrackingRow = {"event_partition_key": EVENT, "session_name_abr": "STAGE#02_weather"}
    ws.tracking.put_rows([row | {"updated_at_utc": "2025-12-06T16:00:00Z", "changes": ["R: chance of rain 5 -> 80 %"]}])
    news = keep_change_log(ws.store, ws.tracking.rows(EVENT), key, frame, before)
    assert news["since"] == {"as_of_utc": "2025-12-06T10:00:00Z", "horizon": before["horizon"].iloc[0]}
    assert "The weather forecast changed." in news["reasons"]
    assert "R: chance of rain 5 -> 80 %" in news["reasons"]
    moved = {row["driver_id"]: (row["rank_before"], row["predicted_rank"]) for row in news["drivers"]}
    first = before.sort_values("predicted_rank").iloc[0]["driver_id"]
    assert moved[first] == (1, 10)
    keys = archive.history_keys(ws.store, history_prefix(EventKey.parse(EVENT)))
    assert newest_change_log(ws.store, keys) == news
    assert [issue_before(keys, issued) for issued in keys] == ["", keys[0]]


def test_a_prediction_made_without_laps_is_marked_with_what_the_source_said() -> None:
    rows: list[Any] = [
        {
            "session_name_abr": "Q",
            "available_utc": "1",
            "status": "gold",
            "is_partial": True,
            "missing": "laps blocked",
        },
        {"session_name_abr": "P1", "available_utc": "0", "status": "blocked", "last_error": "timing refuses us"},
        {"session_name_abr": "P2", "available_utc": "0", "status": "gold"},
        {"session_name_abr": "R", "available_utc": "3", "status": "failed", "last_error": "later"},
    ]
    assert missing_inputs(rows, "2") == ["P1: timing refuses us", "Q: laps blocked"]
