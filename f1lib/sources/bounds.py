"""Bounds on what an upstream can make us do: bytes, time, waits, and the hosts it sends us on to."""

from __future__ import annotations

import re
import socket
import threading
from concurrent.futures import Future
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urljoin, urlsplit

from requests import exceptions as web_errors

from f1lib.sources.failures import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import requests

MAX_BYTES = 32_000_000  # of an unpacked body; the largest one of the sources, a race's TimingData, has 2.5 MB
PIECE_BYTES = 1 << 15
LONGEST_RETRY_AFTER = 6 * 3600.0
# Hosts that a host may send us on to, beside itself.
_SENDS_ON = {
    "github.com": ("objects.githubusercontent.com", "release-assets.githubusercontent.com"),
    "livetiming.formula1.com": ("livetiming-mirror.fastf1.dev",),
}
_Answer = TypeVar("_Answer")


class TooLarge(Exception):
    """The body has more bytes than any that the source sends."""


def pieces(response: requests.Response, limit: int, seconds: float, size: int = PIECE_BYTES) -> Iterator[bytes]:
    """Yield the unpacked body piece by piece.

    Parameters
    ----------
    response : requests.Response
        An answer whose body has not been read.
    limit : int
        Bytes that it may unpack to.
    seconds : float
        Time for the whole of it: the read time-out starts again with every byte that comes.
    size : int
        Bytes of a piece, at most.

    Raises
    ------
    TooLarge
        When it has more bytes.
    requests.Timeout
        When it takes longer.
    """
    late, total = threading.Event(), 0

    def stop() -> None:
        late.set()
        with suppress(ValueError, RuntimeError, OSError):  # the last byte came in the meantime
            response.raw.shutdown()

    watch = threading.Timer(max(seconds, 0.0), stop)
    watch.daemon = True
    watch.start()
    try:
        for piece in response.iter_content(size):
            total += len(piece)
            if total > limit:
                response.close()
                raise TooLarge(f"larger than {limit} bytes")
            yield piece
    except web_errors.RequestException:
        if not late.is_set():
            raise
    finally:
        watch.cancel()
    if late.is_set():
        response.close()
        raise web_errors.ReadTimeout(f"not whole within {seconds:.0f} s")


def in_time(work: Callable[[], _Answer], seconds: float) -> _Answer:
    """Return what ``work`` returns; raises `requests.Timeout` when it takes longer, and leaves it to itself then.

    A server may send its headers a byte at a time, which no time-out of a socket ends.
    """
    answer: Future[_Answer] = Future()

    def run() -> None:
        try:
            answer.set_result(work())
        except BaseException as error:  # raised again by `Future.result`
            answer.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        return answer.result(max(seconds, 0.0))
    except TimeoutError:
        raise web_errors.ReadTimeout(f"no answer within {seconds:.0f} s") from None


def look_up(url: str, seconds: float) -> None:
    """Resolve the host of ``url``: no time-out of a request bounds a look-up, which may hang for minutes.

    Raises `requests.ConnectionError` when the name has no address, `requests.Timeout` after ``seconds``.
    """
    parts = urlsplit(url)
    try:
        in_time(lambda: socket.getaddrinfo(parts.hostname, parts.port or parts.scheme), seconds)
    except OSError as error:
        if isinstance(error, web_errors.RequestException):
            raise web_errors.ConnectTimeout(f"its name was not resolved within {seconds:.0f} s") from error
        raise web_errors.ConnectionError(error) from error


def elsewhere(url: str, response: requests.Response) -> str:
    """Return where a redirect leads when that is no host of the source, or not encrypted any more; else nothing."""
    if not response.is_redirect:
        return ""
    try:
        here, there = urlsplit(url), urlsplit(urljoin(url, response.headers["Location"]))
        kept = {here.scheme, "https"} if here.hostname == there.hostname else {"https"}
        known = (here.hostname, *_SENDS_ON.get(here.hostname or "", ()))
        is_ours = there.hostname in known and there.scheme in kept and there.port in (None, here.port)
    except ValueError as error:
        return f"its redirect is no address: {error}"
    return "" if is_ours else f"its redirect leads to {shown(there.geturl())[:200]}"


def retry_after(response: requests.Response) -> float:
    """Return the seconds the upstream asks us to wait: a number, or a date read against the answer's own ``Date``.

    They are 0 to `LONGEST_RETRY_AFTER`; what cannot be read counts as not said.
    """
    asked = response.headers.get("Retry-After", "").strip()
    try:
        if re.fullmatch(r"[0-9]+", asked):
            seconds = float(asked)
        else:
            until, said = parsedate_to_datetime(asked), parsedate_to_datetime(response.headers.get("Date", ""))
            seconds = (until - said).total_seconds()
    except (TypeError, ValueError, OverflowError):
        seconds = 60.0 if response.status_code == 429 else 0.0
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)
