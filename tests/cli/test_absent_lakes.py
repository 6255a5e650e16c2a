"""Bad use ends with status 2 and leaves no trace: no lake where one is read, no address, no such name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from f1lib.cli.main import main

NOW = "2025-06-01T00:00:00Z"
READS_A_LAKE = """
    status / status --json / status --conflicts / doctor / doctor --repair / doctor --back-to 2025-01-01T00:00:00Z
    predictions / predictions monza / championship / penalty list / penalty add VER 5 / penalty remove VER / prune
    models list / models show x / models promote x / models rollback pre_race / models train blend_v2
    stage ingest / stage train / stage predict / stage report
"""
REFUSED = """
    replay --season 2025 --event atlantis / replay --season 1800 / replay --season 2026 / score none.csv
    penalty backtest --from 2019 --to 2020 / backtest --from 2025 --to 2024 / backfill --from 2024 --to 2024
    backfill --plan --from 2030 --to 2031
    run --now tomorrow / stage schedule -p modle x / ingest
"""


def _commands(text: str) -> list[str]:
    return [" ".join(words.split()) for words in re.split(r" / |\n(?=\s*\w)", text) if words.strip()]


def _status(words: list[str]) -> int:
    try:
        return main(words)
    except SystemExit as stopped:  # argparse
        return int(str(stopped.code))


@pytest.mark.parametrize("command", _commands(READS_A_LAKE))
def test_a_command_that_reads_a_lake_says_that_there_is_none(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = tmp_path / "none"
    assert main([*command.split(), "--source", "simulated", "--lake", str(lake), "--now", NOW]) == 2
    said = f"f1: there is no lake at {lake.as_uri()}: `f1 run` begins one, --lake names another"
    assert capsys.readouterr().err.strip() == said
    assert not lake.exists()


@pytest.mark.parametrize("command", _commands(REFUSED))
def test_a_command_that_is_refused_begins_no_lake(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = command.split()
    now = [] if "--now" in words else ["--now", NOW]
    assert _status([*words, "--source", "simulated", "--lake", "lake", *now]) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (
            ["--lake", "ftp://bucket/lake"],
            "lake 'ftp://bucket/lake': use a folder, file:///folder or s3://bucket/prefix",
        ),
        (["--lake", "s3://"], "'s3://': no name; use s3://name"),
        (["--lake", "s3://bucket/f1?bronce=raw"], "unknown option bronce"),
        (["--lake", "s3://bucket/f1?gold=a&silver=a/b"], "silver would stand inside gold"),
        (["--lake", "x" * 300], "is no address: no file can have such a name"),
        (["--tracking", "mongodb://table"], "tracking 'mongodb://table': use sqlite:///path/to/file.db or dynamodb://"),
        (["--tracking", "sqlite://"], "tracking 'sqlite://': use sqlite:///path/to/file.db"),
        (["--tracking", "dynamodb://table/path"], "a table has no path"),
    ],
    ids=str,
)
@pytest.mark.parametrize("command", ["status", "run"])
def test_an_address_that_is_none_is_bad_use(
    command: str,
    words: list[str],
    named: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([command, "--source", "simulated", "--lake", "lake", "--now", NOW, *words]) == 2
    assert named in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_without_an_address_the_simulated_lake_beside_an_absent_one_is_read_and_no_release_is_looked_for(
    weekend_lake: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def never(*_: object, **__: object) -> Path:
        raise AssertionError("a release was looked for")

    monkeypatch.setattr("f1lib.sources.f1db.download.locate", never)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "parameters").mkdir()
    (tmp_path / "parameters" / "local.yml").write_text("lake: lake\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["predictions", "china"]) == 2
    assert f"there is no lake at {(tmp_path / 'lake').as_uri()}" in capsys.readouterr().err
    (tmp_path / "lake-simulated").symlink_to(weekend_lake[3])
    assert main(["predictions", "china"]) == 0
    assert "2025 Chinese Grand Prix" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["predictions", "penalty list"])
def test_after_the_last_race_of_the_calendar_an_event_is_asked_for(
    command: str, weekend_lake: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command.split(), *weekend_lake[:-1], "2025-12-30T00:00:00Z"]) == 2
    assert "has no race after 2025-12-30: " in capsys.readouterr().err
