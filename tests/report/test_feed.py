"""The feed as its readers read it: every prediction and score once, under ids and times that stay."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import feedparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from f1lib.lake import paths_published as paths
from f1lib.lake.store import LocalStore
from f1lib.predictions.archive import history_keys
from f1lib.report import feed
from f1lib.report.pages import environment
from f1lib.report.rounds import Round
from tests.support.made_up_predictions import accuracy_entries
from tests.support.site_lake import NOW, SITE, issued, round_of

LATER = datetime(2025, 12, 8, 9, tzinfo=UTC)


def _feed(
    store: LocalStore, rounds: list[Round], *, site: str = "", as_of: datetime = NOW, source: str = "f1db"
) -> bytes:
    data = feed.feed_xml(
        store, history_keys(store), rounds, site=site, as_of=as_of, source=source, rights="F1DB, CC BY 4.0"
    )
    store.write(paths.FEED, data)
    return data


def _parsed(data: bytes) -> Any:
    found = feedparser.parse(data)
    assert not found.bozo, found.get("bozo_exception")
    assert found.version == "atom10"
    return found


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    store = LocalStore(tmp_path)
    issued(store, "2025-12-04T10:00:00Z", "pre_weekend")
    issued(store, "2025-12-06T16:00:00Z", "post_qualifying")
    return store


def _score(**changes: Any) -> dict[str, Any]:
    entry: Any = accuracy_entries(1).to_dict("records")[0]
    return {**entry, "winner": "Driver Number 1", "predicted_winner": "Driver Number 0", "p_winner": 0.231, **changes}


def test_each_prediction_and_the_score_is_an_entry_newest_first(store: LocalStore) -> None:
    entries = _parsed(_feed(store, [round_of(score=_score())], site=SITE)).entries
    assert [entry.title for entry in entries] == [
        "2025 Abu Dhabi Grand Prix: Driver Number 1 won, given 23 %",
        "2025 Abu Dhabi Grand Prix, after qualifying: Number 0 43 %, Number 1 30 %, Number 2 17 %",
        "2025 Abu Dhabi Grand Prix, before the weekend: Number 0 43 %, Number 1 30 %, Number 2 17 %",
    ]
    assert {entry.link for entry in entries} == {f"{SITE}races/2025/Abu_Dhabi_Grand_Prix.html"}
    assert [tag.term for entry in entries for tag in entry.tags] == ["score", "prediction", "prediction"]
    assert "Our favourite was Driver Number 0." in entries[0].summary
    assert "Driver Number 0, Mclaren: 43 %, podium" in entries[1].summary


def test_an_address_is_relative_where_the_site_is_not_known(store: LocalStore) -> None:
    found = _parsed(_feed(store, []))
    assert {entry.links[0].href for entry in found.entries} == {"races/2025/Abu_Dhabi_Grand_Prix.html"}
    assert sorted(link.href for link in found.feed.links) == ["feed.xml", "index.html"]


def test_the_same_lake_writes_the_same_bytes_again_and_anew(store: LocalStore) -> None:
    rounds = [round_of(score=_score())]
    first = _feed(store, rounds)
    assert _feed(store, rounds, as_of=LATER) == first
    store.delete(paths.FEED)
    assert _feed(store, rounds, as_of=LATER) == first


def test_a_prediction_that_is_in_the_feed_is_not_read_again(store: LocalStore) -> None:
    first = _feed(store, [])
    for key in history_keys(store):
        store.write(key, b"damaged since")
    assert _feed(store, []) == first


def test_a_score_that_was_corrected_keeps_its_id_and_is_updated(store: LocalStore) -> None:
    before = _parsed(_feed(store, [round_of(score=_score())])).entries[0]
    after = _parsed(_feed(store, [round_of(score=_score(mae=9.0))], as_of=LATER)).entries[0]
    assert (after.id, after.published) == (before.id, before.published)
    assert (before.updated, after.updated) == ("2025-12-07T15:30:00Z", "2025-12-08T09:00:00Z")
    again = _parsed(_feed(store, [round_of(score=_score(mae=9.0))], as_of=LATER.replace(hour=12))).entries[0]
    assert again.updated == after.updated


def test_another_address_of_the_site_changes_links_and_no_id_of_an_entry(store: LocalStore) -> None:
    before, after = _parsed(_feed(store, [])), _parsed(_feed(store, [], site=SITE))
    assert [entry.id for entry in after.entries] == [entry.id for entry in before.entries]
    assert all(entry.link.startswith(SITE) for entry in after.entries)


def test_only_the_newest_entries_are_kept(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "KEPT", 2)
    entries = _parsed(_feed(store, [round_of(score=_score())])).entries
    assert [entry.published for entry in entries] == ["2025-12-07T15:30:00Z", "2025-12-06T16:00:00Z"]


def test_simulated_data_is_called_so_in_the_feed_and_in_each_entry(store: LocalStore) -> None:
    found = _parsed(_feed(store, [round_of(score=_score())], source="simulated"))
    assert all(title.startswith("SIMULATED: ") for title in [found.feed.title, *(e.title for e in found.entries)])


def test_a_feed_that_was_damaged_is_written_anew(store: LocalStore) -> None:
    first = _feed(store, [])
    store.write(paths.FEED, first[: len(first) // 2])
    assert _feed(store, []) == first


@settings(deadline=None)
@given(name=st.text(max_size=40))
def test_whatever_a_driver_is_called_the_feed_is_valid(name: str) -> None:
    entry = feed._scored(round_of(score=_score(winner=name)), "", "")
    macros: Any = environment().get_template("feed.xml.j2").module
    text = f'<feed xmlns="http://www.w3.org/2005/Atom">{macros.entry(entry, entry.published)}</feed>'
    assert len(_parsed(text.encode()).entries) == 1
