"""Weekends lived through by `f1 run --source fastf1 --now ...`, every upstream replayed, some of them misbehaving.

The fast part lives through Baku 2023 from qualifying to the shootout on a short history; `make campaign` lives
through whole weekends and every fault.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, Self

import pandas as pd
import pytest

from f1lib.bronze import timing_backfill
from f1lib.lake.parquet import read_parquet
from f1lib.lake.store import open_store
from f1lib.pipeline.tick import tick
from f1lib.predictions import rain
from f1lib.workspace import workspace
from tests.support.live import Live, live
from tests.support.replay_server import serve_open_meteo
from tests.support.upstreams import recorded_sessions

BAKU = "2023_Azerbaijan_Grand_Prix"
BASE = "bronze/sessions/2023/Azerbaijan_Grand_Prix"
FRIDAY, SATURDAY, NEXT = "2023-04-28T14:30:00Z", "2023-04-29T10:00:00Z", "2023-04-29T12:00:00Z"
TIMING = r"livetiming(-mirror)?\.f"
INTO_SILVER = frozenset({"00_schedule", "01_ingest", "02_weather", "03_silver"})
# Where content is deterministic: notes and records bear the moment a thing was fetched at.
DETERMINISTIC = ("bronze/sessions/", "bronze/schedule/", "silver/")


pytestmark = pytest.mark.usefixtures("short_history_serves")


@pytest.fixture(scope="module")
def friday(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake after Friday's qualifying."""
    folder = tmp_path_factory.mktemp("friday")
    with live(shared_data, folder, history_from=2022) as baku:
        assert baku.run(FRIDAY) == 0
    return folder


@pytest.fixture
def baku(shared_data: Path, friday: Path, tmp_path: Path) -> Iterator[Live]:
    """That lake, to go on with."""
    shutil.copytree(friday, tmp_path / "baku", dirs_exist_ok=True)
    with live(shared_data, tmp_path / "baku", history_from=2022) as opened:
        yield opened


def content(lake: Path) -> dict[str, bytes]:
    """The Parquet files that two runs of one weekend must share, byte for byte."""
    files = sorted(path for path in lake.rglob("*.parquet"))
    named = {path.relative_to(lake).as_posix(): path for path in files}
    return {n: p.read_bytes() for n, p in named.items() if n.startswith(DETERMINISTIC) and "/revisions/" not in n}


@pytest.fixture(scope="module")
def untroubled(shared_data: Path, friday: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What bronze and silver hold on Saturday noon when nothing went wrong."""
    folder = tmp_path_factory.mktemp("untroubled") / "baku"
    shutil.copytree(friday, folder)
    with live(shared_data, folder, history_from=2022) as opened:
        for now in (SATURDAY, NEXT):
            ws = workspace.open_workspace(lake=str(opened.lake), source="live", f1db=opened.f1db, as_of=now)
            assert tick(ws, stages=INTO_SILVER).failures == []
        return content(opened.lake)


def test_friday_is_predicted_from_qualifying_with_its_laps_beside_history_from_f1db(friday: Path) -> None:
    store = open_store(str(friday / "lake"))
    assert len(read_parquet(store, f"{BASE}/Q/laps.parquet")) == 356
    assert read_parquet(store, f"{BASE}/Q/results.parquet")["source"].unique().tolist() == ["fastf1"]
    sources = read_parquet(store, "silver/sessions/results/season=2022/results.parquet")["source"].unique().tolist()
    assert sources == ["f1db"]
    issued = list((friday / "lake/predictions/2023/history/Azerbaijan_Grand_Prix").glob("*.parquet"))
    stems = [path.stem for path in issued if "sprint" not in path.stem]
    assert stems == ["20230428T143000Z_post_qualifying"]


def test_a_prediction_made_without_the_laps_of_a_practice_says_so(
    baku: Live, capsys: pytest.CaptureFixture[str]
) -> None:
    assert baku.command("predictions", "azerbaijan", "--now", FRIDAY) == 0
    assert "made without: P1: laps unavailable" in " ".join(capsys.readouterr().out.split())
    assert baku.command("status", "--now", FRIDAY) == 0
    shown = capsys.readouterr().out
    assert "gold, partial" in shown
    assert "next: " in shown


def test_a_tick_with_nothing_due_asks_nobody_and_changes_nothing(
    baku: Live, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in baku.lake.rglob("*") if path.is_file()}
    assert baku.run(FRIDAY) == 0
    assert "nothing is due" in capsys.readouterr().out
    assert baku.server.requests == 0
    assert {path: path.stat().st_mtime_ns for path in baku.lake.rglob("*") if path.is_file()} == before


FAST = [("403", TIMING, "blocked")]
ALL = [
    ("delay", "TimingData", "failed"),
    ("404", TIMING, "due"),
    ("429", TIMING, "due"),
    ("500", "TimingData", "failed"),
    ("drop", TIMING, "failed"),
    ("truncate", "TimingData", "failed"),
    ("cut", "TimingData", "failed"),
    ("html", "TimingData", "failed"),
    ("500", "schedule_2023", "failed"),
]


@pytest.mark.parametrize(
    ("kind", "where", "status"), [*FAST, *(pytest.param(*case, marks=pytest.mark.campaign) for case in ALL)]
)
def test_a_fault_during_a_tick_has_its_status_and_the_next_good_tick_completes_the_weekend(
    baku: Live, untroubled: dict[str, bytes], kind: str, where: str, status: str
) -> None:
    """The shootout is timing's alone; F1DB, whose release knows it already, is asked to look away."""
    kept = content(baku.lake)
    baku.server.misbehave(kind, f"{where}|openf1", seconds=2.5, retry_after="900")
    with pytest.MonkeyPatch.context() as patch:
        _without_f1dbs_shootout(patch)
        assert baku.run(SATURDAY) == 0
        row = baku.rows(BAKU)["SS"]
        assert row["status"] in (status, "gold" if status == "ingested" else status)
        if status != "ingested":
            assert row["last_error"]
            assert row["next_attempt_utc"] == ("2023-04-29T10:15:00Z")
            assert {
                name: body for name, body in content(baku.lake).items() if name in kept and "silver" not in name
            } == {name: body for name, body in kept.items() if "silver" not in name}
    baku.server.behave()
    assert baku.run(NEXT) == 0
    row = baku.rows(BAKU)["SS"]
    assert (row["status"], row.get("last_error"), row.get("failures")) == ("gold", None, None)
    assert content(baku.lake) == untroubled


def _without_f1dbs_shootout(patch: pytest.MonkeyPatch) -> None:
    from f1lib.errors import NotPublishedYet
    from f1lib.sources.f1db.source import F1dbSource

    real = F1dbSource.session

    def session(self: F1dbSource, key: Any, code: str, as_of: Any) -> Any:
        if code == "SS":
            raise NotPublishedYet("the release of that week has no shootout yet")
        return real(self, key, code, as_of)

    patch.setattr(F1dbSource, "session", session)


@pytest.mark.campaign
@pytest.mark.timeout(1500)
def test_baku_2023_from_eve_to_scored_race(shared_data: Path, tmp_path: Path) -> None:
    ticks = {
        "2023-04-27T09:00:00Z": "pre_weekend",
        "2023-04-28T11:00:00Z": "post_practice",
        FRIDAY: "post_qualifying",
        SATURDAY: "post_qualifying",
        "2023-04-29T15:30:00Z": "post_qualifying",
        "2023-04-30T10:00:00Z": "pre_race",
    }
    with live(shared_data, tmp_path) as baku:
        for now in ticks:
            assert baku.run(now) == 0
        assert baku.run("2023-04-30T14:00:00Z") == 0
        stamps = [now.replace("-", "").replace(":", "") for now in ticks]
        assert [name for name in baku.issued(BAKU) if "sprint" not in name] == [
            f"{stamp}_{horizon}" for stamp, horizon in zip(stamps, ticks.values(), strict=True)
        ]
        assert {name: len(baku.frame(f"{BASE}/{name}/laps.parquet")) for name in ("Q", "SS", "S")} == {
            "Q": 356,
            "SS": 233,
            "S": 308,
        }
        _is_scored(baku.lake, BAKU, {"pre_weekend", "post_practice", "post_qualifying", "pre_race"})


WEEKENDS = {
    "2023_Bahrain_Grand_Prix": (
        "2023/2023-03-05_Bahrain_Grand_Prix",
        ["2023-03-02T11:30:00Z", "2023-03-03T13:00:00Z", "2023-03-03T16:30:00Z", "2023-03-04T13:00:00Z",
         "2023-03-04T16:30:00Z", "2023-03-05T14:00:00Z", "2023-03-05T17:30:00Z"],
    ),
    "2025_Australian_Grand_Prix": (
        "2025/2025-03-16_Australian_Grand_Prix",
        ["2025-03-13T01:30:00Z", "2025-03-14T03:00:00Z", "2025-03-14T06:30:00Z", "2025-03-15T03:00:00Z",
         "2025-03-15T06:30:00Z", "2025-03-16T03:00:00Z", "2025-03-16T06:30:00Z"],
    ),
}  # fmt: skip
HORIZONS = ["pre_weekend", *["post_practice"] * 3, "post_qualifying", "pre_race"]


@pytest.mark.campaign
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("event", list(WEEKENDS))
def test_a_complete_weekend_is_predicted_after_each_session_and_has_the_laps_of_the_coverage_list(
    shared_data: Path, tmp_path: Path, event: str
) -> None:
    prefix, ticks = WEEKENDS[event]
    with live(shared_data, tmp_path, (prefix,), history_from=int(event[:4]) - 2) as weekend:
        for now in ticks:
            assert weekend.run(now) == 0
        stamps = [now.replace("-", "").replace(":", "") for now in ticks[:-1]]
        assert weekend.issued(event) == [f"{s}_{horizon}" for s, horizon in zip(stamps, HORIZONS, strict=True)]
        season, _, name = event.partition("_")
        with (shared_data / "fastf1_cache" / "coverage.csv").open(encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if prefix.endswith(row["event"])]
        for row in rows:
            code = row["session"].replace("FP", "P")
            laps = weekend.frame(f"bronze/sessions/{season}/{name}/{code}/laps.parquet")
            assert len(laps) == int(row["laps"])
        _is_scored(weekend.lake, event, set(HORIZONS))
        news = sorted((weekend.lake / f"predictions/{season}/history/{name}").glob("*.news.json"))
        assert all(json.loads(path.read_text(encoding="utf-8"))["reasons"] for path in news[1:])


@pytest.mark.campaign
@pytest.mark.timeout(1500)
def test_a_forecast_that_turns_to_rain_renews_bahrain_2023_with_a_wider_forecast_that_says_so(
    shared_data: Path, tmp_path: Path
) -> None:
    prefix, _ = WEEKENDS["2023_Bahrain_Grand_Prix"]
    ticks = {"2023-03-04T16:30:00Z": 5.0, "2023-03-05T00:30:00Z": 80.0}
    with live(shared_data, tmp_path, (prefix,), history_from=2018) as bahrain, pytest.MonkeyPatch.context() as patch:
        for now, chance in ticks.items():  # Open-Meteo gives chances for the present alone
            patch.setattr(workspace, "datetime", _stopped_at(now))
            serve_open_meteo(bahrain.server, rain=chance)
            assert bahrain.run(now) == 0
        dry, wet = (
            pd.read_parquet(path)
            for path in sorted((bahrain.lake / "predictions/2023/history/Bahrain_Grand_Prix").glob("*.parquet"))
        )
        (news,) = (bahrain.lake / "predictions/2023/history/Bahrain_Grand_Prix").glob("20230305*.news.json")
        laps = pd.read_parquet(next(bahrain.lake.glob("gold/gold_driver_event_features/**/*.parquet")))
    assert (dry["p_rain"].iloc[0], wet["p_rain"].iloc[0]) == pytest.approx((0.05, 0.8), abs=0.1)
    assert dry["predicted_rank"].tolist() == wet["predicted_rank"].tolist()
    assert rain.spread(wet) > rain.spread(dry) + 0.05
    assert wet["p_win"].max() < dry["p_win"].max()
    said = json.loads(news.read_text(encoding="utf-8"))
    assert "Chance of a wet race" in json.dumps(said)
    assert laps["practice_long_run_gap_pct"].notna().sum() > 10


def _stopped_at(moment: str) -> type[datetime]:
    """A clock that shows one moment."""

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromisoformat(moment).astimezone(tz)

    return Stopped


def _is_scored(lake: Path, event: str, horizons: set[str]) -> None:
    entries = json.loads((lake / "reports/accuracy.json").read_text(encoding="utf-8"))["predictions"]
    mine = {e["horizon"] for e in entries if e["event_partition_key"] == event and e["system"] == "model"}
    assert horizons <= mine


@pytest.mark.campaign
@pytest.mark.timeout(1500)
def test_a_laptop_brings_the_timing_that_the_schedule_is_refused_and_the_prediction_is_renewed(baku: Live) -> None:
    with pytest.MonkeyPatch.context() as patch:
        _without_f1dbs_shootout(patch)
        baku.server.misbehave("403", f"{TIMING}|openf1")
        assert baku.run(SATURDAY) == 0
        assert baku.rows(BAKU)["SS"]["status"] == "blocked"
        before = len(_news(baku))
        baku.server.behave()
        baku.run(NEXT, "ingest")
        assert len(baku.frame(f"{BASE}/SS/laps.parquet")) == 233
        baku.server.misbehave("403", f"{TIMING}|openf1")
        assert baku.run(NEXT) == 0
    assert baku.rows(BAKU)["SS"]["status"] == "gold"
    assert len(_news(baku)) == before + 1
    assert not any(text.startswith("SS: ") for text in _news(baku)[-1]["lacks"])


def _news(weekend: Live) -> list[dict[str, Any]]:
    files = sorted((weekend.lake / "predictions/2023/history/Azerbaijan_Grand_Prix").glob("*.news.json"))
    return [json.loads(path.read_text(encoding="utf-8")) for path in files if "sprint" not in path.name]


@pytest.mark.campaign
@pytest.mark.timeout(1500)
def test_every_loadable_recording_is_ingested_by_the_command_with_exactly_the_rows_stated(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loadable = {f"{row['key']}/{row['code']}": row for row in recorded_sessions(shared_data) if row["loads_laps"]}
    real = timing_backfill.wanted
    monkeypatch.setattr(timing_backfill, "wanted", lambda *g, **o: [u for u in real(*g, **o) if u in loadable])
    with live(shared_data, tmp_path, history_from=2018) as recorded:
        assert recorded.run("2025-01-01T00:00:00Z", "ingest", "--from", "2018", "--to", "2024") == 0
        for unit, row in loadable.items():
            event, _, code = unit.partition("/")
            season, _, name = event.partition("_")
            folder = recorded.lake / f"bronze/sessions/{season}/{name}/{code}"
            frames = {
                "laps": "laps",
                "results": "results",
                "weather": "weather",
                "race_control": "race_control_messages",
            }
            found = {f: len(pd.read_parquet(p)) if (p := folder / f"{f}.parquet").exists() else 0 for f in frames}
            assert found == {frame: row[stated] for frame, stated in frames.items()}, unit
            assert recorded.rows(event)[code]["status"] == "ingested"
