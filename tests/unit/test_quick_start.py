"""The quick start on simulated data: the same pipeline, a world whose truth is known."""

import json
from pathlib import Path

import pytest

from f1lib import predictions, workspace
from f1lib.cli import main
from f1lib.errors import SourceError

NOW = "2025-06-12T10:00:00Z"


@pytest.fixture
def small_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A lake begun with two seasons of simulated history, and notebooks run in this process."""
    lake = tmp_path / "lake"
    lake.mkdir()
    marker = {"kind": "simulated", "seed": 3, "first_season": 2024}
    (lake / "lake.json").write_text(json.dumps(marker), encoding="utf-8")
    monkeypatch.setenv("F1_ENGINE", "inprocess")
    return ["--source", "simulated", "--lake", str(lake), "--now", NOW]


def test_simulated_data_goes_the_whole_way_and_says_what_it_is(
    small_world: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    lake = Path(small_world[3])
    assert main(["run", *small_world]) == 0
    printed = capsys.readouterr().out
    assert "SIMULATED DATA" in printed
    event = json.loads((lake / "reports/next_races.json").read_text(encoding="utf-8"))
    assert event
    assert "SIMULATED" in (lake / "reports/run_summary.html").read_text(encoding="utf-8").upper()
    (newest,) = lake.glob("predictions/2025/*_predictions.parquet")
    key = f"2025_{newest.name.removesuffix('_predictions.parquet')}"
    assert set(predictions.read(key, lake=str(lake))["source"]) == {"simulated"}
    assert main(["run", *small_world]) == 0
    assert "nothing is due" in capsys.readouterr().out


def test_a_failed_stage_is_seen_in_the_status_and_retried_by_the_next_tick(
    small_world: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from f1lib import silver

    def broken(*_: object) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(silver, "build", broken)
        assert main(["run", *small_world]) == 1
        assert "No space left on device" in capsys.readouterr().err
    assert main(["status", *small_world]) == 0
    assert "No space left" in " ".join(capsys.readouterr().out.split())
    records = list(Path(small_world[3]).glob("reports/runs/*/03_silver.ipynb"))
    assert json.loads(records[0].read_text(encoding="utf-8"))["metadata"]["f1lib"]["status"] == "failed"
    assert main(["run", *small_world]) == 0


def test_auto_without_a_network_says_loudly_that_data_is_simulated_and_keeps_it_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from f1lib.sources import f1db_release

    def unreachable(*_: object, **__: object) -> Path:
        raise SourceError("F1DB cannot be reached")

    monkeypatch.setattr(f1db_release, "locate", unreachable)
    ws = workspace.open_workspace(source="auto", as_of=NOW)
    assert ws.source_name == "simulated"
    assert ws.store.url.endswith("lake-simulated")
    assert ws.notices == ["SIMULATED DATA: no F1DB release can be had (F1DB cannot be reached)"]
    with pytest.raises(SourceError):
        workspace.open_workspace(source="auto", f1db=str(tmp_path / "no.zip"), as_of=NOW)
