"""A disk that is full, at each kind of write: a clear error, and nothing half-written."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from f1lib.cli.main import main
from f1lib.errors import StorageError
from f1lib.lake.store import LocalStore
from f1lib.tracking.sqlite import SqliteTracking

RUN = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
from f1lib.cli.main import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.campaign
@pytest.mark.parametrize("bytes_a_file", [5_000, 20_000, 60_000, 300_000])
def test_a_run_that_no_file_of_some_size_can_be_written_for_says_so_and_the_next_one_is_whole(
    tmp_path: Path, bytes_a_file: int
) -> None:
    """Every write that is longer breaks off in the middle, in the lake, the tracking table and the notebooks."""
    words = ["run", "--source", "simulated", "--lake", str(tmp_path / "lake"), "--now", "2025-03-30T06:00:00Z"]
    broken = subprocess.run(
        [sys.executable, "-c", RUN, str(bytes_a_file), *words], capture_output=True, text=True, cwd=tmp_path
    )
    assert broken.returncode == 1, broken.stderr
    assert "f1: " in broken.stderr
    assert "Traceback" not in broken.stderr
    assert "unexpected" not in broken.stderr
    assert any(word in broken.stderr for word in ("File too large", "disk I/O error", "disk is full")), broken.stderr
    whole(tmp_path / "lake")
    assert main(words) == 0
    whole(tmp_path / "lake")


def whole(lake: Path) -> None:
    """Whether every file of a lake can be read and no leftovers are there."""
    for file in lake.rglob("*"):
        assert not file.name.startswith(".writing-") or file.name == ".writing-lock", file
        if file.suffix == ".json":
            json.loads(file.read_text(encoding="utf-8"))
        elif file.suffix == ".parquet":
            pd.read_parquet(file)


def test_a_tracking_table_on_a_full_disk_says_so_and_keeps_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = SqliteTracking(tmp_path / "tracking.db")
    table.put_rows([{"event_partition_key": "2025_A", "session_name_abr": "R", "attempts": 1}])
    real = sqlite3.connect

    def small(*arguments: object, **options: object) -> sqlite3.Connection:
        connection: sqlite3.Connection = real(*arguments, **options)  # type: ignore[call-overload]
        connection.execute("PRAGMA max_page_count = 4")
        return connection

    monkeypatch.setattr(sqlite3, "connect", small)
    rows = [{"event_partition_key": f"2025_{n}", "session_name_abr": "R", "note": "x" * 2000} for n in range(50)]
    with pytest.raises(StorageError, match=r"tracking\.db: database or disk is full"):
        table.put_rows(rows)  # type: ignore[arg-type]
    monkeypatch.undo()
    assert [row["event_partition_key"] for row in table.rows()] == ["2025_A"]


def test_a_tracking_table_that_cannot_be_written_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = SqliteTracking(tmp_path / "tracking.db")
    table.put_rows([{"event_partition_key": "2025_A", "session_name_abr": "R"}])
    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, **options: real(f"file:{path}?mode=ro", uri=True, **options))
    with pytest.raises(StorageError, match="attempt to write a readonly database"):
        table.put_rows([{"event_partition_key": "2025_B", "session_name_abr": "R"}])
    assert len(table.rows()) == 1


@pytest.mark.parametrize(
    "content", [b"not a database, but long enough to be read as one" * 100, b"SQLite format 3\0" * 99]
)
def test_a_tracking_table_that_is_none_says_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "tracking.db").write_bytes(content)
    with pytest.raises(StorageError, match=r"tracking table .*tracking\.db"):
        SqliteTracking(tmp_path / "tracking.db").rows()


def test_an_update_on_a_full_disk_leaves_the_old_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tempfile

    store = LocalStore(tmp_path)
    store.write("models/champion.json", b"{}")

    def full(*_: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "mkstemp", full)
    with pytest.raises(StorageError, match=r"cannot write models/champion\.json .*No space left on device"):
        store.update("models/champion.json", lambda _: b"new")
    assert store.read("models/champion.json") == b"{}"


def test_a_file_for_figures_that_cannot_be_written_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from f1lib.cli.output import table_or_json
    from f1lib.errors import BadParameters

    for file in (str(tmp_path / "no" / "x.json"), str(tmp_path), "/dev/full"):
        with pytest.raises(BadParameters, match="cannot write "):
            table_or_json({"a": 1}, print, file)
    capsys.readouterr()
