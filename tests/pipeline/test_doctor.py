"""The doctor finds each fault of a lake, mends what can be mended, and a tick does so by itself."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from f1lib.bronze.answers import store_answer
from f1lib.domain.moments import format_utc, parse_utc
from f1lib.errors import BadParameters
from f1lib.lake import paths
from f1lib.lake.parquet import read_parquet
from f1lib.lake.store import read_json, write_json
from f1lib.pipeline import back_to, check_layers, check_models, check_outputs, doctor, findings
from f1lib.pipeline.plan import due_steps
from f1lib.pipeline.tick import tick
from f1lib.predictions.archive import history_keys
from f1lib.sources.protocols import SessionData
from f1lib.tracking.rows import Status, TrackingRow, brought_to, key_of
from f1lib.tracking.stage_keys import Stage
from f1lib.workspace.workspace import Workspace, open_workspace
from tests.support.lakes import AFTER, EVENT, copied

BASE = "bronze/sessions/2025/Chinese_Grand_Prix/Q"


@pytest.fixture(scope="module")
def lake(replayed_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lived lake; each test puts back what it damaged."""
    return copied(replayed_lake / "lake", tmp_path_factory)


@pytest.fixture
def ws(lake: Path) -> Workspace:
    return open_workspace(lake=str(lake), source="simulated", as_of=AFTER)


@pytest.fixture(autouse=True)
def _in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("F1_ENGINE", "inprocess")


@pytest.fixture(scope="module")
def kept(lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the lake is put back from; the records of runs stay as they are."""
    folder = tmp_path_factory.mktemp("kept") / "lake"
    return shutil.copytree(lake, folder, ignore=shutil.ignore_patterns("runs"))


@pytest.fixture(autouse=True)
def _put_back(lake: Path, kept: Path) -> Iterator[None]:
    yield
    sound, now = _stamps(kept), _stamps(lake)
    for name in now.keys() - sound.keys():
        (lake / name).unlink()
    for name in sound:
        if now.get(name) != sound[name]:
            (lake / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(kept / name, lake / name)


def _stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file but the records of runs: a copy has both of its original."""
    files = {path.relative_to(folder).as_posix(): path.stat() for path in folder.rglob("*") if path.is_file()}
    return {name: (f.st_size, f.st_mtime_ns) for name, f in files.items() if not name.startswith("reports/runs/")}


def mended(ws: Workspace, check: doctor.Check) -> list[str]:
    """What one check finds is mended, and it then finds nothing; what was done."""
    done, left = doctor.mend(check(ws, ws.tracking.rows()), give_up=True)
    assert left == []
    return done


def test_a_lived_lake_is_sound(ws: Workspace) -> None:
    assert doctor.examine(ws) == []
    assert doctor.verdict([], "here") == "lake here is sound"


DERIVED = [
    "predictions/latest.json",
    "predictions/2025/Chinese_Grand_Prix_predictions.parquet",
    "models/champion.json",
    "reports/accuracy.json",
]


def test_derived_files_that_are_damaged_are_found_and_come_back_as_they_were(ws: Workspace) -> None:
    before = {key: ws.store.read(key) for key in DERIVED}
    for key, data in before.items():
        ws.store.write(key, data[: len(data) // 2])
    assert {finding.key for finding in doctor.examine(ws)} == set(DERIVED)
    done, left = doctor.repair(ws)
    assert (len(done), left) == (4, [])
    again = {key: ws.store.read(key) for key in DERIVED[:-1]}  # scores say when they were made
    assert again == {key: before[key] for key in DERIVED[:-1]}
    assert "means" in read_json(ws.store, DERIVED[-1])


def test_issued_predictions_come_back_from_the_table_to_the_byte(ws: Workspace) -> None:
    first, second, third, *_, last = history_keys(ws.store)
    before = {key: ws.store.read(key) for key in (first, second, third)}
    ws.store.delete(first)
    ws.store.write(second, before[second][:-9])
    ws.store.write(third, ws.store.read(last))
    assert len(mended(ws, check_outputs.predictions)) == 3
    assert {key: ws.store.read(key) for key in before} == before
    assert check_outputs.predictions(ws, ws.tracking.rows()) == []


def test_predictions_that_the_table_lost_come_back_from_the_history(ws: Workspace) -> None:
    before = ws.tracking.predictions(EVENT)
    ws.tracking.delete_predictions(EVENT, [row["as_of_utc#horizon#driver_id"] for row in before])
    mended(ws, check_outputs.predictions)
    assert ws.tracking.predictions(EVENT) == before


@pytest.mark.parametrize("name", ["source.json", "starting_grid.source.json"])
def test_a_lost_note_is_written_anew_from_files_that_the_table_knows(ws: Workspace, name: str) -> None:
    key = f"bronze/sessions/2025/Chinese_Grand_Prix/R/{name}"
    before = read_json(ws.store, key)
    ws.store.write(key, b"{")
    assert mended(ws, check_layers.bronze) == [f"{key}: written anew from its files"]
    again = read_json(ws.store, key)
    assert (again["content_hash"], again["files"]) == (before["content_hash"], before["files"])


def test_a_damaged_session_is_asked_for_again_and_can_be_given_up(ws: Workspace) -> None:
    ws.store.write(f"{BASE}/laps.parquet", b"")
    (found,) = check_layers.bronze(ws, ws.tracking.rows())
    assert (found.key, found.what) == (f"{BASE}/laps.parquet", "is not the file that was written")
    assert f"`f1 doctor --give-up {EVENT}/Q`" in found.remedy
    mended(ws, check_layers.bronze)
    assert "01_ingest" in {step.stage for step in due_steps(ws.tracking.rows(), ws.as_of)}
    with pytest.raises(BadParameters, match="nothing to give up"):
        doctor.give_up(ws, f"{EVENT}/P1")
    doctor.give_up(ws, f"{EVENT}/Q")
    row: Any = ws.tracking.get(EVENT, "Q")
    assert (row["status"], "bronze_path" in row) == (Status.UNAVAILABLE, False)
    assert "was lost" in row["last_error"]


def test_silver_and_gold_are_built_again_for_the_season_of_a_damaged_file(ws: Workspace) -> None:
    ws.store.delete("silver/sessions/results/season=2024/results.parquet")
    assert mended(ws, check_layers.silver) == [
        "silver/sessions/results/season=2024/results.parquet: silver of 2024 is built again by the next tick"
    ]
    (step,) = [step for step in due_steps(ws.tracking.rows(), ws.as_of) if step.stage == "03_silver"]
    assert step.parameters == {"seasons": [2024]}


@pytest.mark.parametrize("is_noted", [True, False], ids=["silver's note", "gold's note alone"])
def test_a_note_that_names_a_file_of_no_season_has_nothing_built_that_cannot_be(ws: Workspace, is_noted: bool) -> None:
    note = paths.SILVER_NOTE if is_noted else paths.gold_note(paths.TRAINING_KEY)
    written = ws.store.read(note)
    ws.store.delete(paths.SILVER_NOTE)
    ws.store.write(note, written.replace(b"/season=2025/results", b"/se!son=2025/results"))
    before = {key_of(row) for row in ws.tracking.rows()}
    assert doctor.repair(ws)[1] == []
    assert {key_of(row) for row in ws.tracking.rows()} == before
    assert tick(ws).failures == []
    assert doctor.examine(ws) == []


def test_a_damaged_champion_gives_way_and_a_model_is_trained_again(ws: Workspace) -> None:
    entry = read_json(ws.store, "models/champion.json")["horizons"]["pre_race"]
    ws.store.delete(f"models/run_id={entry['run_id']}/_SUCCESS")
    rows = ws.tracking.rows()
    (found,) = check_models.champions(ws, rows)
    assert found.mend is not None
    found.mend(False)
    now = read_json(ws.store, "models/champion.json")["horizons"].get("pre_race", {})
    assert now.get("run_id") == next((e["run_id"] for e in entry["previous"]), None)
    assert "05_train" in {step.stage for step in due_steps(ws.tracking.rows(), ws.as_of)}


@pytest.mark.parametrize("is_deleted", [False, True], ids=["damaged", "deleted"])
def test_a_run_whose_decision_was_lost_serves_again_after_the_champion_is_lost(ws: Workspace, is_deleted: bool) -> None:
    before = read_json(ws.store, "models/champion.json")["horizons"]
    run = before["pre_race"]["run_id"]
    ws.store.write(f"models/run_id={run}/decision.json", b"{")
    if is_deleted:
        ws.store.delete(f"models/run_id={run}/decision.json")
    assert any("decision.json: written anew" in said for said in mended(ws, check_models.models))
    ws.store.write("models/champion.json", b"{")
    mended(ws, check_models.models)
    after = read_json(ws.store, "models/champion.json")["horizons"]
    assert {name: entry["run_id"] for name, entry in after.items()} == {n: e["run_id"] for n, e in before.items()}


def test_a_claim_that_ran_out_and_what_a_killed_process_left_are_cleared(ws: Workspace, lake: Path) -> None:
    (lake / "silver" / ".writing-abc").write_bytes(b"half")
    long_ago, lease = datetime(2025, 1, 1, tzinfo=UTC), timedelta(minutes=1)
    ws.tracking.claim("PIPELINE", "STAGE#04_gold", owner="gone:1", run_id="old", now=long_ago, lease=lease)
    assert {finding.area for finding in doctor.examine(ws)} == {"table", "leftovers"}
    assert doctor.repair(ws)[1] == []


def test_the_marker_is_written_anew(ws: Workspace) -> None:
    ws.store.delete("lake.json")
    doctor.repair(ws)
    assert read_json(ws.store, "lake.json")["first_season"] == 2024


def test_a_tick_heals_what_its_stages_read_and_builds_the_same(ws: Workspace) -> None:
    """Silver of 2025 is due: its session is fetched again, silver of 2024 is built again, and gold is as it was."""
    kept = (
        "gold/training_dataset.parquet",
        "silver/sessions/results/season=2024/results.parquet",
        f"{BASE}/laps.parquet",
    )
    before = {key: ws.store.read(key) for key in kept}
    findings.build_again(ws.tracking, ws.as_of, [2025], Status.INGESTED)
    ws.store.write(kept[0], b"")
    ws.store.delete(kept[1])
    ws.store.write(kept[2], before[kept[2]][:-100])
    ws.store.write(f"{BASE}/source.json", ws.store.read("bronze/sessions/2025/Chinese_Grand_Prix/R/source.json"))
    result = tick(ws, stages=frozenset({"01_ingest", "03_silver", "04_gold"}))
    assert [run.error for run in result.failures] == []
    assert {run.step.stage for run in result.runs if run.status == "failed"} == {"03_silver", "04_gold"}
    assert {key: ws.store.read(key) for key in kept} == before
    assert any("asked for again" in line for line in result.mended)
    assert any("silver of 2024 is built again" in line for line in result.mended)


def test_a_stage_that_failed_again_and_again_is_left_alone_until_data_is_new(ws: Workspace) -> None:
    def rows(**change: Any) -> list[TrackingRow]:
        failed = {"status": "failed", "attempts": 4, "next_attempt_utc": "2025-03-30T10:30:00Z", "input_hash": "x"}
        done: list[Any] = [
            row | failed if row["session_name_abr"] == "STAGE#05_train" else row | change for row in ws.tracking.rows()
        ]
        return done

    def due(found: list[TrackingRow], moment: str) -> bool:
        return "05_train" in {step.stage for step in due_steps(found, parse_utc(moment))}

    assert not due(rows(), AFTER)
    assert due(rows(), "2025-03-30T10:30:00Z")
    assert due(rows(updated_at_utc="2025-03-30T09:45:00Z"), "2025-03-30T09:50:00Z")


def test_a_lake_from_the_future_comes_back_and_names_what_a_wrong_clock_issued(ws: Workspace) -> None:
    moment = "2025-03-29T12:00:00Z"
    late = [key for key in history_keys(ws.store) if key.rpartition("/")[2] > "20250329T120000Z"]
    assert late
    done = back_to.back_to(ws, parse_utc(moment))
    assert [line for line in done if "wrong clock" in line] == [
        f"{key}: removed, it was issued by a wrong clock" for key in late
    ]
    rows = ws.tracking.rows()
    assert brought_to(rows) <= moment
    assert not [key for key in history_keys(ws.store) if key in late]
    assert max(row["as_of_utc"] for row in ws.tracking.predictions(EVENT)) <= moment
    race: Any = ws.tracking.get(EVENT, "R")
    assert (race["status"], "content_hash" in race) == (Status.SCHEDULED, False)
    assert "00_schedule" in {step.stage for step in due_steps(rows, parse_utc(moment))}
    mended(ws.at(parse_utc(moment)), check_outputs.predictions)
    latest = json.loads(ws.store.read("predictions/latest.json"))
    assert latest["as_of_utc"] <= moment


@pytest.fixture(params=[pytest.param("S3 and DynamoDB", marks=pytest.mark.campaign)])
def remote(request: pytest.FixtureRequest, lake: Path) -> Workspace:
    """The same lake on S3 with its table in DynamoDB."""
    from tests.support.standins import make_bucket, make_tables

    moto = request.getfixturevalue("moto")
    url, table = make_bucket(moto, "doctors"), make_tables(moto, "doctors")
    here = open_workspace(lake=str(lake), source="simulated", as_of=AFTER)
    there = open_workspace(lake=url, tracking=table, source="simulated", as_of=AFTER)
    for key in here.store.list():
        if not key.startswith(("tracking.db", "reports/runs")):
            there.store.write(key, here.store.read(key))
    there.tracking.put_rows(here.tracking.rows())
    for event in {row["event_partition_key"] for row in here.tracking.rows()}:
        there.tracking.put_predictions(here.tracking.predictions(event))
    return there


def test_a_lake_on_s3_with_its_table_in_dynamodb_is_examined_and_mended(remote: Workspace) -> None:
    assert doctor.examine(remote) == []
    issued = history_keys(remote.store)[0]
    before = remote.store.read(issued)
    remote.store.delete(issued)
    remote.store.write("predictions/latest.json", b"[")
    write_json(remote.store, "silver/files.json", {})
    assert doctor.repair(remote)[1] == []
    assert remote.store.read(issued) == before
    done = back_to.back_to(remote, parse_utc("2025-03-29T12:00:00Z"))
    assert any("wrong clock" in line for line in done)
    assert brought_to(remote.tracking.rows()) <= "2025-03-29T12:00:00Z"


def test_an_answer_that_was_revised_after_the_moment_is_again_the_one_that_stood_then(ws: Workspace) -> None:
    keys = sorted(key for key in ws.store.list(f"{BASE}/") if "/revisions/" not in key)
    before, row = {key: ws.store.read(key) for key in keys}, ws.tracking.get("2025_Chinese_Grand_Prix", "Q") or {}
    later = parse_utc(AFTER) + timedelta(days=9)
    results = read_parquet(ws.store, f"{BASE}/results.parquet").assign(laps=1.0)
    for hours in (0, 1):
        revised, as_of = results.assign(laps=float(hours)), later + timedelta(hours=hours)
        given = SessionData({"results": revised.drop(columns="source")}, {"complete": True})
        stored = store_answer(ws.store, BASE, f"{BASE}/source.json", given, "simulated", as_of)
    change: Any = {"event_partition_key": "2025_Chinese_Grand_Prix", "session_name_abr": "Q"}
    change |= {"content_hash": stored.content_hash, "updated_at_utc": format_utc(later)}
    ws.tracking.put_rows([change])
    done = back_to.back_to(ws, parse_utc(AFTER))
    assert [line for line in done if BASE in line] == [
        f"{BASE}: fetched after {AFTER}, that of {json.loads(before[f'{BASE}/source.json'])['fetched_utc']} is back"
    ]
    assert {key: ws.store.read(key) for key in ws.store.list(f"{BASE}/")} == before
    now = ws.tracking.get("2025_Chinese_Grand_Prix", "Q") or {}
    assert (now["status"], now["content_hash"]) == (Status.INGESTED, row["content_hash"])
    assert doctor.repair(ws)[1] == []


def test_a_deleted_issue_is_missed_as_its_race_is_scored_and_comes_back(ws: Workspace) -> None:
    """The scores of the other issues alone would be silently others."""
    issued, accuracy = history_keys(ws.store)[0], read_json(ws.store, "reports/accuracy.json")
    before = ws.store.read(issued)
    ws.store.delete(issued)
    findings.run_again(ws.tracking, ws.as_of, Stage.SCORE)
    result = tick(ws, stages=frozenset({Stage.SCORE}))
    assert result.failures == []
    assert result.mended == [f"{issued}: restored from table f1_predictions"]
    assert ws.store.read(issued) == before
    assert read_json(ws.store, "reports/accuracy.json")["predictions"] == accuracy["predictions"]
