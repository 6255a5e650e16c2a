"""A failed request is told by its cause."""

from __future__ import annotations

import socket

import requests

from f1lib.sources.failures import cause


def test_a_failed_request_is_told_by_its_cause_not_by_the_text_of_all_around_it() -> None:
    from urllib3.connection import HTTPSConnection
    from urllib3.exceptions import MaxRetryError, NameResolutionError, ProtocolError

    unknown = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    inner = NameResolutionError("github.com", HTTPSConnection("github.com"), unknown)
    inner.__cause__ = unknown
    around = requests.ConnectionError(MaxRetryError(None, "/f1db", inner))  # type: ignore[arg-type]
    assert cause(around) == "Name or service not known"
    dropped = ProtocolError("Connection aborted.", ConnectionResetError(104, "Connection reset by peer"))
    assert cause(requests.ConnectionError(dropped)) == "Connection reset by peer"
    assert cause(requests.ReadTimeout("HTTPConnectionPool(...): Read timed out.")) == "timed out"
    assert cause(requests.ConnectionError("the answer ended after 3 of 9 bytes")).endswith("3 of 9 bytes")
