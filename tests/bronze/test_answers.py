"""A session's answer in the lake: whole or not at all, kept when it is renewed."""

from __future__ import annotations

from typing import Any

import pytest

from f1lib.bronze.ingest import ingest
from f1lib.bronze.schedule import refresh_schedule
from f1lib.domain.moments import parse_utc
from f1lib.domain.weekend import EventKey
from f1lib.errors import StorageError
from f1lib.lake.parquet import read_parquet
from f1lib.lake.paths import session_folder
from f1lib.lake.store import read_json
from f1lib.sources.protocols import SessionData, SessionSource
from f1lib.tracking.rows import Status
from f1lib.workspace.workspace import Workspace
from tests.support.f1db_zips import tiny
from tests.support.scripted import AUSTRALIA, Opener, Scripted, statuses

LATER = "2026-08-01T00:00:00Z"


def test_a_session_folder_holds_its_frames_and_a_note_of_their_hashes(opened: Opener) -> None:
    ws = opened(LATER)
    refresh_schedule(ws, [])
    ingest(ws, [])
    base = session_folder(EventKey.parse(AUSTRALIA), "R")
    held = [key.removeprefix(base + "/") for key in ws.store.list(base)]
    names = [
        "pit_stops.parquet",
        "results.parquet",
        "source.json",
        "starting_grid.parquet",
        "starting_grid.source.json",
    ]
    assert held == names
    note = read_json(ws.store, f"{base}/source.json")
    assert list(note["files"]) == ["pit_stops.parquet", "results.parquet"]
    assert note["provenance"]["source"] == "f1db"
    assert read_parquet(ws.store, f"{base}/results.parquet")["source"].tolist() == ["f1db"] * 4
    row = ws.tracking.get(AUSTRALIA, "R")
    assert row is not None
    assert (row["status"], row["attempts"], row["bronze_path"]) == ("ingested", 1, base)
    assert row["content_hash"] == note["content_hash"]


def test_asking_again_for_the_same_answer_changes_nothing(opened: Opener) -> None:
    ws = opened(LATER)
    refresh_schedule(ws, [])
    ingest(ws, [])
    ws.tracking.put_rows([{"event_partition_key": AUSTRALIA, "session_name_abr": "R", "status": Status.GOLD}])
    before = {key: ws.store.read(key) for key in ws.store.list("bronze/")}
    outcome = ingest(opened("2026-08-02T00:00:00Z"), [f"{AUSTRALIA}/R", f"{AUSTRALIA}/G"])
    assert outcome["status"].tolist() == ["ingested", "ingested"]
    assert {key: ws.store.read(key) for key in ws.store.list("bronze/")} == before
    assert ws.tracking.get(AUSTRALIA, "R")["status"] == "gold"  # type: ignore[index]


def test_a_revised_result_replaces_the_old_one_and_climbs_again(opened: Opener) -> None:
    ws = opened(LATER)
    refresh_schedule(ws, [])
    ingest(ws, [])
    ws.tracking.put_rows([{"event_partition_key": AUSTRALIA, "session_name_abr": "R", "status": Status.GOLD}])
    tables = tiny()
    tables["races-race-results"][0] |= {"positionText": "DSQ"}
    tables["races-pit-stops"] = []
    revised = opened("2026-08-02T00:00:00Z", tables)
    ingest(revised, [f"{AUSTRALIA}/R"])
    base = session_folder(EventKey.parse(AUSTRALIA), "R")
    assert read_parquet(ws.store, f"{base}/results.parquet")["position_text"].tolist()[0] == "DSQ"
    assert not ws.store.exists(f"{base}/pit_stops.parquet"), "a file of the old answer would be read with the new one"
    assert ws.tracking.get(AUSTRALIA, "R")["status"] == "ingested"  # type: ignore[index]


def test_a_lake_that_fills_up_leaves_no_folder_that_counts(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    ws = opened(LATER)
    refresh_schedule(ws, [])
    write_bytes = ws.store.write

    def full(key: str, data: bytes) -> None:
        if "pit_stops" in key or "Q/source.json" in key:
            raise StorageError(f"cannot write {key}: disk full")
        write_bytes(key, data)

    monkeypatch.setattr(ws.store, "write", full)
    for session in ("R", "Q"):
        with pytest.raises(StorageError, match="disk full"):
            ingest(ws, [f"{AUSTRALIA}/{session}"])
        assert not ws.store.exists(f"{session_folder(EventKey.parse(AUSTRALIA), session)}/source.json")
        assert statuses(ws)[session] == "due"


class Answering(Scripted):
    """The tiny source whose race results come as told: partial ones lack laps, and say so."""

    def __init__(self, source: SessionSource) -> None:
        super().__init__(source, {})
        self.laps: Any = None
        self.points = 25.0

    def session(self, key: EventKey, session: str, as_of: Any) -> SessionData:
        import pandas as pd

        data = super().session(key, session, as_of)
        results = data.frames["results"].assign(points=self.points)
        whole = {"source": "fastf1", "complete": True, "conflicts": [{"driver_id": "x"}]}
        partial = {"source": "fastf1", "complete": False, "facts": {"laps": "blocked: timing refuses us"}}
        if self.laps is None:
            return SessionData({"results": results}, partial)
        return SessionData({"results": results, "laps": pd.DataFrame({"lap_number": self.laps})}, whole)


def answering(opened: Opener) -> tuple[Workspace, Answering]:
    ws = opened("2025-03-16T12:00:00Z")
    refresh_schedule(ws, [])
    scripted = Answering(ws.source)
    ws.upstreams.session_source = scripted
    return ws, scripted


def test_results_without_laps_are_kept_marked_and_renewed_when_the_laps_arrive(opened: Opener) -> None:
    ws, source = answering(opened)
    ingest(ws, [f"{AUSTRALIA}/R"])
    row = ws.tracking.get(AUSTRALIA, "R")
    assert row is not None
    assert (row["status"], row["is_partial"]) == ("ingested", True)
    assert row["missing"] == "laps blocked: timing refuses us"
    assert row["source"] == "fastf1"
    ws.tracking.put_rows([{"event_partition_key": AUSTRALIA, "session_name_abr": "R", "status": Status.GOLD}])
    source.laps = [1, 2]
    ingest(ws.at(parse_utc("2025-03-16T12:15:00Z")), [])
    row = ws.tracking.get(AUSTRALIA, "R")
    assert row is not None
    assert (row["status"], row.get("is_partial"), row.get("missing")) == ("ingested", None, None)
    assert row["conflicts"] == 1


def test_laps_that_are_there_are_not_lost_to_a_later_answer_without_them(opened: Opener) -> None:
    ws, source = answering(opened)
    source.laps = [1, 2]
    ingest(ws, [f"{AUSTRALIA}/R"])
    source.laps, source.points = None, 18.0
    ingest(ws.at(parse_utc("2025-03-17T12:00:00Z")), [f"{AUSTRALIA}/R"])
    base = session_folder(EventKey.parse(AUSTRALIA), "R")
    assert len(read_parquet(ws.store, f"{base}/laps.parquet")) == 2
    assert read_parquet(ws.store, f"{base}/results.parquet")["points"].tolist()[0] == 18.0
    assert read_json(ws.store, f"{base}/source.json")["kept"] == ["laps.parquet"]
    assert ws.tracking.get(AUSTRALIA, "R").get("is_partial") is None  # type: ignore[union-attr]


def test_what_was_known_before_a_revision_is_kept_with_the_moment_it_was_fetched(opened: Opener) -> None:
    ws, source = answering(opened)
    source.laps = [1, 2]
    ingest(ws, [f"{AUSTRALIA}/R"])
    source.points = 0.0
    ingest(ws.at(parse_utc("2025-03-23T12:00:00Z")), [f"{AUSTRALIA}/R"])
    aside = f"{session_folder(EventKey.parse(AUSTRALIA), 'R')}/revisions/20250316T120000Z"
    assert read_parquet(ws.store, f"{aside}/results.parquet")["points"].tolist()[0] == 25.0
    assert set(read_json(ws.store, f"{aside}/source.json")["files"]) == {"results.parquet", "laps.parquet"}
