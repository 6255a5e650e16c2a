"""Bronze: one answer into its folder, the one before it kept as a revision, and nothing that was there lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from f1lib.domain.moments import format_utc, parse_utc
from f1lib.lake import fingerprint, paths
from f1lib.lake.parquet import parquet_bytes
from f1lib.lake.store import read_json, write_json

if TYPE_CHECKING:
    from datetime import datetime

    from f1lib.lake.store import ObjectStore
    from f1lib.sources.protocols import SessionData

# What a session without weather or messages is whole without, it is not whole without.
_NEEDED = {"laps", "official_results"}


@dataclass(frozen=True)
class Stored:
    """What the lake holds of a session now; ``missing`` says what it lacks and why."""

    content_hash: str
    is_whole: bool
    missing: str


def store_answer(
    store: ObjectStore, base: str, note_key: str, data: SessionData, source: str, as_of: datetime
) -> Stored:
    """Write an answer's frames to folder ``base``, each row naming its source, then the note that makes them count.

    An answer equal to the one in the lake is left alone: its note keeps the moment it was first seen. A
    changed one takes the old note away first, so that no reader meets new files under an old note; the old answer
    stays under ``revisions/<when it was fetched>/``. What an incomplete answer lacks is kept from before.
    """
    old = read_json(store, note_key) if store.exists(note_key) else None
    named = {name: frame.assign(source=source) for name, frame in sorted(data.frames.items())}
    contents = {f"{name}.parquet": parquet_bytes(frame) for name, frame in named.items()}
    kept = _kept(old, data)
    contents = dict(sorted((contents | {name: store.read(f"{base}/{name}") for name in kept}).items()))
    facts = {name: why for name, why in data.provenance.get("facts", {}).items() if f"{name}.parquet" not in contents}
    if "results.parquet" in kept:
        facts.pop("official_results", None)
    is_whole = bool(data.provenance.get("complete", True)) or (bool(kept) and not facts.keys() & _NEEDED)
    hashes = fingerprint.of_files(contents)
    digest = fingerprint.of_answer(hashes)
    stored = Stored(digest, is_whole, "; ".join(f"{name} {why}" for name, why in facts.items()))
    if old is not None:
        if old["content_hash"] == digest:
            return stored
        _put_aside(store, base, note_key, old)
    for name, content in contents.items():
        store.write(f"{base}/{name}", content)
    event, session = paths.parse_session_folder(base)
    note: dict[str, Any] = {"event_partition_key": event, "session": session}
    note |= {"content_hash": digest, "fetched_utc": format_utc(as_of), "files": hashes}
    if kept:
        note["kept"] = sorted(kept)
    write_json(store, note_key, {**note, "provenance": data.provenance, "warnings": data.warnings})
    return stored


def _kept(old: dict[str, Any] | None, data: SessionData) -> list[str]:
    """The files of the old answer that an incomplete new one has not; its results too when only they are official."""
    if old is None or data.provenance.get("complete", True):
        return []
    missing = [name for name in old["files"] if name.removesuffix(".parquet") not in data.frames]
    was_official = "official_results" not in old["provenance"].get("facts", {})
    is_official = "official_results" not in data.provenance.get("facts", {})
    return [*missing, "results.parquet"] if was_official and not is_official else missing


def _put_aside(store: ObjectStore, base: str, note_key: str, old: dict[str, Any]) -> None:
    """Copy the answer that was known until now to its revision, note last; then take it away, note first."""
    fetched, files = parse_utc(old["fetched_utc"]), [f"{base}/{name}" for name in old["files"]]
    for key in (*files, note_key):
        store.write(paths.revision_of(key, fetched), store.read(key))
    for key in (note_key, *files):
        store.delete(key)
