"""Door 1, the sources' half: which upstream a workspace talks to, with the account and folders it is given.

``f1db``: one release. ``fastf1``: history from F1DB, live weekends from FastF1 (`sources.combined`). Where no
release can be had, a lake that has its history goes on with FastF1 and Jolpica alone and says so in
``ws.notices``; a lake without one cannot begin. Weather is Open-Meteo's for real data, by the setting ``weather``.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from f1lib.errors import SourceError

if TYPE_CHECKING:
    import requests

    from f1lib.sources.base import SessionSource, WeatherSource
    from f1lib.sources.fastf1 import FastF1Source
    from f1lib.workspace import Workspace

# A moment this close to the clock is now.
PRESENT = timedelta(hours=3)
_CALENDARS = "bronze/schedule/"


def open_f1db(ws: Workspace) -> SessionSource:
    """The F1DB release of the settings; raises `SourceError` when it cannot be had or is none."""
    from f1lib.sources.f1db_release import locate

    base = ws.settings.upstream_base
    release = locate(ws.settings.f1db, ws.cache, now=ws.as_of, session=web(base) if base else None)
    state = release.stat()
    return _opened(release, (state.st_mtime_ns, state.st_size), ws.settings.history_from)


@lru_cache(maxsize=1)
def _opened(release: Path, state: tuple[int, int], first_season: int) -> SessionSource:
    """The release while its file's ``state`` (time of change, size) lasts: a replay's notebooks open it once."""
    from f1lib.sources.f1db import F1dbSource

    return F1dbSource(release, first_season=first_season)


def open_fastf1(ws: Workspace) -> SessionSource:
    """History and live weekends as one source.

    Raises `SourceError` when no release can be had and the lake has no history yet.
    """
    from f1lib.sources.combined import SEASON_SETTLED, CombinedSource

    try:
        history = open_f1db(ws)
    except SourceError as error:
        first = (ws.as_of - SEASON_SETTLED).year
        known = {key.removeprefix(_CALENDARS).partition("/")[0] for key in ws.store.list(_CALENDARS)}
        if ws.settings.f1db or not any(season < str(first) for season in known):
            raise SourceError(
                f"source fastf1 takes its history from F1DB, and no release can be had ({error}): give --f1db"
            ) from error
        ws.notices.append(f"NO F1DB RELEASE: {error}; live weekends go on with FastF1 and Jolpica alone")
        return _fastf1(ws, first)
    return CombinedSource(history, _fastf1(ws))


def open_live(ws: Workspace) -> SessionSource:
    """The same with every season since 2018 asked of FastF1 first, and of FastF1 alone where there is no release."""
    from f1lib.sources.combined import CombinedSource

    try:
        return CombinedSource(open_f1db(ws), _fastf1(ws), live_for=None)
    except SourceError:
        if ws.settings.f1db:
            raise
        return _fastf1(ws)


def open_weather(ws: Workspace) -> WeatherSource | None:
    """Forecasts, or None where the settings want none."""
    if ws.source_name == "simulated":
        from f1lib.sources.simulated import SimulatedWeather

        return SimulatedWeather(ws.source)
    if not has_weather(ws):
        return None
    from f1lib.sources.openmeteo import OpenMeteoSource
    from f1lib.sources.transport import Politeness

    quick = Politeness(connect=3.0, read=15.0, attempts=2, backoff=0.5, longest_wait=5.0)
    return OpenMeteoSource(web(ws.settings.upstream_base, politeness=quick), now=datetime.now(UTC))


def has_weather(ws: Workspace) -> bool:
    """Whether forecasts are asked for at all; answering opens nothing.

    ``auto`` asks for a live source, and for F1DB at the present only: a run over its past is the same on every
    machine, with a network or without.
    """
    if ws.source_name == "simulated":
        return True
    if ws.settings.weather != "auto":
        return ws.settings.weather == "openmeteo"
    return ws.source_name == "fastf1" or abs(datetime.now(UTC) - ws.as_of) <= PRESENT


def _fastf1(ws: Workspace, first_season: int = 0) -> FastF1Source:
    from f1lib.sources.fastf1 import FastF1Source

    account = os.environ.get("F1_USERNAME", ""), os.environ.get("F1_PASSWORD", "")
    folder = Path(ws.settings.fastf1_cache).expanduser() if ws.settings.fastf1_cache else ws.cache / "fastf1"
    return FastF1Source(
        folder.absolute(),
        base=ws.settings.upstream_base,
        account=account if all(account) else None,
        first_season=first_season,
        cache_bytes=ws.settings.fastf1_cache_mb * 1_000_000,
    )


def web(base: str, **options: Any) -> requests.Session:
    """A `requests.Session` through the one adapter (`sources.transport`)."""
    from f1lib.sources.transport import session

    return session(base, **options)
