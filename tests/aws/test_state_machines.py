"""The state machines, run by moto's interpreter and by one of our own, with items that fail."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from moto import mock_aws

from f1lib.aws.schema import Backfill, Fold, IngestSession, SweepReport, Tick, parse_event
from f1lib.errors import BadParameters, F1LibError, RateLimited, RunError, SourceError, StorageError
from tests.support.asl import Machine, TaskFailed
from tests.support.deployed import ACCOUNT, definition
from tests.support.standins import REGION

KEY = "backfill/20251206T160000Z/units.json"
FINAL = [["03_silver"], ["04_gold"], ["05_train"], ["06_predict", "07_score", "08_report"]]
STARTED = {"seasons": [2025]}
ENDED = {"steps": [], "complete": True, "taken": 0, "failed": 0}


class Runner:
    """Stands for the function: checks each event as the real one would, and fails as told."""

    def __init__(self, sessions: int, faults: dict[int, list[F1LibError]] | None = None, concurrency: int = 4) -> None:
        self.units = [
            {"event_partition_key": f"2025_Event_{n}", "session_abr": "Q", "laps": False} for n in range(sessions)
        ]
        self.faults = {f"2025_Event_{n}": list(errors) for n, errors in (faults or {}).items()}
        self.concurrency = concurrency
        self.ends: list[Callable[[str], dict[str, Any]]] = []
        self.events: list[Any] = []

    def __call__(self, payload: dict[str, Any]) -> dict[str, Any]:
        event = parse_event(payload)
        self.events.append(event)
        match event:
            case Backfill():
                return {"items": len(self.units), "key": KEY, "concurrency": self.concurrency}
            case IngestSession():
                if faults := self.faults.get(event.event_partition_key):
                    raise faults.pop(0)
                return {"status": "ingested"}
            case Fold():
                return {"key": f"reports/sweeps/{event.sweep}/folds/{event.model}-{event.season}.parquet"}
            case SweepReport():
                return {"systems": []}
            case Tick():
                return self.ends.pop(0)(event.stages[0]) if self.ends else ENDED
        raise AssertionError(event)

    @property
    def asked(self) -> list[Any]:
        """The events without those of single sessions."""
        return [event for event in self.events if not isinstance(event, IngestSession)]


def _built(stages: list[Any]) -> Tick:
    return Tick(action="tick", stages=stages, raise_failures=True)


def machine(runner: Runner, name: str = "backfill.asl.json") -> Machine:
    return Machine(json.loads(definition(name)), runner, {KEY: json.dumps(runner.units).encode()})


def test_a_backfill_lists_ingests_each_session_once_and_then_builds_each_layer_once() -> None:
    runner = Runner(30)
    run = machine(runner)
    run.run(STARTED)
    sessions = [event for event in runner.events if isinstance(event, IngestSession)]
    assert [s.event_partition_key for s in sessions] == [unit["event_partition_key"] for unit in runner.units]
    assert runner.asked[0] == Backfill(action="backfill", seasons=[2025], again=False)
    assert runner.asked[1:] == [_built(stages) for stages in FINAL]
    assert runner.events.index(sessions[-1]) < runner.events.index(runner.asked[1])


def test_as_many_sessions_at_once_as_the_source_allows() -> None:
    run = machine(Runner(30, concurrency=2))
    run.run(STARTED)
    assert run.widths["Sessions"] == (2, 30)


def test_nothing_to_ingest_goes_straight_to_the_layers() -> None:
    run = machine(Runner(0))
    run.run(STARTED)
    assert "Sessions" not in run.visited
    assert "One session" not in run.visited
    assert run.visited[-1] == "Done"


def test_a_passing_fault_is_tried_again_after_growing_waits() -> None:
    runner = Runner(3, {1: [SourceError("502"), SourceError("502"), SourceError("502")]})
    run = machine(runner)
    run.run(STARTED)
    assert run.failed_items == []
    assert run.waits == [60, 120, 240]


def test_an_upstream_that_wants_rest_gets_a_quarter_of_an_hour_and_more() -> None:
    run = machine(Runner(1, {0: [RateLimited("500 calls an hour", 3600)] * 4}))
    run.run(STARTED)
    assert run.waits == [900, 1800, 3600, 3600]


def test_one_lasting_failure_in_thirty_is_tolerated_and_the_rest_goes_on() -> None:
    runner = Runner(30, {7: [SourceError("gone")] * 99})
    run = machine(runner)
    run.run(STARTED)
    assert run.failed_items == [runner.units[7]]
    assert len({e.event_partition_key for e in runner.events if isinstance(e, IngestSession)}) == 30
    assert run.visited[-1] == "Done"


def test_too_many_lasting_failures_stop_before_anything_is_built() -> None:
    runner = Runner(30, {n: [SourceError("down")] * 99 for n in range(3)})
    run = machine(runner)
    with pytest.raises(TaskFailed, match="3 of 30 items failed"):
        run.run(STARTED)
    assert [type(event) for event in runner.asked] == [Backfill]


def test_a_wrong_event_is_not_tried_again() -> None:
    runner = Runner(1, {0: [BadParameters("no such session")]})
    run = machine(runner)
    with pytest.raises(TaskFailed, match="ExceedToleratedFailureThreshold"):
        run.run(STARTED)
    assert run.waits == []


def test_a_layer_that_another_run_is_at_is_waited_for_and_built_before_the_next() -> None:
    runner = Runner(1)
    runner.ends = [lambda _: {**ENDED, "taken": 1}] * 2
    run = machine(runner)
    run.run(STARTED)
    assert [event.stages for event in runner.asked[1:]] == [["03_silver"]] * 2 + FINAL
    assert run.waits == [60, 60]


def test_a_layer_whose_time_ran_out_is_gone_on_with() -> None:
    runner = Runner(1)
    runner.ends = [lambda _: ENDED, lambda _: ENDED, lambda _: {**ENDED, "complete": False}]
    run = machine(runner)
    run.run(STARTED)
    assert [event.stages for event in runner.asked[1:]] == [*FINAL[:3], *FINAL[2:]]


def _raising(error: F1LibError) -> Callable[[str], dict[str, Any]]:
    def end(_: str) -> dict[str, Any]:
        raise error

    return end


def test_a_layer_that_fails_fails_the_execution_at_its_own_state_so_that_it_can_be_redriven() -> None:
    """A redrive goes on at the state that failed; one that ended in a Fail state would fail there again."""
    runner = Runner(1)
    runner.ends = [lambda _: ENDED, _raising(RunError("04_gold: too few races"))]
    run = machine(runner)
    with pytest.raises(TaskFailed, match="RunError: 04_gold: too few races"):
        run.run(STARTED)
    assert run.visited[-1] == "Gold"
    assert "Fail" not in {state["Type"] for state in run.definition["States"].values()}


def test_a_storage_that_fails_in_passing_is_tried_again() -> None:
    runner = Runner(1)
    runner.ends = [_raising(StorageError("503"))] * 2
    run = machine(runner)
    run.run(STARTED)
    assert run.waits == [60, 120]


@pytest.mark.parametrize("name", ["backfill.asl.json", "sweep.asl.json"])
def test_every_call_is_tried_again_when_its_sandbox_dies_and_every_execution_ends(name: str) -> None:
    def tasks(value: Any) -> Iterator[dict[str, Any]]:
        if isinstance(value, dict):
            if value.get("Type") == "Task":
                yield value
            for inner in value.values():
                yield from tasks(inner)

    document = json.loads(definition(name))
    found = list(tasks(document))
    assert found
    for task in found:
        tried = {error for rule in task["Retry"] for error in rule["ErrorEquals"]}
        assert {"Runtime.ExitError", "StorageError", "Sandbox.Timedout", "Lambda.TooManyRequestsException"} <= tried
    assert document["TimeoutSeconds"] <= 7 * 86400


def test_a_backfill_takes_what_its_input_says_over_its_defaults() -> None:
    runner = Runner(1)
    machine(runner).run({"seasons": [2025], "again": True, "laps": True})
    assert runner.asked[0] == Backfill(action="backfill", seasons=[2025], again=True, laps=True)


def test_a_sweep_walks_each_configuration_through_each_season_and_reports() -> None:
    runner = Runner(0)
    run = machine(runner, "sweep.asl.json")
    run.run({"sweep": "autumn", "models": ["full_v1", "grid_only_v1"], "seasons": [2023, 2024]})
    folds = [(event.model, event.season) for event in runner.events if isinstance(event, Fold)]
    assert folds == [("full_v1", 2023), ("full_v1", 2024), ("grid_only_v1", 2023), ("grid_only_v1", 2024)]
    assert runner.events[-1] == SweepReport(action="sweep_report", sweep="autumn")


def test_a_sweep_that_lacks_a_fold_has_no_report() -> None:
    class Broken(Runner):
        def __call__(self, payload: dict[str, Any]) -> dict[str, Any]:
            if payload.get("season") == 2024:
                raise BadParameters("no race of 2024")
            return super().__call__(payload)

    runner = Broken(0)
    with pytest.raises(TaskFailed, match="1 of 1 items failed"):
        machine(runner, "sweep.asl.json").run({"sweep": "s", "models": ["full_v1"], "seasons": [2023, 2024]})
    assert SweepReport(action="sweep_report", sweep="s") not in runner.events


# ---- the same definitions under moto ------------------------------------------------------------------------
class _LambdaClient:
    """What moto's interpreter invokes; the function runs here instead of in a container."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner

    def invoke(self, **given: Any) -> dict[str, Any]:
        answer: dict[str, Any] = {"StatusCode": 200, "ExecutedVersion": "$LATEST", "ResponseMetadata": {}}
        try:
            body: Any = self.runner(json.loads(given["Payload"]))
        except F1LibError as error:
            body, answer["FunctionError"] = {"errorType": type(error).__name__, "errorMessage": str(error)}, "Unhandled"
        answer["ResponseMetadata"] = {"HTTPStatusCode": 200, "HTTPHeaders": {}}
        return {**answer, "Payload": io.BytesIO(json.dumps(body).encode())}


@pytest.fixture
def stepfunctions(aws_environment: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils

    def execute(name: str, runner: Runner, given: dict[str, Any]) -> tuple[str, list[str]]:
        import boto3

        monkeypatch.setattr(lambda_eval_utils, "boto_client_for", lambda **kwargs: _LambdaClient(runner))
        s3, client = boto3.client("s3", region_name=REGION), boto3.client("stepfunctions", region_name=REGION)
        s3.create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket="lake", Key=KEY, Body=json.dumps(runner.units).encode())
        function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f1-runner"
        text = definition(name).replace("${RunnerArn}", function).replace("${LakeBucket}", "lake")
        role = f"arn:aws:iam::{ACCOUNT}:role/states"
        machine = client.create_state_machine(name="machine", definition=text, roleArn=role)["stateMachineArn"]
        execution = client.start_execution(stateMachineArn=machine, input=json.dumps(given))["executionArn"]
        for _ in range(600):
            found = client.describe_execution(executionArn=execution)
            if found["status"] != "RUNNING":
                keys = [o["Key"] for o in s3.list_objects_v2(Bucket="lake")["Contents"]]
                return found["status"], keys
            real_sleep(0.05)
        raise AssertionError(f"still running: {found}")

    real_sleep = time.sleep
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        yield execute


def _quick(text: str) -> str:
    """moto waits for real between tries; here one second is all."""
    document = json.loads(text)

    def shorten(value: Any) -> None:
        if isinstance(value, dict):
            if "IntervalSeconds" in value:
                value |= {"IntervalSeconds": 1, "BackoffRate": 1.0}
            for inner in value.values():
                shorten(inner)
        elif isinstance(value, list):
            for inner in value:
                shorten(inner)

    shorten(document)
    return json.dumps(document)


def test_moto_runs_the_backfill_to_the_same_end(stepfunctions: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.definition", lambda name: _quick(definition_of(name)))
    runner = Runner(4, {2: [SourceError("502"), RateLimited("wait", 60)]})
    status, keys = stepfunctions("backfill.asl.json", runner, STARTED)
    assert status == "SUCCEEDED"
    asked = [event.event_partition_key for event in runner.events if isinstance(event, IngestSession)]
    assert sorted(asked) == sorted(
        [*(str(unit["event_partition_key"]) for unit in runner.units), *["2025_Event_2"] * 2]
    )
    assert runner.asked[1:] == [_built(stages) for stages in FINAL]
    assert any(key.startswith("backfill/results/") for key in keys)


def test_moto_goes_on_past_one_session_that_is_refused(stepfunctions: Any) -> None:
    runner = Runner(21, {7: [BadParameters("no such session")]})
    status, _ = stepfunctions("backfill.asl.json", runner, STARTED)
    assert status == "SUCCEEDED"
    assert len({e.event_partition_key for e in runner.events if isinstance(e, IngestSession)}) == 21
    assert runner.asked[1:] == [_built(stages) for stages in FINAL]


def test_moto_runs_the_sweep_to_the_same_end(stepfunctions: Any) -> None:
    runner = Runner(0)
    given = {"sweep": "autumn", "models": ["full_v1", "grid_only_v1"], "seasons": [2023, 2024]}
    status, _ = stepfunctions("sweep.asl.json", runner, given)
    assert status == "SUCCEEDED"
    assert len([event for event in runner.events if isinstance(event, Fold)]) == 4
    assert isinstance(runner.events[-1], SweepReport)


definition_of = definition
