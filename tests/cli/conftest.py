"""A small simulated lake for the commands: a season of history and a weekend with a sprint lived through."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.lakes import AFTER, copied


@pytest.fixture(scope="module")
def weekend_lake(replayed_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The options that name a copy of the replayed lake, at the moment its replay ended; a module may write into it."""
    lake = copied(replayed_lake / "lake", tmp_path_factory)
    return ["--source", "simulated", "--lake", str(lake), "--now", AFTER]


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("F1_ENGINE", "inprocess")
    monkeypatch.setenv("COLUMNS", "200")
