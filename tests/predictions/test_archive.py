"""Reading predictions back: which event a person means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from f1lib.domain.moments import parse_utc
from f1lib.domain.weekend import EventKey
from f1lib.errors import BadParameters, RunError, StorageError
from f1lib.lake.store import ObjectStore, open_store
from f1lib.predictions import archive
from f1lib.predictions import issue as predictions_issue
from f1lib.predictions.archive import find_event
from f1lib.workspace.workspace import Workspace
from tests.support.made_up_predictions import prediction_frame
from tests.support.workspaces import make_workspace

CALENDAR = [
    ("2024_São_Paulo_Grand_Prix", "2024-11-03T15:30:00Z", "interlagos"),
    ("2025_São_Paulo_Grand_Prix", "2025-11-09T17:00:00Z", "interlagos"),
    ("2026_São_Paulo_Grand_Prix", "2026-11-08T17:00:00Z", "interlagos"),
]
SATURDAY = parse_utc("2025-11-08T20:00:00Z")


def _issued(store: ObjectStore, event: str, moment: str) -> None:
    store.write(f"predictions/{event[:4]}/history/{event[5:]}/{moment}_pre_race.parquet", b"")


def test_a_key_is_itself_and_a_part_of_it_needs_neither_case_nor_accents(ws: Workspace) -> None:
    assert find_event(ws.store, CALENDAR, "2024_São_Paulo_Grand_Prix", SATURDAY) == "2024_São_Paulo_Grand_Prix"
    assert find_event(ws.store, CALENDAR, "2024_sao", SATURDAY) == "2024_São_Paulo_Grand_Prix"


def test_of_several_the_newest_predicted_by_then_is_meant_and_the_newest_of_all_when_none_is(ws: Workspace) -> None:
    assert find_event(ws.store, CALENDAR, "paulo", SATURDAY) == "2026_São_Paulo_Grand_Prix"
    _issued(ws.store, "2025_São_Paulo_Grand_Prix", "20251108T190000Z")
    _issued(ws.store, "2026_São_Paulo_Grand_Prix", "20261107T190000Z")
    assert find_event(ws.store, CALENDAR, "paulo", SATURDAY) == "2025_São_Paulo_Grand_Prix"
    assert find_event(ws.store, CALENDAR, "paulo", parse_utc("2026-11-08T00:00:00Z")) == "2026_São_Paulo_Grand_Prix"


def test_what_fits_no_event_is_refused_with_the_lake(ws: Workspace) -> None:
    with pytest.raises(BadParameters, match="no event 'Atlantis' in lake file:///"):
        find_event(ws.store, CALENDAR, "Atlantis", SATURDAY)


EVENT = "2025_Abu_Dhabi_Grand_Prix"


KEY = EventKey.parse(EVENT)


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return make_workspace(tmp_path / "lake", "2025-12-06T16:00:00Z")


def _at(moment: str, horizon: str = "post_qualifying", **changes: Any) -> pd.DataFrame:
    return prediction_frame(horizon=horizon).assign(as_of_utc=pd.Timestamp(moment), **changes)


def test_what_is_published_is_read_back_by_name(ws: Workspace, tmp_path: Path) -> None:
    issued = prediction_frame()
    predictions_issue.publish(ws.store, ws.tracking, issued.sample(frac=1, random_state=1))
    back = archive.read(EVENT, lake=str(tmp_path / "lake"))
    assert list(back.columns) == list(archive.COLUMNS)
    assert back["driver_id"].tolist() == issued["driver_id"].tolist()
    np.testing.assert_array_equal(
        np.array(back["position_probabilities"].tolist()), np.array(issued["position_probabilities"].tolist())
    )
    assert archive.event_of(back) == EVENT


def test_issues_come_in_the_order_in_which_they_were_made(ws: Workspace) -> None:
    for number in range(11):
        predictions_issue.publish(ws.store, ws.tracking, _at("2025-12-06T16:00:00Z", p_dnf=0.01 * number))
    predictions_issue.publish(ws.store, ws.tracking, _at("2025-12-04T09:00:00Z", "pre_weekend", p_dnf=0.5))
    found = [round(issue["p_dnf"].iloc[0], 2) for issue in archive.read_issues(ws.store, KEY)]
    assert found == [0.5, *[round(0.01 * n, 2) for n in range(11)]]


def test_a_race_nobody_predicted_is_said_to_be_so(ws: Workspace, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no prediction for 2025_Abu_Dhabi_Grand_Prix"):
        archive.read(EVENT, lake=str(tmp_path / "lake"))
    with pytest.raises(BadParameters, match="not of the form"):
        archive.read("Abu Dhabi", lake=str(tmp_path / "lake"))


def test_features_that_are_of_other_races_are_said_to_be_so(replayed_lake: Path) -> None:
    store = open_store(str(replayed_lake / "lake"))
    issued = archive.load_issue(store, archive.history_keys(store)[-1])
    assert len(archive.features_of(store, issued)) == len(issued)
    with pytest.raises(RunError, match="no row of the race that the prediction of 2025_Monaco_Grand_Prix is of"):
        archive.features_of(store, issued.assign(event_year=2025, event_name="Monaco Grand Prix"))
