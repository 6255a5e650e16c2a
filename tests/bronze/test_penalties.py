"""Entering and withdrawing grid penalties, and the file of them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from f1lib.bronze import penalties
from f1lib.domain.weekend import EventKey
from f1lib.errors import BadParameters, Damaged
from f1lib.lake import penalties as lake_penalties
from f1lib.lake.paths import penalties_key
from f1lib.tracking.stage_keys import PENALTIES_ROW
from f1lib.workspace.workspace import Workspace
from tests.support.entered import entered_lake

EVENT = EventKey(2025, "Abu Dhabi Grand Prix")
NOW = datetime(2025, 12, 6, 16, tzinfo=UTC)
ENTRY = {"driver": "VER", "penalty": 10, "event": str(EVENT), "announced_at": "2025-12-06T15:40:00Z"}


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return entered_lake(tmp_path / "lake")


def _entered(ws: Workspace, driver: str = "VER", penalty: Any = 10, at: str = "", event: EventKey = EVENT) -> Any:
    row = ws.tracking.get(str(event), "R")
    return penalties.announced(ws.store, row, driver, penalty, at, ws.as_of, "command")


def _tick(ws: Workspace, file: Path | None = None, at: datetime = NOW) -> tuple[bool, Any]:
    changed = penalties.bring_in(ws.store, ws.tracking, ws.tracking.rows(), file, at)
    return changed, (ws.tracking.get(str(EVENT), PENALTIES_ROW) or {}).get("content_hash")


@pytest.mark.parametrize("driver", ["VER", "ver", "Max Verstappen", "max-verstappen"])
def test_a_driver_is_named_in_any_usual_way(ws: Workspace, driver: str) -> None:
    assert _entered(ws, driver).driver_id == "max-verstappen"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"driver": "FOO"}, "driver 'FOO' is not known; there are HAM, VER"),
        ({"penalty": "a lot"}, "penalty 'a lot': expected a number of places from 1 to 100, pit_lane or back_of_grid"),
        ({"penalty": 0}, "penalty 0"),
        ({"penalty": "-3"}, "penalty"),
        ({"at": "tonight"}, "ISO 8601"),
        ({"event": EventKey(2025, "Qatar Grand Prix")}, "the race of 2025_Qatar_Grand_Prix started at 2025-11-30"),
        ({"event": EventKey(2025, "Moon Grand Prix")}, "no such session is in the calendar"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_with_a_reason(ws: Workspace, given: dict[str, Any], message: str) -> None:
    with pytest.raises(BadParameters, match=message):
        _entered(ws, **given)


def test_a_penalty_is_entered_once_and_entered_again_after_it_was_withdrawn(ws: Workspace) -> None:
    penalty = _entered(ws, at="2025-12-06T15:40:00Z")
    assert penalties.add(ws.store, EVENT, penalty)
    assert not penalties.add(ws.store, EVENT, penalty)
    assert penalties.withdraw(ws.store, EVENT, "VER", NOW) == [penalty]
    with pytest.raises(
        BadParameters, match="max-verstappen has no grid penalty for the race of 2025_Abu_Dhabi_Grand_Prix"
    ):
        penalties.withdraw(ws.store, EVENT, "VER", NOW)
    assert penalties.add(ws.store, EVENT, penalty)
    assert [p.withdrawn_utc for p in lake_penalties.read(ws.store, EVENT)] == ["2025-12-06T16:00:00Z", ""]


def test_the_row_of_the_next_race_changes_with_what_is_known_and_only_then(ws: Workspace) -> None:
    assert _tick(ws) == (False, None)
    penalties.add(ws.store, EVENT, _entered(ws, at="2025-12-06T17:00:00Z"))
    assert _tick(ws) == (False, None)  # not announced yet
    changed, first = _tick(ws, at=NOW.replace(hour=17))
    assert changed
    assert first
    assert _tick(ws, at=NOW.replace(hour=18)) == (False, first)
    penalties.withdraw(ws.store, EVENT, "VER", NOW.replace(hour=19))
    changed, last = _tick(ws, at=NOW.replace(hour=19))
    assert changed
    assert last not in (None, first)
    ws.store.delete(penalties_key(EVENT))
    with pytest.raises(Damaged, match=r"Abu_Dhabi_Grand_Prix.json is missing.*f1 doctor --repair"):
        _tick(ws, at=NOW.replace(hour=20))


def _file(folder: Path, *entries: dict[str, Any]) -> Path:
    lines = ["penalties:", *(f"  - {{{', '.join(f'{k}: {v}' for k, v in entry.items())}}}" for entry in entries)]
    file = folder / penalties.FILE
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def test_the_file_s_penalties_of_the_next_race_are_taken_in_once_they_are_announced(
    ws: Workspace, tmp_path: Path
) -> None:
    later = {**ENTRY, "driver": "HAM", "penalty": "pit_lane", "announced_at": "2025-12-06T20:00:00Z"}
    old, next_year = ({**ENTRY, "event": key} for key in ("2025_Qatar_Grand_Prix", "2026_Australian_Grand_Prix"))
    file = _file(tmp_path, ENTRY, later, old, next_year)
    assert _tick(ws, file)[0]
    assert [(p.driver_id, p.penalty, p.entered_by) for p in lake_penalties.read(ws.store, EVENT)] == [
        ("max-verstappen", 10, "file")
    ]
    penalties.withdraw(ws.store, EVENT, "VER", NOW)
    assert _tick(ws, file, NOW.replace(hour=20))[0]
    held = lake_penalties.read(ws.store, EVENT)
    assert [(p.driver_id, bool(p.withdrawn_utc)) for p in held] == [("max-verstappen", True), ("lewis-hamilton", False)]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"driver": "VER"}, "entry 1: expected announced_at, driver, event, penalty and, for a sprint's, session: S"),
        ({**ENTRY, "colour": "red"}, "entry 1: expected"),
        ({**ENTRY, "driver": "FOO"}, "penalties.yml, entry 1: driver 'FOO' is not known"),
        ({**ENTRY, "penalty": "many"}, "penalties.yml, entry 1: penalty 'many'"),
        ({**ENTRY, "event": "2025_Moon_Grand_Prix"}, "penalties.yml, entry 1: 2025_Moon_Grand_Prix is not in the cal"),
        ({**ENTRY, "event": "Moon"}, "penalties.yml, entry 1: event 'Moon' is not of the form"),
        ({**ENTRY, "announced_at": "soon"}, "penalties.yml, entry 1: 'soon' is not an ISO 8601 moment"),
        ({**ENTRY, "session": "Q"}, "penalties.yml, entry 1: session 'Q'"),
    ],
    ids=str,
)
def test_a_wrong_entry_of_the_file_is_named(ws: Workspace, tmp_path: Path, entry: dict[str, Any], message: str) -> None:
    with pytest.raises(BadParameters, match=message):
        _tick(ws, _file(tmp_path, entry))


@pytest.mark.parametrize("text", ["- VER", "penalties: VER", "penalty: []", "penalties: [", "5"])
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / penalties.FILE
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadParameters, match=r"penalties.yml"):
        penalties.entries(file)


def test_the_file_of_the_project_has_no_entry_and_shows_a_complete_one(root: Path, tmp_path: Path) -> None:
    file = root / "parameters" / penalties.FILE
    assert penalties.entries(file) == []
    lines = [line.removeprefix("#") for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("#  ")]
    example = tmp_path / penalties.FILE
    example.write_text("\n".join(["penalties:", *lines]), encoding="utf-8")
    assert [entry["driver"] for entry in penalties.entries(example)] == ["VER"]
