"""Integrity of stored files: whether what a note names is there and has the hash that the note gives.

Notes of sessions and calendars in bronze, ``silver/files.json`` and the notes of gold hold the SHA-256 of their files.
A stage reads no file without comparing it: reading costs more than hashing (docs/lake.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from f1lib.domain.moments import is_utc
from f1lib.errors import Damaged
from f1lib.lake import fingerprint, paths
from f1lib.lake.store import each, find, find_json, parse_json

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from f1lib.lake.store import ObjectStore

MISSING, CHANGED, NO_NOTE = "is missing", "is not the file that was written", "has no note that can be read"


def readable_json(store: ObjectStore, key: str) -> dict[str, Any]:
    """Return the JSON object under ``key``; empty where there is none or it is damaged.

    For documents that are derived from others and written anew when they are lost.
    """
    try:
        document = find_json(store, key)
    except Damaged:
        return {}
    return document if isinstance(document, dict) else {}


def notes(store: ObjectStore, keys: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return the notes under ``keys`` that are there and have what every note has; a damaged one is left out."""
    found = zip(keys, each(store, lambda key: readable_json(store, key), keys), strict=True)
    return {key: note for key, note in found if _is_note(note)}


def _is_note(note: Mapping[str, Any]) -> bool:
    documents = (note.get("files"), note.get("provenance"))
    return all(isinstance(d, dict) for d in documents) and "content_hash" in note and is_utc(note.get("fetched_utc"))


def hashes_of(note_key: str, note: Mapping[str, Any]) -> dict[str, str]:
    """Return the SHA-256 that a note of bronze gives for each of its files, by key."""
    named = paths.files_of_note(note_key, note["files"])
    return {key: str(note["files"][name]) for key, name in named.items()}


def wrong_files(store: ObjectStore, hashes: Mapping[str, str]) -> dict[str, str]:
    """Read files and compare them with their SHA-256; return what is wrong with each that differs."""
    found = zip(hashes, each(store, lambda key: _wrong(find(store, key), hashes[key]), hashes), strict=True)
    return {key: what for key, what in found if what}


def _wrong(data: bytes | None, sha256: str) -> str:
    if data is None:
        return MISSING
    return "" if fingerprint.of_bytes(data) == sha256 else CHANGED


def damaged(store: ObjectStore, wrong: Mapping[str, str], then: str) -> Damaged:
    """Return the error that names damaged files.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    wrong : Mapping[str, str]
        What is wrong with each key; at most three are named in the message.
    then : str
        What to do.

    Returns
    -------
    Damaged
        The error, to be raised.
    """
    named = "; ".join(f"{key} {what}" for key, what in list(wrong.items())[:3])
    more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    return Damaged(f"lake {store.url}: {named}{more}: {then}", wrong)


def verified(store: ObjectStore, key: str, sha256: str | None, then: str) -> bytes:
    """Read a file that must have a hash.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    key : str
        Key of the file.
    sha256 : str or None
        The SHA-256 it was written with; None where an older version recorded none.
    then : str
        What to do when it has another one, for the message of the error.

    Returns
    -------
    bytes
        Its content.

    Raises
    ------
    NoSuchKey
        When there is no such file.
    Damaged
        When it has another hash.
    """
    data = store.read(key)
    if sha256 and fingerprint.of_bytes(data) != sha256:
        raise damaged(store, {key: CHANGED}, then)
    return data


def verified_gold(store: ObjectStore, key: str) -> bytes:
    """Read gold rows; raises `NoSuchKey`, or `Damaged` when they have another hash than their note says."""
    note = find_json(store, paths.gold_note(key))
    return verified(store, key, note and note.get("sha256"), "run 04_gold again, or `f1 doctor --repair`")


def verified_run_file(store: ObjectStore, run_id: str, file: str) -> bytes:
    """Read a file of a model run, compared with the hash in its ``_SUCCESS``; one of an older version has none.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    run_id : str
        A finished run.
    file : str
        One of its files.

    Returns
    -------
    bytes
        Its content.

    Raises
    ------
    NoSuchKey
        When it is not there.
    Damaged
        When it has another hash.
    """
    done = paths.run_key(run_id, paths.SUCCESS)
    written = store.read(done)
    hashes = parse_json(store, done, written) if written else {}
    then = "`f1 doctor --repair` lets another run serve and trains again"
    return verified(store, paths.run_key(run_id, file), hashes.get(file), then)


def sealed(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a weather document with the hash of its hours in its envelope, by which `is_sealed` knows it again."""
    return {**document, "f1lib": {**document["f1lib"], "hours_sha256": fingerprint.of_json(document["hourly"])}}


def is_sealed(document: Mapping[str, Any]) -> bool:
    """Whether a weather document is as it was written; one of an older version, without a hash, counts as such."""
    known = document["f1lib"].get("hours_sha256")
    return known is None or bool(known == fingerprint.of_json(document["hourly"]))


def silver_note(store: ObjectStore) -> dict[str, Any]:
    """Return ``silver/files.json``; empty when it is lost, or damaged so that it names what no season of silver has."""
    note = readable_json(store, paths.SILVER_NOTE)
    try:
        named = [(year, _season_of(key)) for part in note.values() for year, keys in part.items() for key in keys]
    except (AttributeError, TypeError):
        return {}
    return note if {*note} <= {"seasons", "weather"} and all(year == season for year, season in named) else {}


def _season_of(key: str) -> str:
    silver, forecast = paths.parse_silver(key), paths.parse_forecast(key)
    return str(silver[1] if silver else forecast.season if forecast else "")


def silver_files(store: ObjectStore) -> dict[int, dict[str, str]]:
    """Return the SHA-256 of the silver files by season and key, from ``silver/files.json``; empty when it is lost."""
    return {int(year): files for year, files in silver_note(store).get("seasons", {}).items()}


def lost_keys(hashes: Iterable[str], held: Collection[str]) -> dict[str, str]:
    """Return what is wrong with the files of ``hashes`` that are not among ``held``."""
    return {key: MISSING for key in hashes if key not in held}
