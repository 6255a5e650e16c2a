"""The sessions of a backfill as a list of work units for Step Functions.

>>> units = units_of(ws, [2024, 2025], again=False)
>>> write_units(ws.store, ws.run_id, units)

``lambda_runner/backfill.asl.json`` runs the list, one Lambda call a unit; `f1lib.aws.cost` estimates what it takes.
"""

from __future__ import annotations

from typing import Any

from f1lib.domain.moments import format_utc
from f1lib.errors import BadParameters
from f1lib.lake.paths_published import units_key
from f1lib.lake.store import ObjectStore, write_json
from f1lib.tracking.rows import STORED, key_of
from f1lib.tracking.units import Unit
from f1lib.workspace.workspace import Workspace

GRID_CODES = {"R": "G", "S": "SG"}


def units_of(ws: Workspace, seasons: list[int], *, again: bool, laps: bool = False) -> list[dict[str, Any]]:
    """List the sessions and starting grids of seasons that are visible at ``ws.as_of`` and not in the lake yet.

    Reads the source's calendar, writes nothing.

    Parameters
    ----------
    ws : Workspace
        The lake, its source and the moment.
    seasons : list of int
        The seasons; at least one.
    again : bool
        Take those in the lake too.
    laps : bool
        List the sessions in the lake that lack FastF1's timing instead
        (`f1lib.bronze.timing_backfill.wanted`).

    Returns
    -------
    list of dict
        ``{"event_partition_key", "session_abr", "laps"}`` each, oldest first.

    Raises
    ------
    BadParameters
        No season is named.
    SourceError
        The source does not know a season.
    """
    if not seasons:
        raise BadParameters("a backfill needs seasons, such as 2018 2019")
    if laps:
        from f1lib.bronze.timing_backfill import wanted

        texts = wanted(ws.tracking.rows(), seasons, ws.as_of, again=again)
        return [_item(*text.rsplit("/", 1), laps=True) for text in texts]
    rows = {} if again else {key_of(row): row for row in ws.tracking.rows()}
    found: list[tuple[str, str, str]] = []
    for season in sorted(set(seasons)):
        for row in ws.source.schedule(season, ws.as_of).sessions.to_dict("records"):
            event, session = row["event_partition_key"], row["session"]
            found.append((format_utc(row["available_utc"]), event, session))
            if session in GRID_CODES:
                found.append((format_utc(row["grid_available_utc"]), event, GRID_CODES[session]))
    return [
        _item(event, code)
        for available, event, code in sorted(found)
        if available <= format_utc(ws.as_of)
        and rows.get((event, Unit.parse(f"{event}/{code}").sort_key), {}).get("status") not in STORED
    ]


def _item(event: str, code: str, *, laps: bool = False) -> dict[str, Any]:
    return {"event_partition_key": event, "session_abr": code, "laps": laps}


def write_units(store: ObjectStore, run_id: str, units: list[dict[str, Any]]) -> str:
    """Store the list where the state machine reads it, and return its key.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    run_id : str
        The run that made the list.
    units : list of dict
        As `units_of` returns them.
    """
    key = units_key(run_id)
    write_json(store, key, units)
    return key
