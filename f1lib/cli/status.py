"""``f1 status``: the weekend at hand at a glance, and what the sources state differently."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable
from typing import Any

from f1lib.cli import output
from f1lib.cli.options import workspace_of
from f1lib.lake.store import ObjectStore
from f1lib.pipeline.next_due import clock_words, next_due
from f1lib.pipeline.plan import due_steps, next_race
from f1lib.tracking.index import is_session, notices
from f1lib.tracking.rows import PIPELINE, TROUBLED, TrackingRow
from f1lib.tracking.stage_keys import SESSIONS, WEATHER_ROW, Stage, StageKey, short_name, suffix_of
from f1lib.tracking.units import Unit
from f1lib.workspace.lake_kind import check_not_lost
from f1lib.workspace.workspace import Workspace

NAME = "status"
_PLACE = ["event", "session", "driver_id", "column"]
HELP = "what is known of the weekend at hand, and what is due next"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--conflicts``."""
    parser.add_argument(
        "--conflicts", action="store_true", help="what the sources state differently, and what was refused or revised"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the state of the lake, or the differences between its sources."""
    ws = workspace_of(arguments)
    if arguments.conflicts:
        rows = ws.tracking.rows()
        _show_conflicts(conflicts(ws.store, rows))
        if refused := conflicts(ws.store, rows, "refused"):
            _show(refused, ["value", "reason"], f"{len(refused)} values that cannot be, refused")
        if revised := conflicts(ws.store, rows, "revised"):
            _show(revised, ["was", "is"], f"{len(revised)} values that were revised after they were first read")
        for line in calendar_warnings(ws.store):
            output.print_line(f"calendar: {line}")
    else:
        _show_status(ws)
    return 0


def _show_status(ws: Workspace) -> None:
    """Print the next race's sessions, weather and predictions, the stages, the last errors, and what is due."""
    from f1lib.pipeline.rules import results_lacking
    from f1lib.tracking.index import Rows

    rows = ws.tracking.rows()
    check_not_lost(ws.store, rows)
    if not rows:
        output.print_plain(f"lake {ws.store.url} is empty; `f1 run` fills it")
        return
    race = next_race(rows, ws.as_of)
    event = race["event_partition_key"] if race else ""
    mine = [row for row in rows if row["event_partition_key"] == event]
    output.print_line(f"{ws.store.url} at {ws.as_of:%Y-%m-%d %H:%M} UTC ({ws.source_name})")
    for notice in notices(rows, ws.as_of):
        output.print_line(f"*** {notice} ***")
    if race:
        _show_sessions(event, mine)
        output.print_line(f"weather: {_weather(mine)}")
        predicted = (suffix_of(Stage.PREDICT, row["session_name_abr"]) for row in mine if row.get("finished_utc"))
        issued = sorted(filter(None, predicted))
        output.print_line(f"predicted: {', '.join(issued) or 'not yet'}")
    _show_stages(rows)
    _show_errors(rows, event)
    counts = Counter(row.get("status", "?") for row in rows if row["session_name_abr"] in SESSIONS)
    output.print_plain("sessions: " + ", ".join(f"{count} {status}" for status, count in sorted(counts.items())))
    if lacking := results_lacking(Rows(rows)):
        output.print_plain(f"no model yet: {lacking} more results of races are needed to train one")
    steps = due_steps(rows, ws.as_of, has_weather=ws.has_weather, has_past_weather=ws.has_past_weather)
    output.print_plain("due now: " + ("; ".join(f"{s.stage} ({s.reason})" for s in steps) or "nothing"))
    moment, what = next_due(rows, ws.as_of, has_weather=ws.has_weather)
    output.print_plain(f"next: {what}, {clock_words(moment, ws.as_of)}")


def conflicts(store: ObjectStore, rows: Iterable[TrackingRow], kind: str = "conflicts") -> list[dict[str, Any]]:
    """List what the sources of one session state differently, or which of its values were refused or revised.

    Parameters
    ----------
    store : ObjectStore
        The lake: each session's note holds its conflicts.
    rows : iterable of TrackingRow
        The tracking rows; those with ``conflicts`` are looked up.
    kind : str
        ``conflicts``, ``refused`` for values that cannot be (`f1lib.sources.plausible`), or ``revised`` for values that
        differ from the answer before.

    Returns
    -------
    list of dict
        One a driver and column: ``event``, ``session``, ``driver_id``, ``column`` and a value a source; of what was
        refused, ``value`` and ``reason``; of what was revised, ``was`` and ``is``.
    """
    from f1lib.bronze.ingest import note_key
    from f1lib.lake.integrity import readable_json

    found = []
    for row in rows:
        if row.get("conflicts"):
            note = readable_json(store, note_key(Unit.of_row(row)))  # `f1 doctor` says which cannot be read
            place = {"event": row["event_partition_key"], "session": row["session_name_abr"]}
            found += [place | conflict for conflict in note.get("provenance", {}).get(kind) or note.get(kind, [])]
    return found


def calendar_warnings(store: ObjectStore) -> list[str]:
    """Return what was corrected or refused in the calendars of the lake, oldest season first."""
    from f1lib.lake import paths
    from f1lib.lake.integrity import readable_json

    seasons = sorted(paths.seasons_of_schedules(store.list(paths.SCHEDULES_PREFIX)))
    notes = (readable_json(store, paths.schedule_note(season)) for season in seasons)
    return [line for note in notes for line in note.get("provenance", {}).get("warnings", ())]


def _show(found: list[dict[str, Any]], names: list[str], title: str) -> None:
    rows = ([row.get(name, "") for name in (*_PLACE, *names)] for row in found)
    output.print_table([*_PLACE, *names], rows, title=title)


def _show_conflicts(found: list[dict[str, Any]]) -> None:
    if not found:
        output.print_plain("the sources agree on every session that more than one of them has")
        return
    names = [name for name in found[0] if name not in _PLACE]
    _show(found, names, f"{len(found)} differences between {' and '.join(names)}")


def _show_sessions(event: str, rows: Iterable[TrackingRow]) -> None:
    cells = []
    for row in sorted(filter(is_session, rows), key=lambda row: (row["available_utc"], row["session_name_abr"])):
        trouble = "; ".join(filter(None, [row.get("missing"), row.get("last_error")]))
        status = f"{row['status']}, partial" if row.get("is_partial") else row["status"]
        values = (row["session_date_utc"], status, row.get("source", ""), trouble, row.get("next_attempt_utc", ""))
        cells.append((short_name(row["session_name_abr"]), *values))
    columns = ("session", "start", "status", "from", "lacks, or last error", "asked again")
    output.print_table(columns, cells, no_wrap=columns[:4], title=event)


def _weather(rows: Iterable[TrackingRow]) -> str:
    from f1lib.bronze.weather import QUANTITIES

    row = next((row for row in rows if row["session_name_abr"] == WEATHER_ROW), None)
    told = row.get("acted_on") if row else None
    if not row or not told:
        return (row and row.get("last_error")) or "no forecast yet"
    parts = []
    for session, values in told.items():
        known = [
            f"{QUANTITIES[name].label} {value:g} {QUANTITIES[name].unit}".strip()
            for name, value in values.items()
            if value is not None and name in QUANTITIES
        ]
        parts.append(f"{session} {', '.join(known) or 'unknown'}")
    late = f" (last asked in vain: {row['last_error']})" if row.get("last_error") else ""
    return f"{'; '.join(parts)}, asked {row.get('finished_utc', '?')}{late}"


def _show_stages(rows: Iterable[TrackingRow]) -> None:
    cells = []
    for row in rows:
        key = StageKey.parse(row["session_name_abr"])
        if row["event_partition_key"] == PIPELINE and key and not key.suffix:
            values = (row.get(name, "") for name in ("status", "finished_utc", "last_error", "next_attempt_utc"))
            cells.append((key.name, *values))
    output.print_table(("stage", "status", "finished", "last error", "tried again"), cells)


def _show_errors(rows: Iterable[TrackingRow], event: str) -> None:
    """Print the newest errors of other weekends, a line each, at most five."""
    other = [r for r in rows if r["event_partition_key"] not in (event, PIPELINE) and r.get("last_error")]
    other = [r for r in other if r.get("status") in TROUBLED or r.get("is_partial")]
    for row in sorted(other, key=lambda r: r.get("updated_at_utc", ""), reverse=True)[:5]:
        where = f"{row['event_partition_key']} {row['session_name_abr']}"
        output.print_plain(f"{row['status']}: {where}: {row['last_error']}")
