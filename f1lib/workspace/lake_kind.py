"""``lake.json``: whether a lake holds real or simulated data (the two never share one), and the format of its files."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from f1lib.errors import RunError, SourceError
from f1lib.lake.paths import LAKE_MARKER
from f1lib.lake.provenance import code_version
from f1lib.lake.store import ObjectStore, find_json, open_store, write_json
from f1lib.workspace.settings import PROJECT, Settings

SIMULATED_SUFFIX = "-simulated"
# Of keys, tables and rows as docs/lake.md has them; a lake whose marker names none has format 1. Raise it with any
# change that older code would misread, and keep reading the formats before it.
FORMAT = 1


def read_marker(store: ObjectStore) -> dict[str, Any] | None:
    """Return ``lake.json``, None for a lake not yet marked; raises `RunError` when this code cannot read its format."""
    marker: dict[str, Any] | None = find_json(store, LAKE_MARKER)
    found = (marker or {}).get("format", FORMAT)
    if not isinstance(found, int) or not 1 <= found <= FORMAT:
        begun = f" (begun by f1lib {marker['code_version']})" if marker and "code_version" in marker else ""
        raise RunError(
            f"lake {store.url} has format {found}{begun}, and f1lib {code_version()} reads formats up to {FORMAT}: "
            "update f1lib, or choose another --lake"
        )
    return marker


def claim_lake(store: ObjectStore, source_name: str, as_of: datetime, settings: Settings) -> dict[str, Any]:
    """Mark an unmarked lake as real or simulated, and return its marker.

    Raises `RunError` when the lake holds the other kind, or has a format that this code does not know.
    """
    kind = "simulated" if source_name == "simulated" else "real"
    marker = read_marker(store)
    if marker is None:
        first = as_of.year - settings.simulated_seasons
        world = {"seed": settings.simulated_seed, "first_season": first} if kind == "simulated" else {}
        marker = {"kind": kind, **world, "format": FORMAT, "code_version": code_version()}
        write_json(store, LAKE_MARKER, marker)
    if source_name == "fastf1" and marker.get("kind") == kind and marker.get("source") != "fastf1":
        marker |= {"source": "fastf1"}  # so that `auto` goes on with it
        write_json(store, LAKE_MARKER, marker)
    if marker.get("kind") != kind:
        raise RunError(
            f"lake {store.url} holds {marker.get('kind')} data and source {source_name} is {kind}: "
            "choose another --lake or --source; the two are never mixed"
        )
    return marker


def choose_source(settings: Settings, as_of: datetime, notices: list[str]) -> str:
    """Resolve ``auto``: F1DB by path or cache, else by download, else, loudly, simulated."""
    from f1lib.sources.f1db.download import locate

    try:
        store = open_store(absolute(settings.lake))
        marker = read_marker(store) or {}
        kind = marker.get("kind")
        if kind == "simulated":
            notices.append(f"SIMULATED DATA: lake {store.url} was begun with it; choose another --lake for real data")
        if kind:
            return "simulated" if kind == "simulated" else str(marker.get("source", "f1db"))
        locate(settings.f1db, settings.downloads, now=as_of, base=settings.upstream_base)
        return "f1db"
    except SourceError as error:
        if settings.f1db:
            raise
        notices.append(f"SIMULATED DATA: no F1DB release can be had ({error})")
        return "simulated"


def absolute(url: str) -> str:
    """A relative folder in a settings file is meant relative to the project, wherever the notebook runs."""
    return url if "://" in url else str(PROJECT / Path(url).expanduser())
