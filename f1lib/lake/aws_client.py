"""boto3 clients for S3 and DynamoDB: addresses, bounded retries, and botocore's errors as `StorageError`.

boto3 is imported here and nowhere else, on first use: a local run never needs it. botocore finds credentials, region
and ``AWS_ENDPOINT_URL`` itself; a local stand-in may also be named in the URL
(``?endpoint=http://127.0.0.1:5000&region=us-east-1``).
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from f1lib.errors import BadParameters, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

# The first try and its retries. Waits double from at most 1 s to at most 20 s (botocore's "standard" mode, with
# jitter), so that a call gives up after about half a minute, well inside a tick.
ATTEMPTS = 6
CONNECT_SECONDS, READ_SECONDS = 5, 30
CONNECTIONS = 16
_CLIENT_OPTIONS = ("endpoint", "region")


@dataclass(frozen=True)
class AwsUrl:
    """Parts of ``scheme://name/path?option=value``."""

    name: str
    path: str
    options: dict[str, str]

    @classmethod
    def parse(cls, url: str, scheme: str, known: tuple[str, ...]) -> AwsUrl:
        """Parse ``url``.

        Parameters
        ----------
        url : str
            ``scheme://name/path?option=value``.
        scheme : str
            The scheme that it must have: ``s3`` or ``dynamodb``.
        known : tuple[str, ...]
            Options of the service that are accepted beside ``endpoint`` and ``region``.

        Returns
        -------
        AwsUrl
            Name of the bucket or table, path without slashes at its ends, and options.

        Raises
        ------
        BadParameters
            For another scheme, a missing name or an unknown option.
        """
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query))
        unknown = sorted(set(options) - {*known, *_CLIENT_OPTIONS})
        if parts.scheme != scheme or not parts.netloc or unknown:
            allowed = ", ".join((*known, *_CLIENT_OPTIONS))
            fault = f"unknown option {', '.join(unknown)}" if unknown else "no name"
            raise BadParameters(f"{url!r}: {fault}; use {scheme}://name with options {allowed}")
        return cls(parts.netloc, unquote(parts.path).strip("/"), options)

    def text(self, scheme: str) -> str:
        """Return the URL as text, from which a notebook can open the same place."""
        path = f"/{quote(self.path)}" if self.path else ""
        return f"{scheme}://{self.name}{path}" + (f"?{urlencode(self.options)}" if self.options else "")

    def client(self, service: str) -> Any:
        """Make a boto3 client of ``service`` with the endpoint and region of the options."""
        return aws_client(service, self.options.get("endpoint", ""), self.options.get("region", ""))


def aws_client(service: str, endpoint: str, region: str) -> Any:
    """Make a thread-safe boto3 client that tries a throttled or failed request `ATTEMPTS` times in all.

    Parameters
    ----------
    service : str
        ``s3`` or ``dynamodb``.
    endpoint : str
        URL of a local stand-in; empty for AWS, or for what ``AWS_ENDPOINT_URL`` names.
    region : str
        AWS region; empty for botocore's own configuration.

    Returns
    -------
    botocore.client.BaseClient
        Client that retries throttling, 5xx answers and lost connections in botocore's ``standard`` mode.

    Raises
    ------
    StorageError
        When boto3 is not installed, botocore finds no region, or the endpoint is not a URL.
    """
    try:
        import boto3
    except ModuleNotFoundError as error:
        raise StorageError("S3 and DynamoDB need boto3, an extra: pip install 'f1lib[aws]'") from error
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    config = Config(
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        max_pool_connections=CONNECTIONS,
    )
    make: Any = boto3.client  # some stubs type it for literal names only
    try:
        return make(service, endpoint_url=endpoint or None, region_name=region or None, config=config)
    except (BotoCoreError, ValueError) as error:
        raise StorageError(f"cannot reach AWS {service}: {error}") from error


@contextmanager
def aws_errors(what: str) -> Iterator[None]:
    """Raise botocore's errors inside the block as `StorageError`: ``cannot <what>: <reason>``."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise StorageError(f"cannot {what}: {error}") from error


def error_code(error: Any) -> str:
    """Return the code of a botocore ``ClientError``, such as ``NoSuchKey``."""
    return str(error.response.get("Error", {}).get("Code", ""))
