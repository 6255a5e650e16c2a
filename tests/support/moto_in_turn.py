"""moto's server, one request at a time: ``python tests/support/moto_in_turn.py -H 127.0.0.1 -p PORT``.

AWS checks a condition and writes in one step. moto does so in two, and with a thread a request two claims may win or a
merge be lost; taken in turn its requests keep AWS's promise, whatever the callers do at once.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

from moto import server
from moto.moto_server.werkzeug_app import DomainDispatcherApplication

_TURN = Lock()


class InTurn(DomainDispatcherApplication):
    """moto's application behind one lock."""

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        with _TURN:
            return super().__call__(environ, start_response)


if __name__ == "__main__":
    server.DomainDispatcherApplication = InTurn  # type: ignore[attr-defined]
    server.main()
