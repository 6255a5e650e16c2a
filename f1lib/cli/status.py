"""``f1 status``: the weekend at hand at a glance, and what the sources state differently."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from f1lib.bronze.ingest import note_key
from f1lib.lake.store import read_json
from f1lib.pipeline.next_due import clock_words, next_due
from f1lib.pipeline.plan import due_steps, next_race
from f1lib.tracking.index import is_session
from f1lib.tracking.rows import PIPELINE, TROUBLED
from f1lib.tracking.stage_keys import SESSIONS, WEATHER_ROW, Stage, StageKey, short_name, suffix_of
from f1lib.tracking.units import Unit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from f1lib.tracking.rows import StageRow, TrackingRow
    from f1lib.workspace.workspace import Workspace

_WORDS = {
    "probability_points": ("rain", "%"),
    "precipitation_mm": ("", "mm"),
    "temperature_c": ("air", "C"),
    "wind_kmh": ("wind", "km/h"),
}


def show_status(ws: Workspace) -> None:
    """The next race's sessions, weather, stages and predictions, the last errors, and what is due now and next."""
    rows = ws.tracking.rows()
    if not rows:
        print(f"lake {ws.store.url} is empty; `f1 run` fills it")
        return
    race = next_race(rows, ws.as_of)
    event = race["event_partition_key"] if race else ""
    mine = [row for row in rows if row["event_partition_key"] == event]
    _out().print(f"{escape(ws.store.url)} at {ws.as_of:%Y-%m-%d %H:%M} UTC ({ws.source_name})", highlight=False)
    for row in rows:
        if notice := row.get("notice"):
            _out().print(f"*** {escape(notice)} ***")
    if race:
        _out().print(_sessions(event, mine))
        _out().print(f"weather: {_weather(mine)}", highlight=False)
        issued = sorted(r["session_name_abr"].split("#")[-1] for r in mine if _is_issued(r))
        _out().print(f"predicted: {', '.join(issued) or 'not yet'}", highlight=False)
    _out().print(_stages(rows))
    _errors(rows, event)
    counts = Counter(row.get("status", "?") for row in rows if row["session_name_abr"] in SESSIONS)
    print("sessions: " + ", ".join(f"{count} {status}" for status, count in sorted(counts.items())))
    steps = due_steps(rows, ws.as_of, has_weather=ws.has_weather, has_past_weather=ws.has_past_weather)
    print("due now: " + ("; ".join(f"{s.stage} ({s.reason})" for s in steps) or "nothing"))
    moment, what = next_due(rows, ws.as_of, has_weather=ws.has_weather)
    print(f"next: {what}, {clock_words(moment, ws.as_of)}")


def conflicts(ws: Workspace) -> list[dict[str, Any]]:
    """What the sources of one session state differently, a row a driver and column."""
    found = []
    for row in ws.tracking.rows():
        if not row.get("conflicts"):
            continue
        unit = Unit.of_row(row)
        note = read_json(ws.store, note_key(unit))
        place = {"event": row["event_partition_key"], "session": row["session_name_abr"]}
        found += [place | conflict for conflict in note["provenance"].get("conflicts", [])]
    return found


def show_conflicts(ws: Workspace) -> None:
    """`conflicts` as a table; one line when there are none."""
    found = conflicts(ws)
    if not found:
        print("the sources agree on every session that more than one of them has")
        return
    names = [name for name in found[0] if name not in ("event", "session", "driver_id", "column")]
    table = Table(title=f"{len(found)} differences between {' and '.join(names)}")
    for name in ("event", "session", "driver_id", "column", *names):
        table.add_column(name)
    for row in found:
        table.add_row(*(escape(str(row.get(name, ""))) for name in ("event", "session", "driver_id", "column", *names)))
    _out().print(table)


def _sessions(event: str, rows: Iterable[TrackingRow]) -> Table:
    table = Table(title=event)
    for name in ("session", "start", "status", "from", "lacks, or last error", "asked again"):
        table.add_column(name, no_wrap=name in ("session", "start", "status", "from"))
    held = sorted((r for r in rows if is_session(r)), key=lambda r: (r["available_utc"], r["session_name_abr"]))
    for row in held:
        trouble = "; ".join(filter(None, [row.get("missing"), row.get("last_error")]))
        status = f"{row['status']}, partial" if row.get("is_partial") else str(row["status"])
        values = (row["session_date_utc"], status, row.get("source", ""), trouble, row.get("next_attempt_utc", ""))
        table.add_row(short_name(row["session_name_abr"]), *(escape(str(v)) for v in values))
    return table


def _weather(rows: Iterable[TrackingRow]) -> str:
    row = next((r for r in rows if r["session_name_abr"] == WEATHER_ROW), None)
    told = row.get("acted_on") if row else None
    if not row or not told:
        return (row and row.get("last_error")) or "no forecast yet"
    parts = []
    for session, values in told.items():
        known = [
            f"{_WORDS[name][0]} {value:g} {_WORDS[name][1]}".strip()
            for name, value in values.items()
            if value is not None and name in _WORDS
        ]
        parts.append(f"{session} {', '.join(known) or 'unknown'}")
    late = f" (last asked in vain: {row['last_error']})" if row.get("last_error") else ""
    return f"{'; '.join(parts)}, asked {row.get('finished_utc', '?')}{late}"


def _stages(rows: Iterable[TrackingRow]) -> Table:
    table = Table()
    for name in ("stage", "status", "finished", "last error"):
        table.add_column(name)
    for row in rows:
        key = StageKey.parse(row["session_name_abr"])
        if row["event_partition_key"] == PIPELINE and key and not key.suffix:
            values = (row.get("status", ""), row.get("finished_utc", ""), row.get("last_error", ""))
            table.add_row(key.name, *(escape(str(v)) for v in values))
    return table


def _errors(rows: Iterable[TrackingRow], event: str) -> None:
    """The newest trouble of other weekends, in a line each, at most five."""
    other = [r for r in rows if r["event_partition_key"] not in (event, PIPELINE) and r.get("last_error")]
    other = [r for r in other if r.get("status") in TROUBLED or r.get("is_partial")]
    for row in sorted(other, key=lambda r: r.get("updated_at_utc", ""), reverse=True)[:5]:
        print(f"{row['status']}: {row['event_partition_key']} {row['session_name_abr']}: {row['last_error']}")


def _is_issued(row: StageRow) -> bool:
    return bool(suffix_of(Stage.PREDICT, row["session_name_abr"]) and row.get("finished_utc"))


def _out() -> Console:
    return Console(highlight=False)
