"""Every parser of f1lib under documents that nobody wrote: each takes bytes and ends in an `F1LibError`, or not at all.

    python -m tests.support.fuzzing jolpica -max_total_time=600

runs one of them under atheris, which looks for bytes that reach new lines of f1lib; where atheris is not installed, the
seeds are changed at random instead. `TARGETS` also serves the short property tests.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import requests

from f1lib.aws.schema import parse_event
from f1lib.cli.main import main as f1
from f1lib.domain.moments import format_utc, parse_utc
from f1lib.domain.weekend import EventKey
from f1lib.errors import F1LibError
from f1lib.lake.documents import from_json, from_yaml
from f1lib.lake.parquet import parquet_bytes, read_parquet
from f1lib.lake.store import LocalStore, find_json
from f1lib.model.config import folder, parse_config
from f1lib.pipeline.parameters import stage_file
from f1lib.sources.bounds import elsewhere, retry_after
from f1lib.sources.f1db.source import F1dbSource
from f1lib.sources.fastf1 import jolpica
from f1lib.sources.http import session
from f1lib.sources.openmeteo import OpenMeteoSource
from f1lib.tracking.sqlite import SqliteTracking
from f1lib.workspace.settings import load_settings
from tests.support.f1db_zips import tiny, write
from tests.support.replay_server import open_meteo

NOW = datetime(2025, 12, 6, 16, tzinfo=UTC)
EVENT = {"event_partition_key": "2025_Abu_Dhabi_Grand_Prix", "latitude": 24.47, "longitude": 54.6}
RACE = {"session": "R", "session_start_utc": datetime(2025, 12, 7, 13, tzinfo=UTC)}
RACE |= {"session_end_utc": datetime(2025, 12, 7, 15, tzinfo=UTC)}
# Values that no source has said so far, each of which breaks something somewhere.
HOSTILE: list[Any] = [
    None,
    True,
    0,
    -1,
    10**30,
    10**400,
    1e308,
    "",
    " ",
    "=1+1",
    "-5",
    "9" * 400,
    "nan",
    "1e999",
    "\u0661",
]
HOSTILE += [
    "\x1b[2J",
    "a\0b",
    "../../x",
    "2025-13-45",
    [],
    [[]],
    {},
    {"a": []},
    "0001-01-01T00:00:00+14:00",
    "x" * 5000,
]


@dataclass(frozen=True)
class Target:
    """One parser: documents that it takes, and what calls it."""

    seeds: tuple[bytes, ...]
    run: Callable[[bytes], object]


def _jolpica_document() -> bytes:
    driver = {"driverId": "norris", "code": "NOR", "givenName": "Lando", "familyName": "Norris"}
    row: dict[str, Any] = {
        "number": "4",
        "position": "1",
        "positionText": "1",
        "points": "25",
        "Driver": driver,
        "grid": "1",
    }
    row |= {"Constructor": {"constructorId": "mclaren", "name": "McLaren"}, "laps": "57", "status": "Finished"}
    row |= {
        "Time": {"millis": "6126304"},
        "FastestLap": {"Time": {"time": "1:22.5"}},
        "Q1": "1:23.1",
        "Q2": "",
        "Q3": "",
    }
    rows = [row, {**row, "Driver": {**driver, "driverId": "piastri"}, "position": "2", "grid": "0"}]
    race: dict[str, Any] = {"raceName": "Abu Dhabi Grand Prix", "round": "24", "date": "2025-12-07", "Results": rows}
    race |= {"QualifyingResults": rows, "SprintResults": rows, "Circuit": {"circuitId": "yas_marina"}}
    return json.dumps({"MRData": {"RaceTable": {"Races": [race]}}}).encode()


class _Said:
    """A session that gives one document, whatever is asked."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def forecast(self) -> object:
        web = session()
        answer = requests.Response()
        answer.status_code, answer._content, answer._content_consumed = 200, self.body, True  # type: ignore[attr-defined]
        web.get = lambda *_args, **_options: answer  # type: ignore[method-assign]
        document = OpenMeteoSource(web, now=NOW).forecast(EVENT, [RACE], NOW)
        assert document is not None
        return json.dumps(document, allow_nan=False).encode()


def _open_meteo_document() -> bytes:
    names = "temperature_2m,relative_humidity_2m,precipitation,precipitation_probability,wind_speed_10m"
    query = "start_date=2025-12-07&end_date=2025-12-07&latitude=1&longitude=2"
    return open_meteo(f"https://api.open-meteo.com/v1/forecast?{query}&hourly={names},wind_direction_10m").body


def _release() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return write(Path(folder) / "f1db.zip", tiny()).read_bytes()


def read_release(content: bytes) -> object:
    """Read everything that an ingest of the tiny release asks for."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "f1db.zip"
        path.write_bytes(content)
        source = F1dbSource(path)
        frames = []
        for season in source.seasons(datetime(2026, 8, 1, tzinfo=UTC)):
            for row in source.schedule(season, datetime(2026, 8, 1, tzinfo=UTC)).sessions.to_dict("records"):
                with contextlib.suppress(F1LibError):  # one that is not held yet does not end the others
                    key = EventKey(season, str(row["event_name"]))
                    frames.append(source.session(key, str(row["session"]), datetime(2026, 8, 1, tzinfo=UTC)).frames)
        return frames


def read_csv(content: bytes) -> object:
    """Read a release with ``content`` for one of its files, which its first byte chooses."""
    with zipfile.ZipFile(io.BytesIO(_RELEASE)) as whole:
        files = {name: whole.read(name) for name in whole.namelist()}
    chosen = sorted(files)[(content[0] if content else 0) % len(files)]
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as changed:
        for name, data in (files | {chosen: content[1:]}).items():
            changed.writestr(name, data)
    return read_release(made.getvalue())


def _csv_seeds() -> tuple[bytes, ...]:
    with zipfile.ZipFile(io.BytesIO(_RELEASE)) as whole:
        return tuple(bytes([n]) + whole.read(name) for n, name in enumerate(sorted(whole.namelist())))


def _in_file(name: str, run: Callable[[Path], object]) -> Callable[[bytes], object]:
    def call(content: bytes) -> object:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / name).write_bytes(content)
            return run(Path(folder))

    return call


def _tracking(content: bytes) -> object:
    with tempfile.TemporaryDirectory() as folder:
        table = SqliteTracking(Path(folder) / "tracking.db")
        table.put_rows([{"event_partition_key": "2025_X", "session_name_abr": "R", "attempts": 1}])
        with table._transaction(write=True) as connection:
            connection.execute("UPDATE f1_sessions SET attributes = CAST(? AS TEXT)", (content,))
        return table.rows()


def _only_value_errors(parse: Callable[[bytes], object]) -> Callable[[bytes], object]:
    def call(content: bytes) -> object:
        with contextlib.suppress(ValueError):
            return parse(content)
        return None

    return call


def _headers(content: bytes) -> object:
    text = content.decode("latin-1")
    response = requests.Response()
    response.status_code = 302
    response.headers.update({"Location": text, "Retry-After": text, "Date": text[::-1]})
    assert 0 <= retry_after(response) <= 6 * 3600
    return elsewhere("https://api.jolpi.ca/x", response)


def command(content: bytes) -> object:
    """Run ``f1`` with the words of ``content`` on an empty lake; only an error of one line may come of it."""
    words = content.decode("utf-8", "surrogateescape").split("\n")
    said = io.StringIO()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        _without_exit([*words, "--lake", f"{folder}/lake", "--source", "f1db", "--f1db", f"{folder}/none.zip"])
    assert "unexpected" not in said.getvalue(), said.getvalue()
    return None


def _without_exit(words: list[str]) -> None:
    with contextlib.suppress(SystemExit):
        f1(words)


def _event_of(content: bytes) -> object:
    return parse_event(json.loads(content))


def _parquet() -> bytes:
    return parquet_bytes(pd.DataFrame({"driver_id": ["a", None], "q1_seconds": [80.5, None], "moment": [NOW, None]}))


_RELEASE = _release()
_MODELS = tuple(path.read_bytes() for path in sorted(folder().glob("*.yml")))
_EVENTS = Path(__file__).resolve().parents[2] / "lambda_runner" / "events"
TARGETS: dict[str, Target] = {
    "json": Target((b'{"a": [1, 2.5, "x\\ud83d\\ude00", null]}',), _only_value_errors(from_json)),
    "yaml": Target((b"a: 1\nb: [x, 2024-01-01]\nc: !!str 5\n",), _only_value_errors(lambda b: from_yaml(b.decode()))),
    "moment": Target((b"2025-12-06T16:00:00Z", b"2024-W01-1"), lambda b: format_utc(parse_utc(b.decode("latin-1")))),
    "headers": Target((b"120", b"Sat, 06 Dec 2025 16:00:00 GMT", b"https://api.jolpi.ca:443/x"), _headers),
    "jolpica": Target((_jolpica_document(),), lambda b: [jolpica.official(b, 2025, s) for s in "QSR"]),
    "open-meteo": Target((_open_meteo_document(),), lambda b: _Said(b).forecast()),
    "f1db-zip": Target((_RELEASE,), read_release),
    "f1db-csv": Target(_csv_seeds(), read_csv),
    "model": Target(_MODELS, lambda b: parse_config(b.decode("utf-8", "replace"), "fuzzed.yml")),
    "parameters": Target((b"units: []\nseconds: 5\n",), _in_file("x.yml", lambda folder: stage_file(folder, "x"))),
    "settings": Target((b"lake: x\nthreads: 2\n",), _in_file("x.yml", lambda f: load_settings(f / "x.yml", {}, {}))),
    "note": Target((b'{"sha256": "x"}',), _in_file("note.json", lambda f: find_json(LocalStore(f), "note.json"))),
    "parquet": Target((_parquet(),), _in_file("x.parquet", lambda f: read_parquet(LocalStore(f), "x.parquet"))),
    "tracking": Target((b'{"lease": "2025-12-06T16:00:00Z"}',), _tracking),
    "event": Target(tuple(path.read_bytes() for path in sorted(_EVENTS.glob("*.json"))), _only_value_errors(_event_of)),
    "command": Target((b"status", b"run\n--now\n2025-12-06", b"predictions\nx", b"stage\ntrain\n-p\na\nb"), command),
}


def attempt(target: Target, content: bytes) -> None:
    """Call a parser; an `F1LibError` is an answer, everything else is a fault."""
    with contextlib.suppress(F1LibError):
        target.run(content)


def mutated(seed: bytes, chance: random.Random) -> bytes:
    """A copy of ``seed`` with up to eight changes: bytes flipped, left out, put in, or a hostile value in between."""
    content = bytearray(seed)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(content) + 1)
        match chance.randrange(5):
            case 0 if content:
                content[at % len(content)] ^= 1 << chance.randrange(8)
            case 1:
                del content[at : at + chance.randint(1, 20)]
            case 2:
                content[at:at] = bytes(chance.randrange(256) for _ in range(chance.randint(1, 8)))
            case 3:
                content[at:at] = json.dumps(chance.choice(HOSTILE)).encode()
            case 4:
                start = chance.randrange(len(content) + 1)
                content[at:at] = content[start : start + chance.randint(1, 50)] * chance.randint(1, 5)
    return bytes(content)


def main(arguments: list[str]) -> None:
    """Fuzz one target for ``-max_total_time`` seconds."""
    target = TARGETS[arguments[0]]
    seconds = int(arguments[1].partition("=")[2])
    try:
        import atheris
    except ImportError:
        chance, end = random.Random(1), time.monotonic() + seconds
        tries = 0
        while time.monotonic() < end:
            tries += 1
            attempt(target, mutated(chance.choice(target.seeds), chance))
        print(f"{arguments[0]}: {tries} documents changed at random in {seconds} s, no fault")
        return
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(target.seeds):
            (Path(corpus) / str(number)).write_bytes(seed)
        for name, module in sorted(sys.modules.items()):
            if name.startswith("f1lib.") and "cli" not in name:
                _instrument(atheris, module)
        kept = f"-artifact_prefix={tempfile.gettempdir()}/"  # what breaks or is slow is not left in the project
        options = [f"-max_total_time={seconds}", "-timeout=60", "-verbosity=1", kept]
        atheris.Setup([sys.argv[0], corpus, *options], _call(target))
        atheris.Fuzz()


def _call(target: Target) -> Callable[[bytes], None]:
    return lambda content: attempt(target, content)


def _instrument(atheris: Any, module: Any) -> None:
    """Let atheris see which lines of a module's functions are reached."""
    import types

    for name, found in list(vars(module).items()):
        if isinstance(found, types.FunctionType) and found.__module__ == module.__name__:
            setattr(module, name, atheris.instrument_func(found))


if __name__ == "__main__":
    main(sys.argv[1:])
