"""A plain tick is read without pydantic, and as it would be with it; everything else is `parse_event`'s."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from f1lib.aws.events import read_event
from f1lib.aws.plain_tick import PlainTick
from f1lib.aws.schema import IngestSession, Tick, parse_event
from f1lib.errors import BadParameters

ODD = st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.lists(st.text(max_size=3), max_size=2)
MOMENTS = st.datetimes().map(lambda moment: moment.isoformat() + "Z") | st.sampled_from(["", "now", "2025-12-06 16:00"])
EVENTS = st.fixed_dictionaries(
    {},
    optional={
        "action": st.just("tick") | ODD, "now": MOMENTS | ODD, "stages": st.just(["08_report"]) | ODD,
        "raise_failures": ODD, "source": st.sampled_from(["aws.scheduler", "aws.events", "x"]), "detail-type": ODD,
    },
)  # fmt: skip


def _outcome(read: Any, event: Any) -> Any:
    try:
        found = read(event)
    except BadParameters as error:
        return str(error)
    return found.action, found.now, list(found.stages), found.raise_failures


@settings(deadline=None)  # the first of them imports pydantic
@given(event=EVENTS | ODD)
def test_any_event_is_read_or_refused_as_it_is_by_the_whole_check(event: Any) -> None:
    assert _outcome(read_event, event) == _outcome(parse_event, event)


def test_what_is_more_than_a_plain_tick_is_a_model() -> None:
    assert isinstance(read_event({"action": "tick", "stages": ["08_report"]}), Tick)
    ingest = {"action": "ingest_session", "event_partition_key": "2025_Italian_Grand_Prix", "session_abr": "Q"}
    assert isinstance(read_event(ingest), IngestSession)


@pytest.mark.parametrize("event", [{"action": "tick"}, {"source": "aws.scheduler", "detail-type": "Scheduled Event"}])
def test_the_schedule_s_event_is_a_plain_tick_now(event: dict[str, Any]) -> None:
    assert read_event(event) == PlainTick()


def test_the_handler_reads_a_tick_without_what_takes_long_to_import(root: Path) -> None:
    script = (
        "import json, sys, lambda_runner.handler as handler; handler.read_event({'action': 'tick'});"
        "print(json.dumps(sorted({'pydantic', 'numpy', 'pandas', 'duckdb', 'pyarrow', 'boto3'} & set(sys.modules))))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=root, check=True, capture_output=True, text=True)
    assert json.loads(done.stdout) == []
