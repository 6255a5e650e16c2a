"""The training dataset built bit by bit is, to the byte, the one built at once; and only what changed is computed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from shutil import copytree, ignore_patterns
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from f1lib.evaluation import backtest
from f1lib.gold import build, incremental, manifest, read_silver
from f1lib.lake import gold_tables, parquet, paths
from f1lib.lake.cache import Cache
from f1lib.lake.store import read_json
from f1lib.pipeline import backtest as backtest_command
from f1lib.workspace.workspace import Workspace
from tests.support import gold_world
from tests.support.examples import examples
from tests.support.workspaces import make_workspace

WORLD = gold_world.world() | {"entries": gold_world.entries(gold_world.DRIVERS, 2024)}
KEY = paths.TRAINING_KEY
MOMENTS = ("2022-12-01", "2023-03-16", "2023-04-02", "2024-03-22", "2024-04-01", "2024-12-01")
LAST = MOMENTS[-1]
_KEYS = {"event_partition_key", "event_year", "event_number", "event_name", "session", "available_utc", "issued_utc"}


def _workspace(folder: Path, as_of: str) -> Workspace:
    return make_workspace(folder / "lake", f"{as_of}T00:00:00Z", "simulated", run_id="run-1")


def _write(ws: Workspace, world: dict[str, Any]) -> None:
    for name, frame in world.items():
        for season in gold_world.SEASONS:
            part = frame[frame["event_year"] == season].reset_index(drop=True)
            parquet.write_parquet(ws.store, paths.silver_key(name, season), part)


def _built(folder: Path, world: dict[str, Any], as_of: str, cache: Cache | None = None) -> bytes:
    ws = replace(_workspace(folder, as_of), cache=cache or Cache())
    _write(ws, world)
    build.build_training_dataset(ws)
    return ws.store.read(KEY)


def _corrected(world: dict[str, Any], table: str, rng: np.random.Generator) -> dict[str, Any]:
    """One event's rows of a table with other values: numbers, flags and, of results, who drove."""
    frame = world[table].copy()
    key = "event_partition_key" if table != "entries" else "event_year"
    hit = frame[key] == rng.choice(frame[key].unique())
    for column in frame.columns.difference(list(_KEYS)):
        values = frame.loc[hit, column]
        if pd.api.types.is_bool_dtype(values):
            frame.loc[hit, column] = ~values
        elif pd.api.types.is_float_dtype(values):
            frame.loc[hit, column] = values * 1.5
        elif column in ("team_id", "team_lineage", "condition", "finishing_position", "grid_position", "circuit_id"):
            frame.loc[hit, column] = values[::-1].array if table != "events" else "monaco"
    return {**world, table: frame}


def _moved(world: dict[str, Any], table: str, rng: np.random.Generator) -> dict[str, Any]:
    """Some rows become visible some days later than was said."""
    frame = world[table].copy()
    column = "available_utc" if "available_utc" in frame else "race_start_utc"
    frame.loc[rng.random(len(frame)) < 0.1, column] += pd.Timedelta(days=int(rng.integers(1, 20)))
    return {**world, table: frame}


def _thinned(world: dict[str, Any], table: str, rng: np.random.Generator) -> dict[str, Any]:
    """Some rows are gone."""
    return {**world, table: world[table][rng.random(len(world[table])) > 0.05].reset_index(drop=True)}


def _renumbered(world: dict[str, Any], table: str, rng: np.random.Generator) -> dict[str, Any]:
    """A round is cancelled: the calendar's later rounds count one less, in every table."""
    number = int(rng.integers(1, 4))

    def moved(frame: pd.DataFrame) -> pd.DataFrame:
        if "event_number" not in frame:
            return frame
        later = (frame["event_year"] == 2023) & (frame["event_number"] > number)
        out = frame.assign(event_number=frame["event_number"] - later.astype("Int64"))
        return out[~((frame["event_year"] == 2023) & (frame["event_number"] == number))].reset_index(drop=True)

    return {name: moved(frame) for name, frame in world.items()}


_CHANGES: tuple[Callable[[dict[str, Any], str, np.random.Generator], dict[str, Any]], ...]
_CHANGES = (_corrected, _corrected, _moved, _thinned, _renumbered)
_STEP = st.tuples(
    st.sampled_from(MOMENTS), st.sampled_from(_CHANGES), st.sampled_from(sorted(WORLD)), st.integers(0, 2**31)
)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with the training dataset of a moment in the last season."""
    folder = tmp_path_factory.mktemp("begun")
    _built(folder, WORLD, "2024-04-01")
    return folder


@given(steps=st.lists(_STEP, min_size=1, max_size=2))
@settings(max_examples=examples(6), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_sequence_of_builds_ends_where_one_build_of_everything_does(begun: Path, steps: list[Any]) -> None:
    world, cache = WORLD, Cache(lent=True)
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        copytree(begun, one, dirs_exist_ok=True)
        for as_of, change, table, seed in steps:
            world = change(world, table, np.random.default_rng(seed))
            bit_by_bit = _built(Path(one), world, as_of, cache)
        assert bit_by_bit == _built(Path(other), world, as_of)


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The events that each call of `gold.compute` was asked for."""
    calls: list[list[str]] = []
    compute = build.compute

    def noted(silver: Any, targets: pd.DataFrame, cache: Cache) -> pd.DataFrame:
        calls.append(sorted(targets["event_partition_key"].unique()))
        return compute(silver, targets, cache)

    monkeypatch.setattr(build, "compute", noted)
    return calls


def _until(moment: str) -> dict[str, Any]:
    """What a lake holds at ``moment``: the calendar, and of the rest what is visible."""
    limit = pd.Timestamp(moment, tz="UTC")
    return {n: f[f["available_utc"] <= limit] if n not in ("events", "sessions") else f for n, f in WORLD.items()}


def test_a_practice_session_of_the_next_race_computes_no_past_event(tmp_path: Path, computed: list[list[str]]) -> None:
    before = _built(tmp_path, _until("2024-04-01"), "2024-04-01")
    computed.clear()
    assert _built(tmp_path, _until("2024-04-03"), "2024-04-03") == before
    assert computed == []


@pytest.mark.parametrize("lent", [True, False])
def test_rows_that_a_caller_changes_in_place_are_whole_at_the_next_build(tmp_path: Path, lent: bool) -> None:
    _built(tmp_path, WORLD, LAST)
    ws = replace(_workspace(tmp_path, LAST), cache=Cache(lent=lent))
    rows = build.build_training_dataset(ws)
    points = rows["points"].copy()
    rows.loc[:, "points"] = -1.0
    assert build.build_training_dataset(ws)["points"].equals(points)


def test_a_new_result_computes_its_own_event_only(tmp_path: Path, computed: list[list[str]]) -> None:
    _built(tmp_path, _until("2024-04-01"), "2024-04-01")
    computed.clear()
    _built(tmp_path, _until(LAST), LAST)
    assert computed == [["2024_Interlagos_Grand_Prix"]]


def test_a_corrected_result_computes_its_event_and_those_after_it(tmp_path: Path, computed: list[list[str]]) -> None:
    _built(tmp_path, WORLD, LAST)
    results = WORLD["results"].copy()
    hit = (results["event_partition_key"] == "2024_Monaco_Grand_Prix") & (results["session"] == "R")
    results.loc[hit, "points"] += 1
    computed.clear()
    _built(tmp_path, {**WORLD, "results": results}, LAST)
    places = ("Interlagos", "Monaco", "Spa-Francorchamps")
    assert computed == [[f"2024_{place}_Grand_Prix" for place in places]]


def test_rows_beside_the_note_of_other_bytes_are_not_kept(tmp_path: Path, computed: list[list[str]]) -> None:
    """Somebody was stopped between the rows and their note."""
    whole = _built(tmp_path, WORLD, LAST)
    ws = _workspace(tmp_path, LAST)
    rows = parquet.read_parquet(ws.store, KEY)
    parquet.write_parquet(ws.store, KEY, rows.assign(points=0.0))
    computed.clear()
    build.build_training_dataset(ws)
    assert ws.store.read(KEY) == whole
    assert len(computed[0]) == len(WORLD["events"])


def test_rows_of_another_recipe_are_not_kept(
    tmp_path: Path, computed: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _built(tmp_path, WORLD, LAST)
    computed.clear()
    monkeypatch.setattr(incremental, "recipe", lambda: "features of tomorrow")
    _built(tmp_path, WORLD, LAST)
    assert len(computed[0]) == len(WORLD["events"])


def test_the_recipe_is_the_same_in_whatever_folder_the_package_lies(root: Path, tmp_path: Path) -> None:
    copytree(root / "f1lib", tmp_path / "f1lib", ignore=ignore_patterns("__pycache__"))
    script = "from f1lib.gold.incremental import __file__, recipe; print(__file__, recipe())"
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True, text=True)
    file, there = done.stdout.split()
    assert Path(file).is_relative_to(tmp_path)
    assert there == incremental.recipe()


def test_a_backtest_in_a_lake_of_an_older_version_scores_features_of_today(
    tmp_path: Path, computed: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _built(tmp_path, WORLD, LAST)
    computed.clear()
    monkeypatch.setattr(incremental, "recipe", lambda: "features of tomorrow")
    monkeypatch.setattr(backtest_command, "bring_history", lambda ws: None)  # nothing is due
    monkeypatch.setattr(backtest, "run", lambda store, settings, training, *asked: {"rows": len(training)})
    card = backtest_command.backtest_history(_workspace(tmp_path, LAST), 2024, 2024, [], [], 0)
    assert len(computed[0]) == len(WORLD["events"])
    assert card["rows"] == len(gold_tables.read_training_dataset(_workspace(tmp_path, LAST).store))


def test_rows_that_were_kept_are_noted_as_made_from_the_newer_silver(tmp_path: Path) -> None:
    _built(tmp_path, _until("2024-04-01"), "2024-04-01")
    _built(tmp_path, _until("2024-04-03"), "2024-04-03")
    ws = _workspace(tmp_path, "2024-04-03")
    assert manifest.is_current(ws.store, KEY, read_silver.read_silver(ws.store))
    assert read_json(ws.store, paths.gold_note(KEY))["as_of_utc"] == "2024-04-03T00:00:00Z"
