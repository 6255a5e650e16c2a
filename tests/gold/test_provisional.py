"""The provisional grid in the rows of a race to come."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from f1lib.domain.weekend import EventKey
from f1lib.gold import provisional
from f1lib.lake import penalties
from f1lib.lake.penalties import Announced
from f1lib.lake.store import LocalStore

EVENT = "2025_Abu_Dhabi_Grand_Prix"
PENALTY = Announced("b", "R", 2, "2025-12-06T15:40:00Z", "2025-12-06T15:41:00Z", "command")
GRID = ["grid_position", "grid_minus_qualifying", "is_pit_lane_start", "is_odd_slot"]


def _rows(moment: str = "2025-12-06T16:00:00Z") -> pd.DataFrame:
    """Five drivers of a race and a sprint before and after qualifying; ``e`` set no time."""
    parts = []
    for session in ("R", "S"):
        for horizon in ("post_practice", "post_qualifying"):
            places = [1.0, 2.0, 3.0, 4.0, np.nan] if horizon == "post_qualifying" else [np.nan] * 5
            rows = pd.DataFrame({"driver_id": list("abcde"), "qualifying_position": places, "other": 1.5})
            rows = rows.assign(
                event_partition_key=EVENT, session=session, horizon=horizon, **dict.fromkeys(GRID, np.nan)
            )
            parts.append(rows.assign(as_of_utc=pd.Timestamp(moment)))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    found = LocalStore(tmp_path)
    penalties.update(found, EventKey.parse(EVENT), lambda _: [PENALTY, replace(PENALTY, driver_id="gone")])
    return found


def test_the_race_after_qualifying_gets_the_grid_and_nothing_else_changes(store: LocalStore) -> None:
    rows = _rows()
    out, used = provisional.with_announced(store, rows, "conventional")
    after = (rows["horizon"] == "post_qualifying") & (rows["session"] == "R")
    assert used == {"R": [PENALTY]}
    assert out.loc[after, "grid_position"].tolist() == [1, 4, 2, 3, 5]
    assert out.loc[after, "grid_minus_qualifying"].tolist()[:4] == [0, 2, -1, -1]
    assert out.loc[after, "is_odd_slot"].tolist() == [1, 0, 0, 1, 1]
    pd.testing.assert_frame_equal(out[~after], rows[~after])
    pd.testing.assert_frame_equal(out.drop(columns=GRID), rows.drop(columns=GRID))
    assert rows["grid_position"].isna().all()


@pytest.mark.parametrize(
    ("moment", "event_format"),
    [("2025-12-06T15:39:59Z", "conventional"), ("2025-12-06T16:00:00Z", "sprint")],
    ids=["announced later", "the sprint sets the grid"],
)
def test_without_a_known_penalty_or_where_the_sprint_sets_the_grid_there_is_none(
    store: LocalStore, moment: str, event_format: str
) -> None:
    rows = _rows(moment)
    out, used = provisional.with_announced(store, rows, event_format)
    pd.testing.assert_frame_equal(out, rows)
    assert used == {}


def test_a_start_from_the_pit_lane_is_marked_and_last() -> None:
    race = _rows().query("session == 'R' and horizon == 'post_qualifying'")
    grid = provisional.with_grid(race, {"a": "pit_lane"})
    assert grid["is_pit_lane_start"].tolist() == [1, 0, 0, 0, 0]
    assert grid["grid_position"].tolist() == [5, 1, 2, 3, 4]
