"""``lake.json``: whether a lake holds real or simulated data (the two are never mixed), and the format of its files."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from f1lib.errors import BadParameters, RunError, SourceError, StorageError
from f1lib.lake.paths import LAKE_MARKER, SCHEDULES_PREFIX
from f1lib.lake.provenance import code_version
from f1lib.lake.store import ObjectStore, find_json, open_store, write_json
from f1lib.tracking.rows import StageRow
from f1lib.workspace.project import kept
from f1lib.workspace.settings import Settings

SIMULATED_SUFFIX = "-simulated"
# Version of keys, tables and rows as docs/lake.md describes them; a marker without one means 1. Increase it with any
# change that older code would misread, and keep reading the earlier formats.
FORMAT = 1


def read_marker(store: ObjectStore) -> dict[str, Any] | None:
    """Return ``lake.json``, None for a lake without one; raises `RunError` when this code cannot read its format."""
    marker: dict[str, Any] | None = find_json(store, LAKE_MARKER)
    found = (marker or {}).get("format", FORMAT)
    if not isinstance(found, int) or not 1 <= found <= FORMAT:
        begun = f" (begun by f1lib {marker['code_version']})" if marker and "code_version" in marker else ""
        raise RunError(
            f"lake {store.url} has format {found}{begun}, and f1lib {code_version()} reads formats up to {FORMAT}: "
            "update f1lib, or choose another --lake"
        )
    return marker


def check_not_lost(store: ObjectStore, rows: Collection[StageRow]) -> None:
    """Raise `StorageError` for an empty table of a lake with data: a tick claims a row before it writes a file."""
    if not rows and store.list(SCHEDULES_PREFIX):
        raise StorageError(
            f"lake {store.url} has data and its tracking table is empty: it was lost, or another one is meant; "
            "`f1 doctor --repair` rebuilds it from the lake"
        )


def marker_of(store: ObjectStore, source_name: str, as_of: datetime, settings: Settings) -> dict[str, Any]:
    """Return the marker that a lake has, or gets with its first files; nothing is written.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    source_name : str
        ``f1db``, ``live`` or ``simulated``.
    as_of : datetime
        Aware UTC; a new simulated lake begins ``simulated_seasons`` seasons before its year.
    settings : Settings
        Seed and number of the seasons of a new simulated lake.

    Returns
    -------
    dict[str, Any]
        Content of ``lake.json``: ``kind`` (``real`` or ``simulated``), ``format``, ``code_version``; of simulated data
        ``seed`` and ``first_season``; ``source`` once live upstreams have been used.

    Raises
    ------
    BadParameters
        When the lake holds the other kind of data.
    RunError
        When it has a format that this code does not know.
    StorageError
        When the marker cannot be read.
    """
    kind = "simulated" if source_name == "simulated" else "real"
    marker = read_marker(store)
    if marker is None:
        first = as_of.year - settings.simulated_seasons
        world = {"seed": settings.simulated_seed, "first_season": first} if kind == "simulated" else {}
        marker = {"kind": kind, **world, "format": FORMAT, "code_version": code_version()}
    check_kind(store, source_name, marker)
    # once live, `auto` chooses it again, also for a moment that is past
    return {**marker, "source": marker.get("source", "live")} if source_name == "live" else marker


def claim_lake(store: ObjectStore, source_name: str, as_of: datetime, settings: Settings) -> None:
    """Mark a new lake as real or simulated, and one that live upstreams feed as such.

    Parameters
    ----------
    store : ObjectStore
        The lake; written where its marker changes.
    source_name : str
        As of `marker_of`.
    as_of : datetime
        As of `marker_of`.
    settings : Settings
        As of `marker_of`.

    Raises
    ------
    BadParameters, RunError, StorageError
        As of `marker_of`, and when the marker cannot be written.
    """
    marker = marker_of(store, source_name, as_of, settings)
    if marker != read_marker(store):
        write_json(store, LAKE_MARKER, marker)


def check_kind(store: ObjectStore, source_name: str, marker: Mapping[str, Any]) -> None:
    """Check that a lake holds the kind of data that a source gives; nothing is written.

    Parameters
    ----------
    store : ObjectStore
        The lake, for the message of the error.
    source_name : str
        ``f1db``, ``fastf1`` or ``simulated``.
    marker : Mapping[str, Any]
        Content of its ``lake.json``; empty for a new lake.

    Raises
    ------
    BadParameters
        When it holds the other kind.
    """
    kind = "simulated" if source_name == "simulated" else "real"
    if marker and marker.get("kind") != kind:
        raise BadParameters(
            f"lake {store.url} holds {marker.get('kind')} data and source {source_name} is {kind}: "
            "choose another --lake or --source; the two are never mixed"
        )


def choose_source(
    settings: Settings, as_of: datetime, notices: list[str], *, is_present: bool, may_begin: bool = True
) -> str:
    """Resolve the source ``auto`` before anything is run, within seconds whatever the network does.

    A simulated lake stays simulated. Real data is ``live`` at the present, and at any moment in a lake that live
    upstreams have fed; a past moment of another lake is ``f1db``, which is the same on every machine. A new lake for
    which no F1DB release can be had, by path, cache or download, is ``simulated``. Where none may be begun no release
    is looked for: the simulated lake beside one that is not there is meant.

    Parameters
    ----------
    settings : Settings
        Lake, F1DB release, folder of downloads and base address of the sources.
    as_of : datetime
        Time at which an F1DB release is looked for, aware UTC.
    notices : list[str]
        A warning is appended when the data is simulated.
    is_present : bool
        Whether ``as_of`` is the present.
    may_begin : bool
        Whether the lake may be a new one.

    Returns
    -------
    str
        ``live``, ``f1db`` or ``simulated``.

    Raises
    ------
    SourceError
        When the settings name an F1DB release that cannot be opened.
    RunError
        When this code cannot read the format of the lake.
    StorageError
        When the lake cannot be read.
    """
    from f1lib.sources.f1db.download import locate

    try:
        store = open_store(absolute(settings.lake))
        marker = read_marker(store) or {}
        if not marker and not may_begin and settings.lake == Settings.lake:
            store = open_store(absolute(settings.lake + SIMULATED_SUFFIX))
            marker = read_marker(store) or {}
        kind = marker.get("kind")
        if kind == "simulated":
            notices.append(f"SIMULATED DATA: lake {store.url} was begun with it; choose another --lake for real data")
            return "simulated"
        if not kind and may_begin:
            locate(settings.f1db, settings.downloads, now=as_of, base=settings.upstream_base)
        return "live" if is_present or "source" in marker else "f1db"
    except SourceError as error:
        if settings.f1db:
            raise
        notices.append(f"SIMULATED DATA: no F1DB release can be had ({error})")
        return "simulated"


def absolute(url: str) -> str:
    """Return the address of a lake; where a relative folder of a settings file lies, `kept` says."""
    return url if "://" in url else str(kept(url))
