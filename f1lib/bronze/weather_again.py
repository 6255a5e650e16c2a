"""Fetch a weather document again that was lost."""

from __future__ import annotations

from typing import Any

from f1lib.bronze.weather import schedule_rows
from f1lib.domain.moments import format_utc, parse_utc
from f1lib.domain.weekend import EventKey
from f1lib.lake import paths
from f1lib.lake.integrity import sealed
from f1lib.lake.store import ObjectStore, write_json
from f1lib.sources.protocols import WeatherSource


def fetch_again(store: ObjectStore, source: WeatherSource | None, path: str) -> bool:
    """Fetch a lost weather document again.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    source : WeatherSource or None
        Where it came from; None where the lake has no source of weather.
    path : str
        The document's key.

    Returns
    -------
    bool
        False when the source does not have the very same document any more.

    Raises
    ------
    SourceError
        When the source does not answer.
    """
    found = paths.parse_forecast(path)
    if source is None or found is None:
        return False
    event_row, sessions = schedule_rows(store, EventKey.parse(found.event))
    moment = parse_utc(path.rpartition("/")[2].removesuffix(".json"))
    ask: Any = getattr(source, "observed", None) if found.kind == "archive" else source.forecast
    document = ask(event_row, sessions, moment) if ask else None
    if document is None or document["f1lib"]["issued_utc"] != format_utc(moment):
        return False
    if document["f1lib"]["provenance"] not in (found.kind, "simulated"):
        return False
    write_json(store, path, sealed(document))
    return True
