"""Releases that mean harm: bombs, sizes that lie, secrets in the address, and a folder that cannot be written."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from f1lib.errors import SourceError
from f1lib.sources.calls import Politeness
from f1lib.sources.f1db import download, release_files
from f1lib.sources.f1db.download import locate
from f1lib.sources.f1db.source import F1dbSource
from tests.support.f1db_zips import changed, tiny, write
from tests.support.hostile import answer, hostile

NOW = datetime(2025, 12, 6, 16, tzinfo=UTC)
ONCE = Politeness(connect=2.0, read=2.0, attempts=1, backoff=0.01, longest_wait=0.1)


def bomb(members: int, megabytes: int = 100) -> bytes:
    """A zip of so many members of 100 MB each (10 GB in 10 MB at 100), which one run of the packer makes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    plain = b"0" * 1_000_000
    packed = b"".join(packer.compress(plain) for _ in range(megabytes)) + packer.flush()
    names = [f"f1db-{name}.csv" for name in release_files.FILES] + [f"more-{n}.csv" for n in range(members)]
    body, directory = io.BytesIO(), io.BytesIO()
    for name in (text.encode() for text in names[:members]):
        sizes = (20, 0, 8, 0, 0x21, 0, len(packed), len(plain) * megabytes, len(name), 0)
        directory.write(
            struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, *sizes[:5], *sizes[5:], 0, 0, 0, 0, body.tell()) + name
        )
        body.write(struct.pack("<4s5H3I2H", b"PK\3\4", *sizes) + name + packed)
    start, listed = body.tell(), directory.getvalue()
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, members, members, len(listed), start, 0)
    return body.getvalue() + listed + end


@pytest.fixture(scope="module")
def ten_gigabytes() -> bytes:
    return bomb(100)


def test_a_zip_of_ten_gigabytes_in_ten_megabytes_is_refused_before_anything_is_unpacked(
    ten_gigabytes: bytes, tmp_path: Path
) -> None:
    assert len(ten_gigabytes) < 10_500_000
    assert sum(m.file_size for m in zipfile.ZipFile(io.BytesIO(ten_gigabytes)).infolist()) == 10_000_000_000
    path = tmp_path / "bomb.zip"
    path.write_bytes(ten_gigabytes)
    tracemalloc.start()
    try:
        with pytest.raises(SourceError, match="unpacks to 10000000000 bytes, more than 50000000"):
            F1dbSource(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < len(ten_gigabytes) + 2_000_000


def test_a_downloaded_bomb_is_refused_and_removed(ten_gigabytes: bytes, tmp_path: Path) -> None:
    with hostile(lambda _: answer(ten_gigabytes)) as server, pytest.raises(SourceError, match="unpacks to 10000000000"):
        locate(f"{server.url}/f1db-csv.zip", tmp_path, now=NOW, politeness=ONCE)
    assert [file.name for file in tmp_path.iterdir() if file.suffix != ".json"] == []


@pytest.mark.parametrize("claimed", [0, 100, 40_000_000])
def test_a_member_that_lies_about_its_size_is_damaged_and_never_unpacked_further(tmp_path: Path, claimed: int) -> None:
    content = bytearray(bomb(1))
    truth = struct.pack("<I", 100_000_000)
    for _ in range(2):
        at = content.index(truth)
        content[at : at + 4] = struct.pack("<I", claimed)
    archive = write(tmp_path / "lies.zip", tiny())
    with zipfile.ZipFile(archive) as whole:
        others = {name: whole.read(name) for name in whole.namelist() if name != "f1db-circuits.csv"}
    archive.write_bytes(bytes(content))
    with zipfile.ZipFile(archive, "a") as more:
        for name, data in others.items():
            more.writestr(name, data)
    tracemalloc.start()
    try:
        with pytest.raises(SourceError, match=r"f1db-circuits\.csv in lies\.zip (is damaged|has no column)"):
            F1dbSource(archive)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * claimed + 5_000_000


def test_a_header_without_an_end_is_bounded_too(tmp_path: Path) -> None:
    release = write(tmp_path / "release.zip", tiny())
    path = changed(release, tmp_path / "long.zip", {"circuits": lambda _: "x" * 1_000_000 + ",\n"})
    with pytest.raises(SourceError, match=r"f1db-circuits\.csv in long\.zip (is no CSV file|has no column)"):
        F1dbSource(path)


def test_a_file_larger_than_any_release_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.zip"
    with path.open("wb") as file:
        file.truncate(10**12)  # a hole: it takes no room
    with pytest.raises(SourceError, match=r"large\.zip has more than 50000000 bytes"):
        F1dbSource(path)


def test_a_column_that_stands_there_twice_is_refused(tmp_path: Path) -> None:
    def twice(text: str) -> str:
        return "\n".join(f"{line},{line.split(',')[0]}" for line in text.splitlines())

    path = changed(write(tmp_path / "release.zip", tiny()), tmp_path / "twice.zip", {"drivers": twice})
    with pytest.raises(SourceError, match=r"f1db-drivers\.csv in twice\.zip has column id more than once"):
        F1dbSource(path)


@pytest.mark.parametrize("fault", [b"", b"no zip at all"], ids=["empty", "no zip"])
def test_no_message_no_note_and_no_log_has_the_addresss_secrets(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, fault: bytes
) -> None:
    release = write(tmp_path / "release.zip", tiny()).read_bytes()
    cache = tmp_path / "cache"
    bodies = [release, fault, fault]
    with hostile(lambda _: answer(bodies.pop(0), 'ETag: "1"')) as server, caplog.at_level("DEBUG", logger="f1lib"):
        url = server.url.replace("//", "//user:word@") + "/f1db-csv.zip?token=hidden"
        locate(url, cache, now=NOW, politeness=ONCE)
        locate(url, cache, now=NOW.replace(day=9), politeness=ONCE)
        with pytest.raises(SourceError) as caught:
            locate(url, tmp_path / "other", now=NOW, politeness=ONCE)
    said = [*caplog.messages, str(caught.value), *(file.read_text() for file in cache.glob("*.json"))]
    assert len(said) > 3
    assert not any(secret in text for text in said for secret in ("user", "word", "hidden"))


@pytest.mark.parametrize("url", ["http://[half/f1db.zip", "http://user:word@/f1db.zip", "http://user:word@[x/f1db.zip"])
def test_an_address_that_is_none_is_said_without_its_secrets(tmp_path: Path, url: str) -> None:
    with pytest.raises(SourceError) as caught:
        locate(url, tmp_path, now=NOW, politeness=ONCE)
    assert "word" not in str(caught.value)


def test_a_note_that_somebody_has_broken_is_no_note(tmp_path: Path) -> None:
    release = write(tmp_path / "release.zip", tiny()).read_bytes()
    with hostile(lambda _: answer(release)) as server:
        url = f"{server.url}/f1db-csv.zip"
        path = locate(url, tmp_path, now=NOW, politeness=ONCE)
        note = path.with_name(path.name + ".json")
        for broken in ("[" * 100_000, "[]", '{"url": NaN}', f'{{"url": "{url}", "checked_utc": "soon"}}', "5"):
            note.write_text(broken, encoding="utf-8")
            assert locate(url, tmp_path, now=NOW, politeness=ONCE) == path
        assert len(server.asked) == 6


def test_a_download_onto_a_full_disk_says_so_and_the_copy_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = write(tmp_path / "release.zip", tiny()).read_bytes()
    said = list[str]()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with hostile(lambda _: answer(release, 'ETag: "1"')) as server:
        url = f"{server.url}/f1db-csv.zip"
        path = locate(url, tmp_path / "cache", now=NOW, politeness=ONCE)
        monkeypatch.setattr(download, "_stream", full)
        assert locate(url, tmp_path / "cache", now=NOW.replace(day=9), politeness=ONCE, say=said.append) == path
        assert path.read_bytes() == release
        assert "No space left on device" in "".join(said)
        with pytest.raises(SourceError, match="No space left on device"):
            locate(url, tmp_path / "other", now=NOW, politeness=ONCE)
