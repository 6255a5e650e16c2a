"""Write gold rows with a note that names the silver files they were made from, and record them in tracking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from f1lib.domain.moments import format_utc
from f1lib.gold.read_silver import Silver
from f1lib.lake import features, fingerprint, integrity
from f1lib.lake.parquet import parquet_bytes
from f1lib.lake.paths import gold_note
from f1lib.lake.penalties import Announced
from f1lib.lake.provenance import code_version
from f1lib.lake.store import ObjectStore, write_json
from f1lib.tracking.rows import SessionRow, Status, TrackingRow, key_of
from f1lib.tracking.table import TrackingTable
from f1lib.workspace.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd


def write_rows(
    ws: Workspace,
    key: str,
    rows: pd.DataFrame,
    silver: Silver,
    digests: Mapping[str, str] | None = None,
    penalties: Mapping[str, Sequence[Announced]] | None = None,
) -> None:
    """Write gold rows as Parquet, and their note beside them.

    Parameters
    ----------
    ws : Workspace
        Lake, ``as_of`` and run of the note.
    key : str
        Key of the Parquet file.
    rows : pd.DataFrame
        Gold rows, one per event, session, horizon and driver.
    silver : Silver
        The silver tables the rows were computed from.
    digests, penalties : Mapping, optional
        As in `write_note`.
    """
    content = parquet_bytes(rows)
    ws.hold()
    ws.store.write(key, content)
    write_note(ws, key, rows, silver, fingerprint.of_bytes(content), digests, penalties)


def write_note(
    ws: Workspace,
    key: str,
    rows: pd.DataFrame,
    silver: Silver,
    sha256: str,
    digests: Mapping[str, str] | None = None,
    penalties: Mapping[str, Sequence[Announced]] | None = None,
) -> None:
    """Write the note of the gold rows under ``key``: counts, provenance, and hashes of the silver inputs.

    Parameters
    ----------
    ws : Workspace
        Lake, ``as_of`` and run of the note.
    key : str
        Key of the Parquet file; the note is stored at `gold_note` of it.
    rows : pd.DataFrame
        The gold rows in the file.
    silver : Silver
        The silver tables that the rows reflect.
    sha256 : str
        SHA-256 of the file.
    digests : Mapping[str, str], optional
        Event -> digest from `f1lib.gold.incremental.input_digests`, for rows that the next build may keep.
    penalties : Mapping[str, Sequence[Announced]], optional
        Session -> grid penalties that its provisional grid is made from.
    """
    note = {
        "rows": len(rows),
        "events": int(rows["event_partition_key"].nunique()),
        "seasons": sorted({int(year) for year in rows["event_year"]}),
        "horizons": sorted(rows["horizon"].unique().tolist()),
        "sources": silver.sources,
        "as_of_utc": format_utc(ws.as_of),
        "run_id": ws.run_id,
        "code_version": code_version(),
        "features": features.feature_names(),
        "inputs": silver.hashes,
        "sha256": sha256,
        "digests": dict(digests or {}),
    }
    if penalties:
        note["penalties"] = {session: [asdict(penalty) for penalty in used] for session, used in penalties.items()}
    write_json(ws.store, gold_note(key), note)


def is_current(store: ObjectStore, key: str, silver: Silver) -> bool:
    """Tell whether the rows under ``key`` reflect exactly these silver files.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    key : str
        Key of the gold rows.
    silver : Silver
        Silver as read; the hashes of its files are compared with those in the note.

    Returns
    -------
    bool
        False as well when there is no note.
    """
    return bool(integrity.readable_json(store, gold_note(key)).get("inputs") == silver.hashes)


def mark_in_gold(tracking: TrackingTable, waiting: list[TrackingRow], path: str, as_of: datetime) -> None:
    """Set the status of tracking rows to ``gold``.

    Parameters
    ----------
    tracking : TrackingTable
        Where the rows are changed.
    waiting : list[TrackingRow]
        The rows with status ``silver`` listed before silver was read.
    path : str
        ``gold_path`` of the rows.
    as_of : datetime
        ``updated_at_utc`` of the rows.
    """
    change: SessionRow = {"status": Status.GOLD, "gold_path": path, "updated_at_utc": format_utc(as_of)}
    keys: list[SessionRow] = [{"event_partition_key": e, "session_name_abr": n} for e, n in map(key_of, waiting)]
    tracking.put_rows(key | change for key in keys)
