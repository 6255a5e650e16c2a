"""Predictions are issued once, kept for ever, and read back as they were."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pandas as pd
import pytest

from f1lib.domain.weekend import EventKey
from f1lib.errors import BadGrain, F1LibError, MissingColumn, RunError, StorageError
from f1lib.lake.parquet import write_parquet
from f1lib.lake.paths_published import LATEST, LATEST_SCHEMA, newest_key
from f1lib.predictions import archive
from f1lib.predictions import issue as predictions_issue
from f1lib.workspace.workspace import Workspace
from tests.support.made_up_predictions import prediction_frame
from tests.support.workspaces import make_workspace

EVENT = "2025_Abu_Dhabi_Grand_Prix"
KEY = EventKey.parse(EVENT)


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return make_workspace(tmp_path / "lake", "2025-12-06T16:00:00Z")


def _at(moment: str, horizon: str = "post_qualifying", **changes: Any) -> pd.DataFrame:
    return prediction_frame(horizon=horizon).assign(as_of_utc=pd.Timestamp(moment), **changes)


def test_an_issued_prediction_is_never_changed(ws: Workspace) -> None:
    first = predictions_issue.publish(ws.store, ws.tracking, prediction_frame())
    before = ws.store.read(first)
    second = predictions_issue.publish(ws.store, ws.tracking, prediction_frame().assign(p_dnf=0.3))
    assert first != second
    assert ws.store.read(first) == before
    issues = archive.read_issues(ws.store, KEY)
    assert [issue["p_dnf"].iloc[0] for issue in issues] == [0.1, 0.3]


def test_an_older_prediction_does_not_replace_the_newest(ws: Workspace) -> None:
    predictions_issue.publish(ws.store, ws.tracking, _at("2025-12-06T16:00:00Z"))
    predictions_issue.publish(ws.store, ws.tracking, _at("2025-12-04T09:00:00Z", "pre_weekend"))
    assert set(archive.read_newest(ws.store, KEY)["horizon"]) == {"post_qualifying"}
    assert json.loads(ws.store.read(LATEST))["horizon"] == "post_qualifying"


def test_what_says_the_same_is_not_issued_twice_and_a_publication_that_died_is_completed(ws: Workspace) -> None:
    first = predictions_issue.publish(ws.store, ws.tracking, _at("2025-12-06T16:00:00Z"))
    for key in (newest_key(KEY), LATEST):  # as if killed after the history was written
        ws.store.delete(key)
    assert predictions_issue.publish(ws.store, ws.tracking, _at("2025-12-06T16:31:00Z")) == first
    assert len(archive.read_issues(ws.store, KEY)) == 1
    assert set(archive.read_newest(ws.store, KEY)["as_of_utc"]) == {pd.Timestamp("2025-12-06T16:00:00Z")}
    assert json.loads(ws.store.read(LATEST))["as_of_utc"] == "2025-12-06T16:00:00Z"
    assert {row["as_of_utc"] for row in ws.tracking.predictions(EVENT)} == {"2025-12-06T16:00:00Z"}
    assert predictions_issue.publish(ws.store, ws.tracking, _at("2025-12-06T18:00:00Z", p_dnf=0.3)) != first
    assert predictions_issue.publish(ws.store, ws.tracking, _at("2025-12-06T19:00:00Z")) != first, (
        "back to what was said before: an issue too"
    )


def test_a_prediction_that_cannot_be_recorded_is_not_issued(ws: Workspace) -> None:
    with pytest.raises(StorageError, match="p_dnf"):
        predictions_issue.publish(ws.store, ws.tracking, prediction_frame().assign(p_dnf=float("inf")))
    assert ws.store.list() == []
    assert ws.tracking.predictions(EVENT) == []


def test_a_sprints_prediction_stands_beside_the_races(ws: Workspace) -> None:
    predictions_issue.publish(ws.store, ws.tracking, prediction_frame())
    predictions_issue.publish(ws.store, ws.tracking, prediction_frame().assign(session="S", p_dnf=0.05))
    assert set(archive.read_newest(ws.store, KEY)["session"]) == {"R"}
    assert set(archive.read_newest(ws.store, KEY, "S")["session"]) == {"S"}
    assert [set(i["session"]) for i in archive.read_issues(ws.store, KEY)] == [{"R"}]
    assert json.loads(ws.store.read(LATEST))["session"] == "R"
    of_both = [row["session"] for row in ws.tracking.predictions(EVENT)]
    assert sorted(of_both) == ["R"] * 10 + ["S"] * 10, "of one moment and horizon, and yet all kept"


def test_the_latest_document_fits_its_schema_and_names_the_origin(ws: Workspace) -> None:
    predictions_issue.publish(ws.store, ws.tracking, prediction_frame())
    document = json.loads(ws.store.read(LATEST))
    schema = json.loads(ws.store.read(LATEST_SCHEMA))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema)
    assert document["attribution"].startswith("F1DB, https://github.com/f1db/f1db, CC BY 4.0")
    assert document["drivers"][0]["grid_position"] is None
    broken = {**document, "drivers": [{**document["drivers"][0], "p_win": 1.5}]}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, schema)


def test_the_tracking_table_has_a_row_a_driver(ws: Workspace) -> None:
    predictions_issue.publish(ws.store, ws.tracking, prediction_frame())
    rows = ws.tracking.predictions(EVENT)
    assert [row["driver_id"] for row in rows] == [f"driver-{i:02d}" for i in range(10)]
    assert rows[0]["as_of_utc"] == "2025-12-06T16:00:00Z"
    assert rows[0]["p_win"] == prediction_frame()["p_win"].iloc[0]
    assert "grid_position" not in rows[0]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda f: f.drop(columns="p_win"), MissingColumn),
        (lambda f: f.assign(driver_id="one"), BadGrain),
        (lambda f: f.assign(predicted_rank=1), RunError),
        (lambda f: f.assign(position_probabilities=[[0.1] * 10] * 9 + [[0.2] * 10]), RunError),
        (lambda f: f.assign(position_probabilities=[[1.0]] * 10), RunError),
        (lambda f: f.iloc[:0], RunError),
    ],
)
def test_an_incoherent_prediction_is_refused_and_nothing_is_stored(
    ws: Workspace, change: object, error: type[F1LibError]
) -> None:
    with pytest.raises(error):
        predictions_issue.publish(ws.store, ws.tracking, change(prediction_frame()))  # type: ignore[operator]
    assert ws.store.list("predictions/") == []


def _features(ws: Workspace, run_id: str, as_of: str, horizons: list[str], value: float) -> None:
    shared = {
        "event_partition_key": EVENT,
        "session": "R",
        "driver_id": "d",
        "as_of_utc": pd.Timestamp(as_of),
        "x": value,
    }
    rows = [{**shared, "horizon": horizon} for horizon in horizons]
    key = f"gold/gold_driver_event_features/run_id={run_id}/gold_driver_event_features.parquet"
    write_parquet(ws.store, key, pd.DataFrame(rows))


def test_the_newest_features_win_and_runs_of_one_moment_are_counted(ws: Workspace) -> None:
    for number in (1, 2, 10):
        name = "20251206T160000Z" + (f"-{number}" if number > 1 else "")
        _features(ws, name, "2025-12-06T16:00:00Z", ["pre_weekend", "post_qualifying"], number)
    rows, run_id = predictions_issue.newest_features(ws.store, "", "", datetime(2025, 12, 6, 16, tzinfo=UTC))
    assert run_id == "20251206T160000Z-10"
    assert rows["horizon"].tolist() == ["post_qualifying"]


def test_features_from_after_the_moment_are_not_looked_at(ws: Workspace) -> None:
    _features(ws, "20251206T160000Z", "2025-12-06T16:00:00Z", ["post_qualifying"], 1.0)
    _features(ws, "20251207T120000Z", "2025-12-07T12:00:00Z", ["post_qualifying", "pre_race"], 2.0)
    rows, _ = predictions_issue.newest_features(
        ws.store, EVENT, "post_qualifying", datetime(2025, 12, 6, 17, tzinfo=UTC)
    )
    assert rows["x"].tolist() == [1.0]
    with pytest.raises(RunError, match="no features of 2025_Abu_Dhabi_Grand_Prix at pre_race"):
        predictions_issue.newest_features(ws.store, EVENT, "pre_race", datetime(2025, 12, 6, 17, tzinfo=UTC))
