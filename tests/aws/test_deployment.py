"""How the stack is deployed: parameter files, a create that fails half-way, the site's door, the workflow."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tomllib
from typing import Any

import pytest
import yaml

from tests.support.deployed import FOLDER
from tests.support.standins import load_template

ROOT = FOLDER.parent


def _overrides(name: str) -> dict[str, str]:
    command = [sys.executable, str(ROOT / ".ci" / "parameters.py"), str(FOLDER / name)]
    words = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return {key: value for key, _, value in (word.partition("=") for word in words)}


@pytest.mark.parametrize("name", ["staging.toml", "production.toml"])
def test_a_parameter_file_gives_what_the_template_knows_and_allows(name: str) -> None:
    known = load_template()["Parameters"]
    for parameter, value in _overrides(name).items():
        found = known[parameter]
        assert value in [str(allowed) for allowed in found.get("AllowedValues", [value])]
        assert re.fullmatch(found.get("AllowedPattern", ".*"), value)


def test_staging_and_production_stand_side_by_side() -> None:
    staging, production = (_overrides(name) for name in ("staging.toml", "production.toml"))
    assert staging["ResourcePrefix"] != production["ResourcePrefix"]
    assert (staging["ScheduleState"], production["ScheduleState"]) == ("DISABLED", "ENABLED")
    stacks = {
        tomllib.loads((FOLDER / name).read_text())["default"]["global"]["parameters"]["stack_name"]
        for name in ("staging.toml", "production.toml")
    }
    assert len(stacks) == 2


class _Account:
    """CloudFormation as far as names go: what exists, what a failed create leaves, what a second one meets."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def create(self, resources: dict[str, Any], fails_at: str = "") -> bool:
        made: list[tuple[str, str]] = []
        for logical, resource in resources.items():
            name = self._name(resource)
            if logical == fails_at or name in self.names:
                for _, other in [m for m in made if resources[m[0]].get("DeletionPolicy") != "Retain"]:
                    self.names.discard(other)
                return False
            if name:
                self.names.add(name)
                made.append((logical, name))
        return True

    @staticmethod
    def _name(resource: dict[str, Any]) -> str:
        named = {"AWS::S3::Bucket": "BucketName", "AWS::DynamoDB::Table": "TableName"}
        named |= {"AWS::SecretsManager::Secret": "Name", "AWS::SQS::Queue": "QueueName"}
        key = named.get(resource["Type"])
        return f"{resource['Type']} {json.dumps(resource['Properties'][key])}" if key else ""


def test_after_a_create_that_failed_half_way_the_second_deploy_succeeds() -> None:
    resources, account = load_template()["Resources"], _Account()
    assert not account.create(resources, fails_at="BackfillStateMachine")
    assert account.names == set()
    assert account.create(resources)


def test_had_the_bucket_been_kept_the_second_deploy_would_fail() -> None:
    """The test of the test: with ``Retain`` the bucket of the failed create stands in the way."""
    resources, account = load_template()["Resources"], _Account()
    kept = {n: {**r, "DeletionPolicy": "Retain"} if n == "LakeBucket" else r for n, r in resources.items()}
    assert not account.create(kept, fails_at="BackfillStateMachine")
    assert not account.create(kept)


def _door(wanted: str, request: dict[str, Any]) -> dict[str, Any]:
    """The answer of the site's CloudFront function, run by Node.js."""
    node = shutil.which("node")
    if not node:
        pytest.skip("Node.js is not installed")
    code, _ = load_template()["Resources"]["SiteDoor"]["Properties"]["FunctionCode"]["Fn::Sub"]
    script = code.replace("${Wanted}", wanted) + f"\nconsole.log(JSON.stringify(handler({json.dumps(request)})));"
    done = subprocess.run([node, "-e", script], capture_output=True, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _request(uri: str, authorization: str = "") -> dict[str, Any]:
    headers = {"authorization": {"value": authorization}} if authorization else {}
    return {"request": {"uri": uri, "headers": headers}}


def test_an_open_site_shows_every_page_and_begins_with_the_dashboard() -> None:
    assert _door("", _request("/reports/accuracy.json"))["uri"] == "/reports/accuracy.json"
    first = _door("", _request("/"))
    assert (first["statusCode"], first["headers"]["location"]["value"]) == (302, "/reports/index.html")


@pytest.mark.parametrize(("given", "opens"), [("", False), ("Basic wrong", False), ("Basic YTpi", True)])
def test_a_site_with_a_password_opens_for_it_alone(given: str, opens: bool) -> None:
    answer = _door("Basic YTpi", _request("/reports/x.html", given))
    assert answer.get("statusCode") == (None if opens else 401)
    assert opens or "www-authenticate" in answer["headers"]


def test_the_site_reads_reports_and_predictions_and_nothing_else_of_the_lake() -> None:
    statements = load_template()["Resources"]["LakeBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    (condition, readers, otherwise) = next(s["Fn::If"] for s in statements if "Fn::If" in s)
    assert (condition, otherwise) == ("HasSite", {"Ref": "AWS::NoValue"})
    assert readers["Action"] == "s3:GetObject"
    assert [arn["Fn::Sub"] for arn in readers["Resource"]] == [
        "${LakeBucket.Arn}/reports/*",
        "${LakeBucket.Arn}/predictions/*",
    ]
    assert "aws:SourceArn" in readers["Condition"]["StringEquals"]


def test_the_bootstrap_s_repository_scans_forgets_and_never_changes_an_image() -> None:
    images = load_template("bootstrap.yaml")["Resources"]["Images"]["Properties"]
    assert images["ImageTagMutability"] == "IMMUTABLE"
    assert images["ImageScanningConfiguration"] == {"ScanOnPush": True}
    assert len(json.loads(images["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]) == 2


def test_every_workflow_calls_files_that_are_there() -> None:
    for file in (ROOT / ".github" / "workflows").glob("*.yml"):
        text = file.read_text(encoding="utf-8")
        for used in re.findall(r"uses: (\./\S+)", text):
            assert (ROOT / used).exists(), used
        for script in re.findall(r"(?<![\w./])\.ci/[\w.-]+", text):
            assert (ROOT / script).exists(), script
        assert yaml.safe_load(text)["jobs"]


def test_the_picture_of_the_architecture_shows_what_the_template_has() -> None:
    """`make pictures` draws it anew."""
    spec = importlib.util.spec_from_file_location("aws_picture", ROOT / ".pictures" / "aws.py")
    assert spec
    assert spec.loader
    picture = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(picture)
    boxes, arrows = picture.graph()
    text = (ROOT / "docs" / "aws.svg").read_text(encoding="utf-8")
    assert set(boxes) == set(re.findall(r">(\w+)</text>", text)) & set(load_template()["Resources"])
    assert arrows == set(re.findall(r'id="(\w+)-(\w+)"', text))
    assert {("TickSchedule", "RunnerFunction"), ("RunnerFunction", "LakeBucket")} <= arrows


def test_every_alarm_has_its_line_in_the_runbook() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    for name, resource in load_template()["Resources"].items():
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            alarm = resource["Properties"]["AlarmName"]["Fn::Sub"].removeprefix("${ResourcePrefix}-")
            assert re.search(rf"^\| `{alarm}` \|", text, re.M), f"{name} ({alarm}) has no line in docs/runbook.md"
