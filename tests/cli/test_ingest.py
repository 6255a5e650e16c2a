"""`f1 ingest`: two workers bring a season's laps in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from f1lib.bronze import timing_backfill
from f1lib.sources.f1db.source import F1dbSource
from tests.support.live import Live, live
from tests.support.openf1 import OpenF1


@pytest.fixture
def baku(shared_data: Path, tmp_path: Path) -> Iterator[Live]:
    with live(shared_data, tmp_path, history_from=2023) as opened:
        yield opened


def test_by_the_command_two_workers_bring_a_season_in_and_the_second_time_nothing_is_left(
    baku: Live, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sessions are narrowed to two, so that the test is about the workers."""
    real = timing_backfill.wanted
    baku_only = [f"2023_Azerbaijan_Grand_Prix/{name}" for name in ("SS", "S")]
    monkeypatch.setattr(timing_backfill, "wanted", lambda *g, **o: [u for u in real(*g, **o) if u in baku_only])
    assert baku.run("2023-05-01T00:00:00Z", "ingest", "--from", "2023", "--to", "2023", "--workers", "2") == 0
    assert "2 sessions: 2 ingested" in capsys.readouterr().out
    base = "bronze/sessions/2023/Azerbaijan_Grand_Prix"
    assert [len(baku.frame(f"{base}/{name}/laps.parquet")) for name in ("SS", "S")] == [233, 308]
    assert baku.run("2023-05-01T00:00:00Z", "ingest", "--from", "2023", "--to", "2023") == 0
    assert "every session has the laps" in capsys.readouterr().out


def test_a_backfill_that_brings_no_laps_says_so_and_fails_whatever_results_came(
    baku: Live, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = timing_backfill.wanted
    monkeypatch.setattr(timing_backfill, "wanted", lambda *g, **o: [u for u in real(*g, **o) if "Azerbaijan" in u])
    baku.server.misbehave("drop")
    assert baku.run("2023-05-01T00:00:00Z", "ingest", "--from", "2023", "--to", "2023") == 1
    said = capsys.readouterr()
    assert "5 sessions: 5 without laps" in said.out
    assert "f1: no laps came: laps later: " in said.err
    assert "no connection" in said.err
    assert not any("backfilled_utc" in row for row in baku.rows("2023_Azerbaijan_Grand_Prix").values()), "asked again"


def test_practice_alone_is_brought_in_with_its_cost_said_first_and_waits_when_it_is_asked_to(
    baku: Live, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    slept: list[float] = []

    def bring(
        ws: object, units: list[str], workers: int, clock: object, on_unit: Callable[[dict[str, Any]], None]
    ) -> None:
        asked.append(units)
        for number, unit in enumerate(units):
            limited = len(asked) == 1 and number == 4
            on_unit({"unit": unit, "status": "due" if limited else "ingested", "rows": 1, "warning": "",
                     "wait_seconds": 900.0 if limited else 0.0})  # fmt: skip
            if limited:
                return

    monkeypatch.setattr(timing_backfill, "bring_all", bring)
    monkeypatch.setattr("f1lib.cli.ingest.sleep", slept.append)
    words = ("ingest", "--from", "2023", "--to", "2023", "--practice")
    assert baku.run("2023-05-01T00:00:00Z", *words, "--wait") == 0
    said = capsys.readouterr().out
    assert {unit.rpartition("/")[2] for unit in asked[0]} == {"P1", "P2", "P3"}
    assert asked[1] == asked[0][4:], "from the session that was refused on"
    assert slept == [900.0]
    number = len(asked[0])
    assert said.startswith(f"{number} sessions, about {9 * number} calls (FastF1 allows 500 an hour) and ")
    assert f"{number} sessions: {number} ingested" in said
    asked.clear()
    assert baku.run("2023-05-01T00:00:00Z", *words) == 1, "without --wait it stops there, and says when to come again"
    assert (len(asked), slept) == (1, [900.0])


def test_when_timing_refuses_us_openf1_gives_the_laps_and_every_row_names_its_source(
    baku: Live, shared_data: Path, f1db_zip: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = timing_backfill.wanted
    sprint = ["2023_Azerbaijan_Grand_Prix/S"]
    monkeypatch.setattr(timing_backfill, "wanted", lambda *g, **o: [u for u in real(*g, **o) if u in sprint])
    OpenF1(shared_data, F1dbSource(f1db_zip), 2023, (4,)).serve(baku.server)
    baku.server.misbehave("403", r"livetiming(-mirror)?\.f")
    assert baku.run("2023-05-01T00:00:00Z", "ingest", "--from", "2023", "--to", "2023") == 0
    assert "1 sessions: 1 ingested" in capsys.readouterr().out
    base = "bronze/sessions/2023/Azerbaijan_Grand_Prix/S"
    assert baku.frame(f"{base}/laps.parquet")["source"].unique().tolist() == ["openf1"]
    assert baku.frame(f"{base}/results.parquet")["source"].unique().tolist() == ["jolpica"]
    assert baku.frame(f"{base}/results.parquet")["points"].sum() == 36
    row = baku.rows("2023_Azerbaijan_Grand_Prix")["S"]
    assert row["source"] == "openf1"
    assert "is_partial" not in row
