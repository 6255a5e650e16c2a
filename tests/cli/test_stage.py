"""`f1 stage`: one stage on request."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from f1lib.cli.main import main


def test_a_stage_prints_its_result_as_json_and_where_its_record_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--source", "simulated", "--lake", str(tmp_path / "lake"), "--now", "2024-03-01"]
    assert main(["stage", "schedule", "-p", "seasons", "[2024]", *options]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["events"] > 20
    record = said.err.removeprefix("record: ").partition(" in ")[0]
    assert (tmp_path / "lake" / record).is_file()
