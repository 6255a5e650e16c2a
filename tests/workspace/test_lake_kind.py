"""A lake goes on with the source it was begun with, and never holds both real and simulated data."""

from __future__ import annotations

from pathlib import Path

import pytest

from f1lib.errors import RunError
from f1lib.workspace.lake_kind import choose_source, claim_lake
from tests.support.workspaces import make_workspace


def test_a_lake_begun_with_fastf1_goes_on_with_it_and_one_of_f1db_with_that(tmp_path: Path) -> None:
    notices: list[str] = []
    for source in ("f1db", "fastf1"):
        ws = make_workspace(tmp_path / "lake", "2025-03-15T12:00:00Z", source)
        claim_lake(ws.store, source, ws.as_of, ws.settings)
        assert choose_source(ws.settings, ws.as_of, notices) == source
    assert notices == []


@pytest.mark.parametrize(("begun", "other"), [("simulated", "f1db"), ("fastf1", "simulated")])
def test_a_lake_of_one_kind_refuses_the_other(tmp_path: Path, begun: str, other: str) -> None:
    ws = make_workspace(tmp_path / "lake", "2025-03-15T12:00:00Z", begun)
    claim_lake(ws.store, begun, ws.as_of, ws.settings)
    with pytest.raises(RunError, match="the two are never mixed"):
        claim_lake(ws.store, other, ws.as_of, ws.settings)


def test_a_simulated_lake_is_said_to_be_one_when_nobody_asked_for_it(tmp_path: Path) -> None:
    ws = make_workspace(tmp_path / "lake", "2025-03-15T12:00:00Z", "simulated", simulated_seasons=3)
    assert claim_lake(ws.store, "simulated", ws.as_of, ws.settings)["first_season"] == 2022
    notices: list[str] = []
    assert choose_source(ws.settings, ws.as_of, notices) == "simulated"
    assert notices[0].startswith("SIMULATED DATA")
