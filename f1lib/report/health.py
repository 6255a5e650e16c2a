"""The pipeline's health as JSON: sessions by status, sources, stages, open errors, all from the tracking rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from f1lib.tracking.rows import Row

STAGE = "STAGE#"
_STORED = ("ingested", "silver", "gold")
_TO_COME = ("scheduled", "due")
_ERROR_LENGTH = 400


def pipeline(rows: Sequence[Row], page_of: Callable[[str, str], str | None]) -> dict[str, Any]:
    """What the dashboard and ``run_summary.json`` say of the pipeline.

    ``sessions``: how many of each status; ``sources``: see `sources`; ``stages``: the last outcome of each, newest
    first; ``errors``: what failed last and will be tried again; ``unavailable``: what was never held or published.
    ``page_of(run_id, name)`` is the link of an executed notebook, None where there is none.
    """
    counts: dict[str, int] = {}
    for row in rows:
        if not row["session_name_abr"].startswith(STAGE):
            status = str(row.get("status", "unknown"))
            counts[status] = counts.get(status, 0) + 1
    stages = [_stage(row, page_of) for row in rows if _was_run(row)]
    stages.sort(key=lambda s: (str(s["finished_utc"] or ""), s["stage"]), reverse=True)
    failing = [row for row in rows if row.get("last_error") and row.get("status") not in _STORED]
    return {
        "sessions": dict(sorted(counts.items())),
        "sources": sources(rows),
        "stages": stages,
        "errors": [_error(row) for row in failing if row.get("status") != "unavailable"],
        "unavailable": [_error(row) for row in failing if row.get("status") == "unavailable"],
    }


def sources(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """A row a source: how many sessions and grids it gave (``stored``), has ``to_come``, did not publish
    (``unavailable``), ``failed`` to give or ``blocked``, when it answered last and its last error."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row.get("source"):
            found.setdefault(str(row["source"]), []).append(row)
    return [_source(name, own) for name, own in sorted(found.items())]


def _source(name: str, rows: Sequence[Row]) -> dict[str, Any]:
    failing = [row for row in rows if row.get("last_error") and row.get("status") in ("due", "failed", "blocked")]
    failing.sort(key=lambda row: str(row.get("updated_at_utc", "")))
    stored = [row for row in rows if row.get("status") in _STORED]
    return {
        "source": name,
        "stored": len(stored),
        "to_come": sum(row.get("status") in _TO_COME for row in rows),
        **{status: sum(row.get("status") == status for row in rows) for status in ("unavailable", "failed", "blocked")},
        "last_answer_utc": max((str(row.get("updated_at_utc", "")) for row in stored), default=None),
        "last_error": str(failing[-1]["last_error"])[:_ERROR_LENGTH] if failing else None,
    }


def _was_run(row: Mapping[str, Any]) -> bool:
    """A row of a stage that ran or runs, not one of the inputs that climb the layers under the same prefix."""
    name = str(row["session_name_abr"]).removeprefix(STAGE)
    return name != row["session_name_abr"] and name[:2].isdigit() and bool(row.get("run_id") or row.get("last_error"))


def _stage(row: Row, page_of: Callable[[str, str], str | None]) -> dict[str, Any]:
    name, _, suffix = str(row["session_name_abr"]).removeprefix(STAGE).partition("#")
    event, run = str(row["event_partition_key"]), row.get("run_id")
    notebook = "-".join(part for part in (name, event if suffix else "", suffix) if part)
    return {
        "stage": f"{name} {suffix}".strip(),
        "event_partition_key": event,
        "status": str(row.get("status", "unknown")),
        "finished_utc": row.get("finished_utc"),
        "run_id": run,
        "href": page_of(str(run), notebook) if run else None,
    }


def _error(row: Row) -> dict[str, Any]:
    return {
        "event_partition_key": row["event_partition_key"],
        "session_name_abr": row["session_name_abr"],
        "status": row.get("status", "unknown"),
        "attempts": int(row.get("attempts") or 0),
        "last_error": str(row["last_error"])[:_ERROR_LENGTH],
    }
