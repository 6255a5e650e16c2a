"""A proxy before a stand-in that records what is asked and does to the answers what a bad day does."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

THROTTLED = (400, json.dumps({"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException", "message": "slow"}))
BROKEN = (500, "{}")
UNAVAILABLE = (503, "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>")
LOST = "lost"  # the request is carried out and its answer replaced by a 500
CUT = "cut"  # the answer's body breaks off in the middle


@dataclass
class Proxy:
    """``faults`` are used up one a request, first come first; the last one stays when ``forever``."""

    url: str
    faults: list[Any] = field(default_factory=list)
    forever: bool = False
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next_fault(self) -> Any:
        with self.lock:
            if not self.faults:
                return None
            return self.faults[0] if self.forever else self.faults.pop(0)

    def asked(self, operation: str) -> list[dict[str, Any]]:
        """The bodies of the DynamoDB requests of one operation, in order."""
        return [body for name, body in self.requests if name == operation]


@contextmanager
def proxy_before(target: str) -> Iterator[Proxy]:
    """A running proxy before the server at ``target``."""
    host = urlsplit(target).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            self._note(body)
            fault = proxy.next_fault()
            if isinstance(fault, tuple):
                self._answer(fault[0], {}, fault[1].encode())
                return
            connection = http.client.HTTPConnection(host, timeout=30)
            connection.request(self.command, self.path, body, dict(self.headers))
            answer = connection.getresponse()
            content = answer.read()
            if fault == LOST:
                self._answer(500, {}, b"{}")
            else:
                kept = {k: v for k, v in answer.getheaders() if k.lower() not in ("transfer-encoding", "connection")}
                self._answer(answer.status, kept, content, cut=fault == CUT)
            connection.close()

        def _note(self, body: bytes) -> None:
            operation = self.headers.get("X-Amz-Target", self.command).rpartition(".")[2]
            parsed = json.loads(body) if "X-Amz-Target" in self.headers else {"path": self.path}
            with proxy.lock:
                proxy.requests.append((operation, parsed))

        def _answer(self, status: int, headers: dict[str, str], body: bytes, *, cut: bool = False) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() != "content-length":
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body[: len(body) // 2] if cut else body)
            if cut:
                self.close_connection = True

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _serve  # noqa: N815

        def log_message(self, *arguments: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy = Proxy(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
