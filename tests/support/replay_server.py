"""A stand-in for every upstream: answers from recordings, and misbehaves on demand.

Serves ``http://127.0.0.1:PORT/<original host>/<original path>?<query>`` from a folder of recordings by its
``index.json`` (a URL to the file that answers it). Stand-alone, for looking at a weekend by hand::

    python tests/support/replay_server.py --port 8099 --fault "429:api.jolpi.ca:2"
    F1_UPSTREAM_BASE=http://127.0.0.1:8099 f1 run --source fastf1 --now 2023-04-28T16:00:00Z
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

HTML = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Checking your browser</body></html>"
KINDS = ("delay", "403", "404", "429", "500", "drop", "truncate", "cut", "html")


@dataclass
class Fault:
    """One way of misbehaving.

    ``kind`` is one of `KINDS`: ``drop`` closes the connection before a word, ``truncate`` closes it in the
    middle of the body, ``cut`` sends half a body as if it were whole. ``pattern`` is searched for in the
    original URL; ``times`` is how often (None: always).
    """

    kind: str
    pattern: str = ""
    times: int | None = None
    seconds: float = 1.0
    retry_after: str = "1"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault {self.kind!r}; one of {', '.join(KINDS)}")


@dataclass(frozen=True)
class Answer:
    """A response as it is sent."""

    status: int
    body: bytes
    content_type: str = "application/json"


class ReplayServer:
    """The server, in a thread of its own, on a free port of the loopback; a context manager.

    ``count`` holds how often each original URL was asked for. ``routes`` maps a prefix of the URL to a
    function that makes the answer, for what was never recorded.
    """

    def __init__(self, recordings: Path | None, port: int = 0) -> None:
        self.recordings = recordings
        self.index: dict[str, dict[str, Any]] = {}
        if recordings is not None:
            index = json.loads((recordings / "index.json").read_text(encoding="utf-8"))
            self.index = {unquote(url): entry for url, entry in index.items()}
        self.count: Counter[str] = Counter()
        self.faults: list[Fault] = []
        self.routes: dict[str, Callable[[str], Answer]] = {}
        self.headers: list[dict[str, str]] = []
        self.lock = threading.Lock()
        self.http = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self.http.daemon_threads = True

    @property
    def base(self) -> str:
        """What F1_UPSTREAM_BASE is set to."""
        return f"http://127.0.0.1:{self.http.server_address[1]}"

    @property
    def requests(self) -> int:
        """How many requests came in."""
        return sum(self.count.values())

    def __enter__(self) -> ReplayServer:
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.http.shutdown()
        self.http.server_close()

    def misbehave(self, kind: str, pattern: str = "", **options: Any) -> None:
        """Add a `Fault`."""
        self.faults.append(Fault(kind, pattern, **options))

    def behave(self) -> None:
        """Forget all faults and counts."""
        self.faults.clear()
        self.count.clear()
        self.headers.clear()

    def asked(self, pattern: str) -> int:
        """How many requests were for URLs in which ``pattern`` is found."""
        return sum(number for url, number in self.count.items() if re.search(pattern, url))

    def fault_for(self, url: str) -> Fault | None:
        """The first fault that applies to ``url``; what is counted is used up."""
        with self.lock:
            for fault in self.faults:
                if fault.times != 0 and re.search(fault.pattern, url):
                    fault.times = None if fault.times is None else fault.times - 1
                    return fault
        return None

    def answer(self, url: str) -> Answer:
        """The recorded or made answer for an original URL; 404 for anything else."""
        for prefix, make in self.routes.items():
            if url.startswith(prefix):
                return make(url)
        entry = self.index.get(url) or (self.index.get(url.split("?")[0]) if "api.jolpi.ca" in url else None)
        if entry is None or self.recordings is None:
            return Answer(404, b'{"detail": "not recorded"}')
        body = (self.recordings / entry["file"]).read_bytes()
        body = gzip.decompress(body) if entry["gzip"] else body
        return Answer(entry["status"], body, entry["content_type"])


def _handler(server: ReplayServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = unquote("https:/" + self.path)
            with server.lock:
                server.count[url] += 1
                server.headers.append(dict(self.headers))
            fault = server.fault_for(url)
            if fault is None:
                self._send(server.answer(url))
            else:
                self._misbehave(fault, url)

        def _misbehave(self, fault: Fault, url: str) -> None:
            if fault.kind == "delay":
                time.sleep(fault.seconds)
                self._send(server.answer(url))
            elif fault.kind == "html":
                self._send(Answer(200, HTML, "text/html; charset=utf-8"))
            elif fault.kind == "drop":
                self._hang_up()
            elif fault.kind == "cut":
                answer = server.answer(url)
                self._send(Answer(answer.status, answer.body[: len(answer.body) // 2], answer.content_type))
            elif fault.kind == "truncate":
                answer = server.answer(url)
                self._send(answer, body=answer.body[: len(answer.body) // 2])
                self._hang_up()
            else:
                extra: dict[str, Any] = {"Retry-After": fault.retry_after} if fault.kind == "429" else {}
                self._send(Answer(int(fault.kind), b'{"error": true, "reason": "as told"}'), **extra)

        def _send(self, answer: Answer, body: bytes | None = None, **headers: str) -> None:
            sent = answer.body if body is None else body
            try:
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.content_type)
                self.send_header("Content-Length", str(len(answer.body)))
                if self.close_connection:
                    self.send_header("Connection", "close")  # the client asked for it, and must not use it again
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(sent)
                self.wfile.flush()
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # the client gave up waiting, which is what a delay is for

        def _hang_up(self) -> None:
            """Reset the connection at once, without the usual good-bye."""
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

        def log_message(self, *_arguments: Any) -> None:
            """Quiet; `ReplayServer.count` is the log."""

    return Handler


def open_meteo(url: str, rain: float | None = None) -> Answer:
    """What any of Open-Meteo's hosts would answer: every variable asked for, hour by hour, made from the hour.

    The values are invented but fixed: temperatures follow the time of day, and each ``_previous_dayN`` differs
    from the day after by 0.1, so that a test can tell which run a value came from. ``rain`` is the chance of rain of
    every hour in percent.
    """
    from datetime import datetime, timedelta
    from urllib.parse import parse_qs

    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    first = datetime.fromisoformat(asked["start_date"])
    hours = ((datetime.fromisoformat(asked["end_date"]) - first).days + 1) * 24
    times = [first + timedelta(hours=n) for n in range(hours)]
    hourly: dict[str, list[Any]] = {"time": [t.strftime("%Y-%m-%dT%H:%M") for t in times]}
    units = {"temperature_2m": "°C", "relative_humidity_2m": "%", "precipitation": "mm"}
    units |= {"precipitation_probability": "%", "wind_speed_10m": "km/h", "wind_direction_10m": "°"}
    start = {"temperature_2m": 15.0, "relative_humidity_2m": 50.0, "precipitation": 0.0}
    start |= {"precipitation_probability": 5.0, "wind_speed_10m": 10.0, "wind_direction_10m": 180.0}
    for name in asked["hourly"].split(","):
        plain, _, days = name.partition("_previous_day")
        hourly[name] = [round(start[plain] + t.hour * 0.5 + 0.1 * int(days or 0), 2) for t in times]
        if rain is not None and plain == "precipitation_probability":
            hourly[name] = [rain] * hours
    shown = {name: units[name.partition("_previous_day")[0]] for name in hourly if name != "time"}
    document = {"latitude": float(asked["latitude"]), "longitude": float(asked["longitude"]), "timezone": "GMT"}
    document |= {"utc_offset_seconds": 0, "hourly_units": {"time": "iso8601"} | shown, "hourly": hourly}
    return Answer(200, json.dumps(document).encode(), "application/json; charset=utf-8")


OPEN_METEO_HOSTS = ("api", "archive-api", "historical-forecast-api", "previous-runs-api")


def serve_open_meteo(server: ReplayServer, rain: float | None = None) -> None:
    """Let ``server`` answer for Open-Meteo's hosts with `open_meteo`."""
    answer = partial(open_meteo, rain=rain)
    server.routes |= {f"https://{host}.open-meteo.com/v1/": answer for host in OPEN_METEO_HOSTS}


def main() -> None:
    """Serve until interrupted."""
    here = Path(os.environ.get("F1_SHARED_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument("--recordings", type=Path, default=here / "recordings")
    parser.add_argument("--fault", action="append", default=[], help="kind:pattern:times, for example 429:jolpi:2")
    given = parser.parse_args()
    server = ReplayServer(given.recordings, given.port)
    serve_open_meteo(server)
    for text in given.fault:
        kind, pattern, times = [*text.split(":"), "", ""][:3]
        server.misbehave(kind, pattern, times=int(times) if times else None)
    print(f"F1_UPSTREAM_BASE={server.base}  ({len(server.index)} recorded answers)", flush=True)
    try:
        server.http.serve_forever()
    except KeyboardInterrupt:
        print(f"{server.requests} requests answered")


if __name__ == "__main__":
    main()
