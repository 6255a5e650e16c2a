"""`f1 replay`: which lake it lives in; what it prints is tested with the replay itself (`tests/pipeline`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from f1lib.cli.main import main
from f1lib.workspace.workspace import Workspace


@pytest.mark.parametrize(("named", "expected"), [([], "lake-replay-2024"), (["--lake", "own"], "own")])
def test_without_a_lake_of_its_own_it_takes_one_beside_the_users(
    named: list[str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lived: list[str] = []

    def replay(ws: Workspace, season: int, event: str, on_tick: Any) -> dict[str, Any]:
        lived.append(ws.store.url)
        none = {"races": 0, "horizons": {}, "events": []}
        return {"season": season, **none, "sprints": none}

    monkeypatch.setattr("f1lib.cli.replay.replay_season", replay)
    monkeypatch.setenv("F1_LAKE_URL", str(tmp_path / "lake"))
    monkeypatch.chdir(tmp_path)
    assert main(["replay", "--season", "2024", "--source", "simulated", *named]) == 0
    assert lived == [(tmp_path / expected).as_uri()]
    assert "2024: 0 races, predictions scored as issued; a model is trained from 8 races on" in " ".join(
        capsys.readouterr().out.split()
    )
