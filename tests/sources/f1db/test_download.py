"""Where the F1DB release is found: paths, downloads that break and go on, and copies that stay good."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from f1lib.errors import RateLimited, SourceBlocked, SourceError
from f1lib.sources.calls import Politeness
from f1lib.sources.f1db import download
from tests.support.f1db_zips import tiny, write

NOW = datetime(2026, 8, 1, tzinfo=UTC)
locate = partial(download.locate, politeness=Politeness(attempts=2, backoff=0.0))


@dataclass
class Upstream:
    """A file server that can be told to misbehave; ``asked`` holds the headers of each request."""

    body: bytes
    url: str = ""
    etag: str = '"one"'
    status: int = 200
    cut_after: list[int] = field(default_factory=list)  # one entry a request: bytes sent before the line drops
    ranges: bool = True
    asked: list[dict[str, str]] = field(default_factory=list)


def _serve(upstream: Upstream) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = {name.lower(): value for name, value in self.headers.items()}
            upstream.asked.append(asked)
            if upstream.status != 200:
                return self._answer(upstream.status, b"no", {"Retry-After": "120"})
            if asked.get("if-none-match") == upstream.etag:
                return self._answer(304, b"", {})
            start = 0
            if upstream.ranges and "range" in asked and asked.get("if-range") == upstream.etag:
                start = int(asked["range"].removeprefix("bytes=").rstrip("-"))
                if start >= len(upstream.body):
                    return self._answer(416, b"", {})
            total = len(upstream.body)
            headers = {"ETag": upstream.etag}
            if start:
                headers["Content-Range"] = f"bytes {start}-{total - 1}/{total}"
            return self._answer(206 if start else 200, upstream.body[start:], headers)

        def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            cut = upstream.cut_after.pop(0) if upstream.cut_after and status in (200, 206) else len(body)
            self.wfile.write(body[:cut])
            self.close_connection = cut < len(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[Upstream]:
    found = Upstream(write(tmp_path / "release.zip", tiny()).read_bytes())
    server = _serve(found)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_address[1]}/f1db-csv.zip"
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a break loses is less than a piece; the releases here are smaller than a real piece."""
    monkeypatch.setattr(download, "PIECE_BYTES", 10)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "cache"


def test_a_path_is_taken_as_it_stands_and_a_missing_one_is_an_error(tmp_path: Path, cache: Path) -> None:
    path = write(tmp_path / "my f1db.zip", tiny())
    assert locate(str(path), cache, now=NOW) == path
    assert locate(path.as_uri(), cache, now=NOW) == path
    with pytest.raises(SourceError, match=r"no F1DB release at .*gone\.zip: give the path or URL"):
        locate(str(tmp_path / "gone.zip"), cache, now=NOW)
    assert not cache.exists()


def test_a_download_is_kept_with_its_checksum_and_not_asked_for_again_the_same_day(
    upstream: Upstream, cache: Path
) -> None:
    path = locate(upstream.url, cache, now=NOW)
    assert path.read_bytes() == upstream.body
    note = json.loads(path.with_name(path.name + ".json").read_text())
    assert note["sha256"] == hashlib.sha256(upstream.body).hexdigest()
    assert note["checked_utc"] == "2026-08-01T00:00:00Z"
    assert locate(upstream.url, cache, now=NOW + timedelta(hours=23)) == path
    assert len(upstream.asked) == 1
    assert [p.name for p in cache.iterdir() if ".part" in p.name] == []


def test_an_empty_setting_means_the_projects_newest_release(
    upstream: Upstream, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "LATEST", upstream.url)
    assert locate("", cache, now=NOW) == cache / "f1db-csv.zip"


def test_a_day_later_only_a_changed_release_is_downloaded_again(
    upstream: Upstream, cache: Path, tmp_path: Path
) -> None:
    path = locate(upstream.url, cache, now=NOW)
    locate(upstream.url, cache, now=NOW + timedelta(days=2))
    assert upstream.asked[1]["if-none-match"] == '"one"'
    locate(upstream.url, cache, now=NOW + timedelta(days=2, hours=1))
    assert len(upstream.asked) == 2, "an unchanged release counts as checked"
    upstream.body, upstream.etag = write(tmp_path / "newer.zip", tiny(), extra_column="new").read_bytes(), '"two"'
    assert locate(upstream.url, cache, now=NOW + timedelta(days=4)).read_bytes() == upstream.body
    assert path.read_bytes() == upstream.body


def test_a_download_that_breaks_goes_on_where_it_ended(upstream: Upstream, cache: Path) -> None:
    upstream.cut_after = [1000, 500]
    path = locate(upstream.url, cache, now=NOW)
    assert path.read_bytes() == upstream.body
    assert [asked.get("range") for asked in upstream.asked] == [None, "bytes=1000-", "bytes=1500-"]


def test_the_next_run_goes_on_with_what_a_given_up_download_left(upstream: Upstream, cache: Path) -> None:
    upstream.cut_after = [1000, 10, 10]
    with pytest.raises(SourceError, match=r"cannot download .* broke off 3 times .* give the path of an f1db-csv\.zip"):
        locate(upstream.url, cache, now=NOW)
    assert not [p for p in cache.iterdir() if p.suffix == ".zip"], "half a release took the place of a whole one"
    assert locate(upstream.url, cache, now=NOW).read_bytes() == upstream.body
    assert upstream.asked[3]["range"] == "bytes=1020-"


def test_parts_of_two_releases_are_never_joined(upstream: Upstream, cache: Path, tmp_path: Path) -> None:
    upstream.cut_after = [1000, 0, 0]
    with pytest.raises(SourceError):
        locate(upstream.url, cache, now=NOW)
    upstream.body, upstream.etag = write(tmp_path / "newer.zip", tiny(), extra_column="new").read_bytes(), '"two"'
    assert locate(upstream.url, cache, now=NOW).read_bytes() == upstream.body


def test_a_server_without_ranges_starts_over(upstream: Upstream, cache: Path) -> None:
    upstream.ranges, upstream.cut_after = False, [1000]
    assert locate(upstream.url, cache, now=NOW).read_bytes() == upstream.body


def test_a_part_that_is_already_whole_is_fetched_afresh(upstream: Upstream, cache: Path) -> None:
    upstream.cut_after = [1000, 0, 0]
    with pytest.raises(SourceError):
        locate(upstream.url, cache, now=NOW)
    part = next(p for p in cache.iterdir() if p.suffix == ".part")
    part.write_bytes(upstream.body)
    assert locate(upstream.url, cache, now=NOW).read_bytes() == upstream.body


@pytest.mark.parametrize(
    ("body", "message"), [(b"<html>down for maintenance</html>", "is damaged"), (b"", "is damaged"), (None, "holds no")]
)
def test_a_download_that_is_no_release_never_replaces_a_good_copy(
    upstream: Upstream, cache: Path, tmp_path: Path, body: bytes | None, message: str
) -> None:
    import zipfile

    said: list[str] = []

    path = locate(upstream.url, cache, now=NOW)
    good = upstream.body
    with zipfile.ZipFile(tmp_path / "foreign.zip", "w") as archive:
        archive.writestr("beach.txt", "sunny")
    upstream.body = (tmp_path / "foreign.zip").read_bytes() if body is None else body
    upstream.etag = '"bad"'
    assert locate(upstream.url, cache, now=NOW + timedelta(days=2), say=said.append) == path
    assert path.read_bytes() == good
    assert message in said[0]
    assert said[0].startswith("F1DB'S RELEASE of 2026-08-01T00:00:00Z is used: ")


def test_without_a_copy_a_bad_download_is_an_error(upstream: Upstream, cache: Path) -> None:
    upstream.body = b"<html>down for maintenance</html>"
    with pytest.raises(SourceError, match=r"is damaged .*give the path"):
        locate(upstream.url, cache, now=NOW)
    assert [p.name for p in cache.iterdir() if p.suffix in (".zip", ".part")] == []


@pytest.mark.parametrize(
    ("status", "error"), [(404, SourceError), (500, SourceError), (403, SourceBlocked), (429, RateLimited)]
)
def test_a_refusal_is_the_error_of_its_kind(
    upstream: Upstream, cache: Path, status: int, error: type[SourceError]
) -> None:
    upstream.status = status
    with pytest.raises(error, match=str(status)) as caught:
        locate(upstream.url, cache, now=NOW)
    if isinstance(caught.value, RateLimited):
        assert caught.value.retry_after_seconds == 120


def test_a_copy_serves_while_upstream_is_away_and_says_so(upstream: Upstream, cache: Path) -> None:
    said: list[str] = []
    path = locate(upstream.url, cache, now=NOW)
    upstream.status = 503
    assert locate(upstream.url, cache, now=NOW + timedelta(days=2), say=said.append) == path
    assert said[0].startswith("F1DB'S RELEASE of 2026-08-01T00:00:00Z is used: ")


def test_no_server_at_all_is_a_source_error(cache: Path) -> None:
    with pytest.raises(SourceError) as caught:
        locate("http://127.0.0.1:9/f1db.zip", cache, now=NOW)
    said = str(caught.value)
    assert "http://127.0.0.1:9/f1db.zip: no connection after 2 attempts (Connection refused)" in said
    assert "give the path of an f1db-csv.zip" in said
    assert "urllib3" not in said
    assert "Max retries" not in said


def test_a_cache_that_cannot_be_written_is_a_source_error(upstream: Upstream, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SourceError, match="cannot download"):
        locate(upstream.url, tmp_path / "file" / "cache", now=NOW)


def test_something_endless_is_not_swallowed_whole(
    upstream: Upstream, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "MAX_BYTES", 2000)
    with pytest.raises(SourceError, match="larger than 2000 bytes"):
        locate(upstream.url, cache, now=NOW)
