"""The bronze files that silver is built from, as the notes and the tracking table name them, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from f1lib.lake import fingerprint, integrity, paths
from f1lib.lake.store import ObjectStore
from f1lib.tracking.index import is_session
from f1lib.tracking.rows import STORED, TrackingRow
from f1lib.tracking.stage_keys import Stage, suffix_of
from f1lib.tracking.units import Unit


@dataclass
class BronzeFiles:
    """Files of one season: the SHA-256 of each by its key, and what is wrong with those that are lost or damaged."""

    hashes: dict[str, str] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)


def note_of_row(row: TrackingRow) -> str | None:
    """Return the key of the note in bronze that a tracking row promises; None for a row that promises none."""
    if is_session(row) and row.get("bronze_path") and row.get("content_hash"):
        unit = Unit.of_row(row)
        return (paths.grid_note if unit.is_grid else paths.session_note)(unit.event, unit.session)
    season = suffix_of(Stage.SCHEDULE, row["session_name_abr"])
    return paths.schedule_note(int(season)) if season and row.get("status") in STORED else None


def bronze_files(store: ObjectStore, seasons: Iterable[int], rows: Iterable[TrackingRow]) -> dict[int, BronzeFiles]:
    """List the files of bronze that count: those that a note names.

    Parameters
    ----------
    store : ObjectStore
        The lake; it is listed and the notes are read, no other file.
    seasons : iterable of int
        Years.
    rows : iterable of TrackingRow
        The tracking table: a session or calendar that it calls stored must have its note.

    Returns
    -------
    dict
        The files of each season. A weather document that silver was built from before is missed when it is gone.
    """
    wanted = sorted(set(seasons))
    promised = {key for row in rows if (key := note_of_row(row))}
    calendars, forecasts = set(store.list(paths.SCHEDULES_PREFIX)), set(store.list(paths.FORECASTS_PREFIX))
    before = integrity.silver_note(store).get("weather", {})
    held = {season: {*store.list(paths.sessions_prefix(season)), *_of(season, calendars)} for season in wanted}
    there = [key for keys in held.values() for key in sorted(keys) if paths.is_note(key)]
    notes = integrity.notes(store, there)
    found: dict[int, BronzeFiles] = {}
    for season, keys in held.items():
        found[season] = BronzeFiles(wrong=integrity.lost_keys(before.get(str(season), ()), forecasts))
        for key in sorted({*_of(season, promised), *(key for key in there if key in keys)}):
            _add(found[season], key, notes.get(key), keys)
    return found


def _add(files: BronzeFiles, key: str, note: dict[str, object] | None, held: set[str]) -> None:
    if note is None:
        files.wrong[key] = integrity.NO_NOTE if key in held else integrity.MISSING
        return
    hashes = integrity.hashes_of(key, note)
    if fingerprint.of_answer(hashes) != note["content_hash"]:
        files.wrong[key] = integrity.CHANGED
    files.hashes |= hashes
    files.wrong |= integrity.lost_keys(hashes, held)


def _of(season: int, keys: Iterable[str]) -> set[str]:
    return {key for key in keys if paths.season_of_key(key) == season}


def stored_seasons(rows: Iterable[TrackingRow]) -> set[int]:
    """Return the seasons of which the tracking table calls anything stored in bronze."""
    return {season for row in rows if (key := note_of_row(row)) and (season := paths.season_of_key(key))}
