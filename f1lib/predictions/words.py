"""Sentences about a prediction and its result, made of plain rows without pandas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from f1lib.lake import paths
from f1lib.lake.parquet import parquet_rows
from f1lib.lake.store import find

if TYPE_CHECKING:
    from f1lib.lake.store import ObjectStore

Row = Mapping[str, Any]
_KIND = {"R": "race", "S": "sprint"}
_NAMED = 3


def surname(full_name: str) -> str:
    """Return what a driver is called: ``Verstappen``, ``de Vries``, ``Sainz``."""
    given, _, family = full_name.removesuffix(" Jr.").partition(" ")
    return family or given


def forecast_sentence(rows: Sequence[Row], when: str) -> str:
    """Say who is expected to win, with what chance, and when the session starts.

    Parameters
    ----------
    rows : sequence of mappings
        One prediction: a row a driver, with ``full_name p_win session``.
    when : str
        The start in words; empty when it is not known.

    Returns
    -------
    str
        ``Verstappen wins with a chance of 56 %, Norris 23 %, Piastri 10 %. The race starts on Sunday ...``
    """
    best = sorted(rows, key=lambda row: -row["p_win"])[:_NAMED]
    chances = [f"{surname(row['full_name'])} {percent(row['p_win'])}" for row in best[1:]]
    first = f"{surname(best[0]['full_name'])} wins with a chance of {percent(best[0]['p_win'])}"
    starts = f" The {_KIND[str(rows[0]['session'])]} starts on {when}." if when else ""
    return f"{', '.join([first, *chances])}.{starts}"


def outcome_sentence(rows: Sequence[Row], places: Mapping[str, int]) -> str:
    """Say who won, the chance that he was given, and how many of the predicted podium stood on it.

    Parameters
    ----------
    rows : sequence of mappings
        One prediction: a row a driver, with ``driver_id full_name p_win predicted_rank``.
    places : mapping
        Driver id -> finishing position.

    Returns
    -------
    str
        ``Verstappen won (given 56 %), 3 of 3 on the podium``; the driver id of a winner who was not predicted.
    """
    winner = next(driver for driver, place in places.items() if place == 1)
    given = next((row for row in rows if row["driver_id"] == winner), None)
    said = (
        f"{surname(given['full_name'])} won (given {percent(given['p_win'])})"
        if given
        else f"{winner} won (not predicted)"
    )
    podium = [row["driver_id"] for row in rows if row["predicted_rank"] <= _NAMED]
    right = sum(places.get(driver, _NAMED + 1) <= _NAMED for driver in podium)
    return f"{said}, {right} of {len(podium)} on the podium"


def percent(chance: float) -> str:
    """Return a chance as a whole percentage, ``<1 %`` and ``>99 %`` at the ends."""
    if 0 < chance < 0.005:
        return "<1 %"
    return ">99 %" if 0.995 <= chance < 1 else f"{100 * chance:.0f} %"


def finishing_places(store: ObjectStore, event: str, session: str) -> dict[str, int]:
    """Read the result of a race or sprint from silver.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    event : str
        Partition key of the event.
    session : {"R", "S"}
        The race or the sprint.

    Returns
    -------
    dict[str, int]
        Driver id -> finishing position; empty while silver has no result.

    Raises
    ------
    TableError
        The season's table is not a Parquet file.
    """
    key = paths.silver_key("results", int(event[:4]))
    data = find(store, key)
    if data is None:
        return {}
    names = ["event_partition_key", "session", "driver_id", "finishing_position"]
    rows = parquet_rows(data, f"{key} in lake {store.url}", names)
    own = [row for row in rows if (row["event_partition_key"], row["session"]) == (event, session)]
    return {row["driver_id"]: row["finishing_position"] for row in own if row["finishing_position"]}
