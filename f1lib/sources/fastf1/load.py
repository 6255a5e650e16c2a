"""Load one session through FastF1 and judge the calls: missing data, faults that may pass, refusals.

FastF1 turns every failed request into a warning and goes on. Whether a session has no laps because there are none,
because we are refused, or because a connection broke is read from the record of calls instead.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

from f1lib.sources.calls import Call
from f1lib.sources.fastf1.client import LIVE_TIMING, MIRROR
from f1lib.sources.protocols import BLOCKED, UNAVAILABLE

PAGES = {"laps": ("TimingData", "TimingAppData"), "weather": ("WeatherData",), "race_control": ("RaceControlMessages",)}
# What FastF1 fills from Jolpica's rows of the round (fastf1.core.Session._load_drivers_results).
_FROM_JOLPICA = "Position ClassifiedPosition GridPosition Q1 Q2 Q3 Time Status Points Laps".split()
_FINAL = ("Finished", "Finalised", "Ends")


@dataclass(frozen=True)
class Loaded:
    """What FastF1 made of a session; a part that it does not have is None.

    ``listed`` is ``Session.results``. ``parts`` are the laps of Q1, Q2, Q3. ``failure`` says how FastF1 failed; the
    other fields are then empty.
    """

    listed: pd.DataFrame
    laps: pd.DataFrame | None = None
    weather: pd.DataFrame | None = None
    messages: pd.DataFrame | None = None
    statuses: list[str] = field(default_factory=list)
    parts: list[pd.DataFrame | None] = field(default_factory=list)
    failure: str = ""

    def without_official(self) -> Loaded:
        """Return a copy without what FastF1 took from Jolpica: places, official times, and the first lap of a race."""
        listed = self.listed.drop(columns=[column for column in _FROM_JOLPICA if column in self.listed])
        laps = None if self.laps is None else pd.DataFrame(self.laps)
        if laps is not None:
            laps = laps.assign(LapTime=laps["LapTime"].mask((laps["LapNumber"] == 1) & laps["Sector1Time"].isna()))
        return replace(self, listed=listed, laps=laps)

    @property
    def is_over(self) -> bool:
        """Whether the session's status stream reaches its end; without a stream it is taken to be over."""
        return not self.statuses or any(status in _FINAL for status in self.statuses[-3:])


def load(session: Any, *, is_qualifying: bool) -> Loaded:
    """Load a FastF1 ``Session`` without telemetry.

    FastF1 calls ``exit()`` in places, which is a NameError where that builtin is absent: either counts as a failed
    session. FastF1's own rate limit passes through as it raises it.
    """
    from fastf1.exceptions import FastF1CriticalError

    try:
        session.load(laps=True, telemetry=False, weather=True, messages=True)
    except FastF1CriticalError:
        raise
    except (Exception, SystemExit) as error:
        return Loaded(pd.DataFrame(), failure=f"FastF1 broke down: {type(error).__name__} {error}".strip())
    status = _part(session, "session_status")
    laps = _part(session, "laps")
    return Loaded(
        listed=pd.DataFrame(session.results),
        laps=laps,
        weather=_part(session, "weather_data"),
        messages=_part(session, "race_control_messages"),
        statuses=[] if status is None else [str(value) for value in status["Status"]],
        parts=_parts(laps) if is_qualifying and laps is not None else [],
    )


def _part(session: Any, name: str) -> pd.DataFrame | None:
    from fastf1.exceptions import DataNotLoadedError

    try:
        found = getattr(session, name)
    except DataNotLoadedError:
        return None
    return found if found is not None and len(found) else None


def _parts(laps: Any) -> list[pd.DataFrame | None]:
    """Return the laps of each part of a qualifying session; empty where its statuses do not separate them."""
    try:
        return list(laps.split_qualifying_sessions())
    except (ValueError, KeyError, IndexError, TypeError):
        return []


@dataclass(frozen=True)
class Verdict:
    """What the calls of one load say about the data.

    ``faults`` may pass: the remedy is to ask again. ``refused`` and ``absent`` are live timing pages that neither host
    gives, ``hosts`` those that gave any. ``refused_hosts`` are other hosts that refuse us.
    """

    faults: tuple[Call, ...]
    refused: frozenset[str]
    absent: frozenset[str]
    hosts: frozenset[str]
    refused_hosts: frozenset[str]

    @property
    def is_blocked(self) -> bool:
        """Whether live timing refuses us altogether.

        A single page may be refused where others are given: the storage behind live timing answers 403, not 404, for a
        file that does not exist.
        """
        return bool(self.refused) and not self.hosts

    def fact(self, frame: str) -> str:
        """Return why a frame is missing."""
        if self.is_blocked:
            return f"{BLOCKED}: {LIVE_TIMING} and its mirror refuse us"
        missing = [page for page in PAGES[frame] if page in self.absent | self.refused]
        return f"{UNAVAILABLE}: {'no ' + ' and no '.join(missing) if missing else 'nothing usable'}"

    def raise_fault(self) -> None:
        """Raise the fault that asks for the longest wait, as the error it is."""
        worst = max(self.faults, key=lambda call: (call.fault == "rate limited", call.retry_after_seconds))
        raise worst.error()


def judge(calls: list[Call]) -> Verdict:
    """Judge the record of calls; a live timing page is available when either host gave it."""
    pages: dict[str, list[Call]] = defaultdict(list)
    others: list[Call] = []
    for call in calls:
        parts = urlsplit(call.url)
        if parts.hostname in (LIVE_TIMING, MIRROR):
            pages[parts.path.rsplit("/", 1)[-1].partition(".")[0]].append(call)
        else:
            others.append(call)
    failed = {page: tries for page, tries in pages.items() if not any(_is_available(call) for call in tries)}
    faults = [call for tries in failed.values() for call in tries if call.fault]
    refused = {p for p, tries in failed.items() if any(c.refused for c in tries) and not any(c.fault for c in tries)}
    absent = {page for page, tries in failed.items() if not any(c.refused or c.fault for c in tries)}
    had = {str(urlsplit(c.url).hostname) for tries in pages.values() for c in tries if _is_available(c)}
    return Verdict(
        faults=tuple(faults + [call for call in others if call.fault]),
        refused=frozenset(refused),
        absent=frozenset(absent),
        hosts=frozenset(had),
        refused_hosts=frozenset(str(urlsplit(call.url).hostname) for call in others if call.refused),
    )


def route(verdict: Verdict) -> str:
    """Return where live timing came from: its host, the mirror, both, or ``cache`` for files parsed before."""
    return " and ".join(sorted(verdict.hosts)) or "cache"


def _is_available(call: Call) -> bool:
    return call.status == 200 and not call.fault
