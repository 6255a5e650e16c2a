"""Stand-ins for AWS, each a process of its own on a free loopback port: moto's server, npm's dynalite.

Tables and bucket are made from ``lambda_runner/template.yaml``, so that what is tested is what is deployed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

TEMPLATE = Path(__file__).resolve().parents[2] / "lambda_runner" / "template.yaml"
MOTO = Path(__file__).with_name("moto_in_turn.py")
REGION = "eu-central-1"
# A page of an S3 listing; AWS answers 1000 keys, which take a while to write.
SHORT_PAGES = {"MOTO_S3_DEFAULT_MAX_KEYS": "100"}
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
START_SECONDS = 60


class _TemplateLoader(yaml.CSafeLoader):
    """CloudFormation's short forms as their long ones: ``!Ref x`` -> ``{"Ref": "x"}``."""


def _long_form(loader: _TemplateLoader, tag: str, node: yaml.Node) -> dict[str, Any]:
    name = tag if tag in ("Ref", "Condition") else f"Fn::{tag}"
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        return {name: value.split(".", 1) if tag == "GetAtt" else value}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {name: loader.construct_mapping(node, deep=True)}


_TemplateLoader.add_multi_constructor("!", _long_form)


@cache
def _parsed(name: str) -> dict[str, Any]:
    document = yaml.load(TEMPLATE.with_name(name).read_text(encoding="utf-8"), Loader=_TemplateLoader)
    assert isinstance(document, dict)
    return document


def load_template(name: str = TEMPLATE.name) -> dict[str, Any]:
    """A template of CloudFormation as data of the caller's own, by default the stack's."""
    return deepcopy(_parsed(name))


@dataclass(frozen=True)
class Server:
    """A running stand-in."""

    url: str
    process: subprocess.Popen[bytes]

    def client(self, service: str) -> Any:
        """A plain boto3 client of this stand-in: the tests' own, not the one under test."""
        import boto3

        return boto3.client(service, endpoint_url=self.url, region_name=REGION)


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], port: int, variables: Mapping[str, str] | None = None) -> Iterator[Server]:
    """``command`` as a process that listens on ``port``, ended with the block."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, **CREDENTIALS, **(variables or {})}
        )
        try:
            _wait(process, port, log)
            yield Server(f"http://127.0.0.1:{port}", process)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Any) -> None:
    for _ in range(START_SECONDS * 20):
        if process.poll() is not None:
            log.seek(0)
            raise RuntimeError(f"{process.args!r} ended at once: {log.read().decode(errors='replace')[-2000:]}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} did not listen on port {port} within {START_SECONDS} s")


@pytest.fixture(scope="session")
def aws_environment() -> Iterator[None]:
    """Credentials that open nothing, and no look at the user's own."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session")
def moto(aws_environment: None) -> Iterator[Server]:
    """moto's server: S3, DynamoDB and more; it takes requests in turn (`moto_in_turn`)."""
    port = free_port()
    with running([sys.executable, str(MOTO), "-H", "127.0.0.1", "-p", str(port)], port, SHORT_PAGES) as server:
        yield server


def dynalite_command() -> list[str]:
    """How to start dynalite (npm), kept outside the project; a skip when npm or the registry is absent."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if not npm or not node:
        pytest.skip("dynalite needs node and npm, which are not installed")
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "f1lib" / "dynalite"
    command = cache / "node_modules" / "dynalite" / "cli.js"
    if not command.exists():
        cache.mkdir(parents=True, exist_ok=True)
        install = [npm, "install", "--no-save", "--no-audit", "--no-fund", "--prefix", str(cache), "dynalite@4"]
        done = subprocess.run(install, capture_output=True, text=True, timeout=180, check=False)
        if done.returncode or not command.exists():
            pytest.skip(f"dynalite cannot be installed by npm: {done.stderr.strip()[-200:]}")
    return [node, str(command)]


@pytest.fixture(scope="session")
def dynalite(aws_environment: None) -> Iterator[Server]:
    """dynalite: a second, independent DynamoDB."""
    command, port = dynalite_command(), free_port()
    with running([*command, "--host", "127.0.0.1", "--port", str(port), "--createTableMs", "0"], port) as server:
        yield server


def make_tables(server: Server, prefix: str) -> str:
    """Both tables as the template defines them, named ``<prefix>-...``; returns the tracking URL."""
    client = server.client("dynamodb")
    names = {"SessionTable": f"{prefix}-sessions", "PredictionsTable": f"{prefix}-predictions"}
    for resource, name in names.items():
        properties = load_template()["Resources"][resource]["Properties"]
        wanted = ("KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes", "BillingMode")
        client.create_table(TableName=name, **{key: properties[key] for key in wanted if key in properties})
        while client.describe_table(TableName=name)["Table"]["TableStatus"] != "ACTIVE":
            time.sleep(0.02)
    query = f"predictions={names['PredictionsTable']}&endpoint={server.url}&region={REGION}"
    return f"dynamodb://{names['SessionTable']}?{query}"


def make_bucket(server: Server, name: str) -> str:
    """A bucket; returns the lake's URL in it."""
    client = server.client("s3")
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return f"s3://{name}/lake?endpoint={server.url}&region={REGION}"
