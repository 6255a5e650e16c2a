"""Find the F1DB release: a path, a URL, or the project's newest release on GitHub, kept in a cache.

A download is streamed into a file beside the cached copy, can be resumed, and replaces the copy only as a complete zip.
A JSON note beside the copy says what it is and when upstream was last asked.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlparse

from f1lib.domain.moments import format_utc, parse_utc
from f1lib.errors import BadParameters, RateLimited, SourceBlocked, SourceError
from f1lib.lake import fingerprint
from f1lib.lake.documents import from_json
from f1lib.sources.f1db.release_files import BROKEN, MAX_BYTES, open_release
from f1lib.sources.failures import cause, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from f1lib.sources.calls import Politeness

LATEST = "https://github.com/f1db/f1db/releases/latest/download/f1db-csv.zip"
ATTEMPTS = 3  # of resuming an interrupted download
PIECE_BYTES = 1 << 15
LONGEST_SECONDS = 300.0  # of one attempt
CHECK_EVERY = timedelta(days=1)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Note:
    """Note on a cached copy: its validators, its checksum and when upstream was last asked."""

    url: str
    etag: str = ""
    last_modified: str = ""
    checked_utc: str = ""
    sha256: str = ""


def locate(
    setting: str,
    cache: Path,
    *,
    now: datetime,
    base: str = "",
    politeness: Politeness | None = None,
    say: Callable[[str], object] = log.info,
) -> Path:
    """Find the release that ``setting`` means; a URL's copy is checked again every `CHECK_EVERY`.

    Parameters
    ----------
    setting : str
        A path, a URL, or empty for the newest release.
    cache : Path
        Folder of the copies of URLs.
    now : datetime
        The time, aware UTC.
    base : str
        Address that requests go below, as of `http.session`; empty for none.
    politeness : Politeness, optional
        Time-outs and repetitions; two attempts within seconds when not given.
    say : callable
        Called with a sentence when the copy could not be brought up to date.

    Returns
    -------
    Path
        The zip.

    Raises
    ------
    SourceError
        For a path that does not exist, and for a download that fails with no copy to use: `SourceBlocked` or
        `RateLimited` where upstream refuses us or limits the rate. With a copy it is used, and said.
    """
    try:
        parts = urlparse(setting)
    except ValueError as error:
        raise SourceError(f"the F1DB release {shown(setting)} is no address: {error}") from None
    if parts.scheme in ("http", "https"):
        digest = fingerprint.of_text(setting)[:8]
        return _cached(setting, cache / f"f1db-{digest}.zip", now, base, politeness, say)
    if setting:
        path = Path(unquote(parts.path)) if parts.scheme == "file" else Path(setting).expanduser()
        if not path.is_file():
            raise SourceError(f"there is no F1DB release at {path}: give the path or URL of an f1db-csv.zip")
        return path
    return _cached(LATEST, cache / "f1db-csv.zip", now, base, politeness, say)


def _cached(
    url: str, target: Path, now: datetime, base: str, politeness: Politeness | None, say: Callable[[str], object]
) -> Path:
    note = _read_note(target, url) if target.is_file() else None
    if note and note.checked_utc and now - parse_utc(note.checked_utc) < CHECK_EVERY:
        return target
    from f1lib.sources.calls import Politeness
    from f1lib.sources.http import session

    try:
        with session(base, politeness=politeness or Politeness(attempts=2, backoff=0.5, longest_wait=5.0)) as web:
            _refresh(web, url, target, note, now)
    except (SourceError, OSError) as error:
        if note is None:
            raise _as_source_error(error) from error
        say(f"F1DB'S RELEASE of {note.checked_utc or 'an earlier run'} is used: {error}")
    return target


def _refresh(session: requests.Session, url: str, target: Path, note: Note | None, now: datetime) -> None:
    """Bring ``target`` up to date; on any error it is left as it was."""
    from requests.exceptions import InvalidURL, RequestException, TooManyRedirects

    from f1lib.sources.bounds import TooLarge

    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    fresh: Note | None = None
    for attempt in range(1, ATTEMPTS + 1):
        try:
            fresh = _download(session, url, part, note)
            break
        except TooLarge as error:
            part.unlink()
            what = f"{shown(url)} is larger than {MAX_BYTES} bytes"
            raise SourceError(f"{what}: it is no F1DB CSV release") from error
        except (InvalidURL, TooManyRedirects) as error:
            raise SourceError(f"{shown(url)}: {type(error).__name__}; no release can be had there") from error
        except RequestException as error:
            if attempt == ATTEMPTS:
                raise SourceError(f"{shown(url)}: the answer broke off {ATTEMPTS} times ({cause(error)})") from error
            log.info("download of %s interrupted, going on: %s", shown(url), type(error).__name__)
    if fresh is None:  # not modified
        assert note is not None
        _write_note(target, note, now)
        return
    checksum = _verify(part, url)
    part.replace(target)
    _note_path(part).unlink(missing_ok=True)
    _write_note(target, Note(shown(url), fresh.etag, fresh.last_modified, sha256=checksum), now)


def _download(session: requests.Session, url: str, part: Path, note: Note | None) -> Note | None:
    """Fetch into ``part``, resuming an earlier download of the same version; None when not modified."""
    from f1lib.sources.http import check_status

    begun = _read_note(part, url) if part.is_file() else None
    offset = part.stat().st_size if begun and (begun.etag or begun.last_modified) else 0
    headers = {"Accept-Encoding": "identity"}
    if offset and begun:
        headers |= {"Range": f"bytes={offset}-", "If-Range": begun.etag or begun.last_modified}
    elif note:
        headers |= {"If-None-Match": note.etag} if note.etag else {}
        headers |= {"If-Modified-Since": note.last_modified} if note.last_modified else {}
    with session.get(url, headers=headers, stream=True) as answer:
        if answer.status_code == 304 and note:
            return None
        if answer.status_code == 416:
            part.unlink()
            return _download(session, url, part, note)
        check_status(answer, url)
        resumed = answer.status_code == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {offset}-")
        fresh = Note(shown(url), _strong(answer.headers.get("ETag", "")), answer.headers.get("Last-Modified", ""))
        _note_path(part).write_text(json.dumps(asdict(fresh)), encoding="utf-8")
        _stream(answer, part, offset if resumed else 0)
    return fresh


def _stream(answer: requests.Response, part: Path, offset: int) -> None:
    from f1lib.sources.bounds import pieces

    with part.open("ab" if offset else "wb") as file:
        for piece in pieces(answer, MAX_BYTES - offset, LONGEST_SECONDS, PIECE_BYTES):
            file.write(piece)


def _verify(part: Path, url: str) -> str:
    """Return the checksum of a complete F1DB zip; remove anything else and raise `SourceError`."""
    content = part.read_bytes()
    try:
        with open_release(content) as archive:
            damaged = archive.testzip()
            foreign = not any(name.endswith("f1db-races.csv") for name in archive.namelist())
    except (*BROKEN, SourceError) as error:
        damaged, foreign = str(error), False
    if damaged or foreign:
        part.unlink()
        what = f"is damaged ({damaged})" if damaged else "holds no f1db-races.csv: it is no F1DB CSV release"
        raise SourceError(f"what {shown(url)} gave {what}")
    return fingerprint.of_bytes(content)


def _note_path(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _read_note(path: Path, url: str) -> Note:
    """Return the note beside a file; an empty one when it is missing, unreadable or of another URL."""
    try:
        note = Note(**from_json(_note_path(path).read_bytes()))
        known = note.url == shown(url) and (not note.checked_utc or parse_utc(note.checked_utc))
    except (OSError, ValueError, TypeError, BadParameters):
        return Note(shown(url))
    return note if known else Note(shown(url))


def _write_note(target: Path, note: Note, now: datetime) -> None:
    document = {**asdict(note), "checked_utc": format_utc(now)}
    _note_path(target).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _strong(etag: str) -> str:
    """Return a strong validator, else nothing: a weak one does not identify a part of a body (RFC 9110, 13.1.5)."""
    return "" if etag.startswith("W/") else etag


def _as_source_error(error: Exception) -> SourceError:
    """Return the error as a `SourceError` of its kind that says what to do about it."""
    message = f"cannot download the F1DB release: {error}; if that lasts, give the path of an f1db-csv.zip"
    if isinstance(error, RateLimited):
        return RateLimited(message, error.retry_after_seconds)
    return SourceBlocked(message) if isinstance(error, SourceBlocked) else SourceError(message)
