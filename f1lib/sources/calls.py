"""One request to an upstream: the limits on it, and the record of how it went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from f1lib.errors import RateLimited, SourceError
from f1lib.sources.failures import shown

REFUSED = (401, 403, 407, 451)


@dataclass(frozen=True)
class Politeness:
    """Limits on the duration and the number of attempts of one request; all times in seconds.

    A request that would have to wait longer than ``longest_wait`` is not repeated: the error names the time to wait.
    ``total`` bounds all attempts together, each from the first byte sent to the last one read; a time-out is not
    repeated. A host that could not be reached, or failed ``failures`` requests in a row, is not asked for ``alone``.
    ``pace`` is the least time from one request to the next.
    """

    connect: float = 3.0
    read: float = 15.0
    attempts: int = 3
    backoff: float = 1.0
    longest_wait: float = 20.0
    total: float = 120.0
    failures: int = 3
    alone: float = 300.0
    pace: float = 0.0


@dataclass(frozen=True)
class Call:
    """One request as it went: ``status`` 0 when nothing came back, ``fault`` empty when the answer is usable.

    ``fault`` is one of ``rate limited``, ``server error``, ``no connection``, ``timed out``, ``truncated``, ``HTML``,
    ``too large`` and ``sent elsewhere`` (a redirect to a host that is none of the source's): all of them may pass,
    unlike a 403 or 404, which are answers. ``detail`` is the reason where there is one.
    """

    url: str
    status: int = 0
    attempts: int = 1
    bytes: int = 0
    sha256: str = ""
    fault: str = ""
    detail: str = ""
    retry_after_seconds: float = 0.0

    @property
    def refused(self) -> bool:
        """Whether the upstream answered that it does not serve us."""
        return self.status in REFUSED

    def record(self) -> dict[str, Any]:
        """Return the call as a provenance keeps it: address, status, size and hash, without the number of attempts."""
        kept = {"url": shown(self.url, query=True), "status": self.status, "bytes": self.bytes, "sha256": self.sha256}
        return {name: value for name, value in kept.items() if value or name == "status"}

    def error(self) -> SourceError:
        """Return the fault as an exception: `RateLimited` with the time to wait, or `SourceError`."""
        place = f"{shown(self.url)}: {self.fault} after {self.attempts} attempts"
        if self.fault == "rate limited":
            wait = self.retry_after_seconds
            return RateLimited(f"{place} (status {self.status}); ask again in {wait:.0f} s", wait)
        return SourceError(f"{place} ({self.detail or f'status {self.status}'}); the next run asks again")
