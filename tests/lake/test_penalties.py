"""What is known of an event's grid penalties at a moment, and a document that was changed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from f1lib.domain.moments import parse_utc
from f1lib.domain.weekend import EventKey
from f1lib.errors import Damaged
from f1lib.lake import penalties
from f1lib.lake.paths import penalties_key
from f1lib.lake.penalties import Announced
from f1lib.lake.store import LocalStore

EVENT = EventKey(2025, "Abu Dhabi Grand Prix")
ANNOUNCED, WITHDRAWN = "2025-12-06T15:40:00Z", "2025-12-06T18:00:00Z"


def test_a_penalty_is_known_from_its_announcement_until_it_is_withdrawn() -> None:
    penalty = Announced("max-verstappen", "R", 10, ANNOUNCED, "2025-12-06T17:00:00Z", "command", WITHDRAWN)
    from_, until, second = parse_utc(ANNOUNCED), parse_utc(WITHDRAWN), timedelta(seconds=1)
    found = [penalties.known([penalty], "R", at) for at in (from_ - second, from_, until - second, until)]
    assert found == [[], [penalty], [penalty], []]
    assert penalties.known([penalty], "S", from_) == []


def test_what_was_entered_is_read_back_and_an_edited_document_is_refused(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    assert penalties.read(store, EVENT) == []
    penalty = Announced("max-verstappen", "R", "pit_lane", ANNOUNCED, ANNOUNCED, "file")
    penalties.update(store, EVENT, lambda old: [*old, penalty])
    assert penalties.read(store, EVENT) == [penalty]
    assert penalty.words == "start from the pit lane"
    key = penalties_key(EVENT)
    store.write(key, store.read(key).replace(b"pit_lane", b"back_of_grid"))
    with pytest.raises(Damaged, match=r"Abu_Dhabi_Grand_Prix.json is not the file that was written.*f1 doctor"):
        penalties.read(store, EVENT)
