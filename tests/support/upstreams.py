"""What the tests of the live sources share: a replayed FastF1, and the recorded weekends laid out for it."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from f1lib.domain.weekend import SESSION_NAMES, EventKey
from f1lib.sources.calls import Politeness
from f1lib.sources.fastf1.source import FastF1Source
from f1lib.sources.protocols import SessionData
from tests.support.lakes import built_once
from tests.support.replay_server import ReplayServer

LATER = datetime(2026, 11, 1, tzinfo=UTC)  # everything recorded has happened
QUICK = Politeness(connect=2.0, read=2.0, attempts=2, backoff=0.01, longest_wait=0.05, alone=0.0)
# Weekends of which FastF1's parsed files are there: where they lie.
PARSED = {
    EventKey(2023, "Bahrain Grand Prix"): "2023/2023-03-05_Bahrain_Grand_Prix",
    EventKey(2024, "Saudi Arabian Grand Prix"): "2024/2024-03-09_Saudi_Arabian_Grand_Prix",
    EventKey(2025, "Australian Grand Prix"): "2025/2025-03-16_Australian_Grand_Prix",
}
_CODES = {name.replace(" ", "_"): code for code, name in SESSION_NAMES.items()}


@contextmanager
def without_limits() -> Iterator[None]:
    """FastF1 spaces its requests and counts them, those to the loopback too; not in here."""
    from fastf1.req import _SessionWithRateLimiting as Limited

    before = Limited._RATE_LIMITS
    Limited._RATE_LIMITS = {}
    try:
        yield
    finally:
        Limited._RATE_LIMITS = before


@contextmanager
def replayed(recordings: Path, folder: Path, **options: Any) -> Iterator[tuple[ReplayServer, FastF1Source]]:
    """A server of the recordings and a FastF1 source that asks it; ``folder`` is FastF1's cache."""
    given: dict[str, Any] = {"politeness": QUICK, "sleep": lambda _seconds: None, "cache_bytes": 10**12}
    with ReplayServer(recordings) as server, without_limits():
        yield server, FastF1Source(folder, base=server.base, **given | options)


def loaded_once(shared_data: Path, factory: pytest.TempPathFactory) -> Callable[[EventKey, str], SessionData]:
    """What FastF1 makes of a session when all upstreams behave, loaded once a test run; each call gives a copy.

    A session of a `PARSED` weekend is asked for the moment it becomes visible, any other `LATER`.
    """

    def load(key: EventKey, code: str, folder: Path) -> None:
        if key in PARSED:
            unpack(shared_data, folder, PARSED[key])
        with replayed(shared_data / "recordings", folder) as (_server, source):
            moment = soon_after(session_row(source, key, code)) if key in PARSED else LATER
            (folder / "answer.pickle").write_bytes(pickle.dumps(source.session(key, code, moment)))

    def loaded(key: EventKey, code: str) -> SessionData:
        folder = built_once(factory, f"{key.partition_key}-{code}", partial(load, key, code))
        answer: SessionData = pickle.loads((folder / "answer.pickle").read_bytes())
        return answer

    return loaded


def recorded_sessions(shared_data: Path) -> list[dict[str, Any]]:
    """The rows of ``sessions.json`` with ``key`` and ``code`` as we name them."""
    rows = json.loads((shared_data / "recordings" / "sessions.json").read_text(encoding="utf-8"))
    return [row | {"key": _key(row["event"]), "code": _CODES[row["session"].split("_", 1)[1]]} for row in rows]


def unpack(shared_data: Path, folder: Path, prefix: str) -> None:
    """Put FastF1's parsed files of ``<season>/<date>_<event>`` (or one session below it) into its cache."""
    season = prefix.split("/")[0]
    with zipfile.ZipFile(shared_data / "fastf1_cache" / f"{season}.zip") as archive:
        for name in archive.namelist():
            if name.startswith(prefix + "/"):
                archive.extract(name, folder)


def session_row(source: FastF1Source, key: EventKey, session: str, as_of: datetime = LATER) -> dict[str, Any]:
    """The session's row of the source's calendar."""
    rows = source.schedule(key.season, as_of).sessions
    found = rows[(rows["event_partition_key"] == key.partition_key) & (rows["session"] == session)]
    return {str(name): value for name, value in found.iloc[0].to_dict().items()}


def soon_after(row: dict[str, Any], hours: float = 0.0) -> datetime:
    """The moment a session became visible, or some hours later."""
    moment: datetime = row["available_utc"].to_pydatetime() + timedelta(hours=hours)
    return moment


def _key(folder: str) -> EventKey:
    date, name = folder.split("_", 1)
    return EventKey(int(date[:4]), name.replace("_", " "))
