"""Several upstreams of timing: the first with laps, what the others had, and the error that leaves most hope."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from f1lib.domain.weekend import EventKey
from f1lib.errors import ClosedForNow, NotPublishedYet, RateLimited, SourceBlocked, SourceError
from f1lib.sources.protocols import SessionData
from f1lib.sources.timing import TimingInOrder

KEY, NOW = EventKey(2025, "Australian Grand Prix"), datetime(2025, 3, 16, tzinfo=UTC)


class Told:
    """An upstream that gives the frames it is told to, or fails."""

    attribution = ""

    def __init__(self, name: str, frames: str = "", error: SourceError | None = None, **provenance: Any) -> None:
        self.name, self.error, self.asked, self.first_season = name, error, 0, 2018
        self._frames = {frame: pd.DataFrame({"from": [name]}) for frame in frames.split()}
        route = dict.fromkeys(self._frames, f"{name}'s host")
        self._provenance = {"source": name, "complete": True, "route": route} | provenance

    def session(self, key: EventKey, session: str, as_of: datetime) -> SessionData:
        self.asked += 1
        if self.error:
            raise self.error
        return SessionData(self._frames, self._provenance)

    starting_grid = session


def asked(*timing: Told) -> SessionData:
    return TimingInOrder(timing[0], timing).session(KEY, "R", NOW)  # type: ignore[arg-type]


def test_the_first_with_laps_answers_and_nobody_else_is_asked() -> None:
    first, second = Told("fastf1", "laps results"), Told("openf1", "laps results")
    assert asked(first, second).provenance["source"] == "fastf1"
    assert second.asked == 0
    assert asked(second, first).provenance["source"] == "openf1", "the order is the setting's"


def test_official_results_stay_beside_the_laps_of_the_next_and_every_frame_has_its_source() -> None:
    refused = {"laps": "blocked: timing refuses us", "weather": "blocked: timing refuses us"}
    first = Told("fastf1", "results", facts=refused, complete=False, sources={"results": "jolpica"})
    second = Told("openf1", "laps weather results", facts={"official_results": "unavailable: no grid"}, complete=False)
    found = asked(first, second)
    assert {name: frame["from"].iloc[0] for name, frame in found.frames.items()} == {
        "laps": "openf1",
        "weather": "openf1",
        "results": "fastf1",
    }
    assert found.provenance["source"] == "openf1"
    assert found.provenance["sources"] == {"results": "jolpica"}
    assert (found.provenance["facts"], found.provenance["complete"]) == ({}, True)
    assert found.provenance["route"]["results"] == "fastf1's host"


def test_one_that_fails_is_passed_over_and_said() -> None:
    found = asked(Told("fastf1", error=SourceBlocked("403")), Told("openf1", "laps results"))
    assert found.provenance["tried"] == [{"source": "fastf1", "error": "403"}]
    assert found.warnings == ["fastf1 has it not: 403"]


def test_results_without_laps_are_better_than_nothing_and_say_whether_laps_may_still_come() -> None:
    first = Told("fastf1", "results", facts={"laps": "blocked: timing refuses us"}, complete=False)
    assert asked(first, Told("openf1", error=SourceError("down"))).provenance["facts"] == {
        "laps": "later: blocked: timing refuses us; openf1: down"
    }
    facts = asked(first, Told("openf1", error=NotPublishedYet("none"))).provenance["facts"]
    assert facts == {"laps": "blocked: timing refuses us; openf1: none"}
    facts = asked(first, Told("openf1", error=ClosedForNow("a session runs"))).provenance["facts"]
    assert facts == {"laps": "later: blocked: timing refuses us; openf1: a session runs"}


@pytest.mark.parametrize(
    ("errors", "kind"),
    [
        ((SourceBlocked("403"), ClosedForNow("a session runs")), ClosedForNow),
        ((SourceError("500"), NotPublishedYet("not yet")), ClosedForNow),
        ((NotPublishedYet("not yet"), NotPublishedYet("not yet")), NotPublishedYet),
        ((SourceBlocked("403"), SourceError("500")), SourceBlocked),
        ((NotPublishedYet("not yet"), RateLimited("wait", 60.0)), RateLimited),
        ((SourceError("500"), SourceError("timed out")), SourceError),
    ],
)
def test_when_nobody_has_it_the_error_is_the_one_that_leaves_most_hope_and_names_all(
    errors: tuple[SourceError, SourceError], kind: type[SourceError]
) -> None:
    with pytest.raises(kind) as caught:
        asked(Told("fastf1", error=errors[0]), Told("openf1", error=errors[1]))
    assert type(caught.value) is kind
    assert str(caught.value) == f"fastf1: {errors[0]}; openf1: {errors[1]}"
    if isinstance(caught.value, RateLimited):
        assert caught.value.retry_after_seconds == 60.0


def test_a_season_before_an_upstream_s_first_is_not_asked_of_it() -> None:
    first, second = Told("fastf1", error=NotPublishedYet("none")), Told("openf1", "laps")
    second.first_season = 2026
    with pytest.raises(NotPublishedYet, match=r"^none$"):
        asked(first, second)
    first.first_season = 2026
    with pytest.raises(SourceError, match="no upstream of timing reaches back to 2025"):
        asked(first, second)
    assert (first.asked, second.asked) == (1, 0)
