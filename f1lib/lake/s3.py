"""Object store in an S3 bucket: the same keys as in a folder, below a prefix.

A ``PUT`` is atomic on S3, and reads and listings see it at once (strong consistency since December 2020), so that the
guarantees of `f1lib.lake.store.ObjectStore` hold without renames. A layer may have another prefix in the bucket
(``S3_BRONZE_PATH`` and its like) while the keys stay the same: ``s3://bucket/f1?bronze=raw`` stores ``bronze/x`` as
``raw/x``. Files that never change are cached once they are read.
"""

from __future__ import annotations

import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any

from f1lib.errors import BadParameters, NoSuchKey, StorageError
from f1lib.lake.aws_client import AwsUrl, aws_errors, error_code
from f1lib.lake.cache import Cache
from f1lib.lake.paths import LAYERS, check_key, check_prefix, is_written_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_log = logging.getLogger(__name__)
# Tries in all when the connection breaks while the body is read, which botocore does not retry.
BODY_ATTEMPTS = 3
# Tries in all of a conditional write whose object another writer changed meanwhile.
UPDATE_ATTEMPTS = 20
# Error codes of a conditional write that lost against another one.
CONFLICTS = ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey")
USE = "lake: S3 files written once"
HELD = 256  # files; those of a model run have about 100 KB; saves 17 % of a tick of a replay at 20 ms a request
_CONTENT_TYPES = {
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "xml": "application/xml; charset=utf-8",
    "ics": "text/calendar; charset=utf-8",
    "png": "image/png",
    "csv": "text/csv; charset=utf-8",
}


def content_type(key: str) -> dict[str, str]:
    """Return the argument ``ContentType`` of a ``PUT``: without one a browser would save a page and not show it."""
    kind = _CONTENT_TYPES.get(key.rpartition(".")[2])
    return {"ContentType": kind} if kind else {}


class S3Store:
    """See `f1lib.lake.store.ObjectStore`."""

    def __init__(self, place: AwsUrl, cache: Cache | None = None) -> None:
        self.bucket = place.name
        self.url = place.text("s3")
        self._place = place
        self._root = f"{place.path}/" if place.path else ""
        self._layers = {name: f"{place.options.get(name, self._root + name).strip('/')}/" for name in LAYERS}
        _check_no_overlap(self._layers, self.url)
        self._cache = cache or Cache()

    @classmethod
    def from_url(cls, url: str, cache: Cache | None = None) -> S3Store:
        """Open ``s3://bucket/prefix?bronze=raw&endpoint=http://...&region=...``; no request is sent."""
        return cls(AwsUrl.parse(url, "s3", LAYERS), cache)

    @cached_property
    def _client(self) -> Any:
        return self._place.client("s3")

    def read(self, key: str) -> bytes:
        """See `ObjectStore.read`."""
        name = self._name(check_key(key))
        if is_written_once(key):
            return self._cache.one(USE, (self.url, key), None, lambda: self._read_object(key, name), HELD)
        return self._read_object(key, name)

    def _read_object(self, key: str, name: str) -> bytes:
        with aws_errors(f"read {key} in lake {self.url}"):
            try:
                return self._get_object(name)[0]
            except self._client.exceptions.NoSuchKey:
                raise NoSuchKey(f"the lake has no {key} (lake {self.url})") from None

    def _get_object(self, name: str) -> tuple[bytes, str]:
        """Get the bytes of an object and the ETag of this version."""
        from botocore.exceptions import HTTPClientError

        for attempt in range(1, BODY_ATTEMPTS + 1):
            try:
                answer = self._client.get_object(Bucket=self.bucket, Key=name)
                return bytes(answer["Body"].read()), str(answer["ETag"])
            except HTTPClientError:
                if attempt == BODY_ATTEMPTS:
                    raise
        raise AssertionError("the loop returns or raises")

    def write(self, key: str, data: bytes) -> None:
        """See `ObjectStore.write`."""
        name = self._name(check_key(key))
        with aws_errors(f"write {key} in lake {self.url}"):
            self._client.put_object(Bucket=self.bucket, Key=name, Body=data, **content_type(key))
        _log.debug("wrote %s (%d bytes)", key, len(data))
        if is_written_once(key):
            self._cache.put(USE, (self.url, key), None, data, HELD)

    def update(self, key: str, change: Callable[[bytes | None], bytes]) -> bytes:
        """See `ObjectStore.update`: a conditional ``PUT``, tried again when another write came between."""
        from botocore.exceptions import ClientError

        name, data = self._name(check_key(key)), b""
        for _ in range(UPDATE_ATTEMPTS):
            with aws_errors(f"update {key} in lake {self.url}"):
                found, condition = self._current(name)
                if data and found == data:
                    return data  # the last try succeeded and its answer was lost
                data = change(found)
                try:
                    self._client.put_object(Bucket=self.bucket, Key=name, Body=data, **condition, **content_type(key))
                except ClientError as error:
                    if error_code(error) not in CONFLICTS:
                        raise
                else:
                    return data
        raise StorageError(f"cannot update {key} in lake {self.url}: overtaken {UPDATE_ATTEMPTS} times")

    def _current(self, name: str) -> tuple[bytes | None, dict[str, str]]:
        """Get the bytes of an object, and the condition under which a ``PUT`` replaces exactly this version."""
        try:
            data, tag = self._get_object(name)
        except self._client.exceptions.NoSuchKey:
            return None, {"IfNoneMatch": "*"}
        return data, {"IfMatch": tag}

    def exists(self, key: str) -> bool:
        """See `ObjectStore.exists`."""
        from botocore.exceptions import ClientError

        name = self._name(check_key(key))
        if is_written_once(key):
            return self._is_readable(key)
        with aws_errors(f"look for {key} in lake {self.url}"):
            try:
                self._client.head_object(Bucket=self.bucket, Key=name)
            except ClientError as error:
                if error_code(error) in ("404", "NoSuchKey"):
                    return False
                raise
        return True

    def _is_readable(self, key: str) -> bool:
        """Look for a file that never changes by reading it: the caller reads it next, and one request does for both."""
        try:
            self.read(key)
        except NoSuchKey:
            return False
        return True

    def list(self, prefix: str = "") -> list[str]:
        """See `ObjectStore.list`; all pages of the listing are read."""
        check_prefix(prefix)
        if "/" in prefix:
            places = {self._name(prefix)}
        else:
            places = {path for layer, path in self._layers.items() if layer.startswith(prefix)} | {self._root + prefix}
        with aws_errors(f"list {prefix or 'everything'} in lake {self.url}"):
            keys = {self._key(name) for place in places for name in self._names(place)}
        return sorted(key for key in keys if key.startswith(prefix) and not key.endswith("/") and key)

    def delete(self, key: str) -> None:
        """See `ObjectStore.delete`."""
        name = self._name(check_key(key))
        self._cache.drop(USE, (self.url, key))
        with aws_errors(f"delete {key} in lake {self.url}"):
            self._client.delete_object(Bucket=self.bucket, Key=name)

    def _names(self, place: str) -> Iterator[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=place)
        for page in pages:
            yield from (found["Key"] for found in page.get("Contents", ()))

    def _name(self, key: str) -> str:
        """Return the object's name in the bucket."""
        head, slash, rest = key.partition("/")
        return self._layers[head] + rest if slash and head in self._layers else self._root + key

    def _key(self, name: str) -> str:
        """Return the key of an object's name, the inverse of `_name`; empty for an object that has no key."""
        for layer, path in self._layers.items():
            if name.startswith(path):
                return f"{layer}/{name.removeprefix(path)}"
        key = name.removeprefix(self._root)
        return "" if key.partition("/")[0] in self._layers else key


def _check_no_overlap(layers: dict[str, str], url: str) -> None:
    for layer, path in layers.items():
        for other, taken in layers.items():
            if layer != other and path.startswith(taken):
                raise BadParameters(f"lake {url}: {layer} would stand inside {other} ({path} in {taken}); move one")
        if path == "/":
            raise BadParameters(f"lake {url}: {layer}= names no prefix of the bucket")
