"""What both AWS ports share: the client with its bounded retries, and errors in our words.

boto3 is imported here and nowhere else, on first use: a local run never needs it. Credentials, region and
``AWS_ENDPOINT_URL`` are found by botocore itself, as everywhere on AWS; a stand-in may also be named in
the URL (``?endpoint=http://127.0.0.1:5000&region=us-east-1``).
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from f1lib.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

# The first try and the retries after it. Waits double from at most 1 s to at most 20 s (botocore's
# "standard" mode, with jitter), so that a call gives up after about half a minute, well inside a tick.
ATTEMPTS = 6
CONNECT_SECONDS, READ_SECONDS = 5, 30
CONNECTIONS = 16
_CLIENT_OPTIONS = ("endpoint", "region")


@dataclass(frozen=True)
class AwsUrl:
    """``scheme://name/path?option=value`` taken apart."""

    name: str
    path: str
    options: dict[str, str]

    @classmethod
    def parse(cls, url: str, scheme: str, known: tuple[str, ...]) -> AwsUrl:
        """Read ``url``; raises `StorageError` for a missing name or an option that is not in ``known``."""
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query))
        unknown = sorted(set(options) - {*known, *_CLIENT_OPTIONS})
        if parts.scheme != scheme or not parts.netloc or unknown:
            allowed = ", ".join((*known, *_CLIENT_OPTIONS))
            fault = f"unknown option {', '.join(unknown)}" if unknown else "no name"
            raise StorageError(f"{url!r}: {fault}; use {scheme}://name with options {allowed}")
        return cls(parts.netloc, unquote(parts.path).strip("/"), options)

    def text(self, scheme: str) -> str:
        """The URL again, so that a notebook can open the same place."""
        path = f"/{quote(self.path)}" if self.path else ""
        return f"{scheme}://{self.name}{path}" + (f"?{urlencode(self.options)}" if self.options else "")

    def client(self, service: str) -> Any:
        """A client of ``service`` for this place."""
        return aws_client(service, self.options.get("endpoint", ""), self.options.get("region", ""))


def aws_client(service: str, endpoint: str, region: str) -> Any:
    """A thread-safe boto3 client; throttling, 5xx and lost connections are tried `ATTEMPTS` times in all.

    Raises `StorageError` when botocore finds no region, or takes the endpoint for no URL.
    """
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    config = Config(
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        max_pool_connections=CONNECTIONS,
    )
    make: Any = boto3.client  # typed by some stubs for literal names only
    try:
        return make(service, endpoint_url=endpoint or None, region_name=region or None, config=config)
    except (BotoCoreError, ValueError) as error:
        raise StorageError(f"cannot reach AWS {service}: {error}") from error


@contextmanager
def aws_errors(what: str) -> Iterator[None]:
    """Turn whatever botocore raises inside the block into `StorageError`: ``cannot <what>: <reason>``."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise StorageError(f"cannot {what}: {error}") from error


def error_code(error: Any) -> str:
    """The code of a botocore ``ClientError``, such as ``NoSuchKey``."""
    return str(error.response.get("Error", {}).get("Code", ""))
