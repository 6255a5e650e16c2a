"""The runs of a lake, and which of them serve."""

from __future__ import annotations

from pathlib import Path

import pytest

from f1lib.errors import RunError, StorageError
from f1lib.evaluation import gate
from f1lib.lake.paths import CHAMPION_KEY
from f1lib.lake.store import write_json
from f1lib.model import registry, train
from f1lib.model.config import parse_config
from f1lib.workspace.workspace import Workspace
from tests.support.made_up_training import CONFIG, training_workspace

SMALL = parse_config(CONFIG, "test")


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return training_workspace(tmp_path / "lake", "2018-01-01T00:00:00Z")


def test_rolling_back_lets_the_one_before_serve_again(ws: Workspace) -> None:
    first, second = (train.train(ws, SMALL, "pre_race") for _ in range(2))
    for run in (first, second):
        gate.promote(ws.store, run.run_id, ws.as_of)
    back = registry.rollback(ws.store, "pre_race", ws.as_of)
    assert back["run_id"] == first.run_id
    assert second.run_id in back["why"]
    with pytest.raises(RunError, match="no champion before"):
        registry.rollback(ws.store, "pre_race", ws.as_of)


def test_the_list_names_every_finished_run_and_which_serves(ws: Workspace) -> None:
    run = train.train(ws, SMALL, "pre_race")
    other = train.train(ws, SMALL, "post_qualifying")
    gate.promote(ws.store, run.run_id, ws.as_of)
    listed = {r["run_id"]: r["serves"] for r in registry.list_runs(ws.store)}
    assert listed == {run.run_id: True, other.run_id: False}


def test_asking_for_a_champion_that_is_not_there_says_what_to_do(ws: Workspace) -> None:
    with pytest.raises(StorageError, match="`f1 run` trains one"):
        registry.champion_of(ws.store, "pre_race")


ENTRY = {"run_id": "b", "model": "m", "since": "2025-01-01T00:00:00Z", "why": "better"}
PAST = ENTRY | {"run_id": "a"}


@pytest.mark.parametrize(
    ("horizons", "runs"),
    [
        ({"pre_race": ENTRY | {"previous": [PAST]}}, {"a", "b"}),
        ({"pre_race": ENTRY}, {"b"}),
        ({"pre_race": {"run_id": "b"}}, set()),
        ({"pre_race": ENTRY | {"previous": {"run_id": "a"}}}, {"b"}),
        ({"pre_race": ENTRY | {"previous": ["a", PAST, {"why": ""}]}}, {"a", "b"}),
        (["pre_race"], set()),
    ],
)
def test_of_a_damaged_document_of_champions_the_sound_entries_are_known(
    ws: Workspace, horizons: object, runs: set[str]
) -> None:
    write_json(ws.store, CHAMPION_KEY, {"horizons": horizons})
    assert set(registry.promotions(ws.store)) == runs
