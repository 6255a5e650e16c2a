"""A lake goes on with the source it was begun with, and never holds both real and simulated data."""

from __future__ import annotations

from pathlib import Path

import pytest

from f1lib.errors import RunError
from f1lib.lake.store import read_json, write_json
from f1lib.workspace.lake_kind import choose_source, claim_lake
from f1lib.workspace.workspace import Workspace
from tests.support.workspaces import make_workspace

NOW = "2025-03-15T12:00:00Z"


def chosen(ws: Workspace, *, is_present: bool) -> str:
    notices: list[str] = []
    found = choose_source(ws.settings, ws.as_of, notices, is_present=is_present)
    assert notices == []
    return found


def test_a_lake_of_f1db_is_live_at_the_present_and_f1db_in_the_past(tmp_path: Path) -> None:
    ws = make_workspace(tmp_path / "lake", NOW, "f1db")
    claim_lake(ws.store, "f1db", ws.as_of, ws.settings)
    assert [chosen(ws, is_present=present) for present in (True, False)] == ["live", "f1db"]


def test_a_lake_that_live_upstreams_have_fed_is_live_at_any_moment(tmp_path: Path) -> None:
    ws = make_workspace(tmp_path / "lake", NOW, "live")
    claim_lake(ws.store, "live", ws.as_of, ws.settings)
    assert [chosen(ws, is_present=present) for present in (True, False)] == ["live", "live"]
    write_json(ws.store, "lake.json", {"kind": "real", "source": "fastf1"})  # as 0.1.0 wrote it
    assert chosen(ws, is_present=False) == "live"


def test_a_new_lake_is_live_at_the_present_and_f1db_in_the_past(tmp_path: Path, f1db_zip: Path) -> None:
    ws = make_workspace(tmp_path / "lake", NOW, "auto", f1db=str(f1db_zip))
    assert [chosen(ws, is_present=present) for present in (True, False)] == ["live", "f1db"]


@pytest.mark.parametrize(("begun", "other"), [("simulated", "f1db"), ("live", "simulated")])
def test_a_lake_of_one_kind_refuses_the_other(tmp_path: Path, begun: str, other: str) -> None:
    ws = make_workspace(tmp_path / "lake", NOW, begun)
    claim_lake(ws.store, begun, ws.as_of, ws.settings)
    with pytest.raises(RunError, match="the two are never mixed"):
        claim_lake(ws.store, other, ws.as_of, ws.settings)


def test_a_simulated_lake_is_said_to_be_one_when_nobody_asked_for_it(tmp_path: Path) -> None:
    ws = make_workspace(tmp_path / "lake", NOW, "simulated", simulated_seasons=3)
    claim_lake(ws.store, "simulated", ws.as_of, ws.settings)
    assert read_json(ws.store, "lake.json")["first_season"] == 2022
    notices: list[str] = []
    assert choose_source(ws.settings, ws.as_of, notices, is_present=True) == "simulated"
    assert notices[0].startswith("SIMULATED DATA")
