"""OpenF1's results and starting grids as the official rows that `fastf1.results` reads (those of `jolpica.read`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from f1lib.sources.fastf1.results import QUALIFYING_LIKE

Row = dict[str, Any]
_LAST = 999  # sort key of drivers without a place


def official(rows: list[Row], who: Mapping[str, Row], session: str) -> list[Row]:
    """Return the classification of one session.

    Parameters
    ----------
    rows : list of dict
        Rows of ``session_result``.
    who : mapping
        Car number -> identity, see `fastf1.results.people`. A number that is not in it is left out.
    session : str
        Code of the session.

    Returns
    -------
    list of dict
        As of `jolpica.read`, in official order. OpenF1 has neither the grid nor a race's status, and points only of
        late.
    """
    placed = sorted(rows, key=lambda row: (row.get("position") or _LAST, -(row.get("number_of_laps") or 0)))
    return [_row(row, who[str(row["driver_number"])], session) for row in placed if str(row["driver_number"]) in who]


def grid(rows: list[Row], who: Mapping[str, Row]) -> list[Row]:
    """Return the slots of a starting grid; drivers without a slot are left out."""
    known = [row for row in rows if row.get("position") and str(row["driver_number"]) in who]
    return [who[str(row["driver_number"])] | {"grid": int(row["position"]), "is_pit_lane": False} for row in known]


def _row(row: Row, own: Row, session: str) -> Row:
    duration, gap = row.get("duration"), row.get("gap_to_leader")
    parts = duration if isinstance(duration, list) else []
    whole = None if isinstance(duration, list) else _seconds(duration)
    is_timed = session in QUALIFYING_LIKE or session.startswith("P")
    return {
        **own,
        "position": _whole(row.get("position")),
        "position_text": _text(row),
        "grid": None,
        "is_pit_lane": False,
        "status": gap.title() if isinstance(gap, str) else None,  # "+1 LAP" -> "+1 Lap"
        "points": _seconds(row.get("points")),
        "laps": _whole(row.get("number_of_laps")),
        "race_time": None if is_timed else whole,
        "best_lap": whole if is_timed else None,
        **{f"q{n}": _seconds(parts[n - 1]) if len(parts) >= n else None for n in (1, 2, 3)},
        "refused": {},
    }


def _text(row: Row) -> str:
    """Return the place, or the letters of those without one."""
    if row.get("position") and not row.get("dsq"):
        return str(int(row["position"]))
    return next((name.upper() for name in ("dsq", "dns", "dnf") if row.get(name)), "NC")


def _seconds(value: Any) -> float | None:
    return None if value is None else round(float(value), 3)


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)
