"""`f1 ingest`: what lacks its laps is asked for under a claim, once; stopping and going on lose nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from f1lib.bronze.timing_backfill import bring_all, wanted
from f1lib.errors import NotPublishedYet, RateLimited, SourceError
from f1lib.sources.protocols import SessionData
from f1lib.workspace.workspace import Workspace
from tests.support.workspaces import make_workspace

NOW = datetime(2025, 4, 1, tzinfo=UTC)
EVENT = "2025_Australian_Grand_Prix"


def row(session: str, **more: Any) -> Any:
    known = {"event_partition_key": EVENT, "session_name_abr": session, "event_year": 2025, "status": "gold"}
    ends = {"session_end_utc": "2025-03-16T06:00:00Z", "available_utc": "2025-03-16T06:30:00Z"}
    return known | ends | {"source": "f1db", "content_hash": "x"} | more


def test_wanted_is_what_lacks_laps_and_was_not_asked_for_in_vain() -> None:
    rows = [
        row("P1"),
        row("P2", source="fastf1"),
        row("P3", source="fastf1", is_partial=True),
        row("Q", backfilled_utc="2025-03-20T00:00:00Z"),
        row("R", available_utc="2025-04-02T00:00:00Z"),
        row("STAGE#starting_grid"),
        row("S", is_cancelled=True),
    ]
    assert wanted(rows, [2025], NOW) == [f"{EVENT}/P1", f"{EVENT}/P3"]
    assert wanted(rows, [2025], NOW, again=True) == [f"{EVENT}/{name}" for name in ("P1", "P2", "P3", "Q")]
    assert wanted([*rows, row("R")], [2025], NOW, sessions=("P1", "P2", "P3")) == [f"{EVENT}/P1", f"{EVENT}/P3"]
    assert wanted(rows, [2024], NOW) == []
    assert wanted(rows, [], NOW) == wanted(rows, [2025], NOW)
    assert wanted(rows, [], NOW + timedelta(days=60)) == [], "without seasons only the last weeks are meant"
    assert wanted([row("R", event_year=2017)], [2017], NOW) == [], "live timing begins in 2018"


class Told:
    """A live source that answers, or fails as it is told."""

    name, attribution = "fastf1", ""

    def __init__(self) -> None:
        self.errors: dict[str, SourceError] = {}
        self.asked: list[str] = []

    def session(self, key: Any, session: str, as_of: datetime) -> SessionData:
        import pandas as pd

        self.asked.append(session)
        if error := self.errors.get(session):
            raise error
        return SessionData({"laps": pd.DataFrame({"lap_number": [1]})}, {"source": "fastf1", "complete": True})


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Workspace, Told]:
    ws = make_workspace(tmp_path / "lake", "2025-04-01T00:00:00Z", "live")
    ws.tracking.put_rows([row(name) for name in ("P1", "P2", "P3", "Q", "R")])
    source = Told()
    monkeypatch.setattr("f1lib.workspace.sources.open_timing", lambda *_: source)
    return ws, source


def run(ws: Workspace) -> dict[str, str]:
    units = wanted(ws.tracking.rows(), [2025], ws.as_of)
    outcomes = bring_all(ws, units, 1, lambda: NOW, lambda _outcome: None)
    return {outcome["unit"].rpartition("/")[2]: outcome["status"] for outcome in outcomes}


def test_what_is_not_to_be_had_is_asked_for_once_and_a_passing_fault_again(told: tuple[Workspace, Told]) -> None:
    ws, source = told
    source.errors = {"P1": NotPublishedYet("no laps"), "P2": SourceError("500")}
    came = dict.fromkeys(("P3", "Q", "R"), "ingested")
    assert run(ws) == {"P1": "without laps", "P2": "failed"} | came, "whatever the lake held before"
    assert {row["session_name_abr"]: row["status"] for row in ws.tracking.rows()} == {"P1": "gold", "P2": "gold"} | came
    source.errors, source.asked = {}, []
    assert run(ws) == {"P2": "ingested"}
    assert source.asked == ["P2"]
    assert not any(known.get("owner") for known in ws.tracking.rows()), "every claim was given back"


def test_a_limit_ends_the_backfill_and_the_next_call_goes_on_from_there(told: tuple[Workspace, Told]) -> None:
    ws, source = told
    source.errors = {"P3": RateLimited("500 an hour", 900)}
    assert list(run(ws)) == ["P1", "P2", "P3"]
    source.errors = {}
    assert list(run(ws)) == ["P3", "Q", "R"]


def test_stopping_keeps_what_is_done_and_gives_the_claim_back(told: tuple[Workspace, Told]) -> None:
    ws, source = told
    real = source.session

    def interrupted(key: Any, session: str, as_of: datetime) -> SessionData:
        if session == "P3":
            raise KeyboardInterrupt
        return real(key, session, as_of)

    source.session = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        run(ws)
    source.session = real  # type: ignore[method-assign]
    assert list(run(ws)) == ["P3", "Q", "R"]


def test_a_session_that_somebody_is_at_is_left_to_him(told: tuple[Workspace, Told]) -> None:
    ws, _ = told
    ws.tracking.claim(EVENT, "Q", owner="cloud", run_id="tick", now=NOW, lease=timedelta(minutes=10))
    assert run(ws)["Q"] == "taken"
