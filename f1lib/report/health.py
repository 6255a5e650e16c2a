"""Health of the pipeline as JSON: sessions by status, sources, stages, open errors, from the tracking rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from f1lib.lake.paths_published import without_folders
from f1lib.tracking.rows import STORED, TO_COME, TROUBLED, Status, TrackingRow
from f1lib.tracking.stage_keys import StageKey

_COUNTED = (Status.UNAVAILABLE, Status.FAILED, Status.BLOCKED)
_ERROR_LENGTH = 400


def pipeline(rows: Sequence[TrackingRow], page_of: Callable[[str, str], str | None]) -> dict[str, Any]:
    """Summarize the tracking rows for the dashboard and ``run_summary.json``.

    ``sessions``: how many have each status; ``sources``: see `sources`; ``stages``: the last outcome of each, newest
    first; ``errors``: what failed last and will be tried again; ``unavailable``: what was never held or published.
    ``page_of(run_id, name)`` is the link of an executed notebook, None when there is none.
    """
    counts: dict[str, int] = {}
    for row in rows:
        if StageKey.parse(row["session_name_abr"]) is None:
            status = str(row.get("status", "unknown"))
            counts[status] = counts.get(status, 0) + 1
    stages = sorted(_stages(rows, page_of), key=lambda s: (str(s["finished_utc"] or ""), s["stage"]), reverse=True)
    failing = [row for row in rows if row.get("last_error") and row.get("status") not in STORED]
    return {
        "sessions": dict(sorted(counts.items())),
        "sources": sources(rows),
        "stages": stages,
        "errors": [_error(row) for row in failing if row.get("status") != Status.UNAVAILABLE],
        Status.UNAVAILABLE: [_error(row) for row in failing if row.get("status") == Status.UNAVAILABLE],
    }


def sources(rows: Iterable[TrackingRow]) -> list[dict[str, Any]]:
    """Summarize the tracking rows by source.

    A row per source: how many sessions and grids are ``stored``, still ``to_come``, not published (``unavailable``),
    ``failed`` or ``blocked``; when it answered last, and its last error.
    """
    found: dict[str, list[TrackingRow]] = {}
    for row in rows:
        if row.get("source"):
            found.setdefault(str(row["source"]), []).append(row)
    return [_source(name, own) for name, own in sorted(found.items())]


def _source(name: str, rows: Sequence[TrackingRow]) -> dict[str, Any]:
    failing = [row for row in rows if row.get("last_error") and row.get("status") in TROUBLED | {Status.DUE}]
    failing.sort(key=lambda row: str(row.get("updated_at_utc", "")))
    stored = [row for row in rows if row.get("status") in STORED]
    return {
        "source": name,
        "stored": len(stored),
        "to_come": sum(row.get("status") in TO_COME for row in rows),
        **{str(status): sum(row.get("status") == status for row in rows) for status in _COUNTED},
        "last_answer_utc": max((str(row.get("updated_at_utc", "")) for row in stored), default=None),
        "last_error": without_folders(str(failing[-1]["last_error"]))[:_ERROR_LENGTH] if failing else None,
    }


def _stages(rows: Iterable[TrackingRow], page_of: Callable[[str, str], str | None]) -> Iterator[dict[str, Any]]:
    """Yield the stages that ran or run; inputs that pass through the layers, such as a grid, have stage keys too."""
    for row in rows:
        key = StageKey.parse(row["session_name_abr"])
        if key and key.name[:2].isdigit() and (row.get("run_id") or row.get("last_error")):
            yield _stage(row, key, page_of)


def _stage(row: TrackingRow, key: StageKey, page_of: Callable[[str, str], str | None]) -> dict[str, Any]:
    event, run = row["event_partition_key"], row.get("run_id")
    notebook = "-".join(part for part in (key.name, event if key.suffix else "", key.suffix) if part)
    return {
        "stage": f"{key.name} {key.suffix}".strip(),
        "event_partition_key": event,
        "status": str(row.get("status", "unknown")),
        "finished_utc": row.get("finished_utc"),
        "run_id": run,
        "href": page_of(str(run), notebook) if run else None,
    }


def _error(row: TrackingRow) -> dict[str, Any]:
    return {
        "event_partition_key": row["event_partition_key"],
        "session_name_abr": row["session_name_abr"],
        "status": row.get("status", "unknown"),
        "attempts": int(row.get("attempts") or 0),
        "last_error": without_folders(str(row["last_error"]))[:_ERROR_LENGTH],
    }
