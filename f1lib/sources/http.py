"""Send every request to an upstream through one `requests` adapter.

>>> web = session("http://127.0.0.1:8080")
>>> get_json(web, "https://api.open-meteo.com/v1/forecast", {"latitude": "44.34"})

With a base address (tests, mirrors, proxies) a request goes to ``<base>/<original host>/<original path>?<query>``. The
adapter sets the time-outs, retries faults that may pass, checks the body before it is parsed, and records every call
for the provenance of the answer. A host that does not answer is left alone for a while, so that a tick with a hundred
requests for it waits once.
"""

from __future__ import annotations

import logging
import random
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from requests import exceptions as web_errors
from requests.adapters import HTTPAdapter
from requests.utils import select_proxy

from f1lib.errors import BadParameters, SourceBlocked, SourceError
from f1lib.lake import fingerprint
from f1lib.lake.documents import from_json
from f1lib.sources.bounds import MAX_BYTES, TooLarge, elsewhere, in_time, look_up, pieces, retry_after
from f1lib.sources.calls import REFUSED, Call, Politeness
from f1lib.sources.failures import cause, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


_log = logging.getLogger(__name__)
USER_AGENT = "f1lib"
# Hosts that answer in JSON whatever the path's ending.
JSON_HOSTS = frozenset(
    "api.open-meteo.com archive-api.open-meteo.com historical-forecast-api.open-meteo.com "
    "previous-runs-api.open-meteo.com api.jolpi.ca api.multiviewer.app api.openf1.org".split()
)
_FINAL = ("too large", "sent elsewhere", "timed out")  # asking again brings the same, or costs as much time again
_SILENT = ("timed out", "no connection")
_FAILING = ("server error", "HTML")
_CUT_SHORT = (web_errors.ChunkedEncodingError, web_errors.ContentDecodingError)


@dataclass(eq=False)
class Upstream(HTTPAdapter):
    """Adapter for all requests.

    ``calls`` grows by one a request, ``bodies`` by the answers of the hosts in ``keep``. With ``soft``, for a client
    that has fallbacks of its own (FastF1), a request without a usable answer returns a response of status 502 instead
    of raising, and the fault is in ``calls``. ``signing`` maps a host to the adapter that sends its requests with
    credentials; it is not used where a base is given, so that credentials are never sent to another host. ``sleep`` and
    ``chance`` replace `time.sleep` and `random.random`.
    """

    base: str = ""
    soft: bool = False
    politeness: Politeness = field(default_factory=Politeness)
    signing: Mapping[str, HTTPAdapter] = field(default_factory=dict)
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random
    keep: frozenset[str] = frozenset()
    calls: list[Call] = field(default_factory=list)
    bodies: dict[str, bytes] = field(default_factory=dict)
    # host -> how many requests in a row failed, when the last one did, and how
    failed: dict[str, tuple[int, float, Call]] = field(default_factory=dict)
    asked_last: float = float("-inf")

    def __post_init__(self) -> None:
        super().__init__()
        self.base = checked_base(self.base)

    def forget(self) -> None:
        """Clear the record of calls and bodies."""
        self.calls, self.bodies = [], {}

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        """Send ``request``, repeated within the bounds of ``politeness``.

        Raises `RateLimited` or another `SourceError` when no usable answer came, unless ``soft``.
        """
        started = time.perf_counter()
        response, call = self._left_alone(request.url or "") or self._repeated(request, options, started)
        self.calls.append(call)
        place = urlsplit(call.url)  # host and path only: a query or a user name may be secret
        seconds, what = time.perf_counter() - started, call.fault or "answered"
        _log.info("%s%s: %s (status %d, %.2f s)", place.hostname, place.path, what, call.status, seconds)
        if not call.fault:
            assert response is not None
            if call.status == 200 and urlsplit(call.url).hostname in self.keep:
                self.bodies[call.url] = response.content
            return response
        if self.soft:
            return _substitute_response(request, call)
        raise call.error()

    def _left_alone(self, url: str) -> tuple[None, Call] | None:
        """Return the call that is not made because its host does not answer; None for one that is to be made."""
        count, when, last = self.failed.get(urlsplit(url).hostname or "", (0, 0.0, Call(url)))
        is_down = last.fault in _SILENT or count >= self.politeness.failures
        if not is_down or time.perf_counter() - when > self.politeness.alone:
            return None
        why = f"{last.detail or f'status {last.status}'}; left alone for {self.politeness.alone:.0f} s"
        return None, Call(url, attempts=0, fault=last.fault, detail=why)

    def _repeated(
        self, request: requests.PreparedRequest, options: dict[str, Any], started: float
    ) -> tuple[requests.Response | None, Call]:
        options["timeout"] = self._bounded(options.get("timeout"))
        for attempt in range(1, self.politeness.attempts + 1):
            if (early := self.asked_last + self.politeness.pace - time.perf_counter()) > 0:
                self.sleep(early)
            self.asked_last = time.perf_counter()
            left = started + self.politeness.total - time.perf_counter()
            response, call = self._attempt(request, options, left)
            call = replace(call, attempts=attempt)
            wait = call.retry_after_seconds or self._backoff(attempt)
            longest = min(self.politeness.longest_wait, started + self.politeness.total - time.perf_counter())
            if not call.fault or call.fault in _FINAL or attempt == self.politeness.attempts or wait > longest:
                break
            self.sleep(wait)
        host, now = urlsplit(call.url).hostname or "", time.perf_counter()
        if call.fault in _SILENT + _FAILING:
            self.failed[host] = (self.failed[host][0] + 1 if host in self.failed else 1, now, call)
        elif not call.fault:
            self.failed.pop(host, None)
        return response, call

    def _bounded(self, asked: Any) -> tuple[float, float]:
        """Return the time-outs to connect and to read: ours, or the client's own where they are shorter."""
        connect, read = asked if isinstance(asked, tuple) else (asked, asked)
        return min(connect or 9e9, self.politeness.connect), min(read or 9e9, self.politeness.read)

    def _backoff(self, attempt: int) -> float:
        """Return the wait before the next attempt: doubling, times a random factor of 0.5 to 1.5.

        The factor keeps many clients from coming back at once.
        """
        return float(self.politeness.backoff * 2 ** (attempt - 1) * (0.5 + self.chance()))

    def _attempt(
        self, request: requests.PreparedRequest, options: dict[str, Any], seconds: float
    ) -> tuple[requests.Response | None, Call]:
        url, until, body = request.url or "", time.perf_counter() + seconds, b""
        try:
            response = in_time(lambda: self._transmit(request, options), seconds)
            is_stream = options.get("stream") and not _small(url) and response.status_code in (200, 206)
            if response.raw is None:  # the adapter that signs in made it up
                body = response.content
            elif not is_stream:
                body = b"".join(pieces(response, MAX_BYTES, until - time.perf_counter()))
                response._content, response._content_consumed = body, True  # type: ignore[attr-defined]
        except TooLarge as error:
            return None, Call(url, fault="too large", detail=str(error))
        except _CUT_SHORT as error:
            return None, Call(url, fault="truncated", detail=cause(error))
        except web_errors.RequestException as error:
            fault = "timed out" if isinstance(error, web_errors.Timeout) else "no connection"
            return None, Call(url, fault=fault, detail=cause(error))
        digest = fingerprint.of_bytes(body) if body else ""
        fault, detail = _fault(url, response, body)
        call = Call(url, response.status_code, bytes=len(body), sha256=digest, fault=fault, detail=detail)
        if call.fault in ("rate limited", "server error"):
            call = replace(call, retry_after_seconds=retry_after(response))
        return response, call

    def _transmit(self, request: requests.PreparedRequest, options: dict[str, Any]) -> requests.Response:
        if not self.base:
            look_up(select_proxy(request.url or "", options.get("proxies")) or request.url or "", options["timeout"][0])
            signer = self.signing.get(urlsplit(request.url or "").hostname or "")
            return signer.send(request, **options) if signer else super().send(request, **options)
        moved = request.copy()
        moved.url = rewrite(request.url or "", self.base)
        # The base is reached directly: proxies in the environment are meant for the original host.
        response = super().send(moved, **(options | {"proxies": {}}))
        response.url = request.url or ""
        return response


def session(base: str = "", *, soft: bool = False, **options: Any) -> requests.Session:
    """Return a `requests.Session` whose requests all go through one `Upstream` adapter; ``options`` are its fields."""
    web = requests.Session()
    adapter = Upstream(base=base, soft=soft, **options)
    web.mount("https://", adapter)
    web.mount("http://", adapter)
    web.headers["User-Agent"] = USER_AGENT
    web.max_redirects = 5
    return web


def upstream_of(web: requests.Session) -> Upstream:
    """Return the adapter that `session` mounted, for its record of calls."""
    adapter = web.get_adapter("https://")
    assert isinstance(adapter, Upstream)
    return adapter


def get_json(web: requests.Session, url: str, params: Mapping[str, str], *, absent: Any = None) -> Any:
    """Fetch the JSON document at ``url``.

    Parameters
    ----------
    web : requests.Session
        As of `session`.
    url : str
        Address without a query.
    params : mapping of str to str
        The query.
    absent : Any
        What a 404 stands for; an error by default.

    Returns
    -------
    Any
        The parsed document.

    Raises
    ------
    SourceBlocked
        When the upstream refuses us (401, 403, 407, 451); the message has the reason it gives.
    RateLimited
        When it still limits the rate after the retries; carries the time to wait.
    SourceError
        For any other status from 400 on, and when no usable answer came.
    """
    try:
        response = web.get(url, params=dict(params))
        if response.status_code == 404 and absent is not None:
            return absent
        check_status(response, url)
        return from_json(response.content)
    except (web_errors.RequestException, ValueError) as error:  # redirects without end, for one
        raise SourceError(f"{shown(url)}: {cause(error)}") from error


def check_status(response: requests.Response, url: str) -> None:
    """Raise `SourceBlocked` when the upstream refuses us, `SourceError` for any other status from 400 on."""
    if response.status_code in REFUSED:
        raise SourceBlocked(f"{shown(url)} refuses us (status {response.status_code}): {_reason(response)}")
    if response.status_code >= 400:
        raise SourceError(f"{shown(url)} answered {response.status_code}: {_reason(response)}")


def rewrite(url: str, base: str) -> str:
    """Return ``https://host/path?query`` below ``base``: ``<base>/host/path?query``."""
    parts = urlsplit(url)
    return f"{base}/{parts.netloc}{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")


def checked_base(base: str) -> str:
    """Return ``base`` without its trailing slash; raise `BadParameters` unless it is empty or an http(s) address."""
    parts = urlsplit(base.strip())
    if base and (parts.scheme not in ("http", "https") or not parts.netloc or parts.query):
        raise BadParameters(f"F1_UPSTREAM_BASE is {shown(base)!r}; expected an address such as http://127.0.0.1:8080")
    return base.strip().rstrip("/")


def _small(url: str) -> bool:
    """Whether ``url`` names a document that is read whole to be checked, even when it is requested as a stream."""
    parts = urlsplit(url)
    return parts.hostname in JSON_HOSTS or parts.path.endswith((".json", ".jsonStream"))


def _fault(url: str, response: requests.Response, body: bytes) -> tuple[str, str]:
    """Return what is wrong with an answer and why: an error that may pass, an unexpected body; or nothing."""
    if response.status_code == 429:
        return "rate limited", ""
    if response.status_code >= 500:
        return "server error", ""
    if place := elsewhere(url, response):
        return "sent elsewhere", place
    if response.status_code != 200:
        return "", ""
    text = body.removeprefix(b"\xef\xbb\xbf").lstrip()
    if response.headers.get("Content-Type", "").startswith("text/html") or text[:1] == b"<":
        return "HTML", ""
    if urlsplit(url).path.endswith(".jsonStream"):
        # Every record of a live timing stream ends in CRLF; FastF1 silently drops a last one without it.
        return "" if not body or body.endswith(b"\r\n") else "truncated", ""
    if _small(url):
        try:
            from_json(body)
        except ValueError as error:
            return "truncated", f"status 200, no whole JSON: {error}"
    return "", ""


def _substitute_response(request: requests.PreparedRequest, call: Call) -> requests.Response:
    """Return what a soft adapter gives in place of an answer: status 502 with the fault as its reason."""
    response = requests.Response()
    response.status_code = call.status if call.status >= 400 else 502
    response.reason = call.fault
    response.url = call.url
    response.request = request
    response._content = b""
    return response


def _reason(response: requests.Response) -> str:
    try:
        document = from_json(response.content)
    except ValueError:
        document = None
    named = document.get("reason") or document.get("detail") if isinstance(document, dict) else None
    return str(named or response.reason or "no reason given")[:200]
