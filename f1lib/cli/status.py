"""``f1 status``: the weekend at hand at a glance, and what the sources state differently."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from f1lib.cli import output
from f1lib.cli.layout import Column
from f1lib.cli.options import DONE, workspace_of
from f1lib.domain.moments import format_utc, parse_utc
from f1lib.lake.store import ObjectStore
from f1lib.pipeline.next_due import clock_words, next_due
from f1lib.pipeline.plan import due_steps, next_race
from f1lib.tracking.index import Rows, is_session, notices
from f1lib.tracking.rows import PIPELINE, TROUBLED, SessionRow, TrackingRow
from f1lib.tracking.stage_keys import SESSIONS, WEATHER_ROW, Stage, StageKey, short_name, suffix_of
from f1lib.tracking.units import Unit
from f1lib.workspace.lake_kind import check_not_lost
from f1lib.workspace.workspace import Workspace

NAME = "status"
_PLACE = ["event", "session", "driver_id", "column"]
HELP = "what is known of the weekend at hand, and what is due next"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--conflicts`` and ``--json``."""
    form = parser.add_mutually_exclusive_group()
    text = "what the sources state differently, and what was refused or revised"
    form.add_argument("--conflicts", action="store_true", help=text)
    form.add_argument("--json", action="store_true", dest="as_json", help="the same as a document")


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
        document = state(ws)
        (output.print_json if arguments.as_json else _show_state)(document)
    return DONE


def state(ws: Workspace) -> dict[str, Any]:
    """Describe the next race's sessions, weather and predictions, the stages, the last errors, and what is due.

    Raises `StorageError` when the lake has data and its tracking table is lost. Times are in UTC.
    """
    from f1lib.pipeline.rules import results_lacking

    rows = ws.tracking.rows()
    check_not_lost(ws.store, rows)
    race = next_race(rows, ws.as_of)
    event = race["event_partition_key"] if race else ""
    steps = due_steps(rows, ws.as_of, has_weather=ws.has_weather, has_past_weather=ws.has_past_weather)
    moment, what = next_due(rows, ws.as_of, has_weather=ws.has_weather)
    counts = Counter(row.get("status", "?") for row in rows if row["session_name_abr"] in SESSIONS)
    return {
        "lake": ws.store.url,
        "source": ws.source_name,
        "as_of_utc": format_utc(ws.as_of),
        "is_empty": not rows,
        "notices": notices(rows, ws.as_of),
        "next_race": _weekend(race, [row for row in rows if row["event_partition_key"] == event]) if race else None,
        "stages": _stages(rows),
        "errors": _errors(rows, event),
        "sessions": dict(sorted(counts.items())),
        "results_lacking": results_lacking(Rows(rows)),
        "steps": [{"stage": step.stage, "reason": step.reason} for step in steps],
        "next": {"at_utc": format_utc(moment), "what": what},
    }


def _weekend(race: SessionRow, rows: Sequence[TrackingRow]) -> dict[str, Any]:
    predicted = (suffix_of(Stage.PREDICT, row["session_name_abr"]) for row in rows if row.get("finished_utc"))
    sessions = sorted(filter(is_session, rows), key=lambda row: (row["available_utc"], row["session_name_abr"]))
    return {
        "event": race["event_partition_key"],
        "start_utc": race["session_date_utc"],
        "sessions": [
            {
                "session": short_name(row["session_name_abr"]),
                "start_utc": row["session_date_utc"],
                "status": row["status"],
                "is_partial": bool(row.get("is_partial")),
                "source": row.get("source", ""),
                "trouble": "; ".join(filter(None, [row.get("missing"), row.get("last_error")])),
                "next_attempt_utc": row.get("next_attempt_utc"),
            }
            for row in sessions
        ],
        "weather": _weather(rows),
        "predicted": sorted(filter(None, predicted)),
    }


def _stages(rows: Iterable[TrackingRow]) -> list[dict[str, Any]]:
    names = ("status", "finished_utc", "last_error", "next_attempt_utc")
    keys = ((StageKey.parse(row["session_name_abr"]), row) for row in rows if row["event_partition_key"] == PIPELINE)
    return [{"stage": k.name, **{n: row.get(n) for n in names}} for k, row in keys if k and not k.suffix]


def _errors(rows: Iterable[TrackingRow], event: str) -> list[dict[str, Any]]:
    """List the newest errors of other weekends, at most five."""
    other = [r for r in rows if r["event_partition_key"] not in (event, PIPELINE) and r.get("last_error")]
    other = [r for r in other if r.get("status") in TROUBLED or r.get("is_partial")]
    other.sort(key=lambda r: r.get("updated_at_utc", ""), reverse=True)
    names = ("event_partition_key", "session_name_abr", "status", "last_error")
    return [{name: row.get(name) for name in names} for row in other[:5]]


def _show_state(state: dict[str, Any]) -> None:
    if state["is_empty"]:
        output.print_line(f"lake {state['lake']} is empty; `f1 run` fills it")
        return
    now = parse_utc(state["as_of_utc"])
    output.print_line(f"{state['lake']} at {now:%Y-%m-%d %H:%M} UTC ({state['source']})")
    for notice in state["notices"]:
        output.print_line(f"*** {notice} ***")
    if race := state["next_race"]:
        _show_weekend(race)
    _show_stages(state["stages"])
    for error in state["errors"]:
        where = f"{error['event_partition_key']} {error['session_name_abr']}"
        output.print_line(f"{error['status']}: {where}: {error['last_error']}")
    output.print_line("sessions: " + ", ".join(f"{count} {status}" for status, count in state["sessions"].items()))
    if lacking := state["results_lacking"]:
        output.print_line(f"no model yet: {lacking} more results of races are needed to train one")
    output.print_line("due now: " + ("; ".join(f"{s['stage']} ({s['reason']})" for s in state["steps"]) or "nothing"))
    output.print_line(f"next: {state['next']['what']}, {clock_words(parse_utc(state['next']['at_utc']), now)}")


def _show_weekend(race: dict[str, Any]) -> None:
    columns = [Column("session"), Column("start", rank=1), Column("status"), Column("from", rank=3)]
    columns += [Column("asked again", "again", rank=4)]
    rows, troubles = [], dict[str, list[str]]()
    for row in race["sessions"]:
        status = f"{row['status']}, partial" if row["is_partial"] else row["status"]
        times = _moment(row["start_utc"]), _moment(row["next_attempt_utc"])
        rows.append((row["session"], times[0], status, row["source"], times[1]))
        troubles.setdefault(row["trouble"], []).append(row["session"])
    output.print_table(columns, rows, title=f"{race['event']}, {output.local_time(race['start_utc'])}")
    for trouble, sessions in troubles.items():
        if trouble:
            output.print_line(f"{', '.join(sessions)}: {trouble}")
    output.print_line(f"weather: {race['weather']}")
    output.print_line(f"predicted: {', '.join(race['predicted']) or 'not yet'}")


def _show_stages(stages: Iterable[dict[str, Any]]) -> None:
    columns = [Column("stage"), Column("status"), Column("finished", rank=1)]
    columns += [Column("last error", wraps=True, rank=2), Column("tried again", "again", rank=3)]
    rows = []
    for row in stages:
        times = _moment(row["finished_utc"]), _moment(row["next_attempt_utc"])
        rows.append((row["stage"], row["status"] or "", times[0], row["last_error"] or "", times[1]))
    output.print_table(columns, rows)


def _moment(text: str | None) -> tuple[str, str]:
    """Return the two forms of a time in a table: 2025-12-06T14:00:00Z and 12-06 14:00Z."""
    return text or "", f"{text[5:10]} {text[11:16]}Z" if text else ""


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
    columns = [Column("event", rank=4), Column("session"), Column("driver_id", "driver"), Column("column")]
    columns += [Column(name, wraps=name == "reason", rank=number) for number, name in enumerate(names)]
    rows = ([row.get(name, "") for name in (*_PLACE, *names)] for row in found)
    output.print_table(columns, rows, title=title)


def _show_conflicts(found: list[dict[str, Any]]) -> None:
    if not found:
        output.print_line("the sources agree on every session that more than one of them has")
        return
    names = [name for name in found[0] if name not in _PLACE]
    _show(found, names, f"{len(found)} differences between {' and '.join(names)}")


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
