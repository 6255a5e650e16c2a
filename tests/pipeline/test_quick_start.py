"""The quick start on simulated data: the same pipeline, a world whose truth is known."""

import io
import json
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import get_type_hints

import pytest

from f1lib.cli.main import main
from f1lib.errors import SourceError
from f1lib.predictions import archive
from f1lib.silver import build
from f1lib.tracking.rows import Status, TrackingRow
from f1lib.tracking.table import open_tracking
from f1lib.workspace import workspace
from tests.support.lakes import begin_simulated

# Some ten races into the first season of the simulated history: enough to train on.
NOW = "2024-06-20T10:00:00Z"


@dataclass
class Begun:
    """A new lake, what the command said on its first tick, which failed, and on the one after it."""

    lake: Path
    options: list[str]
    failed: str
    status: str
    printed: str


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Begun]:
    """A lake begun by two ticks, notebooks run in this process; the disk is full while silver is first built."""
    lake = tmp_path_factory.mktemp("quick") / "lake"
    options = [*begin_simulated(lake, 2024), "--now", NOW]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("F1_ENGINE", "inprocess")
        with patch.context() as full:
            full.setattr(build, "build_silver", _full_disk)
            _, failed = _said(1, "run", *options)
        status, _ = _said(0, "status", *options)
        printed, _ = _said(0, "run", *options)
        yield Begun(lake, options, failed, status, printed)


def _full_disk(*_: object) -> None:
    raise OSError("No space left on device")


def _said(exit_status: int, *words: str) -> tuple[str, str]:
    """What a command wrote to its two streams, as words with one blank between them."""
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        assert main(list(words)) == exit_status
    return " ".join(out.getvalue().split()), " ".join(err.getvalue().split())


def test_simulated_data_goes_the_whole_way_and_says_what_it_is(begun: Begun) -> None:
    assert "SIMULATED DATA" in begun.printed
    event = json.loads((begun.lake / "reports/next_races.json").read_text(encoding="utf-8"))
    assert event
    assert "SIMULATED" in (begun.lake / "reports/run_summary.html").read_text(encoding="utf-8").upper()
    newest = min(begun.lake.glob("predictions/2024/*_predictions.parquet"))
    key = f"2024_{newest.name.removesuffix('_predictions.parquet')}"
    assert set(archive.read(key, lake=str(begun.lake))["source"]) == {"simulated"}


def test_a_failed_stage_is_seen_in_the_status_and_retried_by_the_next_tick(begun: Begun) -> None:
    assert "No space left on device" in begun.failed
    assert "No space left" in begun.status
    found = {}
    for path in begun.lake.glob("reports/runs/*/03_silver.ipynb"):
        record = json.loads(path.read_text(encoding="utf-8"))["metadata"]["f1lib"]
        found[record["status"]] = record["error"]
    assert set(found) == {"failed", "finished"}


def test_a_tick_straight_after_finds_nothing_due(begun: Begun) -> None:
    printed, _ = _said(0, "run", *begun.options)
    assert "nothing is due" in printed


def test_auto_without_a_network_says_loudly_that_data_is_simulated_and_keeps_it_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from f1lib.sources.f1db import download

    def unreachable(*_: object, **__: object) -> Path:
        raise SourceError("F1DB cannot be reached")

    monkeypatch.setattr(download, "locate", unreachable)
    ws = workspace.open_workspace(source="auto", as_of=NOW)
    assert ws.source_name == "simulated"
    assert ws.store.url.endswith("lake-simulated")
    assert ws.notices == ["SIMULATED DATA: no F1DB release can be had (F1DB cannot be reached)"]
    with pytest.raises(SourceError):
        workspace.open_workspace(source="auto", f1db=str(tmp_path / "no.zip"), as_of=NOW)


def test_every_attribute_that_a_run_leaves_in_the_table_is_one_of_the_typed_row(begun: Begun) -> None:
    rows = open_tracking(f"sqlite:///{begun.lake / 'tracking.db'}").rows()
    assert {key for row in rows for key in row} <= set(get_type_hints(TrackingRow))
    assert {row["status"] for row in rows if "status" in row} <= set(Status)
