"""Ask OpenF1 (https://openf1.org) for rows, politely.

>>> ask(web, "laps", session_key=9161)

Every endpoint answers with a list of flat rows, filtered by the query (``documentation/includes/_api_endpoints.md`` of
br-g/openf1). History is free without an account; while a session runs, and up to half an hour after, everybody without
one gets 401 "Session in progress", for past sessions too. That is `ClosedForNow`: nobody is blocked, it is too early.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from f1lib.errors import ClosedForNow, SourceBlocked, SourceError
from f1lib.sources.calls import Politeness
from f1lib.sources.http import get_json

if TYPE_CHECKING:
    import requests

HOST = "api.openf1.org"
ATTRIBUTION = "OpenF1, https://openf1.org (Formula One's live timing)"
# 30 requests in 10 s for everybody without an account (openf1#113), with some to spare.
PACE_SECONDS = 0.4
_IN_PROGRESS = "session in progress"


def politeness(workers: int = 1) -> Politeness:
    """Return the bounds of a request, at the pace that is one of ``workers`` equal shares of what OpenF1 allows."""
    return Politeness(attempts=2, pace=PACE_SECONDS * workers)


def ask(web: requests.Session, endpoint: str, **query: Any) -> list[dict[str, Any]]:
    """Fetch the rows of an endpoint.

    Parameters
    ----------
    web : requests.Session
        As of `f1lib.sources.http.session`.
    endpoint : str
        Such as ``laps``.
    **query
        The filters, such as ``session_key=9161``.

    Returns
    -------
    list of dict
        Empty when OpenF1 has none, which it says with an empty list or with 404.

    Raises
    ------
    ClosedForNow
        While a session is in progress.
    SourceBlocked, RateLimited
        When OpenF1 refuses us for another reason, or limits the rate.
    SourceError
        For any other fault, and for an answer that is no list of rows.
    """
    url = f"https://{HOST}/v1/{endpoint}"
    try:
        rows = get_json(web, url, {name: str(value) for name, value in query.items()}, absent=[])
    except SourceBlocked as error:
        if _IN_PROGRESS in str(error).lower():
            raise ClosedForNow(
                f"OpenF1 answers nobody while a session is in progress; asked again later ({error})"
            ) from None
        raise
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SourceError(f"{url}: the answer is no list of rows")
    return rows
