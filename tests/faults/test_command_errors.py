"""Bad input to the command: one clear line, a non-zero exit, nothing half-written."""

import shutil
import zipfile
from pathlib import Path

import pytest

from f1lib.cli.main import main

NOW = ["--now", "2025-12-06T16:00:00Z"]


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said does not depend on the engine; `test_execute.py` holds both against each other."""
    monkeypatch.setenv("F1_ENGINE", "inprocess")


def _fails(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert main(list(argv)) != 0
    said = capsys.readouterr().err.strip().splitlines()
    lines = [line for line in said if line.startswith("f1: ")]
    assert len(lines) == 1, said
    assert "Traceback" not in "".join(said)
    return lines[0]


def _without_column(source: Path, target: Path, member: str, column: str) -> Path:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            text = old.read(name).decode()
            if name == member:
                text = text.replace(f'"{column}"', f'"{column}Gone"', 1)
            new.writestr(name, text)
    return target


def test_a_truncated_release_is_named_and_no_data_is_written(
    tmp_path: Path, f1db_zip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "f1db-csv.zip"
    broken.write_bytes(f1db_zip.read_bytes()[:500_000])
    lake = tmp_path / "lake"
    said = _fails(capsys, "run", "--source", "f1db", "--f1db", str(broken), "--lake", str(lake), *NOW)
    assert "f1db-csv.zip" in said
    assert not list(lake.glob("bronze/**/*"))


def test_a_foreign_zip_is_named_with_what_is_missing_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    foreign = tmp_path / "holiday.zip"
    with zipfile.ZipFile(foreign, "w") as archive:
        archive.writestr("photo.txt", "a beach")
    said = _fails(capsys, "run", "--source", "f1db", "--f1db", str(foreign), "--lake", str(tmp_path / "lake"), *NOW)
    assert "holiday.zip" in said
    assert "f1db-races.csv" in said


def test_a_missing_column_is_named_with_its_file(
    tmp_path: Path, f1db_zip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = _without_column(f1db_zip, tmp_path / "f1db-csv.zip", "f1db-races-race-results.csv", "positionText")
    said = _fails(capsys, "run", "--source", "f1db", "--f1db", str(file), "--lake", str(tmp_path / "lake"), *NOW)
    assert "f1db-races-race-results.csv" in said
    assert "positionText" in said


def test_a_release_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = _fails(capsys, "run", "--source", "f1db", "--f1db", str(tmp_path / "no.zip"), "--lake", str(tmp_path), *NOW)
    assert "no.zip" in said


def test_a_bad_date_is_named_with_a_good_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = _fails(capsys, "run", "--source", "simulated", "--lake", str(tmp_path / "lake"), "--now", "tomorrow")
    assert "tomorrow" in said
    assert "2025-12-06T16:00:00Z" in said


def test_an_unknown_event_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--source", "simulated", "--lake", str(tmp_path / "lake"), *NOW]
    assert main(["stage", "schedule", *given]) == 0
    assert "2025_Atlantis" in _fails(capsys, "predictions", "2025_Atlantis_Grand_Prix", *given)


def test_an_unknown_stage_is_answered_with_the_known_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = _fails(capsys, "stage", "deploy", "--source", "simulated", "--lake", str(tmp_path / "lake"))
    assert "05_train" in said


def test_a_wrong_parameter_is_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = tmp_path / "lake"
    said = _fails(capsys, "stage", "train", "-p", "modle", "x", "--source", "simulated", "--lake", str(lake))
    assert "modle" in said
    assert not lake.exists()


def test_a_lake_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("no folder", encoding="utf-8")
    said = _fails(capsys, "run", "--source", "simulated", "--lake", str(in_the_way / "lake"), *NOW)
    assert str(in_the_way) in said


def test_real_and_simulated_data_never_share_a_lake(
    tmp_path: Path, f1db_zip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = tmp_path / "lake"
    lake.mkdir()
    (lake / "lake.json").write_text('{"kind": "simulated", "seed": 1, "first_season": 2020}', encoding="utf-8")
    said = _fails(capsys, "run", "--source", "f1db", "--f1db", str(f1db_zip), "--lake", str(lake), *NOW)
    assert "never mixed" in said
    shutil.rmtree(lake)


def test_a_source_in_the_wrong_words_is_refused_by_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["run", "--source", "ergast"])
    assert stopped.value.code == 2
    assert "invalid choice" in capsys.readouterr().err
