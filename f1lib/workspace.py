"""Door 1: the composition root. The only module that reads the environment, and it opens everything.

>>> ws = open_workspace(lake="lake", source="f1db", f1db="f1db-csv.zip", as_of="2025-12-06T16:00:00Z")
>>> ws.store, ws.tracking, ws.source, ws.as_of

Sources are opened on first use, so that a tick with nothing to do opens none.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from f1lib.errors import BadParameters, RunError, SourceError
from f1lib.settings import Settings, load_settings
from f1lib.storage import LocalStore, ObjectStore, open_store, read_json, write_json
from f1lib.terms import format_utc, parse_utc
from f1lib.tracking import Claim, TrackingTable, open_tracking

if TYPE_CHECKING:
    from f1lib.sources.base import SessionSource, WeatherSource

PROJECT = Path(__file__).resolve().parent.parent
LAKE_MARKER = "lake.json"
SIMULATED_SUFFIX = "-simulated"
_REAL = ("f1db", "fastf1")


@dataclass
class Workspace:
    """Everything a stage needs: both ports, the sources, the moment it runs for and the run it belongs to."""

    store: ObjectStore
    tracking: TrackingTable
    settings: Settings
    source_name: str
    as_of: datetime
    run_id: str
    owner: str
    notices: list[str] = field(default_factory=list)

    @cached_property
    def source(self) -> SessionSource:
        """Schedules and sessions, under ``source_name``; raises `SourceError` when it cannot be opened."""
        claim_lake(self)
        return _open_source(self)

    @cached_property
    def weather(self) -> WeatherSource | None:
        """Forecasts, or None where this source has none: missing weather is missing."""
        from f1lib.workspace_sources import open_weather

        return open_weather(self)

    @property
    def has_weather(self) -> bool:
        """Whether this workspace asks for forecasts at all; asking opens nothing."""
        from f1lib.workspace_sources import has_weather

        return has_weather(self)

    @property
    def has_past_weather(self) -> bool:
        """Whether the forecasts of races that are over come with a tick: for real ones they are a backfill."""
        return self.source_name == "simulated"

    @property
    def cache(self) -> Path:
        """The folder of downloads."""
        return PROJECT / self.settings.cache

    def at(self, as_of: datetime) -> Workspace:
        """The same workspace at another moment; an open source stays open."""
        moved = replace(self, as_of=as_of, run_id="")
        if "source" in self.__dict__:
            moved.__dict__["source"] = self.source
        return moved

    def free_claim_of_the_dead(self, event: str, sort_key: str) -> bool:
        """Give back a claim whose process on this machine has died; whether there was one.

        Without it a run that was killed, or could not write its last word, keeps everybody waiting for its lease.
        Only for SQLite, whose users share a machine: two containers may bear one name and one process number.
        """
        row = self.tracking.get(event, sort_key) or {}
        host, _, process = str(row.get("owner", "")).rpartition(":")
        ours = self.tracking.url.startswith("sqlite:") and host == socket.gethostname() and process.isdigit()
        if not ours or _is_alive(int(process)):
            return False
        expires = parse_utc(row["lease_expires_utc"])
        self.tracking.release(Claim(event, sort_key, row["owner"], row["run_id"], expires), {})
        return True

    def parameters(self) -> dict[str, str]:
        """What a notebook is given so that it opens this very workspace."""
        return {
            "lake": self.store.url,
            "tracking": self.tracking.url,
            "source": self.source_name,
            "f1db": self.settings.f1db,
            "as_of": format_utc(self.as_of),
            "run_id": self.run_id,
        }


def open_workspace(
    *, lake: str = "", tracking: str = "", source: str = "", f1db: str = "", as_of: str = "", run_id: str = ""
) -> Workspace:
    """Open the workspace that the arguments, the environment and parameters/local.yml (or aws.yml) describe.

    An empty argument means not given. ``source="auto"`` takes F1DB by path, cache or download; where none
    can be had it says so in ``notices`` and takes simulated data in a lake of its own. Raises
    `BadParameters` for an unknown setting, `RunError` when the lake holds data of the other kind.
    """
    given = {"lake": _from_here(lake), "tracking": tracking, "source": source, "f1db": _from_here(f1db)}
    name = "aws" if os.environ.get("AWS_LAMBDA_FUNCTION_NAME") else os.environ.get("F1_ENVIRONMENT", "local")
    settings = load_settings(PROJECT / "parameters" / f"{name}.yml", os.environ, given)
    moment = parse_utc(as_of) if as_of else datetime.now(UTC).replace(microsecond=0)
    notices: list[str] = []
    source_name = settings.source if settings.source != "auto" else _choose_source(settings, moment, notices)
    if source_name == "simulated" and settings.lake == Settings.lake:
        settings = replace(settings, lake=settings.lake + SIMULATED_SUFFIX)
    store = open_store(_absolute(settings.lake))
    table = open_tracking(settings.tracking or _default_tracking(store))
    owner = f"{socket.gethostname()}:{os.getpid()}"
    return Workspace(store, table, settings, source_name, moment, run_id, owner, notices)


def claim_lake(ws: Workspace) -> dict[str, Any]:
    """Mark an unmarked lake as real or simulated, and return its marker.

    Raises `RunError` when the lake holds the other kind: the two never share a lake.
    """
    kind = "simulated" if ws.source_name == "simulated" else "real"
    if not ws.store.exists(LAKE_MARKER):
        first = ws.as_of.year - ws.settings.simulated_seasons
        world = {"seed": ws.settings.simulated_seed, "first_season": first} if kind == "simulated" else {}
        write_json(ws.store, LAKE_MARKER, {"kind": kind, **world})
    marker: dict[str, Any] = read_json(ws.store, LAKE_MARKER)
    if ws.source_name == "fastf1" and marker.get("kind") == kind and marker.get("source") != "fastf1":
        marker |= {"source": "fastf1"}  # so that `auto` goes on with it
        write_json(ws.store, LAKE_MARKER, marker)
    if marker.get("kind") != kind:
        raise RunError(
            f"lake {ws.store.url} holds {marker.get('kind')} data and source {ws.source_name} is {kind}: "
            "choose another --lake or --source; the two are never mixed"
        )
    return marker


def _choose_source(settings: Settings, moment: datetime, notices: list[str]) -> str:
    """Resolve ``auto``: F1DB by path or cache, else by download, else, loudly, simulated."""
    from f1lib import workspace_sources
    from f1lib.sources.f1db_release import locate

    try:
        store = open_store(_absolute(settings.lake))
        marker = read_json(store, LAKE_MARKER) if store.exists(LAKE_MARKER) else {}
        kind = marker.get("kind")
        if kind == "simulated":
            notices.append(f"SIMULATED DATA: lake {store.url} was begun with it; choose another --lake for real data")
        if kind:
            return "simulated" if kind == "simulated" else str(marker.get("source", "f1db"))
        base = settings.upstream_base
        web = workspace_sources.web(base) if base else None
        locate(settings.f1db, PROJECT / settings.cache, now=moment, session=web)
        return "f1db"
    except SourceError as error:
        if settings.f1db:
            raise
        notices.append(f"SIMULATED DATA: no F1DB release can be had ({error})")
        return "simulated"


def _open_source(ws: Workspace) -> SessionSource:
    if ws.source_name == "simulated":
        from f1lib.sources.simulated import SimulatedSource

        marker = claim_lake(ws)
        return SimulatedSource(seed=marker["seed"], first_season=marker["first_season"])
    from f1lib import workspace_sources

    return workspace_sources.open_f1db(ws) if ws.source_name == "f1db" else workspace_sources.open_fastf1(ws)


def _is_alive(process: int) -> bool:
    """Whether a process of this machine runs; taken for granted where it cannot be asked without harm."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's, and alive
        return True
    return True


def _absolute(url: str) -> str:
    """A relative folder in a settings file is meant relative to the project, wherever the notebook runs."""
    return url if "://" in url else str(PROJECT / Path(url).expanduser())


def _from_here(path: str) -> str:
    """A relative path that a caller gives is meant relative to where the caller stands."""
    return path if not path or "://" in path else str(Path(path).expanduser().absolute())


def _default_tracking(store: ObjectStore) -> str:
    if isinstance(store, LocalStore):
        return f"sqlite:///{store.root / 'tracking.db'}"
    raise BadParameters(f"lake {store.url} has no tracking table of its own: give --tracking dynamodb://table")
