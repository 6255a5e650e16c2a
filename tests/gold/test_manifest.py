"""Gold in the lake: what is read, what is written, which targets there are and which tracking rows move on."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd
import pytest

from f1lib.domain.weekend import HORIZONS
from f1lib.errors import BadParameters, RunError, TableError
from f1lib.gold import build
from f1lib.lake import gold_tables, parquet, paths
from f1lib.lake.store import read_json
from f1lib.tracking.rows import Status, TrackingRow
from f1lib.workspace.workspace import Workspace
from tests.support import gold_world
from tests.support.workspaces import make_workspace

NEXT = "2024_Interlagos_Grand_Prix"
AS_OF = "2024-04-01T20:00:00Z"  # after three of the four races of 2024, before the weekend of the fourth


def _workspace(tmp_path: Path, as_of: str, run_id: str = "run-1") -> Workspace:
    return make_workspace(tmp_path / "lake", as_of, "simulated", run_id=run_id)


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    workspace = _workspace(tmp_path, AS_OF)
    for name, frame in gold_world.world().items():
        for season, part in frame.groupby("event_year"):
            parquet.write_parquet(workspace.store, paths.silver_key(name, int(season)), part.reset_index(drop=True))
    return workspace


def test_the_training_dataset_holds_every_race_whose_result_is_visible_and_no_other(ws: Workspace) -> None:
    rows = build.build_training_dataset(ws)
    assert rows["event_partition_key"].nunique() == 11
    assert NEXT not in set(rows["event_partition_key"])
    assert set(rows["horizon"]) == set(HORIZONS)
    assert rows[["finishing_position", "is_dnf", "n_entrants"]].notna().all().all()
    pd.testing.assert_frame_equal(gold_tables.read_training_dataset(ws.store), rows)


def test_the_training_dataset_names_its_inputs_by_their_hashes(ws: Workspace) -> None:
    rows = build.build_training_dataset(ws)
    note = read_json(ws.store, "gold/training_dataset.json")
    assert note["rows"] == len(rows)
    assert (note["run_id"], note["as_of_utc"], note["sources"]) == ("run-1", AS_OF, ["simulated"])
    key = "silver/sessions/results/season=2023/results.parquet"
    assert note["inputs"][key] == hashlib.sha256(ws.store.read(key)).hexdigest()


def test_building_twice_gives_the_same_bytes(ws: Workspace) -> None:
    build.build_training_dataset(ws)
    first = ws.store.read("gold/training_dataset.parquet")
    build.build_training_dataset(ws)
    assert ws.store.read("gold/training_dataset.parquet") == first


def test_features_of_the_next_race_are_built_at_the_horizon_reached(ws: Workspace) -> None:
    rows = build.build_features(ws, "", "")
    assert set(rows["event_partition_key"]) == {NEXT}
    assert set(rows["horizon"]) == {"pre_weekend"}
    stored = parquet.read_parquet(ws.store, paths.features_key(ws.run_id))
    pd.testing.assert_frame_equal(stored, rows)


def test_serving_at_the_moment_a_horizon_begins_gives_the_row_training_will_have(ws: Workspace, tmp_path: Path) -> None:
    """Train and serve are one: the production path and the backtest see the same numbers."""
    training = build.build_training_dataset(_workspace(tmp_path, "2024-12-31T00:00:00Z"))
    for horizon in HORIZONS:
        for session in ("R", "S"):
            own = "event_partition_key == @NEXT and horizon == @horizon and session == @session"
            later = training.query(own)[list(gold_tables.KEYS)]
            moment = training.loc[later.index, "as_of_utc"].iloc[0]
            served = build.build_features(_workspace(tmp_path, moment.isoformat()), NEXT, horizon)
            served = served[served["session"] == session].reset_index(drop=True)
            expected = training.loc[later.index, served.columns].reset_index(drop=True)
            pd.testing.assert_frame_equal(served, expected, check_exact=True)


def test_the_calendar_may_hold_no_further_race(tmp_path: Path, ws: Workspace) -> None:
    late = _workspace(tmp_path, "2025-06-01T00:00:00Z")
    rows = build.build_features(late, "", "")
    assert rows.empty
    assert not ws.store.list(paths.FEATURES_PREFIX)
    pd.testing.assert_series_equal(rows.dtypes, build.build_features(ws, "", "").dtypes)


@pytest.mark.parametrize(
    ("event", "horizon", "words"),
    [
        ("2024_Nowhere_Grand_Prix", "", "not in the calendar"),
        (NEXT, "pre_race", "it begins 2024-04-03T09:00:00Z"),
        (NEXT, "post_sprint", "post_sprint"),
    ],
)
def test_an_unknown_event_and_a_horizon_not_begun_are_refused(
    ws: Workspace, event: str, horizon: str, words: str
) -> None:
    with pytest.raises(BadParameters, match=words):
        build.build_features(ws, event, horizon)


def test_a_lake_without_silver_says_which_stage_is_missing(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="03_silver"):
        build.build_training_dataset(_workspace(tmp_path / "empty", AS_OF))


def test_a_broken_silver_file_is_named(ws: Workspace) -> None:
    key = "silver/sessions/results/season=2023/results.parquet"
    ws.store.write(key, b"PAR1 no more")
    with pytest.raises(TableError, match="season=2023"):
        build.build_training_dataset(ws)


def _waiting() -> TrackingRow:
    return {
        "event_partition_key": "2024_Monaco_Grand_Prix",
        "session_name_abr": "R",
        "status": Status.SILVER,
        "event_year": 2024,
    }


def test_rows_that_waited_in_silver_move_to_gold_when_both_tables_are_built(ws: Workspace) -> None:
    ws.tracking.put_rows([_waiting()])
    build.build_training_dataset(ws)
    build.build_features(ws, "", "")
    row = ws.tracking.get("2024_Monaco_Grand_Prix", "R")
    assert row is not None
    assert (row["status"], row["gold_path"]) == ("gold", "gold/training_dataset.parquet")


def test_rows_stay_in_silver_while_the_training_dataset_is_older_than_silver(ws: Workspace) -> None:
    build.build_training_dataset(ws)
    key = "silver/sessions/results/season=2024/results.parquet"
    newer = parquet.read_parquet(ws.store, key)
    parquet.write_parquet(ws.store, key, newer.assign(points=newer["points"] + 1))
    ws.tracking.put_rows([_waiting()])
    build.build_features(ws, "", "")
    row = ws.tracking.get("2024_Monaco_Grand_Prix", "R")
    assert row is not None
    assert row["status"] == "silver"


def test_both_tables_are_built_from_one_reading_of_silver_and_what_comes_after_it_waits(ws: Workspace) -> None:
    ws.tracking.put_rows([_waiting()])
    seen = build.read_silver(ws.store, ws.tracking)
    assert seen.counts().query("rows > 0")["files"].min() >= 1
    late: TrackingRow = {**_waiting(), "session_name_abr": "Q"}
    ws.tracking.put_rows([late])
    key = "silver/sessions/results/season=2024/results.parquet"
    parquet.write_parquet(ws.store, key, parquet.read_parquet(ws.store, key).assign(points=0.0))
    rows = build.build_training_dataset(ws, seen)
    build.build_features(ws, "", "", seen)
    assert rows["points"].max() > 0
    assert [(ws.tracking.get("2024_Monaco_Grand_Prix", name) or {})["status"] for name in "RQ"] == ["gold", "silver"]


def test_a_sprint_is_gridded_by_its_own_qualifying_and_labelled_with_its_own_result(ws: Workspace) -> None:
    rows = build.build_training_dataset(ws).query("event_partition_key == '2023_Interlagos_Grand_Prix'")
    sprint = rows.query("session == 'S' and horizon == 'pre_race'").set_index("driver_id")
    results = gold_world.world()["results"].query("event_partition_key == '2023_Interlagos_Grand_Prix'")
    by_session = {str(code): part.set_index("driver_id") for code, part in results.groupby("session")}
    for column, session in (("qualifying_position", "SS"), ("finishing_position", "S")):
        expected = by_session[session]["finishing_position"].astype("float64").loc[sprint.index]
        assert sprint[column].tolist() == expected.tolist()
    assert sprint["sprint_position"].isna().all(), "a sprint is not predicted from its own result"
    race = rows.query("session == 'R' and horizon == 'pre_race'").set_index("driver_id")
    assert race["sprint_position"].tolist() == by_session["S"]["finishing_position"].loc[race.index].tolist()
