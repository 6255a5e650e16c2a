"""Describe an address, and why a request brought no answer, for messages and notes."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from f1lib.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator


def cause(error: BaseException) -> str:
    """Describe in a few words why no answer came.

    That is the system's own message ("Connection refused") where there is one, not the text of the exceptions around
    it.
    """
    import requests  # a third of the start of the command, which needs it only when something failed

    chain = [error]
    while (inner := _inside(chain[-1])) and inner not in chain:
        chain.append(inner)
    if words := [e.strerror for e in chain if isinstance(e, OSError) and e.strerror]:
        return str(words[-1])
    if any(isinstance(e, (requests.Timeout, TimeoutError)) for e in chain):
        return "timed out"
    return " ".join(str(chain[-1]).split())[:120] or type(chain[-1]).__name__


def shown(url: str, *, query: bool = False) -> str:
    """Return an address as it may be stored and logged: without user, password and fragment, and without its query.

    The query is kept with ``query``, where f1lib itself has made it. A path is returned as it is.
    """
    if "://" not in url:  # the path of a file
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        return re.sub(r"//[^/]*@", "//", url.partition("?")[0])
    kept = parts.query if query else ""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query=kept, fragment="").geturl()


@contextmanager
def readable(what: str) -> Iterator[None]:
    """Raise `SourceError` naming ``what`` where the block breaks on values or a shape that no answer has."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        said = " ".join(str(error).split())[:200]
        raise SourceError(f"{what} cannot be read ({type(error).__name__}: {said})") from error


def _inside(error: BaseException) -> BaseException | None:
    """Return the exception that one of requests or urllib3 wraps: urllib3's ``reason``, an argument, or the cause."""
    made_from = (getattr(error, "reason", None), *error.args, error.__cause__)
    return next((found for found in made_from if isinstance(found, BaseException)), None)
