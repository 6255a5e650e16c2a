"""A real Saturday through the handler, on stand-ins in processes of their own, beside the same on a laptop's folder."""

from __future__ import annotations

import contextlib
import fnmatch
import io
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from f1lib.aws.telemetry import METRICS, Telemetry
from f1lib.errors import BadParameters, RunError
from f1lib.lake.store import ObjectStore, open_store
from f1lib.pipeline.tick import tick
from f1lib.tracking.table import TrackingTable, open_tracking
from f1lib.workspace.workspace import Workspace, open_workspace
from tests.support.standins import REGION, Server, load_template, make_bucket, make_tables
from tests.support.weekends import EVENT, SATURDAY, differences, since

SERVICE = "f1-runner"


@dataclass
class Context:
    """What Lambda hands over beside the event."""

    aws_request_id: str = "8a72b2c1"
    left: list[int] = field(default_factory=lambda: [800_000])

    def get_remaining_time_in_millis(self) -> int:
        return self.left.pop(0) if len(self.left) > 1 else self.left[0]


@dataclass(frozen=True)
class Cloud:
    """The lake in S3, the tables in DynamoDB, and the environment that leads the handler there."""

    store: ObjectStore
    tracking: TrackingTable
    environment: dict[str, str]


@pytest.fixture(scope="module")
def release(f1db_zip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return since(f1db_zip, tmp_path_factory.mktemp("release") / "f1db-csv.zip", 2025, first_round=8)


pytestmark = pytest.mark.usefixtures("short_history_serves")


@pytest.fixture(scope="module")
def cloud(moto: Server, release: Path) -> Iterator[Cloud]:
    tracking, lake = make_tables(moto, "weekend"), make_bucket(moto, "weekend")
    environment = {
        "AWS_ENDPOINT_URL": moto.url,
        "AWS_DEFAULT_REGION": REGION,
        "F1_ENVIRONMENT": "aws",
        "F1_SOURCE": "f1db",
        "F1_F1DB": str(release),
        "S3_BUCKET_NAME": "weekend",
        "DYNAMODB_TABLE_NAME": "weekend-sessions",
        "PREDICTIONS_TABLE_NAME": "weekend-predictions",
        "POWERTOOLS_SERVICE_NAME": SERVICE,
        "POWERTOOLS_METRICS_NAMESPACE": "f1lib/f1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield Cloud(open_store(lake.replace("/lake?", "?")), open_tracking(tracking), environment)


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """The handler's folders, inside the test's own."""
    from lambda_runner import handler

    root = tmp_path_factory.mktemp("sandbox")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handler, "WORK", root / "work")
        patch.setattr(handler, "KEEP", root / "keep")
        patch.setattr("tempfile.tempdir", None)
        yield root / "work", root / "keep"


@pytest.fixture(scope="module")
def saturday(cloud: Cloud, swept: tuple[Path, Path]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The answer of a tick on Saturday evening, and the lines it wrote."""
    return _called({"action": "tick", "now": SATURDAY})


def _called(event: Any, context: Context | None = None) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    from lambda_runner.handler import handler

    with _output() as output:
        answer = handler(event, context or Context())
    return json.loads(json.dumps(answer)), _lines(output.getvalue())


@contextlib.contextmanager
def _output() -> Iterator[io.StringIO]:
    """Standard output, also of the logger, which keeps the stream of its first line for the life of a sandbox."""
    logger = logging.getLogger(SERVICE)
    with contextlib.redirect_stdout(io.StringIO()) as output:
        for handler in logger.handlers:
            if isinstance(handler, logging.StreamHandler):
                handler.setStream(output)
        yield output


def _lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


@pytest.fixture(scope="module")
def laptop(saturday: Any, cloud: Cloud, release: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The same tick on a folder and SQLite."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("F1_ENGINE", "inprocess")
        for name in (*cloud.environment, "F1_ENVIRONMENT"):
            patch.delenv(name, raising=False)
        lake = str(tmp_path_factory.mktemp("laptop") / "lake")
        ws = open_workspace(lake=lake, source="f1db", f1db=str(release), as_of=SATURDAY)
        assert ws.tracking.url.startswith("sqlite:")
        assert tick(ws).failures == []
        return ws


def test_a_tick_goes_from_the_calendar_to_the_report_and_answers_in_json(saturday: Any) -> None:
    answer, _ = saturday
    assert [step["stage"][:2] for step in answer["steps"]] == ["00", "01", "03", "04", "05", "06", "08"]
    assert {step["status"] for step in answer["steps"]} == {"finished"}
    assert answer["complete"]
    assert answer["as_of_utc"] == SATURDAY


def test_predictions_stand_in_the_table_and_executed_notebooks_in_the_bucket(saturday: Any, cloud: Cloud) -> None:
    answer, _ = saturday
    rows = cloud.tracking.predictions(EVENT)
    assert sorted(row["predicted_rank"] for row in rows) == list(range(1, 21))
    assert {row["horizon"] for row in rows} == {"post_qualifying"}
    records = cloud.store.list(f"reports/runs/{answer['run_id']}/")
    assert {step["notebook"] for step in answer["steps"]} <= set(records)
    assert all(step["notebook"].replace(".ipynb", ".html") in records for step in answer["steps"])


def test_every_key_is_one_that_the_function_s_role_may_write(saturday: Any, cloud: Cloud) -> None:
    policies = load_template()["Resources"]["RunnerRole"]["Properties"]["Policies"]
    (objects,) = [s for p in policies for s in p["PolicyDocument"]["Statement"] if s.get("Sid") == "Objects"]
    allowed = [resource["Fn::Sub"].removeprefix("${LakeBucket.Arn}/") for resource in objects["Resource"]]
    assert [key for key in cloud.store.list() if not any(fnmatch.fnmatch(key, pattern) for pattern in allowed)] == []


def test_every_stage_left_one_line_with_run_event_and_duration(saturday: Any) -> None:
    answer, lines = saturday
    finished = [line for line in lines if line.get("message") == "stage finished"]
    assert [line["stage"] for line in finished] == [step["stage"] for step in answer["steps"]]
    assert {line["run_id"] for line in finished} == {answer["run_id"]}
    assert all(line["seconds"] > 0 and line["event_partition_key"] for line in finished)
    assert all(line["service"] == "f1-runner" for line in finished)


def test_metrics_come_in_the_embedded_format_under_the_names_of_the_one_table(saturday: Any) -> None:
    _, lines = saturday
    blobs = [line for line in lines if "_aws" in line]
    directives = [blob["_aws"]["CloudWatchMetrics"][0] for blob in blobs]
    names = {directive["Metrics"][0]["Name"] for directive in directives}
    assert {"StageSeconds", "StageRows", "StageFailures", "PredictionMissing", "PredictionVariance"} <= names
    assert {"InferenceMilliseconds", "SessionsFailing", "SessionsBlocked"} <= names
    assert names <= set(METRICS)
    assert {directive["Namespace"] for directive in directives} == {"f1lib/f1"}
    for directive in directives:
        name = directive["Metrics"][0]["Name"]
        wanted = ["service", METRICS[name][1]] if METRICS[name][1] else ["service"]
        assert directive["Dimensions"] == [wanted]
        assert directive["Metrics"][0]["Unit"] == METRICS[name][0]


def test_the_sandbox_is_left_clean(saturday: Any, swept: tuple[Path, Path]) -> None:
    work, keep = swept
    assert not work.exists()
    assert {path.name for path in keep.iterdir()} == {"matplotlib", "downloads"}


def test_the_same_tick_again_does_nothing_and_says_so(saturday: Any, cloud: Cloud) -> None:
    before = cloud.store.list()
    answer, lines = _called({"action": "tick", "now": SATURDAY})
    assert answer == {
        "action": "tick",
        "run_id": "",
        "steps": [],
        "complete": True,
        "taken": 0,
        "failed": 0,
        "as_of_utc": SATURDAY,
    }
    assert cloud.store.list() == before
    assert not [line for line in lines if str(line.get("message", "")).startswith("stage")]


def test_the_same_lake_key_by_key(saturday: Any, cloud: Cloud, laptop: Workspace) -> None:
    assert differences(cloud.store, laptop.store) == []


def test_the_same_rows_in_the_tables(saturday: Any, cloud: Cloud, laptop: Workspace) -> None:
    assert cloud.tracking.rows() == laptop.tracking.rows()
    assert cloud.tracking.predictions(EVENT) == laptop.tracking.predictions(EVENT)


def test_the_same_cells_and_results_in_the_records(saturday: Any, cloud: Cloud, laptop: Workspace) -> None:
    answer, _ = saturday
    for step in answer["steps"]:
        here, there = (json.loads(store.read(step["notebook"])) for store in (laptop.store, cloud.store))
        assert [cell["source"] for cell in here["cells"] if "injected-parameters" not in _tags(cell)] == [
            cell["source"] for cell in there["cells"] if "injected-parameters" not in _tags(cell)
        ]
        assert _result(here) == _result(there)
        assert there["metadata"]["f1lib"]["status"] == "finished"


def _tags(cell: dict[str, Any]) -> list[str]:
    found: list[str] = cell["metadata"].get("tags", [])
    return found


def _result(notebook: dict[str, Any]) -> Any:
    (cell,) = [cell for cell in notebook["cells"] if "result" in _tags(cell)]
    return [output.get("data") for output in cell["outputs"]]


def test_a_prediction_on_request_that_has_nothing_new_to_say_is_not_issued_again(saturday: Any, cloud: Cloud) -> None:
    later = "2025-09-06T20:00:00Z"
    event = {"action": "run_prediction", "event_partition_key": EVENT, "horizon": "post_qualifying", "now": later}
    answer, lines = _called(event)
    assert [step["stage"] for step in answer["steps"]] == ["06_predict"]
    assert {row["as_of_utc"] for row in cloud.tracking.predictions(EVENT)} == {SATURDAY}
    assert any("PredictionVariance" in line for line in lines)


def test_one_session_on_request(saturday: Any, cloud: Cloud) -> None:
    event = {"action": "ingest_session", "event_partition_key": EVENT, "session_abr": "Q", "now": SATURDAY}
    answer, _ = _called(event)
    assert answer["status"] in ("ingested", "silver", "gold")
    assert answer["steps"][0]["notebook"].endswith(f"01_ingest-{EVENT}-Q.ipynb")


def test_a_session_that_is_not_there_yet_is_an_error_that_can_be_tried_again(saturday: Any) -> None:
    from f1lib.errors import SourceError

    with pytest.raises(SourceError, match=f"{EVENT}/R is due"):
        _called({"action": "ingest_session", "event_partition_key": EVENT, "session_abr": "R", "now": SATURDAY})


def test_a_backfill_writes_the_list_for_the_state_machine(saturday: Any, cloud: Cloud) -> None:
    done, _ = _called({"action": "backfill", "seasons": [2025], "now": SATURDAY})
    assert done["items"] == 0
    again, _ = _called({"action": "backfill", "seasons": [2025], "again": True, "now": SATURDAY})
    units = json.loads(cloud.store.read(again["key"]))
    assert again["items"] == len(units) > 50
    assert {"event_partition_key": EVENT, "session_abr": "Q", "laps": False} in units
    assert {"event_partition_key": EVENT, "session_abr": "R", "laps": False} not in units
    assert again["concurrency"] >= 1
    assert "$" in again["estimate"][-1]


def test_a_failing_stage_is_logged_raised_and_leaves_its_record(saturday: Any, cloud: Cloud, capsys: Any) -> None:
    past = {"event": "2025_Dutch_Grand_Prix"}
    event = {"action": "stage", "stage": "06_predict", "parameters": past, "now": SATURDAY}
    with pytest.raises(RunError, match="2025_Dutch_Grand_Prix"):
        _called(event)
    failed = [key for key in cloud.store.list("reports/runs/") if "06_predict" in key and key.endswith(".ipynb")]
    statuses = [json.loads(cloud.store.read(key))["metadata"]["f1lib"]["status"] for key in failed]
    assert statuses.count("failed") == 1


def test_an_unknown_model_is_refused_before_its_stage_runs(saturday: Any, cloud: Cloud) -> None:
    before = cloud.store.list("reports/runs/")
    event = {"action": "stage", "stage": "05_train", "parameters": {"model": "no_such_model"}, "now": SATURDAY}
    with pytest.raises(BadParameters, match="no_such_model"):
        _called(event)
    assert cloud.store.list("reports/runs/") == before


def test_a_wrong_event_is_logged_as_one_line_and_raised(saturday: Any) -> None:
    from lambda_runner.handler import handler

    with _output() as output, pytest.raises(BadParameters, match="event: session_abr"):
        handler({"action": "ingest_session", "event_partition_key": EVENT}, Context())
    (line,) = _lines(output.getvalue())
    assert (line["level"], line["action"]) == ("ERROR", "ingest_session")
    assert "session_abr" in line["error"]


@pytest.mark.campaign  # half a minute
def test_a_tick_short_of_time_ends_in_good_order_and_the_next_one_goes_on(saturday: Any, cloud: Cloud) -> None:
    sunday = "2025-09-07T12:30:00Z"
    answer, lines = _called({"action": "tick", "now": sunday}, Context(left=[800_000, 800_000, 800_000, 100_000]))
    assert [step["stage"] for step in answer["steps"]] == ["00_schedule", "01_ingest", "03_silver"]
    assert not answer["complete"]
    assert [line["StepsLeft"] for line in lines if "StepsLeft" in line] == [[1.0]]
    assert not [row for row in cloud.tracking.rows() if row.get("owner")]
    answer, _ = _called({"action": "tick", "now": sunday})
    assert [step["stage"] for step in answer["steps"]][:2] == ["04_gold", "06_predict"]
    assert answer["complete"]
    assert "pre_race" in {row["horizon"] for row in cloud.tracking.predictions(EVENT)}


def test_the_token_of_the_account_outlives_a_sandbox(
    moto: Server, cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a tick every two hours nearly every sandbox is a new one; signing in at each would lock the account."""
    from lambda_runner import handler

    secrets = moto.client("secretsmanager")
    secrets.create_secret(Name="f1/f1-token", SecretString="{}")
    monkeypatch.setenv("F1_TOKEN_SECRET", "f1/f1-token")
    for number, sandbox in enumerate(("first", "second")):
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / sandbox))
        file = tmp_path / sandbox / handler.TOKEN
        with handler._token_kept(Telemetry("f1lib/f1", "token-test", "id")):
            assert file.read_text() == ("{}" if number == 0 else '{"value": "signed"}')
            file.write_text('{"value": "signed"}')
        versions = secrets.list_secret_version_ids(SecretId="f1/f1-token", IncludeDeprecated=True)["Versions"]
        assert len(versions) == 2, "kept once, for it did not change the second time"


def test_the_token_lies_where_fastf1_looks_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fastf1.internals.f1account.tokens import TokenManager

    from lambda_runner import handler

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert TokenManager(auth_func=lambda: None)._token_path == tmp_path / handler.TOKEN


def test_the_account_is_taken_from_the_secret_once(moto: Server, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    from lambda_runner import handler

    name = "f1/f1-account"
    account = {"F1_USERNAME": "owner@example.com", "F1_PASSWORD": "opensesame", "PATH": "/evil"}
    moto.client("secretsmanager").create_secret(Name=name, SecretString=json.dumps(account))
    monkeypatch.setenv("F1_ACCOUNT_SECRET", name)
    monkeypatch.setenv("F1_USERNAME", "")
    monkeypatch.delenv("F1_USERNAME")
    monkeypatch.setenv("F1_PASSWORD", "")
    handler._sign_in()
    assert (os.environ["F1_USERNAME"], os.environ["F1_PASSWORD"]) == ("owner@example.com", "opensesame")
    assert os.environ["PATH"] != "/evil"
