"""Object store of the lake: bytes under ``/``-separated keys, in a local folder or an S3 bucket.

>>> store = open_store("lake")              # a folder, made on the first write
>>> store = open_store("s3://bucket/f1")    # the same keys below a prefix
>>> store.write("models/champion.json", b"{}")

A write is atomic: a reader sees the old bytes or the new ones, never a part.
"""

from __future__ import annotations

import json
import logging
import os
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import unquote, urlparse

from f1lib.errors import BadParameters, Damaged, NoSuchKey, StorageError
from f1lib.lake.documents import from_json
from f1lib.lake.paths import check_key, check_prefix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from f1lib.lake.cache import Cache

_log = logging.getLogger(__name__)
Answer = TypeVar("Answer")
# Concurrent requests to a remote store: S3 answers one in about 20 ms, whatever its size.
REQUESTS = 16


class ObjectStore(Protocol):
    """Storage of the lake: bytes under keys."""

    url: str

    def read(self, key: str) -> bytes:
        """Return the bytes under ``key``.

        Raises `NoSuchKey` when there are none, `StorageError` when they cannot be read.
        """

    def write(self, key: str, data: bytes) -> None:
        """Write ``data`` under ``key`` atomically; raises `StorageError` when it cannot be written."""

    def update(self, key: str, change: Callable[[bytes | None], bytes]) -> bytes:
        """Replace the bytes under ``key`` by ``change`` of them (None where there are none), and return the new ones.

        No other update is lost: ``change`` is called again when another one came between. Raises what ``change``
        raises, and `StorageError` when the bytes cannot be read or written.
        """

    def exists(self, key: str) -> bool:
        """Return whether there are bytes under ``key``."""

    def list(self, prefix: str = "") -> list[str]:
        """List all keys that start with ``prefix``, sorted."""

    def delete(self, key: str) -> None:
        """Delete ``key``; a key that does not exist is no error."""


class LocalStore:
    """Object store in a folder: one file for each key, written to a temporary file and renamed."""

    _TEMPORARY = ".writing-"

    def __init__(self, root: Path) -> None:
        self._in_bulk = False
        self.root = root.expanduser().absolute()
        self.url = self.root.as_uri()

    def path(self, key: str) -> Path:
        """Return the path of the file of ``key``; only the local store has one."""
        return self.root / check_key(key)

    def read(self, key: str) -> bytes:
        """See `ObjectStore.read`."""
        try:
            return self.path(key).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise NoSuchKey(f"the lake has no {key} (lake {self.root})") from None
        except OSError as error:
            raise StorageError(f"cannot read {key} in lake {self.root}: {error.strerror or error}") from error

    def write(self, key: str, data: bytes) -> None:
        """See `ObjectStore.write`; a full disk or a read-only folder leaves the old file as it was.

        The bytes are on the disk before the name is, and the name before this returns (``benchmarks/durability.py``),
        except within `in_bulk`.
        """
        target = self.path(key)
        temporary = ""
        try:
            make_folder(target.parent, durable=not self._in_bulk)
            handle, temporary = tempfile.mkstemp(prefix=self._TEMPORARY, dir=target.parent)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                os.fchmod(handle, 0o644)
                if not self._in_bulk:
                    file.flush()
                    os.fsync(handle)
            Path(temporary).replace(target)
            if not self._in_bulk:
                sync_folder(target.parent)
            _log.debug("wrote %s (%d bytes)", key, len(data))
        except OSError as error:
            if temporary:
                with suppress(FileNotFoundError):
                    Path(temporary).unlink()
            raise StorageError(f"cannot write {key} in lake {self.root}: {error.strerror or error}") from error

    def update(self, key: str, change: Callable[[bytes | None], bytes]) -> bytes:
        """See `ObjectStore.update`; updates in the same folder wait for each other."""
        import fcntl  # not on Windows

        lock = self.path(key).parent / f"{self._TEMPORARY}lock"
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            with lock.open("wb") as turn:
                fcntl.flock(turn, fcntl.LOCK_EX)  # held until the file is closed, at the latest when the process ends
                data = change(find(self, key))
                self.write(key, data)
        except OSError as error:
            raise StorageError(f"cannot update {key} in lake {self.root}: {error.strerror or error}") from error
        return data

    def exists(self, key: str) -> bool:
        """See `ObjectStore.exists`."""
        try:
            return self.path(key).is_file()
        except OSError as error:
            raise StorageError(f"cannot read {key} in lake {self.root}: {error.strerror or error}") from error

    def list(self, prefix: str = "") -> list[str]:
        """See `ObjectStore.list`; files still being written are not listed."""
        start = self.root / check_prefix(prefix).rpartition("/")[0]
        keys = []
        for folder, _, files in os.walk(start, onerror=self._unreadable):
            base = Path(folder).relative_to(self.root).as_posix()
            names = (name for name in files if not name.startswith(self._TEMPORARY))
            keys += [name if base == "." else f"{base}/{name}" for name in names]
        return sorted(key for key in keys if key.startswith(prefix))

    def leftovers(self) -> tuple[str, ...]:
        """List the paths below the root of files that were begun and never finished, sorted."""
        found = (path.relative_to(self.root).as_posix() for path in self.root.rglob(f"{self._TEMPORARY}*"))
        return tuple(sorted(path for path in found if not path.endswith("lock")))

    def _unreadable(self, error: OSError) -> None:
        """Raise for a folder that cannot be walked; one that does not exist counts as empty."""
        if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
            raise StorageError(f"cannot list {error.filename} in lake {self.root}: {error.strerror}") from error

    def delete(self, key: str) -> None:
        """See `ObjectStore.delete`."""
        try:
            self.path(key).unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"cannot delete {key} in lake {self.root}: {error.strerror or error}") from error


def make_folder(folder: Path, *, durable: bool = True) -> None:
    """Make a folder and those above it; ``durable``: each is on the disk when this returns."""
    if not folder.is_dir():
        make_folder(folder.parent, durable=durable)
        folder.mkdir(exist_ok=True)
        if durable:
            sync_folder(folder.parent)


@contextmanager
def in_bulk(store: ObjectStore) -> Iterator[None]:
    """Bring what is written within to the disk at the end, all at once: thousands of files that nothing counts on yet.

    After a power cut in between, files that were written may be empty; their hashes tell.
    """
    if not isinstance(store, LocalStore) or not hasattr(os, "sync"):  # S3, Windows
        yield
        return
    store._in_bulk = True
    try:
        yield
    finally:
        store._in_bulk = False
        os.sync()


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk; nothing where a folder cannot be opened (Windows)."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def open_store(url: str, cache: Cache | None = None) -> ObjectStore:
    """Open the store at ``url``: a path, ``file:///...`` or ``s3://bucket/prefix``; no I/O is done.

    ``cache`` holds the files read from S3 that never change. Raises `BadParameters` for an address that is
    none.
    """
    try:
        scheme = urlparse(url).scheme
        if "\0" in url or max(map(len, url.encode().split(b"/"))) > 255:
            raise ValueError("no file can have such a name")
    except ValueError as error:
        raise BadParameters(f"lake {ascii(url)[:80]} is no address: {error}") from None
    if scheme == "s3":
        from f1lib.lake.s3 import S3Store

        return S3Store.from_url(url, cache)
    if scheme == "file":
        return LocalStore(Path(unquote(urlparse(url).path)))
    if scheme and not re.fullmatch(r"[A-Za-z]", scheme):  # one letter is a Windows drive
        raise BadParameters(f"lake {url!r}: use a folder, file:///folder or s3://bucket/prefix")
    return LocalStore(Path(url))


def each(store: ObjectStore, work: Callable[[str], Answer], keys: Iterable[str], threads: int = 1) -> list[Answer]:
    """Apply a function that reads one key to each of ``keys``, several at a time.

    Parameters
    ----------
    store : ObjectStore
        The store that ``work`` reads.
    work : Callable[[str], Answer]
        Called with each key, in any order and in several threads; an exception is passed on.
    keys : Iterable[str]
        Keys to work on.
    threads : int, default 1
        Number of threads in a local folder; at least `REQUESTS` are used where a read is a request over the network.

    Returns
    -------
    list[Answer]
        The results in the order of ``keys``.
    """
    keys, at_once = list(keys), threads if isinstance(store, LocalStore) else max(threads, REQUESTS)
    if at_once == 1 or len(keys) < 2:
        return [work(key) for key in keys]
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(work, keys))


def find(store: ObjectStore, key: str) -> bytes | None:
    """Return the bytes under ``key``, or None when there are none, in one request instead of `exists` and `read`."""
    try:
        return store.read(key)
    except NoSuchKey:
        return None


def find_json(store: ObjectStore, key: str) -> Any:
    """Return the JSON document under ``key``, or None when there is none; raises `StorageError` for invalid JSON."""
    try:
        return read_json(store, key)
    except NoSuchKey:
        return None


def read_json(store: ObjectStore, key: str) -> Any:
    """Return the JSON document under ``key``.

    Raises `NoSuchKey` when there is none, `StorageError` for invalid JSON.
    """
    return parse_json(store, key, store.read(key))


def parse_json(store: ObjectStore, key: str, data: bytes) -> Any:
    """Parse a JSON document that was read.

    Parameters
    ----------
    store : ObjectStore
        The store it was read from, for the message of the error.
    key : str
        Its key.
    data : bytes
        Its bytes.

    Returns
    -------
    Any
        JSON values.

    Raises
    ------
    Damaged
        For invalid JSON.
    """
    try:
        return from_json(data)
    except ValueError as error:
        raise Damaged(f"{key} in lake {store.url} is no JSON: {error}; see `f1 doctor`", {key: "is no JSON"}) from error


def write_json(store: ObjectStore, key: str, document: Any) -> None:
    """Write a document as indented UTF-8 JSON.

    Parameters
    ----------
    store : ObjectStore
        The store.
    key : str
        Key of the document; one already there is replaced.
    document : Any
        JSON values.

    Raises
    ------
    ValueError
        For NaN or infinity, which JSON does not have.
    StorageError
        When the document cannot be written.
    """
    store.write(key, json_bytes(document))


def update_json(store: ObjectStore, key: str, change: Callable[[Any], Any]) -> Any:
    """Replace the JSON document under ``key``; no other update of it is lost (see `ObjectStore.update`).

    Parameters
    ----------
    store : ObjectStore
        The store.
    key : str
        Key of the document.
    change : Callable[[Any], Any]
        Takes the present document, None where there is none, and returns the new one; may be called more than once.

    Returns
    -------
    Any
        The new document.

    Raises
    ------
    StorageError
        When the present document is invalid JSON, or cannot be read or replaced.
    """

    def changed(found: bytes | None) -> bytes:
        return json_bytes(change(None if found is None else parse_json(store, key, found)))

    return json.loads(store.update(key, changed))


def json_bytes(document: Any) -> bytes:
    """Return a document as `write_json` writes it."""
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False, sort_keys=False)
    return (text + "\n").encode()
