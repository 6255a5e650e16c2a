"""A lost or damaged tracking table: said, rebuilt from the lake, and the next tick goes on as if nothing had been."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from f1lib.domain.moments import parse_utc
from f1lib.errors import StorageError
from f1lib.lake.store import LocalStore, ObjectStore, open_store
from f1lib.pipeline import doctor
from f1lib.pipeline.plan import due_steps
from f1lib.pipeline.rebuild import rebuild
from f1lib.pipeline.tick import run_stage, tick
from f1lib.predictions.archive import history_keys
from f1lib.tracking.index import is_session
from f1lib.tracking.rows import TrackingRow, key_of
from f1lib.workspace.workspace import Workspace, open_workspace
from tests.support.lakes import AFTER
from tests.support.poison import damage
from tests.support.standins import Server, make_bucket, make_tables

_NUMBERS = itertools.count(1)  # a server outlives the test


@dataclass(frozen=True)
class Lost:
    """A lake that was lived in, whose table is lost, and what the table held."""

    ws: Workspace
    rows: list[TrackingRow]
    predictions: list[dict[str, Any]]

    def forecasts(self) -> dict[str, bytes]:
        """Every issued prediction, to the byte."""
        return {key: self.ws.store.read(key) for key in history_keys(self.ws.store)}


@pytest.fixture(autouse=True)
def _in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("F1_ENGINE", "inprocess")


def _predictions(ws: Workspace, rows: list[TrackingRow]) -> list[dict[str, Any]]:
    return [found for event in sorted({key_of(row)[0] for row in rows}) for found in ws.tracking.predictions(event)]


@pytest.fixture(params=["folder and SQLite", pytest.param("S3 and DynamoDB", marks=pytest.mark.campaign)])
def lost(request: pytest.FixtureRequest, replayed_lake: Path, tmp_path: Path) -> Lost:
    before = open_workspace(lake=str(replayed_lake / "lake"), source="simulated", as_of=AFTER)
    rows = before.tracking.rows()
    if request.param == "folder and SQLite":
        shutil.copytree(replayed_lake / "lake", tmp_path / "lake", ignore=shutil.ignore_patterns("tracking.db*"))
        ws = open_workspace(lake=str(tmp_path / "lake"), source="simulated", as_of=AFTER)
    else:
        moto: Server = request.getfixturevalue("moto")
        url, table = make_bucket(moto, f"rebuilt-{next(_NUMBERS)}"), make_tables(moto, f"rebuilt-{next(_NUMBERS)}")
        _copy(before.store, open_store(url))
        ws = open_workspace(lake=url, tracking=table, source="simulated", as_of=AFTER)
    return Lost(ws, rows, _predictions(before, rows))


def _copy(source: ObjectStore, target: ObjectStore) -> None:
    for key in source.list():
        if not key.startswith("tracking.db"):
            target.write(key, source.read(key))


def test_a_lost_table_is_said_rebuilt_and_the_next_tick_has_nothing_to_do(lost: Lost) -> None:
    with pytest.raises(StorageError, match=r"tracking table is empty.*`f1 doctor --repair` rebuilds it"):
        tick(lost.ws)
    with pytest.raises(StorageError, match="tracking table is empty"):
        run_stage(lost.ws, "report", {})
    assert lost.ws.tracking.rows() == [], "no fresh start was made"
    issued = lost.forecasts()
    assert rebuild(lost.ws) == len(lost.rows)
    rows = lost.ws.tracking.rows()
    assert [(key_of(row), row.get("status")) for row in rows] == [(key_of(r), r.get("status")) for r in lost.rows]
    assert _predictions(lost.ws, rows) == lost.predictions
    assert {h: _due(rows, h) for h in range(0, 840, 6)} == {h: _due(lost.rows, h) for h in range(0, 840, 6)}
    assert tick(lost.ws).runs == []
    assert lost.forecasts() == issued


def _due(rows: list[TrackingRow], hours: int) -> list[tuple[Any, ...]]:
    """What is due later: readings of what was missing, forecasts, the next weekend's sessions."""
    now = parse_utc(AFTER) + timedelta(hours=hours)
    return [(step.key, step.parameters) for step in due_steps(rows, now, has_weather=True, has_past_weather=True)]


@pytest.fixture
def lived(replayed_lake: Path, tmp_path: Path) -> Callable[[], Workspace]:
    lake = shutil.copytree(replayed_lake / "lake", tmp_path / "lake")
    return lambda: open_workspace(lake=str(lake), source="simulated", as_of=AFTER)


def test_a_damaged_table_is_said_set_aside_and_rebuilt(lived: Callable[[], Workspace]) -> None:
    store, rows = lived().store, lived().tracking.rows()
    assert isinstance(store, LocalStore)
    file = store.root / "tracking.db"
    damaged = file.read_bytes()[:4096] + b"\xff" * (file.stat().st_size - 4096)
    file.write_bytes(damaged)
    with pytest.raises(StorageError, match=r"is damaged .*`f1 doctor --repair` sets the file aside"):
        tick(lived())
    assert rebuild(lived()) == len(rows)
    assert (store.root / "tracking.db.damaged-1").read_bytes() == damaged
    assert rebuild(lived()) == 0, "rows that are there are kept"


KINDS = ("session note", "session", "grid note", "forecast", "silver", "training dataset", "issued prediction")


@pytest.mark.parametrize(
    ("calendar", "kinds"),
    [
        ("source.json", KINDS),
        pytest.param("source.json", (), marks=pytest.mark.campaign),
        pytest.param("events.parquet", (), marks=pytest.mark.campaign),
    ],
)
def test_damaged_files_do_not_keep_a_lost_table_lost_and_are_mended_with_it(
    lived: Callable[[], Workspace], calendar: str, kinds: tuple[str, ...]
) -> None:
    store, before = lived().store, _sessions(lived())
    assert isinstance(store, LocalStore)
    assert all(damage(store.root, kind, "truncate", np.random.default_rng(1)) for kind in kinds)
    (store.root / "bronze" / "schedule" / "2024" / calendar).write_bytes(b"{")
    (store.root / "tracking.db").unlink()
    done, left = doctor.repair(lived())
    assert left == [], done
    assert not tick(lived()).failures
    assert _sessions(lived()) == before
    assert doctor.examine(lived()) == []


def _sessions(ws: Workspace) -> dict[tuple[str, str], tuple[Any, ...]]:
    rows = ws.tracking.rows()
    return {key_of(row): (row["status"], row.get("content_hash")) for row in rows if is_session(row)}


@pytest.mark.campaign  # it trains again
def test_what_no_record_shows_as_done_is_done_again_and_nothing_is_issued_twice(lived: Callable[[], Workspace]) -> None:
    ws = lived()
    issued = {key: ws.store.read(key) for key in history_keys(ws.store)}
    for key in ws.store.list("reports/runs/"):
        if any(stage in key for stage in ("04_gold", "05_train", "06_predict", "08_report")):
            ws.store.delete(key)
    ws.store.delete("gold/training_dataset.json")
    (Path(ws.parameters()["lake"].removeprefix("file://")) / "tracking.db").unlink()
    rebuild(lived())
    done = [run.step.stage for run in tick(lived()).runs]
    assert {"04_gold", "05_train", "06_predict", "08_report"} <= set(done)
    assert {key: ws.store.read(key) for key in history_keys(ws.store)} == issued
