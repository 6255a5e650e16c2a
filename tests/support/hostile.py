"""Upstreams that mean harm: a server on the loopback that sends what it is told, byte for byte, and counts it."""

from __future__ import annotations

import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Script = Callable[[str], Iterable[bytes]]
MEGABYTE = 1_000_000


@dataclass
class HostileServer:
    """``asked`` are the paths of all requests, ``sent`` the bytes that went out."""

    url: str
    asked: list[str] = field(default_factory=list)
    sent: int = 0


@contextmanager
def hostile(script: Script) -> Iterator[HostileServer]:
    """A server that answers each request with the pieces of ``script(path)`` and then hangs up."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = HostileServer(f"http://127.0.0.1:{listening.getsockname()[1]}")
    over = threading.Event()

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):  # the client hangs up, which is what the tests are about
            request = b""
            while b"\r\n\r\n" not in request:
                request += connection.recv(65536)
            path = request.split(b" ")[1].decode()
            server.asked.append(path)
            for piece in script(path):
                if over.is_set():
                    return
                connection.sendall(piece)
                server.sent += len(piece)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=[listening.accept()[0]], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server
    finally:
        over.set()
        listening.close()


def head(*lines: str, status: str = "200 OK") -> bytes:
    """The head of an answer, to its empty line."""
    return "\r\n".join([f"HTTP/1.1 {status}", "Content-Type: application/json", *lines, "", ""]).encode()


def answer(body: bytes, *lines: str, status: str = "200 OK") -> Iterable[bytes]:
    """A whole answer."""
    return [head(f"Content-Length: {len(body)}", *lines, status=status), body]


def drip(data: bytes, seconds: float = 0.05) -> Iterator[bytes]:
    """One byte at a time, for minutes."""
    for n in range(len(data)):
        yield data[n : n + 1]
        time.sleep(seconds)


def chunked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The body of an answer with ``Transfer-Encoding: chunked``."""
    for piece in pieces:
        yield b"%x\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


def gzip_of_zeros(megabytes: int) -> bytes:
    """A gzip that unpacks to so many MB of blanks: one member of 30 MB again and again."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    member = packer.compress(b" " * 30 * MEGABYTE) + packer.flush()
    return member * (megabytes // 30)
