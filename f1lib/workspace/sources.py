"""Sources of a workspace: the upstream that it reads, with account and folders from the settings.

``f1db`` reads one release. ``live`` reads history from F1DB (`sources.combined`) and live weekends from the upstreams
of timing in the order of the setting ``timing`` (`sources.timing`). When no release can be opened, a lake that has its
history goes on with those alone and says so in ``notices``; a lake without history cannot begin. Forecasts for real
data are Open-Meteo's, by the setting ``weather``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from f1lib.domain.moments import PRESENT
from f1lib.errors import SourceError
from f1lib.lake import paths
from f1lib.lake.cache import Cache
from f1lib.lake.store import ObjectStore
from f1lib.sources.protocols import Schedule, SessionSource, WeatherSource
from f1lib.workspace.lake_kind import marker_of
from f1lib.workspace.settings import Settings

if TYPE_CHECKING:
    from f1lib.sources.fastf1.source import FastF1Source
    from f1lib.sources.timing import Timing, TimingInOrder


@dataclass
class Upstreams:
    """Sources of one workspace, opened on first use and shared by all copies of the workspace.

    ``opened_utc`` is the time at which the workspace was opened; the clock is read once. ``session_source`` and
    ``weather_source`` are the open sources; a caller may set them to use others.
    """

    source_name: str
    settings: Settings
    store: ObjectStore
    opened_utc: datetime
    account: tuple[str, str] | None = None
    notices: list[str] = field(default_factory=list)
    cache: Cache = field(default_factory=Cache)
    session_source: SessionSource | None = None
    weather_source: WeatherSource | None = None
    workers: int = 1  # processes that share the upstreams' limits

    def sessions(self, as_of: datetime) -> SessionSource:
        """Open the source of schedules and sessions; raises `SourceError` when it cannot be opened."""
        if self.session_source is None:
            marker = marker_of(self.store, self.source_name, as_of, self.settings)
            if self.source_name == "simulated":
                from f1lib.sources.simulated.source import SimulatedSource

                asked = {name: marker[name] for name in ("seed", "first_season")}
                # Saves 20 % of a tick: the world is generated from the year 2000 on.
                self.session_source = self.cache.one(
                    "sources: simulated world", "", asked, lambda: SimulatedSource(**asked)
                )
            else:
                self.session_source = (open_f1db if self.source_name == "f1db" else open_live)(self, as_of)
        return self.session_source

    def forecasts(self, as_of: datetime) -> WeatherSource | None:
        """Open the source of forecasts; None where the settings turn them off, and weather is then missing."""
        if self.weather_source is None:
            self.weather_source = open_weather(self, as_of)
        return self.weather_source

    def has_weather(self, as_of: datetime) -> bool:
        """Return whether forecasts are used; opens no source.

        ``auto`` uses them with a live source, and with F1DB at the present only: a run over the past of F1DB is the
        same on every machine, with or without a network.
        """
        if self.source_name == "simulated":
            return True
        if self.settings.weather != "auto":
            return self.settings.weather == "openmeteo"
        return self.source_name == "live" or abs(self.opened_utc - as_of) <= PRESENT

    def say(self, notice: str) -> None:
        """Add a notice, once."""
        if notice not in self.notices:
            self.notices.append(notice)

    def timed(self, as_of: datetime) -> Upstreams:
        """Return a copy that asks timing first for every season since 2018; see `open_timing`."""
        return replace(self, session_source=open_timing(self, as_of))


def open_f1db(upstreams: Upstreams, as_of: datetime) -> SessionSource:
    """Open the F1DB release of the settings; raises `SourceError` when it cannot be had or is not a release."""
    from f1lib.sources.f1db.download import locate
    from f1lib.sources.f1db.source import F1dbSource

    settings = upstreams.settings
    say = upstreams.say
    release = locate(settings.f1db, settings.downloads, now=as_of, base=settings.upstream_base, say=say)
    state = release.stat()
    held = (state.st_mtime_ns, state.st_size, settings.history_from)
    # Saves 13 % of a tick: each notebook would read the release again.
    return upstreams.cache.one(
        "sources: F1DB release", release, held, lambda: F1dbSource(release, first_season=settings.history_from)
    )


def open_live(upstreams: Upstreams, as_of: datetime) -> SessionSource:
    """Open F1DB's history and live weekends as one source.

    Raises `SourceError` when no release can be opened and the settings name one, or the lake has no history yet.
    """
    from f1lib.sources.combined import SEASON_SETTLED, SESSION_SETTLED

    try:
        return _combined(upstreams, open_f1db(upstreams, as_of), SESSION_SETTLED)
    except SourceError as error:
        first = (as_of - SEASON_SETTLED).year
        known = paths.seasons_of_schedules(upstreams.store.list(paths.SCHEDULES_PREFIX))
        if upstreams.settings.f1db or not any(season < first for season in known):
            raise SourceError(
                f"source live takes its history from F1DB, and no release can be had ({error}): give --f1db"
            ) from error
        upstreams.say(f"NO F1DB RELEASE: {error}; live weekends go on without it")
        return _timing(upstreams, first)


def open_timing(upstreams: Upstreams, as_of: datetime) -> SessionSource:
    """Open a source that asks timing first for every season since 2018, and timing alone without an F1DB release.

    Raises `SourceError` when the release that the settings name cannot be opened.
    """
    try:
        return _combined(upstreams, open_f1db(upstreams, as_of), None)
    except SourceError:
        if upstreams.settings.f1db:
            raise
        return _timing(upstreams)


def open_weather(upstreams: Upstreams, as_of: datetime) -> WeatherSource | None:
    """Open the source of forecasts; None where the settings turn them off."""
    if upstreams.source_name == "simulated":
        from f1lib.sources.simulated.weather import SimulatedWeather

        return SimulatedWeather(upstreams.sessions(as_of))
    if not upstreams.has_weather(as_of):
        return None
    from f1lib.sources.calls import Politeness
    from f1lib.sources.http import session
    from f1lib.sources.openmeteo import OpenMeteoSource

    quick = Politeness(connect=3.0, read=15.0, attempts=2, backoff=0.5, longest_wait=5.0)
    return OpenMeteoSource(session(upstreams.settings.upstream_base, politeness=quick), now=upstreams.opened_utc)


def _combined(upstreams: Upstreams, history: SessionSource, live_for: timedelta | None) -> SessionSource:
    from f1lib.sources.combined import CombinedSource

    def calendar(season: int, as_of: datetime) -> Schedule:
        return source.schedule(season, as_of)

    source = CombinedSource(history, _timing(upstreams, history=history, calendar=calendar), live_for=live_for)
    return source


def _timing(
    upstreams: Upstreams,
    first_season: int = 0,
    history: SessionSource | None = None,
    calendar: Callable[[int, datetime], Schedule] | None = None,
) -> TimingInOrder:
    """Open the upstreams of timing in the order of the settings; FastF1 has the calendar in any case."""
    from f1lib.sources.http import session
    from f1lib.sources.openf1.client import politeness
    from f1lib.sources.openf1.source import OpenF1Source
    from f1lib.sources.timing import TimingInOrder

    fastf1 = _fastf1(upstreams, first_season, history)
    web = session(upstreams.settings.upstream_base, politeness=politeness(upstreams.workers))
    known: dict[str, Timing] = {"fastf1": fastf1, "openf1": OpenF1Source(web, calendar or fastf1.schedule)}
    return TimingInOrder(fastf1, [known[name] for name in upstreams.settings.timing.split()])


def _fastf1(upstreams: Upstreams, first_season: int = 0, history: SessionSource | None = None) -> FastF1Source:
    def entered_teams(season: int, as_of: datetime) -> set[str]:
        known = history is not None and season in history.seasons(as_of)
        entries = history.schedule(season, as_of).entries if history and known else None
        return set() if entries is None else set(entries["team_id"])

    from f1lib.sources.fastf1.source import FastF1Source

    settings = upstreams.settings
    folder = Path(settings.fastf1_cache).expanduser() if settings.fastf1_cache else settings.downloads / "fastf1"
    return FastF1Source(
        folder.absolute(),
        base=settings.upstream_base,
        account=upstreams.account,
        first_season=first_season,
        cache_bytes=settings.fastf1_cache_mb * 1_000_000,
        entered_teams=entered_teams,
    )
