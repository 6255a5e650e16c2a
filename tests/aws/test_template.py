"""The SAM template: linted, deployed into moto as far as it goes, and its policies tried action by action."""

from __future__ import annotations

import contextlib
import io
import json
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws
from moto.iam.access_control import IAMPolicy, PermissionResult

from f1lib.aws.telemetry import METRICS
from f1lib.workspace.settings import load_settings
from tests.support.deployed import ACCOUNT, FOLDER, Stack, deploy, spelled_out
from tests.support.standins import REGION, load_template

# What moto's CloudFormation leaves out without an error (moto 5.2): asserted by hand below.
NOT_IN_MOTO = {
    "AWS::S3::BucketPolicy",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Scheduler::ScheduleGroup",
    "AWS::Scheduler::Schedule",
    "AWS::SNS::TopicPolicy",
    "AWS::CloudWatch::Alarm",
    "AWS::CodeDeploy::Application",
}
LAKE = f"arn:aws:s3:::f1-lake-{ACCOUNT}-{REGION}"
TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f1-runner"
LIVE = f"{FUNCTION}:live"
# Actions of X-Ray and vended logs, which AWS grants on all resources or none, by the statement that has them.
_TRACES = {f"xray:{name}" for name in ("PutTraceSegments", "PutTelemetryRecords")}
_LOGS = {f"logs:{verb}LogDelivery" for verb in ("Create", "Get", "Update", "Delete")}
_LOGS |= {"logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups"}
WITHOUT_RESOURCES = {
    "Traces": _TRACES,
    "LogsAndTraces": _LOGS | _TRACES | {"xray:GetSamplingRules", "xray:GetSamplingTargets"},
}
STATES = f"arn:aws:states:{REGION}:{ACCOUNT}:"


@pytest.fixture(scope="module")
def two_stacks(aws_environment: None) -> Iterator[tuple[Stack, Stack]]:
    with mock_aws(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield deploy("f1"), deploy("f1dev")


@pytest.fixture
def stack(two_stacks: tuple[Stack, Stack]) -> Stack:
    return two_stacks[0]


def _permitted(stack: Stack, role: str, action: str, resource: str) -> bool:
    """moto's policy evaluator over the policies that the deployed role carries."""
    inline = stack.properties(role)["Policies"]
    answers = [
        IAMPolicy(json.dumps(policy["PolicyDocument"])).is_action_permitted(action, resource) for policy in inline
    ]
    return PermissionResult.DENIED not in answers and PermissionResult.PERMITTED in answers


def test_cfn_lint_finds_nothing() -> None:
    files = [str(FOLDER / name) for name in ("template.yaml", "bootstrap.yaml")]
    command = [str(Path(sys.executable).with_name("cfn-lint")), *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_resource_is_made_but_those_that_the_stand_in_does_not_know(stack: Stack) -> None:
    wanted = {name: resource["Type"] for name, resource in stack.resources.items() if "Condition" not in resource}
    assert {name for name in wanted if name not in stack.ids} == {
        name for name, kind in wanted.items() if kind in NOT_IN_MOTO
    }


def test_the_bucket_is_versioned_encrypted_private_and_forgets_in_time(stack: Stack) -> None:
    import boto3

    client, name = boto3.client("s3", region_name=REGION), stack.ids["LakeBucket"]
    assert stack.properties("LakeBucket")["VersioningConfiguration"] == {"Status": "Enabled"}  # not made by moto
    rules = client.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    block = stack.properties("LakeBucket")["PublicAccessBlockConfiguration"]  # nor this
    client.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=block)
    assert [*block.values()] == [True] * 4
    lifecycle = stack.properties("LakeBucket")["LifecycleConfiguration"]["Rules"]
    whole_bucket = [rule for rule in lifecycle if "Prefix" not in rule]
    assert not any("ExpirationInDays" in rule for rule in whole_bucket), "the lake itself never expires"
    assert [rule["NoncurrentVersionExpiration"] for rule in whole_bucket if "NoncurrentVersionExpiration" in rule] == [
        {"NoncurrentDays": 30}
    ]
    assert any("AbortIncompleteMultipartUpload" in rule for rule in whole_bucket)
    expiring = {rule["Prefix"]: rule["ExpirationInDays"] for rule in lifecycle if "ExpirationInDays" in rule}
    assert expiring == {"reports/runs/": 400, "backfill/": 30}
    assert {rule["Status"] for rule in lifecycle} == {"Enabled"}


@pytest.mark.parametrize(("key", "value"), [("aws:SecureTransport", "false"), ("s3:TlsVersion", "1.1")])
def test_the_bucket_refuses_what_comes_without_good_tls(stack: Stack, key: str, value: str) -> None:
    statements = stack.properties("LakeBucketPolicy")["PolicyDocument"]["Statement"]
    found = [s for s in statements if s["Effect"] == "Deny" and key in json.dumps(s["Condition"])]
    assert len(found) == 1
    assert set(found[0]["Resource"]) == {LAKE, f"{LAKE}/*"}
    assert found[0]["Action"] == "s3:*"
    operator = {"false": "Bool", "1.1": "NumericLessThan"}[value]
    threshold = found[0]["Condition"][operator][key]
    assert value == threshold if operator == "Bool" else float(value) < float(threshold)


@pytest.mark.parametrize("table", ["SessionTable", "PredictionsTable"])
def test_both_tables_are_on_demand_and_can_be_turned_back(stack: Stack, table: str) -> None:
    import boto3

    client = boto3.client("dynamodb", region_name=REGION)
    description = client.describe_table(TableName=stack.ids[table])["Table"]
    assert description["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    recovery = stack.properties(table)["PointInTimeRecoverySpecification"]  # not made by moto
    assert recovery == {"PointInTimeRecoveryEnabled": True}


def test_what_holds_data_outlives_the_stack_but_not_a_create_that_failed() -> None:
    """Kept after a failed create, its names would be taken, and no second deploy could ever succeed."""
    resources = load_template()["Resources"]
    kept = {name for name, found in resources.items() if found.get("UpdateReplacePolicy") == "Retain"}
    assert kept == {"LakeBucket", "SessionTable", "PredictionsTable", "F1AccountSecret"}
    assert {resources[name]["DeletionPolicy"] for name in kept} == {"RetainExceptOnCreate"}


def test_the_tables_can_be_protected_once_the_stack_stands_and_are_not_while_it_is_made() -> None:
    template = load_template()
    assert template["Parameters"]["DeletionProtection"]["Default"] == "false"
    for table in ("SessionTable", "PredictionsTable"):
        assert template["Resources"][table]["Properties"]["DeletionProtectionEnabled"] == {"Ref": "DeletionProtection"}


def test_a_url_that_may_carry_a_token_is_not_shown() -> None:
    assert load_template()["Parameters"]["F1dbRelease"]["NoEcho"] is True


def test_a_new_version_is_tried_and_moved_to_in_steps_that_two_alarms_turn_back() -> None:
    resources = load_template()["Resources"]
    runner = resources["RunnerFunction"]["Properties"]
    assert runner["AutoPublishAlias"] == "live"
    preference = runner["DeploymentPreference"]
    assert preference["Hooks"] == {"PreTraffic": {"Ref": "SmokeFunction"}}
    alarms = [alarm["Ref"] for alarm in preference["Alarms"]]
    assert {resources[name]["Type"] for name in alarms} == {"AWS::CloudWatch::Alarm"}


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"Payload": b'{"steps": [], "failed": 0}'}, "Succeeded"),
        ({"Payload": b'{"steps": [], "failed": 1}'}, "Succeeded"),
        ({"Payload": b'{"errorType": "ImportError"}', "FunctionError": "Unhandled"}, "Failed"),
        ({"Payload": b"null"}, "raises"),
    ],
    ids=["whole", "a failed stage", "a failed call", "no answer"],
)
def test_the_smoke_tick_tells_whether_the_new_version_answers(
    answer: dict[str, Any], status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import boto3

    said: list[dict[str, Any]] = []

    class Client:
        def invoke(self, **given: Any) -> dict[str, Any]:
            assert given["FunctionName"] == LIVE
            assert json.loads(given["Payload"])["action"] == "tick"
            return {**answer, "Payload": io.BytesIO(answer["Payload"])}

        def put_lifecycle_event_hook_execution_status(self, **given: Any) -> None:
            said.append(given)

    monkeypatch.setattr(boto3, "client", lambda *_, **__: Client())
    monkeypatch.setenv("NEW_VERSION", LIVE)
    code: dict[str, Any] = {}
    exec(load_template()["Resources"]["SmokeFunction"]["Properties"]["InlineCode"], code)
    event = {"DeploymentId": "d", "LifecycleEventHookExecutionId": "e"}
    with pytest.raises(TypeError) if status == "raises" else contextlib.nullcontext():
        code["handler"](event, None)
    wanted = "Failed" if status == "raises" else status
    assert said == [{"deploymentId": "d", "lifecycleEventHookExecutionId": "e", "status": wanted}]


def test_the_schedule_ticks_every_two_hours_and_keeps_what_it_cannot_deliver(stack: Stack) -> None:
    import boto3

    group, schedule = stack.properties("ScheduleGroup"), stack.properties("TickSchedule")
    client = boto3.client("scheduler", region_name=REGION)
    client.create_schedule_group(Name=group["Name"], Tags=group["Tags"])
    client.create_schedule(**schedule)  # botocore checks every name and type against the service's own model
    found = client.get_schedule(Name=schedule["Name"], GroupName=group["Name"])
    assert found["ScheduleExpression"] == "rate(2 hours)"
    assert found["Target"]["Arn"] == LIVE
    assert json.loads(found["Target"]["Input"]) == {"action": "tick"}
    assert found["Target"]["RetryPolicy"]["MaximumRetryAttempts"] == 3
    assert found["Target"]["DeadLetterConfig"]["Arn"].endswith(":f1-dead-letters")


def test_a_failed_invocation_is_tried_once_more_and_then_kept(stack: Stack) -> None:
    config = stack.properties("RunnerFunctionInvokeConfig")
    assert config["MaximumRetryAttempts"] == 1
    assert config["DestinationConfig"]["OnFailure"]["Destination"].endswith(":f1-dead-letters")


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:GetObject", f"{LAKE}/bronze/sessions/2025/São_Paulo_Grand_Prix/Q/results.parquet"),
        ("s3:PutObject", f"{LAKE}/reports/runs/20251206T160000Z/05_train.ipynb"),
        ("s3:PutObject", f"{LAKE}/lake.json"),
        ("s3:DeleteObject", f"{LAKE}/bronze/sessions/2025/A/Q/source.json"),
        ("s3:DeleteObject", f"{LAKE}/silver/files.json"),
        ("s3:DeleteObject", f"{LAKE}/models/champion.json"),
        ("sqs:ReceiveMessage", f"arn:aws:sqs:{REGION}:{ACCOUNT}:f1-dead-letters"),
        ("sqs:DeleteMessage", f"arn:aws:sqs:{REGION}:{ACCOUNT}:f1-dead-letters"),
        ("xray:PutTraceSegments", "*"),
        ("s3:ListBucket", LAKE),
        ("dynamodb:UpdateItem", f"{TABLE}f1_session_tracking"),
        ("dynamodb:GetItem", f"{TABLE}f1_session_tracking"),
        ("dynamodb:Query", f"{TABLE}f1_session_tracking"),
        ("dynamodb:Query", f"{TABLE}f1_session_tracking/index/by_session_date"),
        ("dynamodb:BatchWriteItem", f"{TABLE}f1_predictions"),
        ("dynamodb:Query", f"{TABLE}f1_predictions"),
        ("logs:PutLogEvents", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/f1-runner:log-stream:x"),
        ("sqs:SendMessage", f"arn:aws:sqs:{REGION}:{ACCOUNT}:f1-dead-letters"),
    ],
)
def test_the_function_may_do_what_it_does(stack: Stack, action: str, resource: str) -> None:
    assert _permitted(stack, "RunnerRole", action, resource)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:GetObject", f"{LAKE}/elsewhere/secret"),
        ("s3:PutObject", f"{LAKE}/index.html"),
        ("s3:GetObject", "arn:aws:s3:::another-bucket/bronze/x"),
        ("s3:PutObject", f"arn:aws:s3:::f1dev-lake-{ACCOUNT}-{REGION}/bronze/x"),
        ("s3:DeleteObject", f"{LAKE}/reports/run_summary.html"),
        ("s3:DeleteObject", f"{LAKE}/models/runs/r/model.onnx"),
        ("s3:DeleteObject", f"{LAKE}/silver/race_results/2025.parquet"),
        ("s3:DeleteObject", f"{LAKE}/lake.json"),
        ("s3:DeleteObjectVersion", f"{LAKE}/bronze/x"),
        ("sqs:PurgeQueue", f"arn:aws:sqs:{REGION}:{ACCOUNT}:f1-dead-letters"),
        ("s3:PutObjectAcl", f"{LAKE}/bronze/x"),
        ("s3:DeleteBucket", LAKE),
        ("s3:PutBucketPolicy", LAKE),
        ("s3:ListAllMyBuckets", "*"),
        ("dynamodb:Scan", f"{TABLE}f1_session_tracking"),
        ("dynamodb:DeleteItem", f"{TABLE}f1_session_tracking"),
        ("dynamodb:DeleteTable", f"{TABLE}f1_session_tracking"),
        ("dynamodb:DeleteItem", f"{TABLE}f1_predictions"),
        ("dynamodb:UpdateItem", f"{TABLE}f1_predictions"),
        ("dynamodb:Query", f"{TABLE}f1dev_session_tracking"),
        ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:other"),
        ("lambda:InvokeFunction", FUNCTION),
        ("lambda:UpdateFunctionCode", FUNCTION),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/admin"),
        ("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/admin"),
        ("states:StartExecution", f"{STATES}stateMachine:f1-backfill"),
        ("sns:Publish", f"arn:aws:sns:{REGION}:{ACCOUNT}:f1-alarms"),
        ("logs:DeleteLogGroup", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/f1-runner:*"),
    ],
)
def test_the_function_may_do_nothing_else(stack: Stack, action: str, resource: str) -> None:
    assert not _permitted(stack, "RunnerRole", action, resource)


@pytest.mark.parametrize(
    ("role", "action", "resource", "allowed"),
    [
        ("ScheduleRole", "lambda:InvokeFunction", LIVE, True),
        ("ScheduleRole", "lambda:InvokeFunction", FUNCTION, False),
        ("ScheduleRole", "lambda:InvokeFunction", LIVE.replace("f1-", "f1dev-"), False),
        ("SmokeRole", "lambda:InvokeFunction", f"{FUNCTION}:7", True),
        ("SmokeRole", "lambda:InvokeFunction", f"{FUNCTION}dev:7", False),
        ("SmokeRole", "s3:GetObject", f"{LAKE}/lake.json", False),
        ("ScheduleRole", "s3:GetObject", f"{LAKE}/lake.json", False),
        ("StateMachineRole", "lambda:InvokeFunction", LIVE, True),
        ("StateMachineRole", "states:StartExecution", f"{STATES}stateMachine:f1-backfill", True),
        ("StateMachineRole", "states:StartExecution", f"{STATES}stateMachine:other", False),
        ("StateMachineRole", "s3:GetObject", f"{LAKE}/backfill/r/units.json", True),
        ("StateMachineRole", "s3:PutObject", f"{LAKE}/backfill/results/x/manifest.json", True),
        ("StateMachineRole", "s3:PutObject", f"{LAKE}/models/champion.json", False),
        ("StateMachineRole", "dynamodb:UpdateItem", f"{TABLE}f1_session_tracking", False),
    ],
)
def test_the_other_roles_may_do_their_one_thing(
    stack: Stack, role: str, action: str, resource: str, allowed: bool
) -> None:
    assert _permitted(stack, role, action, resource) is allowed


def test_with_an_account_the_function_reads_its_one_secret_and_no_other(stack: Stack) -> None:
    own = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:f1/f1-account-AbCdEf"
    with_account = replace(stack, ids={**stack.ids, "F1AccountSecret": own})  # moto makes no secrets of a template
    policy = with_account.properties("AccountPolicy")
    assert policy["Roles"] == [stack.ids["RunnerRole"]]
    tried = IAMPolicy(json.dumps(policy["PolicyDocument"]))
    assert tried.is_action_permitted("secretsmanager:GetSecretValue", own) is PermissionResult.PERMITTED
    token = with_account.properties("F1TokenSecret")["Name"]
    assert token == "f1/f1-token"
    for action, resource in [
        ("secretsmanager:GetSecretValue", own.replace("f1/", "f1dev/")),
        ("secretsmanager:PutSecretValue", own),
        ("secretsmanager:DeleteSecret", own),
        ("secretsmanager:ListSecrets", "*"),
    ]:
        assert tried.is_action_permitted(action, resource) is not PermissionResult.PERMITTED, action


def test_no_policy_has_a_star_where_a_name_could_stand(stack: Stack) -> None:
    for name, resource in stack.resources.items():
        if resource["Type"] not in ("AWS::IAM::Role", "AWS::IAM::Policy"):
            continue
        properties = stack.properties(name) if "Condition" not in resource else resource["Properties"]
        for policy in properties.get("Policies", [properties]):
            for statement in policy.get("PolicyDocument", {"Statement": []})["Statement"]:
                if statement.get("Sid") in WITHOUT_RESOURCES:
                    assert not set(statement["Action"]) - WITHOUT_RESOURCES[statement["Sid"]], name
                    continue
                resources = statement["Resource"]
                for arn in resources if isinstance(resources, list) else [resources]:
                    assert not isinstance(arn, str) or not re.search(r"^\*$|:\*:|\*\*", arn), (name, arn)
                actions = statement["Action"]
                for action in actions if isinstance(actions, list) else [actions]:
                    assert "*" not in action, (name, action)


def test_only_aws_services_of_this_account_may_take_the_roles(stack: Stack) -> None:
    services = {"RunnerRole": "lambda", "SmokeRole": "lambda", "ScheduleRole": "scheduler"}
    services |= {"StateMachineRole": "states", "DeployRole": "codedeploy"}
    for role, service in services.items():
        (statement,) = stack.properties(role)["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": f"{service}.amazonaws.com"}
        if services[role] != "lambda":
            assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_two_stacks_live_side_by_side(two_stacks: tuple[Stack, Stack]) -> None:
    first, second = two_stacks
    assert set(first.ids) == set(second.ids)
    assert not set(first.ids.values()) & set(second.ids.values())


def test_every_resource_that_can_bear_a_tag_or_a_name_bears_the_prefix(stack: Stack) -> None:
    cannot = {
        "AWS::S3::BucketPolicy",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::SNS::TopicPolicy",
        "AWS::SNS::Subscription",
        "AWS::IAM::Policy",
        "AWS::CodeDeploy::Application",
    }
    for name, resource in spelled_out()["Resources"].items():
        text = json.dumps(resource["Properties"])
        assert resource["Type"] in cannot or "${ResourcePrefix}" in text or '"Ref": "ResourcePrefix"' in text, name


def test_every_alarm_tells_the_topic_and_watches_a_metric_that_is_sent(stack: Stack) -> None:
    import boto3

    client = boto3.client("cloudwatch", region_name=REGION)
    alarms = [name for name, r in stack.resources.items() if r["Type"] == "AWS::CloudWatch::Alarm"]
    for name in alarms:
        alarm = stack.properties(name)
        client.put_metric_alarm(**alarm)
        assert alarm["AlarmActions"] == [stack.ids["AlarmTopic"]]
        if alarm["Namespace"] == "f1lib/f1":
            assert alarm["MetricName"] in METRICS
            assert alarm["Dimensions"] == [{"Name": "service", "Value": "f1-runner"}]
    assert {"ErrorAlarm", "DeadLetterAlarm", "PredictionMissingAlarm", "DurationAlarm"} <= set(alarms)


def test_the_documented_table_names_every_metric_with_its_unit_and_meaning() -> None:
    text = (FOLDER.parent / "docs" / "aws.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ([\w-]+) \| (.+) \|$", text, re.M)
    found = {name: (unit, "" if dimension == "-" else dimension, said) for name, unit, dimension, said in rows}
    assert found == METRICS


def test_the_duration_alarm_goes_off_before_the_limit(stack: Stack) -> None:
    limit = stack.properties("RunnerFunction")["Timeout"] * 1000
    assert 0.5 * limit < stack.properties("DurationAlarm")["Threshold"] < limit


def test_the_dashboard_shows_metrics_that_are_sent(stack: Stack) -> None:
    body = json.loads(stack.properties("Dashboard")["DashboardBody"])
    text = json.dumps([widget["properties"].get("metrics", []) for widget in body["widgets"]])
    named = set(re.findall(r'"f1lib/f1", "(\w+)"', text)) | set(re.findall(r"MetricName=\W+(\w+)", text))
    assert named
    assert named <= set(METRICS)


def test_the_function_s_environment_is_what_the_settings_read(stack: Stack, tmp_path: Any) -> None:
    environment = stack.properties("RunnerFunction")["Environment"]["Variables"]
    settings = load_settings(FOLDER.parent / "parameters" / "aws.yml", environment, {})
    assert settings.lake == f"s3://f1-lake-{ACCOUNT}-{REGION}"
    assert settings.tracking == "dynamodb://f1_session_tracking?predictions=f1_predictions"
    assert settings.source == "live"
    assert "AWS_REGION" not in environment


def test_the_function_runs_the_image_within_lambda_s_limits(stack: Stack) -> None:
    properties = stack.properties("RunnerFunction")
    assert properties["PackageType"] == "Image"
    assert properties["Timeout"] == 900
    assert properties["MemorySize"] == 2048
    metadata = load_template()["Resources"]["RunnerFunction"]["Metadata"]
    assert (FOLDER / metadata["DockerContext"] / metadata["Dockerfile"]).is_file()


def test_logs_are_kept_for_a_time_and_not_for_ever(stack: Stack) -> None:
    import boto3

    client = boto3.client("logs", region_name=REGION)
    (group,) = client.describe_log_groups(logGroupNamePrefix="/aws/lambda/f1-")["logGroups"]
    assert (group["logGroupName"], group["retentionInDays"]) == ("/aws/lambda/f1-runner", 30)


def test_no_secret_stands_in_the_template() -> None:
    text = (FOLDER / "template.yaml").read_text(encoding="utf-8")
    assert not re.search(r"AKIA[0-9A-Z]{16}|(?i:password\w*\s*[:=]\s*[\"']?\w{6,})", text)
    assert load_template()["Resources"]["F1AccountSecret"]["Properties"]["SecretString"] == "{}"
