"""A lake that an older version wrote is gone on with, and one of a newer format is refused.

``data/lake-*.tar.xz``: made by ``data/make_older_lake.py`` with 0.1.0, and with the last commit without a wheel.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from f1lib.cli.main import main
from f1lib.lake.provenance import code_version
from f1lib.predictions import archive
from f1lib.workspace.lake_kind import FORMAT

KEPT = Path(__file__).with_name("data")
OLDER = ("0.1.0", "d5f6776")
# When the lake was left, and the morning after its next race.
THEN, MONDAY = "2024-06-20T10:00:00Z", "2024-07-01T10:00:00Z"
AUSTRIA, BRITAIN = "2024_Austrian_Grand_Prix", "2024_British_Grand_Prix"
# What is never changed once it is there, whatever runs on a lake.
NEVER_CHANGED = ("predictions/2024/history/", "models/run_id=", "gold/gold_driver_event_features/", "reports/runs/")


@dataclass
class Lived:
    """An older lake: its files before, after a tick at the same moment, and after one on Monday."""

    lake: Path
    before: dict[str, str]
    same_moment: dict[str, str]
    monday: dict[str, str]


@pytest.fixture(scope="module", params=OLDER)
def lived(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Lived:
    lake = _unpacked(request.param, tmp_path_factory.mktemp("older"))
    before = _files(lake)
    _tick(lake, THEN, 0)
    same_moment = _files(lake)
    _tick(lake, MONDAY, 0)
    return Lived(lake, before, same_moment, _files(lake))


def test_a_tick_at_the_same_moment_renews_at_most_the_pages(lived: Lived) -> None:
    assert lived.before
    changed = {key for key, digest in lived.same_moment.items() if lived.before.get(key) != digest}
    assert set(lived.before) <= set(lived.same_moment)
    assert {key.split("/")[0] for key in changed} <= {"reports", "tracking.db"}


def test_nothing_is_lost_and_what_was_issued_stays_as_it_was(lived: Lived) -> None:
    assert set(lived.monday) >= set(lived.before)
    kept = {key: digest for key, digest in lived.before.items() if key.startswith(NEVER_CHANGED)}
    assert {key.split("/")[0] for key in kept} == {"predictions", "models", "gold", "reports"}
    assert {key: lived.monday[key] for key in kept} == kept


def test_new_sessions_are_ingested_and_the_next_race_is_predicted(lived: Lived) -> None:
    new = set(lived.monday) - set(lived.before)
    for session in ("P1", "SQ", "S", "Q", "R"):
        assert f"bronze/sessions/2024/Austrian_Grand_Prix/{session}/results.parquet" in new
    predicted = archive.read(BRITAIN, lake=str(lived.lake))
    assert predicted["as_of_utc"].unique().tolist() == [pd.Timestamp(MONDAY)]
    assert predicted["p_win"].sum() == pytest.approx(1)


def test_predictions_of_the_older_version_are_read_and_scored(lived: Lived) -> None:
    issued = archive.read(AUSTRIA, lake=str(lived.lake))
    assert issued["as_of_utc"].unique().tolist() == [pd.Timestamp(THEN)]
    accuracy = json.loads((lived.lake / "reports/accuracy.json").read_text(encoding="utf-8"))
    scored = [*accuracy["predictions"], *accuracy["sprints"]["predictions"]]
    assert {(row["event_partition_key"], row["session"]) for row in scored} == {(AUSTRIA, "R"), (AUSTRIA, "S")}


def test_models_of_the_older_version_serve_and_are_compared_with_the_new_ones(
    lived: Lived, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "list", "--source", "simulated", "--lake", str(lived.lake), "--now", MONDAY]) == 0
    listed = capsys.readouterr().out
    assert "20240620T100000Z-blend_v1-pre_weekend" in listed
    assert "20240701T100000Z-blend_v2-pre_weekend" in listed


def test_pages_of_the_older_version_are_renewed_and_say_so(lived: Lived) -> None:
    page = (lived.lake / "reports/races/2024/Austrian_Grand_Prix.html").read_text(encoding="utf-8")
    assert code_version() in page


def test_a_lake_of_a_newer_format_is_refused_with_both_versions_and_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = _unpacked("0.1.0", tmp_path)
    marker = json.loads((lake / "lake.json").read_text(encoding="utf-8"))
    newer = {**marker, "format": FORMAT + 1, "code_version": "9.0.0+feedbeef"}
    (lake / "lake.json").write_text(json.dumps(newer), encoding="utf-8")
    before = _files(lake)
    _tick(lake, MONDAY, 1)
    error = capsys.readouterr().err
    assert f"has format {FORMAT + 1} (begun by f1lib 9.0.0+feedbeef)" in error
    assert f"f1lib {code_version()} reads formats up to {FORMAT}: update f1lib, or choose another --lake" in error
    assert main(["stage", "05_train", "--source", "simulated", "--lake", str(lake), "--now", MONDAY]) == 1
    assert main(["run", "--lake", str(lake), "--now", MONDAY]) == 1
    assert _files(lake) == before


def _unpacked(version: str, folder: Path) -> Path:
    with tarfile.open(KEPT / f"lake-{version}.tar.xz") as kept:
        if hasattr(tarfile, "data_filter"):  # not in Python 3.11.0 to 3.11.3
            kept.extraction_filter = tarfile.data_filter
        kept.extractall(folder)
    return folder / "lake"


def _tick(lake: Path, now: str, status: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("F1_ENGINE", "inprocess")
        assert main(["run", "--source", "simulated", "--lake", str(lake), "--now", now]) == status


def _files(lake: Path) -> dict[str, str]:
    """Key -> digest of every file of the lake."""
    files = (path for path in sorted(lake.rglob("*")) if path.is_file())
    return {path.relative_to(lake).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
