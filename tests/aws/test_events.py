"""The events the function takes, and the wrong ones it names the field of."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from f1lib.aws import events
from f1lib.aws.schema import Backfill, IngestSession, RunPrediction, RunStage, Tick, parse_event
from f1lib.aws.telemetry import Telemetry
from f1lib.domain.weekend import EventKey
from f1lib.errors import AlreadyRunning, BadParameters, RateLimited, SourceError
from f1lib.lake import penalties
from f1lib.pipeline.rules import Step
from f1lib.pipeline.tick import StageRun, TickResult
from f1lib.tracking.rows import Outcome
from tests.support.entered import NOW, entered_lake
from tests.support.workspaces import make_workspace

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "lambda_runner" / "events").glob("*.json"))


PENALTY = {"action": "penalty_add", "event_partition_key": "2025_A_Grand_Prix", "driver": "VER", "penalty": 10}


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_every_example_event_is_taken(file: Path) -> None:
    event = parse_event(json.loads(file.read_text(encoding="utf-8")))
    assert event.action == ("tick" if file.stem == "schedule" else file.stem)


def test_there_is_an_example_of_every_action() -> None:
    actions = {"tick", "stage", "ingest_session", "run_prediction", "backfill", "fold", "sweep_report", "drain"}
    actions |= {"penalty_add", "penalty_remove"}
    assert {file.stem for file in EXAMPLES} == actions | {"schedule"}


@pytest.mark.parametrize("source", ["aws.events", "aws.scheduler"])
def test_eventbridge_s_own_event_is_a_tick(source: str) -> None:
    event = {"source": source, "detail-type": "Scheduled Event", "time": "2025-12-06T16:00:00Z", "detail": {}}
    assert parse_event(event) == Tick(action="tick")


def test_events_come_as_what_they_ask_for() -> None:
    name = "2025_São_Paulo_Grand_Prix"
    ingest: dict[str, Any] = {"action": "ingest_session", "event_partition_key": name, "session_abr": "SG"}
    assert parse_event(ingest) == IngestSession(**ingest)
    assert parse_event({"action": "run_prediction"}) == RunPrediction(action="run_prediction")
    assert parse_event({"action": "backfill", "seasons": [2024]}) == Backfill(action="backfill", seasons=[2024])
    assert parse_event({"action": "tick", "now": "2025-12-06 16:00"}).now == "2025-12-06T16:00:00Z"
    given: dict[str, Any] = {
        "action": "stage",
        "stage": "03_silver",
        "parameters": {"seasons": [2025], "deep": True, "x": 1.5},
    }
    assert parse_event(given) == RunStage(**given)


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({}, "action"),
        ("tick", "action"),
        (None, "action"),
        ({"action": "destroy"}, "action"),
        ({"action": "tick", "colour": "red"}, "colour"),
        ({"action": "tick", "now": "yesterday"}, "now"),
        ({"action": "tick", "stages": ["99_other"]}, "stages.0"),
        ({"action": "stage"}, "stage"),
        ({"action": "stage", "stage": 5}, "stage"),
        ({"action": "stage", "stage": "05_train", "parameters": {"model": {"a": 1}}}, "parameters.model"),
        ({"action": "ingest_session", "event_partition_key": "2025_A_Grand_Prix"}, "session_abr"),
        ({"action": "ingest_session", "event_partition_key": "2025_A_Grand_Prix", "session_abr": "Q4"}, "session_abr"),
        ({"action": "ingest_session", "event_partition_key": "Monza", "session_abr": "Q"}, "event_partition_key"),
        ({"action": "run_prediction", "horizon": "tomorrow"}, "horizon"),
        ({"action": "penalty_add", "event_partition_key": "2025_A_Grand_Prix", "driver": "VER"}, "penalty"),
        ({**PENALTY, "penalty": 0}, "penalty"),
        ({**PENALTY, "penalty": "a lot"}, "penalty"),
        ({**PENALTY, "announced_at": "tonight"}, "announced_at"),
        ({"action": "backfill"}, "seasons"),
        ({"action": "backfill", "seasons": []}, "seasons"),
        ({"action": "backfill", "seasons": ["2025"]}, "seasons.0"),
        ({"action": "backfill", "seasons": [1066]}, "seasons.0"),
        ({"action": "backfill", "seasons": [2025], "again": "yes"}, "again"),
        ({"action": "fold", "sweep": "s", "model": "m"}, "season"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_event_names_the_field(event: Any, field: str) -> None:
    with pytest.raises(BadParameters, match=rf"^event: (.*; )?{field}: "):
        parse_event(event)


@pytest.mark.parametrize("stage", ["../secrets", "/etc/passwd", "explore/01", "05_train.ipynb", "a b", "", "ä", ".."])
def test_an_event_cannot_name_a_notebook_by_path(stage: str) -> None:
    with pytest.raises(BadParameters, match="event: stage: "):
        parse_event({"action": "stage", "stage": stage})


@pytest.mark.parametrize("name", ["lake", "tracking", "source", "f1db", "as_of", "run_id"])
def test_an_event_cannot_point_a_stage_at_another_lake(name: str) -> None:
    with pytest.raises(BadParameters, match=f"event: parameters: .*{name}: given by the workspace"):
        parse_event({"action": "stage", "stage": "03_silver", "parameters": {name: "s3://elsewhere"}})


@pytest.mark.parametrize("event", ["2025_../../models", "2025_a/b", "2025_.hidden", "2025_a\\b", "2025_a b", "2025_"])
def test_an_event_key_cannot_be_a_path(event: str) -> None:
    for action in ({"action": "ingest_session", "session_abr": "Q"}, {"action": "run_prediction"}):
        with pytest.raises(BadParameters, match="event_partition_key"):
            parse_event({**action, "event_partition_key": event})


@pytest.mark.parametrize("sweep", ["../x", "a/b", "", "x" * 65])
def test_a_sweep_s_name_cannot_be_a_path(sweep: str) -> None:
    with pytest.raises(BadParameters, match="event: sweep"):
        parse_event({"action": "sweep_report", "sweep": sweep})


@pytest.mark.parametrize(
    ("outcome", "wanted"),
    [
        ({"status": "ingested", "wait_seconds": 0.0}, {"status": "ingested", "rows": 900}),
        ({"status": "due", "wait_seconds": 3600.0}, RateLimited),
        ({"status": "taken", "wait_seconds": 0.0}, AlreadyRunning),
        ({"status": "failed", "wait_seconds": 0.0}, SourceError),
    ],
    ids=lambda value: str(value.get("status", "")) if isinstance(value, dict) else value.__name__,
)
def test_a_session_s_laps_answer_the_state_machine_in_its_own_words(
    outcome: dict[str, Any], wanted: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = make_workspace(tmp_path, "2025-12-31T00:00:00Z")
    asked: list[str] = []

    def bring(ws: Any, units: list[str], workers: int, clock: Any, on_unit: Any) -> list[dict[str, Any]]:
        asked.extend(units)
        return [{"unit": units[0], "rows": 900, "warning": "", **outcome}]

    monkeypatch.setattr("f1lib.bronze.timing_backfill.bring_all", bring)
    event = {"action": "ingest_session", "event_partition_key": "2024_Qatar_Grand_Prix", "session_abr": "Q"}
    parsed = parse_event({**event, "laps": True})
    telemetry = Telemetry("f1lib/test", "backfill-test", "id")
    with contextlib.redirect_stdout(io.StringIO()):
        if isinstance(wanted, dict):
            assert wanted.items() <= events.run_event(ws, parsed, telemetry, lambda: True).items()
        else:
            with pytest.raises(wanted, match="2024_Qatar_Grand_Prix/Q"):
                events.run_event(ws, parsed, telemetry, lambda: True)
    assert asked == ["2024_Qatar_Grand_Prix/Q"]


def test_laps_is_a_yes_or_a_no() -> None:
    with pytest.raises(BadParameters, match=r"event: laps: .*bool"):
        parse_event({"action": "backfill", "seasons": [2024], "laps": "please"})


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"event": "2025_../../models"}, "parameters.event"),
        ({"event": "2025_a/b"}, "parameters.event"),
        ({"event": "2025_\x1b[2J"}, "parameters.event"),
        ({"event": "x" * 5000}, "parameters.event"),
        ({"events": ["2025_a\\b"]}, "parameters.events.0"),
        ({"units": ["2025_a/../b/Q"]}, "parameters.units.0"),
        ({"units": ["2025_A_Grand_Prix/../Q"]}, "parameters.units.0"),
        ({"seasons": [10**9]}, "parameters.seasons.0"),
        ({"horizon": "tomorrow"}, "parameters.horizon"),
        ({"session": "Q"}, "parameters.session"),
        ({"model": "../../x"}, "parameters.model"),
        ({"deep": "x" * 5000}, "parameters.deep"),
        ({"list": ["x"] * 5000}, "parameters.list"),
        ({"rate": float("nan")}, "parameters.rate"),
        ({"x" * 5000: {}}, f"parameters.{'x' * 60}"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_the_parameters_of_a_stage_pass_the_checks_of_every_event(parameters: dict[str, Any], field: str) -> None:
    with pytest.raises(BadParameters, match=rf"^event: {field}: ") as caught:
        parse_event({"action": "stage", "stage": "06_predict", "parameters": parameters})
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("stage", "parameters"),
    [
        ("99_other", {}),
        ("train", {"colour": "red"}),
        ("train", {"x" * 5000: 1}),
        ("train", {"model": "no_such_model"}),
        ("train", {"horizon": ""}),
        ("predict", {"event": "2025_Atlantis_Grand_Prix"}),
        ("predict", {"event": "2025_Atlantis_Grand_Prix", "session": "S"}),
        ("gold", {"event": "1999_Nowhere"}),
        ("weather", {"events": ["2025_Atlantis_Grand_Prix"]}),
        ("ingest", {"units": ["2025_Atlantis_Grand_Prix/Q"]}),
        ("ingest", {"units": ["2025_Atlantis_Grand_Prix/Q9"]}),
    ],
    ids=lambda value: ascii(value)[:50],
)
def test_what_the_lake_does_not_know_is_refused_before_a_row_is_written(
    tmp_path: Path, stage: str, parameters: dict[str, Any]
) -> None:
    ws = make_workspace(tmp_path, "2025-12-31T00:00:00Z")
    event = {"action": "stage", "stage": stage, "parameters": parameters}
    if parameters == {"horizon": ""}:
        event["now"] = "9999-12-31T23:59:59-14:00"
    with pytest.raises(BadParameters) as caught:
        events.run_event(ws, parse_event(event), Telemetry("f1lib/test", "t", "id"), lambda: True)
    assert len(str(caught.value)) < 400
    assert ws.tracking.rows() == []
    assert ws.store.list() == []


def test_a_moment_ahead_of_the_clock_is_refused_before_a_row_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from f1lib.workspace.workspace import open_workspace

    monkeypatch.setenv("F1_LAKE_URL", str(tmp_path / "lake"))
    wanted = parse_event({"action": "stage", "stage": "train", "now": "2999-01-01T00:00:00Z"})
    with pytest.raises(BadParameters, match="ahead of this machine's clock"):
        open_workspace(as_of=wanted.now, source="f1db")
    assert not (tmp_path / "lake").exists()


def _ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: Outcome, error: str = "") -> dict[str, Any]:
    """The answer of a tick whose one stage ended so."""
    ws = make_workspace(tmp_path, "2025-12-31T00:00:00Z")
    run = StageRun(Step("03_silver", "new bronze", {}), status, 1.5, error)
    monkeypatch.setattr(events, "tick", lambda *_: TickResult("r1", [run], True, rows=[]))
    with contextlib.redirect_stdout(io.StringIO()):
        return events.run_event(ws, Tick(action="tick"), Telemetry("f1lib/test", "ticks-test", "id"), lambda: True)


def test_a_failed_stage_is_in_the_answer_of_a_tick_and_does_not_fail_the_invocation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lambda would run a failed invocation once more at once, and then keep its event for nobody."""
    answer = _ended(tmp_path, monkeypatch, Outcome.FAILED, "silver: no such column")
    assert (answer["failed"], answer["taken"], answer["complete"]) == (1, 0, True)
    assert [step["error"] for step in answer["steps"]] == ["silver: no such column"]


def test_a_stage_that_another_run_is_at_is_counted_in_the_answer_of_a_tick(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = _ended(tmp_path, monkeypatch, Outcome.TAKEN, "another run is at it")
    assert (answer["failed"], answer["taken"], answer["complete"]) == (0, 1, True)


def test_without_a_queue_there_is_nothing_to_drain(tmp_path: Path) -> None:
    ws = make_workspace(tmp_path, "2025-12-31T00:00:00Z")
    with pytest.raises(BadParameters, match="DEAD_LETTERS_URL is not set"):
        events.run_event(ws, parse_event({"action": "drain"}), Telemetry("f1lib/t", "d", "id"), lambda: True)


def test_a_penalty_is_entered_and_withdrawn_by_events(tmp_path: Path) -> None:
    ws, telemetry = entered_lake(tmp_path), Telemetry("f1lib/test", "p", "id")
    asked = {**PENALTY, "event_partition_key": "2025_Abu_Dhabi_Grand_Prix"}
    gone = {**asked, "action": "penalty_remove"}
    del gone["penalty"]
    for event, withdrawn in ((asked, ""), (gone, NOW)):
        answer = events.run_event(ws, parse_event(event), telemetry, lambda: True)
        (held,) = penalties.read(ws.store, EventKey(2025, "Abu Dhabi Grand Prix"))
        assert (held.driver_id, held.penalty, held.entered_by) == ("max-verstappen", 10, "event")
        assert held.withdrawn_utc == withdrawn
        assert answer["penalties"][0]["driver_id"] == "max-verstappen"
    with pytest.raises(BadParameters, match="driver 'FOO' is not known; there are HAM, VER"):
        events.run_event(ws, parse_event({**asked, "driver": "FOO"}), telemetry, lambda: True)
