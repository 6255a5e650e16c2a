"""Writing gold rows, and the note beside them that says which silver files they were made from (law 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from f1lib.domain.moments import format_utc
from f1lib.gold.read_silver import Silver
from f1lib.lake import features, fingerprint
from f1lib.lake.parquet import parquet_bytes
from f1lib.lake.paths import gold_note
from f1lib.lake.provenance import code_version
from f1lib.lake.store import read_json, write_json
from f1lib.tracking.rows import SessionRow, Status, TrackingRow, key_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from f1lib.lake.store import ObjectStore
    from f1lib.workspace.workspace import Workspace


def write_rows(
    ws: Workspace, key: str, rows: pd.DataFrame, silver: Silver, digests: Mapping[str, str] | None = None
) -> None:
    """Put gold rows under ``key`` and, beside them, where they come from; ``digests`` as in `write_note`."""
    content = parquet_bytes(rows)
    ws.store.write(key, content)
    write_note(ws, key, rows, silver, fingerprint.of_bytes(content), digests)


def write_note(
    ws: Workspace, key: str, rows: pd.DataFrame, silver: Silver, sha256: str, digests: Mapping[str, str] | None = None
) -> None:
    """Say beside the gold rows under ``key`` (their bytes have ``sha256``) that they reflect ``silver`` (law 7).

    ``digests`` are those of `gold_reuse.input_digests`, for rows that the next run may keep.
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
    write_json(ws.store, gold_note(key), note)


def is_current(store: ObjectStore, key: str, silver: Silver) -> bool:
    """Whether the rows under ``key`` are what exactly this ``silver`` gives, be they made from it or kept."""
    return store.exists(gold_note(key)) and read_json(store, gold_note(key))["inputs"] == silver.hashes


def mark_in_gold(ws: Workspace, waiting: list[TrackingRow], path: str) -> None:
    """Move tracking rows that were ``silver`` before silver was read to ``gold``."""
    change: SessionRow = {"status": Status.GOLD, "gold_path": path, "updated_at_utc": format_utc(ws.as_of)}
    keys: list[SessionRow] = [{"event_partition_key": e, "session_name_abr": n} for e, n in map(key_of, waiting)]
    ws.tracking.put_rows(key | change for key in keys)
