"""The queue of events that were given up, worked through once: what is done again, dropped, left."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from moto import mock_aws

from f1lib.aws.dead_letters import drain
from f1lib.errors import BadParameters, SourceError, StorageError
from tests.support.standins import REGION

INGEST = {"action": "ingest_session", "event_partition_key": "2025_Qatar_Grand_Prix", "session_abr": "Q"}


@pytest.fixture
def queue(aws_environment: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    import boto3

    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        yield str(boto3.client("sqs", region_name=REGION).create_queue(QueueName="dead")["QueueUrl"])


def _send(queue: str, body: str, **attributes: str) -> None:
    import boto3

    named = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
    boto3.client("sqs", region_name=REGION).send_message(QueueUrl=queue, MessageBody=body, MessageAttributes=named)


def _given_up(event: Any, error: str) -> str:
    """A record as Lambda writes it to the destination of a failed asynchronous call."""
    answer = {"errorType": "SourceError", "errorMessage": error}
    context = {"condition": "RetriesExhausted", "approximateInvokeCount": 2}
    record = {"version": "1.0", "requestContext": context, "requestPayload": event, "responsePayload": answer}
    return json.dumps(record)


def _left(queue: str) -> int:
    """Messages in the queue; those that were handed out and not taken off count."""
    import boto3

    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    client = boto3.client("sqs", region_name=REGION)
    found = client.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


def _drain(
    queue: str, do: Callable[[Any], object], has_time: Callable[[], bool] = lambda: True
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    lines: list[dict[str, Any]] = []
    answer = drain(queue, do, lambda message, **fields: lines.append({"message": message, **fields}), has_time)
    return answer, lines


def test_an_event_that_was_given_up_is_done_again_and_taken_off(queue: str) -> None:
    _send(queue, _given_up(INGEST, "502 from the source"))
    done: list[Any] = []
    answer, (line,) = _drain(queue, done.append)
    assert (answer, done, _left(queue)) == ({"done": 1, "dropped": 0, "left": 0}, [INGEST], 0)
    assert line["why"] == "502 from the source"


def test_a_tick_is_taken_off_and_not_done_again_for_the_next_one_does_all_that_is_due(queue: str) -> None:
    _send(queue, json.dumps({"action": "tick"}), ERROR_CODE="AWS.Scheduler.Throttled", ERROR_MESSAGE="throttled")
    done: list[Any] = []
    answer, (line,) = _drain(queue, done.append)
    assert (answer, done, _left(queue)) == ({"done": 0, "dropped": 1, "left": 0}, [], 0)
    assert line["why"] == "AWS.Scheduler.Throttled throttled"


def test_what_fails_again_stays_and_the_others_are_done(queue: str) -> None:
    other = {**INGEST, "session_abr": "R"}
    for event in (INGEST, other):
        _send(queue, _given_up(event, "502"))

    def do(event: Any) -> None:
        if event == INGEST:
            raise SourceError("still down")

    answer, lines = _drain(queue, do)
    assert (answer, _left(queue)) == ({"done": 1, "dropped": 0, "left": 1}, 1)
    assert {line["error"] for line in lines} == {"still down", None}


@pytest.mark.parametrize("body", ["not json", "[1]", _given_up("text", "x"), _given_up({"action": "drain"}, "x")])
def test_what_can_never_succeed_is_taken_off_and_said(queue: str, body: str) -> None:
    _send(queue, body)
    answer, (line,) = _drain(queue, lambda event: pytest.fail("it is not done"))
    assert (answer["dropped"], _left(queue), line["message"]) == (1, 0, "dead letter dropped")


def test_an_event_that_is_refused_is_taken_off(queue: str) -> None:
    _send(queue, _given_up({"action": "destroy"}, "x"))

    def do(event: Any) -> None:
        raise BadParameters("event: action")

    answer, (line,) = _drain(queue, do)
    assert (answer["dropped"], line["error"]) == (1, "event: action")


def test_without_time_the_rest_stays_in_the_queue(queue: str) -> None:
    for number in range(12):
        _send(queue, _given_up({**INGEST, "session_abr": str(number)}, "502"))
    times = iter([True] * 5 + [False] * 9)
    answer, _ = _drain(queue, lambda event: None, lambda: next(times))
    assert (answer["done"], _left(queue)) == (5, 7)


def test_a_queue_that_is_not_there_is_an_error_that_names_it(queue: str) -> None:
    with pytest.raises(StorageError, match="cannot read the dead letters"):
        _drain(queue.replace("dead", "nowhere"), lambda event: None)
