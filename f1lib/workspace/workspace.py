"""Composition root: opens everything, and outside ``f1lib.cli`` is the only module that reads clock and environment.

>>> ws = open_workspace(lake="lake", source="f1db", f1db="f1db-csv.zip", as_of="2025-12-06T16:00:00Z")
>>> ws.store, ws.tracking, ws.source, ws.as_of

Sources are opened on first use, so that a tick with nothing to do opens none.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

from f1lib.domain.moments import CLOCKS_DIFFER, PRESENT, format_utc, parse_utc
from f1lib.errors import BadParameters, StorageError
from f1lib.lake.cache import Cache
from f1lib.lake.store import LocalStore, ObjectStore, open_store
from f1lib.sources.protocols import SessionSource, WeatherSource
from f1lib.tracking.lease import hold
from f1lib.tracking.rows import PIPELINE
from f1lib.tracking.table import TrackingTable, open_tracking
from f1lib.workspace.lake_kind import SIMULATED_SUFFIX, absolute, choose_source, read_marker
from f1lib.workspace.project import project_folder
from f1lib.workspace.settings import Settings, load_settings
from f1lib.workspace.sources import Upstreams


@dataclass
class Workspace:
    """Everything a stage needs: lake, tracking table, sources, the time (``as_of``) it runs for, and its run."""

    store: ObjectStore
    tracking: TrackingTable
    settings: Settings
    upstreams: Upstreams
    as_of: datetime
    run_id: str
    owner: str
    cache: Cache = field(default_factory=Cache)
    opened: float = field(default_factory=monotonic)

    def now(self) -> datetime:
        """Return ``as_of`` plus the time that has passed since this workspace was opened, for leases."""
        return self.as_of + timedelta(seconds=monotonic() - self.opened)

    @property
    def is_connected(self) -> bool:
        """Whether the lake or its table is reached by connections, which do not survive a fork."""
        return not (self.store.url.startswith("file:") and self.tracking.url.startswith("sqlite:"))

    @property
    def lease(self) -> timedelta:
        """How long a claim is valid after it was made or renewed."""
        return timedelta(minutes=self.settings.lease_minutes)

    def hold(self, event: str = PIPELINE) -> None:
        """Renew the claim that this run works under (`f1lib.tracking.lease.hold`).

        Raises `AlreadyRunning` when another run has taken over; work by hand has no claim.
        """
        hold(self.tracking, event, self.run_id, self.now() + self.lease)

    @property
    def source_name(self) -> str:
        """``live``, ``f1db`` or ``simulated``."""
        return self.upstreams.source_name

    @property
    def notices(self) -> list[str]:
        """Notices and warnings about the sources for the user, oldest first."""
        return self.upstreams.notices

    @property
    def source(self) -> SessionSource:
        """The source of schedules and sessions, ``source_name``; raises `SourceError` when it cannot be opened."""
        return self.upstreams.sessions(self.as_of)

    @property
    def weather(self) -> WeatherSource | None:
        """The source of forecasts; None where there is none, and weather is then missing."""
        return self.upstreams.forecasts(self.as_of)

    @property
    def has_weather(self) -> bool:
        """Whether this workspace uses forecasts; opens no source."""
        return self.upstreams.has_weather(self.as_of)

    @property
    def has_past_weather(self) -> bool:
        """Whether a tick reads the forecasts of past races: only simulated ones, real ones are a backfill."""
        return self.source_name == "simulated"

    def at(self, as_of: datetime) -> Workspace:
        """Return this workspace at another time, outside any run; open sources are shared."""
        return replace(self, as_of=as_of, run_id="", opened=monotonic())

    def parameters(self) -> dict[str, str]:
        """Return the notebook parameters with which `open_workspace` opens this workspace again."""
        return {
            "lake": self.store.url,
            "tracking": self.tracking.url,
            "source": self.source_name,
            "f1db": self.settings.f1db,
            "as_of": format_utc(self.as_of),
            "run_id": self.run_id,
        }


_lent: ContextVar[Cache | None] = ContextVar("lent", default=None)


@contextmanager
def lending(cache: Cache) -> Iterator[None]:
    """Let every workspace that is opened inside the block share ``cache``.

    A notebook opens its workspace from parameters, which are text. Where it runs in the process of its caller
    (``engine: inprocess``), the caller shares its cache for as long as the notebook runs; a notebook in a process of
    its own begins with an empty one. Nothing is shared before or after the block, or with other threads.
    """
    cache.lent = True
    token = _lent.set(cache)
    try:
        yield
    finally:
        _lent.reset(token)


def open_workspace(
    *,
    lake: str = "",
    tracking: str = "",
    source: str = "",
    f1db: str = "",
    as_of: str = "",
    run_id: str = "",
    may_begin: bool = True,
) -> Workspace:
    """Open a workspace from arguments, environment variables and ``parameters/local.yml`` (``aws.yml`` on AWS Lambda).

    Parameters
    ----------
    lake : str
        Folder, ``file:///...`` or ``s3://bucket/prefix``; a relative folder is relative to the working directory.
    tracking : str
        ``sqlite:///path/to/file.db`` or ``dynamodb://table``; a local lake has its own by default.
    source : str
        ``live``, ``f1db``, ``simulated``, or ``auto`` (`choose_source`): ``live`` at the present and ``f1db`` for the
        past; without an F1DB release simulated data in a lake of its own, with a warning in ``notices``. On AWS
        ``auto`` is ``live``, because a schedule must not fall back to simulated data.
    f1db : str
        F1DB CSV release: path, relative to the working directory, or URL; the newest one by default.
    as_of : str
        Time for which to run, in UTC, such as ``2025-12-06T16:00:00Z``; now by default. A time ahead of
        the clock is for simulated data only.
    run_id : str
        Id of the run that the work belongs to.
    may_begin : bool
        Whether the lake may be a new one, for which ``auto`` looks for a release.

    Returns
    -------
    Workspace
        The workspace; its sources are not opened yet.

    Raises
    ------
    BadParameters
        For an address that is none, an unknown setting, a value that is not allowed, an ``as_of`` that is not a time
        or, for real data, ahead of the clock, or a lake on S3 without a tracking table.
    RunError
        When this code cannot read the format of the lake.
    SourceError
        When the F1DB release that is named cannot be opened.

    Notes
    -----
    An empty argument counts as not given.
    """
    settings = _settings({"lake": _from_cwd(lake), "tracking": tracking, "source": source, "f1db": _from_cwd(f1db)})
    opened_utc = datetime.now(UTC).replace(microsecond=0)
    moment = parse_utc(as_of) if as_of else opened_utc
    notices: list[str] = []
    source_name = settings.source if settings.source != "auto" else "live"
    if settings.source == "auto" and _environment() != "aws":
        is_present = moment >= opened_utc - PRESENT
        source_name = choose_source(settings, moment, notices, is_present=is_present, may_begin=may_begin)
    if source_name != "simulated" and moment > opened_utc + CLOCKS_DIFFER:
        raise BadParameters(
            f"{format_utc(moment)} is ahead of this machine's clock ({format_utc(opened_utc)}): a lake of real data "
            "that is brought there refuses every tick until then; give a moment that has come"
        )
    if source_name == "simulated" and settings.lake == Settings.lake:
        settings = replace(settings, lake=settings.lake + SIMULATED_SUFFIX)
    cache = _lent.get() or Cache()
    store = open_store(absolute(settings.lake), cache)
    table = open_tracking(settings.tracking or _default_tracking(store))
    account = os.environ.get("F1_USERNAME", ""), os.environ.get("F1_PASSWORD", "")
    upstreams = Upstreams(source_name, settings, store, opened_utc, account if all(account) else None, notices, cache)
    return Workspace(store, table, settings, upstreams, moment, run_id, f"{socket.gethostname()}:{os.getpid()}", cache)


def open_lake(lake: str = "", as_of: str = "") -> tuple[ObjectStore, datetime, str]:
    """Open a lake for reading, without its tracking table and its sources.

    Parameters
    ----------
    lake : str
        As of `open_workspace`; default: that of the settings, or the simulated one beside it.
    as_of : str
        Time in UTC, such as ``2025-12-06T16:00:00Z``; now by default.

    Returns
    -------
    tuple of ObjectStore, datetime and str
        The lake, the time, and the source of the lake's data.

    Raises
    ------
    StorageError
        There is no lake at the address, or it cannot be read.
    """
    moment = parse_utc(as_of) if as_of else datetime.now(UTC).replace(microsecond=0)
    url = absolute(_settings({"lake": _from_cwd(lake)}).lake)
    for address in (url,) if lake else (url, url + SIMULATED_SUFFIX):
        store = open_store(address)
        if marker := read_marker(store):
            return store, moment, "simulated" if marker.get("kind") == "simulated" else marker.get("source", "f1db")
    raise StorageError(f"there is no lake at {open_store(url).url}: `f1 run --lake ...` fills one")


def _environment() -> str:
    return "aws" if os.environ.get("AWS_LAMBDA_FUNCTION_NAME") else os.environ.get("F1_ENVIRONMENT", "local")


def _settings(given: Mapping[str, str]) -> Settings:
    return load_settings(project_folder() / "parameters" / f"{_environment()}.yml", os.environ, given)


def _from_cwd(path: str) -> str:
    """Return ``path`` absolute: a relative one that a caller gives is relative to the working directory."""
    return path if not path or "://" in path else str(Path(path).expanduser().absolute())


def _default_tracking(store: ObjectStore) -> str:
    if isinstance(store, LocalStore):
        return f"sqlite:///{store.root / 'tracking.db'}"
    raise BadParameters(f"lake {store.url} has no tracking table of its own: give --tracking dynamodb://table")
