"""The lake in an S3 bucket: the same keys as in a folder, below a prefix.

A ``PUT`` is one visible step on S3, and reads and listings see it at once (strong consistency since
December 2020), so the port's promises hold without renames. A layer may stand elsewhere in the bucket
(``S3_BRONZE_PATH`` and its like); the keys stay the same: ``s3://bucket/f1?bronze=raw`` keeps
``bronze/x`` under ``raw/x``. What was read of the files that never change is held in the cache.
"""

from __future__ import annotations

import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any

from f1lib.errors import NoSuchKey, StorageError
from f1lib.lake.aws_client import AwsUrl, aws_errors, error_code
from f1lib.lake.cache import Cache
from f1lib.lake.paths import LAYERS, check_key, check_prefix, is_written_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_log = logging.getLogger(__name__)
# A connection that breaks while the body streams is not botocore's to retry: this many tries in all.
BODY_ATTEMPTS = 3
# A conditional write whose object another writer changed meanwhile is tried again, this many times in all.
UPDATE_ATTEMPTS = 20
OVERTAKEN = ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey")
USE = "lake: S3 files written once"
HELD = 256  # the files of a model run have some 100 KB


class S3Store:
    """See `f1lib.lake.store.ObjectStore`."""

    def __init__(self, place: AwsUrl, cache: Cache | None = None) -> None:
        self.bucket = place.name
        self.url = place.text("s3")
        self._place = place
        self._root = f"{place.path}/" if place.path else ""
        self._layers = {name: f"{place.options.get(name, self._root + name).strip('/')}/" for name in LAYERS}
        _check_apart(self._layers, self.url)
        self._cache = cache or Cache()

    @classmethod
    def from_url(cls, url: str, cache: Cache | None = None) -> S3Store:
        """``s3://bucket/prefix?bronze=raw&endpoint=http://...&region=...``; opening sends nothing."""
        return cls(AwsUrl.parse(url, "s3", LAYERS), cache)

    @cached_property
    def _client(self) -> Any:
        return self._place.client("s3")

    def read(self, key: str) -> bytes:
        """See `ObjectStore.read`."""
        name = self._name(check_key(key))
        if is_written_once(key):
            return self._cache.one(USE, (self.url, key), None, lambda: self._got(key, name), HELD)
        return self._got(key, name)

    def _got(self, key: str, name: str) -> bytes:
        with aws_errors(f"read {key} in lake {self.url}"):
            try:
                return self._object(name)[0]
            except self._client.exceptions.NoSuchKey:
                raise NoSuchKey(f"the lake has no {key} (lake {self.url})") from None

    def _object(self, name: str) -> tuple[bytes, str]:
        """The bytes of an object and the tag of this version of it."""
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
            self._client.put_object(Bucket=self.bucket, Key=name, Body=data)
        _log.debug("wrote %s (%d bytes)", key, len(data))
        if is_written_once(key):
            self._cache.put(USE, (self.url, key), None, data, HELD)

    def update(self, key: str, change: Callable[[bytes | None], bytes]) -> bytes:
        """See `ObjectStore.update`; a conditional ``PUT``, tried again after the write that came between."""
        from botocore.exceptions import ClientError

        name, data = self._name(check_key(key)), b""
        for _ in range(UPDATE_ATTEMPTS):
            with aws_errors(f"update {key} in lake {self.url}"):
                found, condition = self._current(name)
                if data and found == data:
                    return data  # the last try was done and its answer lost
                data = change(found)
                try:
                    self._client.put_object(Bucket=self.bucket, Key=name, Body=data, **condition)
                except ClientError as error:
                    if error_code(error) not in OVERTAKEN:
                        raise
                else:
                    return data
        raise StorageError(f"cannot update {key} in lake {self.url}: overtaken {UPDATE_ATTEMPTS} times")

    def _current(self, name: str) -> tuple[bytes | None, dict[str, str]]:
        """The bytes of an object and the condition of a ``PUT`` that follows them."""
        try:
            data, tag = self._object(name)
        except self._client.exceptions.NoSuchKey:
            return None, {"IfNoneMatch": "*"}
        return data, {"IfMatch": tag}

    def exists(self, key: str) -> bool:
        """See `ObjectStore.exists`."""
        from botocore.exceptions import ClientError

        name = self._name(check_key(key))
        if is_written_once(key):
            return self._holds(key)
        with aws_errors(f"look for {key} in lake {self.url}"):
            try:
                self._client.head_object(Bucket=self.bucket, Key=name)
            except ClientError as error:
                if error_code(error) in ("404", "NoSuchKey"):
                    return False
                raise
        return True

    def _holds(self, key: str) -> bool:
        """What never changes is looked for by reading it, which comes next: one request in place of two."""
        try:
            self.read(key)
        except NoSuchKey:
            return False
        return True

    def list(self, prefix: str = "") -> list[str]:
        """See `ObjectStore.list`; as many pages as there are."""
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
        """The object's name in the bucket."""
        head, slash, rest = key.partition("/")
        return self._layers[head] + rest if slash and head in self._layers else self._root + key

    def _key(self, name: str) -> str:
        """The way back from `_name`; empty for an object that no key leads to."""
        for layer, path in self._layers.items():
            if name.startswith(path):
                return f"{layer}/{name.removeprefix(path)}"
        key = name.removeprefix(self._root)
        return "" if key.partition("/")[0] in self._layers else key


def _check_apart(layers: dict[str, str], url: str) -> None:
    for layer, path in layers.items():
        for other, taken in layers.items():
            if layer != other and path.startswith(taken):
                raise StorageError(f"lake {url}: {layer} would stand inside {other} ({path} in {taken}); move one")
        if path == "/":
            raise StorageError(f"lake {url}: {layer}= names no prefix of the bucket")
