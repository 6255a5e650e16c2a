"""Requests to S3 and DynamoDB of a tick: ``python -m benchmarks.cloud LAKE NOW GRID``; prints JSON.

The lake and its rows are copied to moto's stand-ins in this process, where botocore tells of every request, tries that
are repeated included. Counted are a tick with nothing due at NOW, and the chain of the grid, which is visible at GRID.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from f1lib.lake.store import open_store
from f1lib.pipeline.tick import TickResult, tick
from f1lib.tracking.table import open_tracking
from f1lib.workspace.workspace import Workspace, open_workspace

TABLE, PREDICTIONS = "bench-sessions", "bench-predictions"
WHERE = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "eu-central-1"}


def main() -> None:
    """Count."""
    import boto3
    from moto import mock_aws

    lake, now, grid = sys.argv[1:]
    os.environ |= WHERE
    os.environ.pop("AWS_ENDPOINT_URL", None)
    with mock_aws():
        made()
        counted: Counter[str] = Counter()
        boto3.setup_default_session()
        for service in ("s3", "dynamodb"):
            boto3.DEFAULT_SESSION.events.register(
                f"request-created.{service}", lambda operation_name, **_: counted.update([operation_name])
            )
        url, table = "s3://bench/lake", f"dynamodb://{TABLE}?predictions={PREDICTIONS}"
        copied(Path(lake), url, table)
        found: dict[str, Any] = {}
        for name, moment in {"nothing due": now, "chain of a grid": grid}.items():
            ws = open_workspace(lake=url, tracking=table, source="simulated", as_of=moment)
            counted.clear()
            done = ticked(ws)
            if bool(done.runs) == (name == "nothing due"):
                raise SystemExit(f"{name}: {[run.step.stage for run in done.runs]}")
            print(f"requests, {name}: {dict(counted.most_common())}", file=sys.stderr)
            found[f"requests, {name}"] = {"requests": [counted.total()]}
    print(json.dumps(found))


def made() -> None:
    """The bucket and both tables, as the template makes them."""
    import boto3

    from tests.support.standins import load_template

    place = {"LocationConstraint": WHERE["AWS_DEFAULT_REGION"]}
    boto3.client("s3").create_bucket(Bucket="bench", CreateBucketConfiguration=place)
    for resource, name in {"SessionTable": TABLE, "PredictionsTable": PREDICTIONS}.items():
        properties = load_template()["Resources"][resource]["Properties"]
        wanted = ("KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes", "BillingMode")
        boto3.client("dynamodb").create_table(
            TableName=name, **{key: properties[key] for key in wanted if key in properties}
        )


def copied(lake: Path, url: str, table: str) -> None:
    """Put the files and the rows of a folder's lake where the stand-ins have them."""
    here, there = open_store(str(lake)), open_store(url)
    for key in here.list():
        if not key.startswith("tracking.db"):
            there.write(key, here.read(key))
    open_tracking(table).put_rows(open_tracking(f"sqlite:///{lake}/tracking.db").rows())


def ticked(ws: Workspace) -> TickResult:
    """One tick with its notebooks in this process, as on AWS."""
    done = tick(replace(ws, settings=replace(ws.settings, engine="inprocess")))
    if done.failures:
        raise SystemExit(f"the tick at {ws.as_of} failed: {done.failures[0].error}")
    return done


if __name__ == "__main__":
    main()
