"""Store the answer of one session in its bronze folder.

An answer is a parquet file a frame and a JSON note with the hashes of the files. A folder without its note is half
written and never read. The answer that was there before is kept as a revision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pandas as pd

from f1lib.domain.moments import format_utc, parse_utc
from f1lib.lake import fingerprint, integrity, paths
from f1lib.lake.parquet import parquet_bytes, read_parquet
from f1lib.lake.store import ObjectStore, find, write_json
from f1lib.sources.combined import differences
from f1lib.sources.protocols import SessionData

# An answer that lacks one of these is incomplete; without weather or messages it is not.
_REQUIRED = {"laps", "official_results"}


@dataclass(frozen=True)
class Stored:
    """State of one session in bronze after its answer was stored.

    ``content_hash`` is the hash of all files; ``is_whole`` is False when parts are missing that can be had later;
    ``missing`` names each missing part and the reason; ``revised`` the values that differ from the answer before.
    """

    content_hash: str
    is_whole: bool
    missing: str
    revised: list[dict[str, Any]] = field(default_factory=list)


def store_answer(
    store: ObjectStore, base: str, note_key: str, data: SessionData, source: str, as_of: datetime
) -> Stored:
    """Write an answer's frames to folder ``base``, then the note that makes them count.

    An answer equal to the stored one is left alone, so its note keeps the time of the first fetch; one of which a file
    is lost or damaged is written anew. For a changed one the old note is removed first, so that no reader meets new
    files under an old note, and the old answer is kept under ``revisions/<time it was fetched>/``. Frames that an
    incomplete answer lacks are kept from the stored one.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    base : str
        Folder of the session, see `paths.session_folder`.
    note_key : str
        Key of the note, see `ingest.note_key`.
    data : SessionData
        The answer.
    source : str
        Name of the source, written to every row as column ``source``; ``provenance["sources"]`` names another one for
        some frames.
    as_of : datetime
        Time of the fetch, aware UTC.

    Returns
    -------
    Stored
        What the lake holds of the session now.

    Raises
    ------
    StorageError
        When the lake cannot be read or written.
    """
    old = integrity.notes(store, [note_key]).get(note_key)
    wrong = integrity.wrong_files(store, integrity.hashes_of(note_key, old)) if old else {}
    of_frame = data.provenance.get("sources", {})
    named = {name: frame.assign(source=of_frame.get(name, source)) for name, frame in sorted(data.frames.items())}
    contents = {f"{name}.parquet": parquet_bytes(frame) for name, frame in named.items()}
    kept = [name for name in _kept_files(old, data) if f"{base}/{name}" not in wrong]
    contents = dict(sorted((contents | {name: store.read(f"{base}/{name}") for name in kept}).items()))
    hashes = fingerprint.of_files(contents)
    event, session = paths.parse_session_folder(base)
    note: dict[str, Any] = {"event_partition_key": event, "session": session}
    note |= {"content_hash": fingerprint.of_answer(hashes), "fetched_utc": format_utc(as_of), "files": hashes}
    if kept:
        note["kept"] = sorted(kept)
    note |= {"provenance": data.provenance, "warnings": data.warnings}
    if old and not wrong:
        if old["content_hash"] == note["content_hash"]:
            return stored_of({**note, "revised": old.get("revised", [])})
        if revised := _revised(store, base, old, named):
            note["revised"] = revised
        _move_to_revisions(store, base, note_key, old)
    else:
        store.delete(note_key)
    for name, content in contents.items():
        store.write(f"{base}/{name}", content)
    write_json(store, note_key, note)
    return stored_of(note)


def stored_of(note: dict[str, Any]) -> Stored:
    """Return what the lake holds of a session by its note."""
    provenance, kept = note["provenance"], note.get("kept", ())
    told = provenance.get("facts", {}).items()
    facts = {name: why for name, why in told if f"{name}.parquet" not in note["files"]}
    if "results.parquet" in kept:
        facts.pop("official_results", None)
    is_whole = bool(provenance.get("complete", True)) or (bool(kept) and not facts.keys() & _REQUIRED)
    missing = "; ".join(f"{name} {why}" for name, why in facts.items())
    return Stored(note["content_hash"], is_whole, missing, note.get("revised", []))


def _revised(
    store: ObjectStore, base: str, old: dict[str, Any], frames: Mapping[str, pd.DataFrame]
) -> list[dict[str, Any]]:
    """Return the values of the results that were revised, as `differences` does: ``was`` and ``is``."""
    if "results.parquet" not in old["files"] or "results" not in frames:
        return []
    return differences(read_parquet(store, f"{base}/results.parquet"), frames["results"], "was", "is")


def _kept_files(old: dict[str, Any] | None, data: SessionData) -> list[str]:
    """Return the files of the old answer that an incomplete new one lacks.

    Its results belong to them when they are official and the new ones are not.
    """
    if old is None or data.provenance.get("complete", True):
        return []
    missing = [name for name in old["files"] if name.removesuffix(".parquet") not in data.frames]
    was_official = "official_results" not in old["provenance"].get("facts", {})
    is_official = "official_results" not in data.provenance.get("facts", {})
    return [*missing, "results.parquet"] if was_official and not is_official else missing


def set_aside(store: ObjectStore, base: str, note_key: str) -> None:
    """Make a revision of the stored answer of a session, as of one that is still to be held.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    base : str
        Folder of the session, see `paths.session_folder`.
    note_key : str
        Key of the note, see `ingest.note_key`; without one there is nothing to do.
    """
    old = integrity.notes(store, [note_key]).get(note_key)
    if old:
        _move_to_revisions(store, base, note_key, old)
    store.delete(note_key)


def bring_back(store: ObjectStore, note_key: str, moment: datetime) -> dict[str, Any] | None:
    """Replace the stored answer of a session by the revision that stood at a moment; later ones are deleted.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    note_key : str
        Key of the note, see `ingest.note_key`; its answer was fetched after ``moment``.
    moment : datetime
        Aware UTC.

    Returns
    -------
    dict or None
        The note that counts now; None when the lake has no whole revision of that time, and then no answer.
    """
    folder, _, name = note_key.rpartition("/")
    kept = sorted(key for key in store.list(paths.revisions_prefix(note_key)) if key.endswith(f"/{name}"))
    known = integrity.notes(store, [note_key, *kept])
    late = [key for key in kept if key > paths.revision_of(note_key, moment)]
    stood = [key for key in kept if key in known and key not in late][-1:]
    whole = [key for key in stood if not integrity.wrong_files(store, integrity.hashes_of(key, known[key]))]
    _delete(store, [note_key], known)
    for key in whole:
        for path, file in paths.files_of_note(key, known[key]["files"]).items():
            store.write(f"{folder}/{file}", store.read(path))
        write_json(store, note_key, known[key])
    _delete(store, [*late, *whole], known)
    return known[whole[0]] if whole else None


def _delete(store: ObjectStore, notes: list[str], known: Mapping[str, dict[str, Any]]) -> None:
    """Delete answers, the note of each first."""
    for key in notes:
        for name in (key, *paths.files_of_note(key, known[key]["files"] if key in known else ())):
            store.delete(name)


def _move_to_revisions(store: ObjectStore, base: str, note_key: str, old: dict[str, Any]) -> None:
    """Copy the stored answer to its revision, note last, then delete it, note first."""
    fetched, files = parse_utc(old["fetched_utc"]), [f"{base}/{name}" for name in old["files"]]
    for key in (*files, note_key):
        content = find(store, key)
        if content is not None:  # a lost file
            store.write(paths.revision_of(key, fetched), content)
    for key in (note_key, *files):
        store.delete(key)
