"""The queue of events that were given up after their retries: each is done again, or taken off with a log line.

A letter of Lambda's asynchronous calls is a record with the event as ``requestPayload``; one of EventBridge Scheduler
is the event itself, with the error in the message's attributes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from f1lib.errors import BadParameters, F1LibError
from f1lib.lake.aws_client import aws_client, aws_errors

_AT_ONCE = 10  # the most messages that SQS hands out in one call
_ACTIONS_OF_TICKS = ("tick", "drain")


@dataclass(frozen=True)
class DeadLetter:
    """One message of the queue: the event, why it was given up, and the receipt to take it off by."""

    event: Any
    why: str
    receipt: str


def drain(
    url: str, do: Callable[[Any], object], line: Callable[..., None], has_time: Callable[[], bool]
) -> dict[str, Any]:
    """Work through the queue once.

    A tick is not done again: the next one does all that is due. A letter that cannot be read, or whose event is not
    one of ours, is taken off: it can never succeed. One that fails again stays.

    Parameters
    ----------
    url : str
        URL of the queue.
    do : callable
        Does an event; raises `F1LibError` when it fails.
    line : callable
        Writes a log line: message, then fields by name.
    has_time : callable
        Asked before each letter; false ends in good order.

    Returns
    -------
    dict
        ``done``, ``dropped`` and ``left``: numbers of letters.

    Raises
    ------
    StorageError
        When the queue cannot be reached.
    """
    client, counts = aws_client("sqs", "", ""), {"done": 0, "dropped": 0, "left": 0}
    for letter in _letters(client, url, has_time):
        fate, said = _handle(letter, do)
        counts[fate] += 1
        line(f"dead letter {fate}", event=letter.event, why=letter.why, error=said or None)
        if fate != "left":
            with aws_errors("take a message off the dead letters"):
                client.delete_message(QueueUrl=url, ReceiptHandle=letter.receipt)
    return counts


def _letters(client: Any, url: str, has_time: Callable[[], bool]) -> Iterator[DeadLetter]:
    """Yield each letter once: what was handed out stays invisible for the queue's visibility timeout."""
    while True:
        with aws_errors("read the dead letters"):
            asked = {"MaxNumberOfMessages": _AT_ONCE, "MessageAttributeNames": ["All"]}
            found = client.receive_message(QueueUrl=url, **asked).get("Messages", [])
        if not found:
            return
        for message in found:
            if not has_time():
                return
            yield _letter(message)


def _letter(message: dict[str, Any]) -> DeadLetter:
    attributes = {name: value.get("StringValue", "") for name, value in message.get("MessageAttributes", {}).items()}
    why = f"{attributes.get('ERROR_CODE', '')} {attributes.get('ERROR_MESSAGE', '')}".strip()
    try:
        body = json.loads(message["Body"])
    except (ValueError, RecursionError):
        return DeadLetter(None, "not JSON", message["ReceiptHandle"])
    if isinstance(body, dict) and "requestPayload" in body:
        answer = body.get("responsePayload") or {}
        why = str(answer.get("errorMessage") if isinstance(answer, dict) else answer)
        body = body["requestPayload"]
    return DeadLetter(body, why[:500], message["ReceiptHandle"])


def _handle(letter: DeadLetter, do: Callable[[Any], object]) -> tuple[str, str]:
    """Return what became of a letter, and what was said."""
    event = letter.event
    if not isinstance(event, dict) or event.get("action") in _ACTIONS_OF_TICKS or "detail-type" in event:
        return "dropped", ""
    try:
        do(event)
    except BadParameters as error:
        return "dropped", str(error)
    except F1LibError as error:
        return "left", str(error)
    return "done", ""
