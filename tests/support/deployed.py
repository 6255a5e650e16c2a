"""The template deployed into moto's CloudFormation, with SAM's two kinds of resources spelled out.

moto skips what it does not know and still says CREATE_COMPLETE, so the tests look at every resource.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.standins import REGION, load_template

FOLDER = Path(__file__).resolve().parents[2] / "lambda_runner"
ACCOUNT = "123456789012"


def definition(name: str) -> str:
    """The text of a state machine's file."""
    return (FOLDER / name).read_text(encoding="utf-8")


def spelled_out() -> dict[str, Any]:
    """The template as CloudFormation takes it, without SAM's transform."""
    template = load_template()
    del template["Transform"], template["Globals"]
    resources: dict[str, Any] = {"ServerlessDeploymentApplication": _application()}
    for name, resource in template["Resources"].items():
        resources |= _spelled_out(name, resource)
    named: dict[str, Any] = _named({**template, "Resources": resources})
    return named


def _application() -> dict[str, Any]:
    return {"Type": "AWS::CodeDeploy::Application", "Properties": {"ComputePlatform": "Lambda"}}


def _named(value: Any) -> Any:
    """SAM's ``!Ref Function.Alias`` and ``!Ref Function.Version`` as the ARNs they come to."""
    if isinstance(value, list):
        return [_named(element) for element in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("Ref"), str) and "." in value["Ref"]:
        name = "live" if value["Ref"].endswith(".Alias") else "1"
        function = "lambda:${AWS::Region}:${AWS::AccountId}:function:${ResourcePrefix}-runner"
        return {"Fn::Sub": f"arn:${{AWS::Partition}}:{function}:{name}"}
    return {key: _named(element) for key, element in value.items()}


def _spelled_out(name: str, resource: dict[str, Any]) -> dict[str, Any]:
    properties = dict(resource["Properties"])
    if resource["Type"] == "AWS::Serverless::StateMachine":
        text = definition(properties.pop("DefinitionUri"))
        substitutions = properties.pop("DefinitionSubstitutions")
        arguments = {"DefinitionString": {"Fn::Sub": [text, substitutions]}, "RoleArn": properties["Role"]}
        arguments |= {"LoggingConfiguration": properties["Logging"], "TracingConfiguration": properties["Tracing"]}
        return {
            name: _typed(
                resource, "AWS::StepFunctions::StateMachine", {"StateMachineName": properties["Name"]} | arguments
            )
        }
    if resource["Type"] == "AWS::Serverless::Function":
        return _function(name, resource, properties)
    return {name: resource}


def _function(name: str, resource: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    """A function, and what SAM makes beside it: its version, alias and the configuration of asynchronous calls."""
    for sams in ("DeploymentPreference", "AutoPublishAlias"):
        properties.pop(sams, None)
    if "InlineCode" in properties:
        code: dict[str, Any] = {"Code": {"ZipFile": properties.pop("InlineCode")}}
        return {name: _typed(resource, "AWS::Lambda::Function", {**properties, **code})}
    invoke = properties.pop("EventInvokeConfig")
    properties["TracingConfig"] = {"Mode": properties.pop("Tracing")}
    image = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/f1lib@sha256:{'0' * 64}"
    destination = {"OnFailure": {"Destination": invoke["DestinationConfig"]["OnFailure"]["Destination"]}}
    config = {**invoke, "DestinationConfig": destination, "FunctionName": {"Ref": name}, "Qualifier": "live"}
    return {
        name: _typed(resource, "AWS::Lambda::Function", {**properties, "Code": {"ImageUri": image}}),
        f"{name}InvokeConfig": {"Type": "AWS::Lambda::EventInvokeConfig", "Properties": config},
    }


def _typed(resource: dict[str, Any], kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in resource.items() if key in ("Condition", "DeletionPolicy", "DependsOn")}
    return {"Type": kind, "Properties": properties, **kept}


@dataclass(frozen=True)
class Stack:
    """A deployed stack: logical name -> physical id, and what CloudFormation would make of every property."""

    prefix: str
    ids: dict[str, str]
    resources: dict[str, Any]

    def properties(self, name: str) -> dict[str, Any]:
        """The properties of a resource with every reference resolved."""
        resolved = self.resolve(self.resources[name]["Properties"])
        assert isinstance(resolved, dict)
        return resolved

    def resolve(self, value: Any) -> Any:
        """``value`` without intrinsic functions; raises KeyError for a reference to nothing."""
        if isinstance(value, list):
            return [found for found in map(self.resolve, value) if found is not None]
        if not isinstance(value, dict):
            return value
        match value:
            case {"Ref": name}:
                return self._reference(name)
            case {"Fn::GetAtt": [name, attribute]}:
                return self._attribute(name, attribute)
            case {"Fn::Sub": str() as text}:
                return re.sub(r"\$\{([^}!]+)\}", lambda found: str(self._named(found[1])), text)
            case {"Fn::Sub": [text, names]}:
                return re.sub(r"\$\{(\w+)\}", lambda found: str(self.resolve(names[found[1]])), text)
            case {"Fn::If": [_, _, otherwise]}:
                return self.resolve(otherwise)
        return {key: self.resolve(found) for key, found in value.items()}

    def _named(self, name: str) -> Any:
        logical, dot, attribute = name.partition(".")
        return self._attribute(logical, attribute) if dot else self._reference(name)

    def _reference(self, name: str) -> Any:
        pseudo = {"AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "AWS::Partition": "aws", "AWS::NoValue": None}
        if name in pseudo:
            return pseudo[name]
        if name == "ResourcePrefix":
            return self.prefix
        if name in self.ids:
            return self.ids[name]
        if name in self.resources:  # one that moto does not make: its name is what a reference gives
            properties = self.resources[name]["Properties"]
            return self.resolve(next(properties[key] for key in properties if key.endswith("Name") or key == "Name"))
        return load_template()["Parameters"][name]["Default"]

    def _attribute(self, name: str, attribute: str) -> str:
        identity = str(self._reference(name))
        if attribute == "QueueName":
            return identity.rpartition("/")[2]
        assert attribute == "Arn", f"{name}.{attribute}"
        kinds = {
            "AWS::S3::Bucket": f"arn:aws:s3:::{identity}",
            "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{identity}",
            "AWS::Lambda::Function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{identity}",
            "AWS::SQS::Queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{identity.rpartition('/')[2]}",
            "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/{identity}",
        }
        return kinds[self.resources[name]["Type"]]


def deploy(prefix: str) -> Stack:
    """Deploy into the mocked account of the calling test."""
    import boto3

    client, template = boto3.client("cloudformation", region_name=REGION), spelled_out()
    client.create_stack(
        StackName=prefix,
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": "ResourcePrefix", "ParameterValue": prefix}],
        Capabilities=["CAPABILITY_IAM"],
    )
    found = client.describe_stack_resources(StackName=prefix)["StackResources"]
    made = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in found if "LogicalResourceId" in r}
    return Stack(prefix, made, template["Resources"])
