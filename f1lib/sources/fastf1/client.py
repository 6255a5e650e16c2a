"""Set up FastF1's `requests` sessions, cache and log for f1lib.

Inside `Wire.talk` FastF1's requests go through `http.Upstream` (base address, time-outs, retries, record of calls), its
messages are collected instead of printed, and nothing can prompt for credentials: an F1 account is passed by the caller
or not used. FastF1's own rate limits stay in force.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from requests import Timeout
from requests.adapters import HTTPAdapter

from f1lib.errors import RateLimited
from f1lib.sources.bounds import in_time
from f1lib.sources.calls import Politeness
from f1lib.sources.fastf1.cache import CacheFolder
from f1lib.sources.http import Upstream

LIVE_TIMING = "livetiming.formula1.com"
MIRROR = "livetiming-mirror.fastf1.dev"
_MOUNTED = ("https://", "http://", f"https://{LIVE_TIMING}/")  # FastF1 mounts an adapter of its own on the last
# FastF1's limiter and settings are global to the process and not safe for threads.
_ONE_AT_A_TIME = threading.RLock()
_LONGEST_MESSAGE = 300
_log = logging.getLogger(__name__)


class Wire:
    """FastF1 with a ``cache`` folder, a ``base`` address and an ``account`` (user name and password, or None).

    ``cache_bytes`` bounds what f1lib's own downloads may take in ``cache``. ``options`` are fields of `http.Upstream`.
    """

    def __init__(
        self, cache: Path, *, base: str = "", account: tuple[str, str] | None = None, cache_bytes: int, **options: Any
    ) -> None:
        self.folder = CacheFolder(cache, cache_bytes)
        self._account = account
        self._signer: HTTPAdapter | None = None
        self.upstream = Upstream(base=base, soft=True, **options)

    @contextmanager
    def talk(self) -> Iterator[list[str]]:
        """Run FastF1 with our adapter and log inside the ``with`` block; yields the growing list of its warnings.

        Raises `RateLimited` when FastF1's own limit is reached, `SourceError` when the cache cannot be used.
        """
        from fastf1.req import Cache

        with _ONE_AT_A_TIME:
            self.folder.make()
            # Parsed files are kept, responses are not: FastF1's cache serves one for twelve hours, and an answer from
            # before the results were published would hide them for the rest of the day.
            Cache.configure(cache_dir=str(self.folder.path), use_requests_cache=False)
            self.upstream.forget()
            if self._account and not self.upstream.base and self._signer is None:
                self._signer = _signing_adapter(*self._account)
                self.upstream.signing = {LIVE_TIMING: self._signer}
            sessions = [s for s in (Cache._requests_session, Cache._requests_session_cached) if s is not None]
            before = [(session, dict(session.adapters)) for session in sessions]
            for session in sessions:
                for prefix in _MOUNTED:
                    session.mount(prefix, self.upstream)
            try:
                with _collected_log() as said:
                    yield said
            except Exception as error:
                if _is_limit(error):
                    wait = seconds_to_wait()
                    raise RateLimited(f"FastF1's own limit ({error}); ask again in {wait:.0f} s", wait) from error
                raise
            finally:
                for session, adapters in before:
                    for prefix in _MOUNTED:
                        session.mount(prefix, adapters[prefix]) if prefix in adapters else session.adapters.pop(prefix)
                self.folder.trim()


def seconds_to_wait() -> float:
    """Return how long FastF1's limiter refuses further calls, in seconds, from its own record of calls."""
    from fastf1.req import _SessionWithRateLimiting

    waits = [0.0]
    for limiters in _SessionWithRateLimiting._RATE_LIMITS.values():
        for limiter in limiters:
            stamps = getattr(limiter, "_timestamps", None)
            if stamps and len(stamps) == stamps.maxlen:
                waits.append(stamps[0] + limiter._interval - stamps[-1])
    return max(waits) or 3600.0


def share_limits(workers: int) -> None:
    """Reduce FastF1's rate limits to one of ``workers`` equal shares, because every process counts for itself."""
    from collections import deque

    from fastf1.req import _SessionWithRateLimiting

    for limiters in _SessionWithRateLimiting._RATE_LIMITS.values():
        for limiter in limiters:
            stamps = getattr(limiter, "_timestamps", None)
            if stamps is None:
                limiter._interval *= workers
            else:
                limiter._timestamps = deque(stamps, maxlen=max(stamps.maxlen // workers, 2))


def versions() -> dict[str, Any]:
    """Return FastF1's version and that of its parsers, for the provenance."""
    import fastf1
    from fastf1.req import Cache

    return {"fastf1": fastf1.__version__, "fastf1_api_core": Cache._API_CORE_VERSION}


def _is_limit(error: BaseException | None) -> bool:
    """Whether an exception is FastF1's rate limit, or was raised because of it."""
    from fastf1.exceptions import RateLimitExceededError

    while error is not None:
        if isinstance(error, RateLimitExceededError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _signing_adapter(username: str, password: str) -> HTTPAdapter:
    """Return FastF1's adapter that signs in with this account and never prompts.

    Signing in takes as long as any request, at most. It is not repeated when it failed: FastF1 would try again with
    every request.
    """
    from fastf1.exceptions import F1AuthError
    from fastf1.internals.f1account import LivetimingAuthAdapter
    from fastf1.internals.f1account.login import login
    from fastf1.internals.f1account.tokens import TokenManager

    refusals: list[str] = []

    def sign_in() -> Any:
        if refusals:
            raise F1AuthError(refusals[0])
        try:
            return in_time(lambda: login(username, password), Politeness.total)
        except (F1AuthError, Timeout) as error:
            refusals.append(str(error))
            raise F1AuthError(refusals[0]) from error

    return LivetimingAuthAdapter(TokenManager(auth_func=sign_in))  # type: ignore[no-any-return]


class _Collector(logging.Handler):
    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        message = " ".join(record.getMessage().split())
        _log.debug("FastF1: %s", message)
        if message and message not in self._said:
            self._said.append(message[:_LONGEST_MESSAGE])


@contextmanager
def _collected_log() -> Iterator[list[str]]:
    """Collect FastF1's warnings in a list instead of printing them."""
    said: list[str] = []
    logger = logging.getLogger("fastf1")
    before = logger.handlers, logger.propagate
    logger.handlers, logger.propagate = [_Collector(said)], False
    try:
        yield said
    finally:
        logger.handlers, logger.propagate = before
