"""Describe why a request brought no answer, for error messages."""

from __future__ import annotations

import requests


def cause(error: BaseException) -> str:
    """Describe in a few words why no answer came.

    That is the system's own message ("Connection refused") where there is one, not the text of the exceptions around
    it.
    """
    chain = [error]
    while (inner := _inside(chain[-1])) and inner not in chain:
        chain.append(inner)
    if words := [e.strerror for e in chain if isinstance(e, OSError) and e.strerror]:
        return str(words[-1])
    if any(isinstance(e, (requests.Timeout, TimeoutError)) for e in chain):
        return "timed out"
    return " ".join(str(chain[-1]).split())[:120] or type(chain[-1]).__name__


def _inside(error: BaseException) -> BaseException | None:
    """Return the exception that one of requests or urllib3 wraps: urllib3's ``reason``, an argument, or the cause."""
    made_from = (getattr(error, "reason", None), *error.args, error.__cause__)
    return next((found for found in made_from if isinstance(found, BaseException)), None)
