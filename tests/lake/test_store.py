"""The folder as a lake, and what only a file system can do wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from f1lib.errors import BadParameters, StorageError
from f1lib.lake.store import LocalStore, open_store
from tests.support.store_suite import StoreSuite

FULL_DISK = """
import resource, sys
from f1lib.errors import StorageError
from f1lib.lake.store import open_store
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    open_store(sys.argv[1]).write("gold/table.parquet", b"n" * 1_000_000)
except StorageError as error:
    print(error)
"""


class TestLocalStore(StoreSuite):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return str(tmp_path / "a lake with blanks & 100 %")


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "lake")


def test_opening_a_lake_makes_no_folder(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "lake"))
    assert store.list() == []
    assert not store.exists("a")
    assert not (tmp_path / "lake").exists()


def test_a_file_that_cannot_be_written_to_its_end_leaves_the_old_one(store: LocalStore) -> None:
    """The process may write 100 kB a file, so the write really breaks off in the middle."""
    store.write("gold/table.parquet", b"old")
    command = [sys.executable, "-c", FULL_DISK, store.url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "cannot write gold/table.parquet" in done.stdout
    assert "File too large" in done.stdout
    assert store.read("gold/table.parquet") == b"old"
    assert [path.name for path in (store.root / "gold").iterdir()] == ["table.parquet"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_lake_is_one_clear_error(store: LocalStore) -> None:
    store.write("gold/a", b"old")
    folder = store.root / "gold"
    folder.chmod(0o555)
    try:
        with pytest.raises(StorageError, match=r"cannot write gold/a in lake .*Permission denied"):
            store.write("gold/a", b"new")
    finally:
        folder.chmod(0o755)
    assert store.read("gold/a") == b"old"


def test_a_lake_below_a_file_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    store = open_store(str(tmp_path / "file"))
    with pytest.raises(StorageError, match="cannot write gold/a in lake"):
        store.write("gold/a", b"x")
    with pytest.raises(StorageError, match="the lake has no gold/a"):
        store.read("gold/a")
    assert store.list() == []


def test_what_a_killed_writer_left_is_never_listed(store: LocalStore) -> None:
    store.write("gold/a", b"x")
    (store.root / "gold" / ".writing-abc").write_bytes(b"half")
    assert store.list() == ["gold/a"]


def test_a_folder_that_cannot_be_read_is_no_empty_folder(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write("gold/a", b"x")
    scandir = os.scandir

    def refuse(path: object) -> object:
        if str(path).endswith("gold"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(StorageError, match=r"cannot list .*Permission denied"):
        store.list()


@pytest.mark.parametrize("url", ["ftp://host/lake", "https://host/lake", "gs://bucket"])
def test_an_unknown_scheme_is_refused_with_what_is_known(url: str) -> None:
    with pytest.raises(BadParameters, match="use a folder, file:///folder or s3://bucket/prefix"):
        open_store(url)
